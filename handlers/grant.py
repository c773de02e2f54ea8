"""Grants: whoever accepts a subscription notice in a popup lets us send one; who refuses in the settings, none; and what became of it."""

from __future__ import annotations

from handlers.routing import Context, Feature
from models import broadcast, grant
from wechat.inbound.notices import SubscribeMsgChange, SubscribeMsgPopup, SubscribeMsgSent


def answered(ctx: Context, section: object) -> None:
    """One permission for each template they accepted. What they refuse in a popup takes back nothing they gave before."""
    said = ctx.inbound.content
    for item in said.items if isinstance(said, SubscribeMsgPopup) else ():
        if item.accepted and item.template_id:
            grant.give(ctx.db, ctx.follower.id, item.template_id)


def changed(ctx: Context, section: object) -> None:
    """Whatever they refuse in the settings is refused for good."""
    said = ctx.inbound.content
    for item in said.items if isinstance(said, SubscribeMsgChange) else ():
        if not item.accepted and item.template_id:
            grant.revoke(ctx.db, ctx.follower.id, item.template_id, ctx.said_at)


def reported(ctx: Context, section: object) -> None:
    """The notice's delivery is delivered, or failed with the platform's words. Nobody is answered."""
    report = ctx.inbound.content
    for item in report.items if isinstance(report, SubscribeMsgSent) else ():
        if item.msg_id:
            status = "success" if item.error_code == 0 else f"{item.error_code} {item.error_status}"
            broadcast.notice_reported(ctx.db, ctx.inbound.openid, item.template_id, item.msg_id, status, ctx.now)


feature = Feature(
    name="grant",
    events={"subscribe_msg_popup_event": answered, "subscribe_msg_change_event": changed, "subscribe_msg_sent_event": reported},
    default=lambda config: (),
)
