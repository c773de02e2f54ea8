"""Reports on subscription notices: the platform names the follower, the template and a number of its own, and none that we gave."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, String, bindparam, case, func, select, update

from models.base import Instant
from models.broadcast.planned import Broadcast
from models.broadcast.run import runs
from models.delivery import LONGEST_MSGID, RECEIPT_LATE, UNREPORTED, deliveries
from models.follower import followers

_CALLED = ("sending", "sent", "unknown")
_WAITING = (
    select(deliveries.c.id, runs.c.plan)
    .join(followers, followers.c.id == deliveries.c.follower_id)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .where(UNREPORTED, followers.c.openid == bindparam("openid"), deliveries.c.state.in_(_CALLED))
    .where(deliveries.c.first_attempt_at > bindparam("earliest", type_=Instant))
    .order_by(deliveries.c.first_attempt_at, deliveries.c.id)
    .limit(20)
)
_REPORT = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"), deliveries.c.state.in_(_CALLED), deliveries.c.msgid.is_(None))
    .values(
        msgid=bindparam("number"),
        state=bindparam("new"),
        reason=case(
            (deliveries.c.state == "unknown", bindparam("why", type_=String)),
            else_=func.coalesce(bindparam("why", type_=String), deliveries.c.reason),
        ),
        lease_until=None,
        settled_at=bindparam("now", type_=Instant),
    )
)


def notice_reported(db: Connection, openid: str, template: str, msgid: str, status: str, now: datetime) -> None:
    """A subscribe_msg_sent_event came: afterwards the oldest delivery of this template that it can belong to is delivered, or failed.

    It may come before the answer to our call did: then it is the answer. What cannot be ours is forgotten.
    """
    if len(msgid) > LONGEST_MSGID:
        return
    for row in db.execute(_WAITING, {"openid": openid, "earliest": now - RECEIPT_LATE}).all():
        notice = Broadcast.model_validate_json(row.plan).subscription
        if notice is not None and notice.template == template:
            well = status == "success"
            values = {"new": "delivered" if well else "failed", "why": None if well else " ".join(status.split())[:60]}
            db.execute(_REPORT, {"delivery": row.id, "number": msgid, "now": now} | values)
            return
