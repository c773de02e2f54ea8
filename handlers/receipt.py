"""Receipts: the platform reports what became of a template message."""

from __future__ import annotations

from handlers.routing import Context, Feature
from models import delivery


def template_finished(ctx: Context, section: object) -> None:
    """The delivery is delivered, or failed with the platform's reason. Nobody is answered: there is no chat to answer in."""
    if ctx.inbound.msg_id:
        status = ctx.inbound.fields.get("Status", "")
        delivery.receive(ctx.db, ctx.inbound.msg_id, ctx.inbound.openid, status if isinstance(status, str) else "", ctx.now)


feature = Feature(
    name="receipt",
    events={"templatesendjobfinish": template_finished},
    default=lambda config: (),
)
