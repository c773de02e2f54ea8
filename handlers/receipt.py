"""Receipts: the platform reports what became of a template message."""

from __future__ import annotations

from handlers.routing import Context, Feature
from models import delivery
from wechat.inbound.jobs import TemplateSendJobFinish


def template_finished(ctx: Context, section: object) -> None:
    """The delivery is delivered, or failed with the platform's reason. Nobody is answered: there is no chat to answer in."""
    report = ctx.inbound.content
    if isinstance(report, TemplateSendJobFinish) and report.msg_id:
        status = "success" if report.succeeded else report.status
        delivery.receive(ctx.db, report.msg_id, ctx.inbound.openid, status, ctx.now)


feature = Feature(
    name="receipt",
    events={"templatesendjobfinish": template_finished},
    default=lambda config: (),
)
