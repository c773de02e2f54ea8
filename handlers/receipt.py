"""Receipts: the platform reports what became of a template message, and of a mass message."""

from __future__ import annotations

from handlers.routing import Context, Feature
from models import delivery, mass
from wechat.inbound.jobs import MassSendJobFinish, TemplateSendJobFinish


def template_finished(ctx: Context, section: object) -> None:
    """The delivery is delivered, or failed with the platform's reason. Nobody is answered: there is no chat to answer in."""
    report = ctx.inbound.content
    if isinstance(report, TemplateSendJobFinish) and report.msg_id:
        status = "success" if report.succeeded else report.status
        delivery.receive(ctx.db, report.msg_id, ctx.inbound.openid, status, ctx.now)


def mass_finished(ctx: Context, section: object) -> None:
    """The list says how many it reached, and its deliveries what follows from it for each."""
    report = ctx.inbound.content
    if isinstance(report, MassSendJobFinish) and report.msg_id:
        counts = (report.total_count, report.filter_count, report.sent_count, report.error_count)
        mass.receive(ctx.db, report.msg_id, report.status, counts, ctx.now)


feature = Feature(
    name="receipt",
    events={"templatesendjobfinish": template_finished, "masssendjobfinish": mass_finished},
    default=lambda config: (),
)
