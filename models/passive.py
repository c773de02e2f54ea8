"""The passive way: a broadcast with `passive` is said below our next reply to what a follower says: free, and outside every limit.

Until its span is over the delivery waits for nobody's call but theirs (broadcast.plan_chunk); afterwards it goes the other ways.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from models import broadcast, delivery, topic
from models.base import Hot, Id, Instant
from models.broadcast import Run
from models.cohort import in_control
from models.config import Config
from models.delivery import PASSIVE_WAITS, deliveries
from models.follower import followers
from models.message import compose, prepare
from models.push import rules_of

SAID = "跟在回复后面说，免费 passive reply"

_NEXT = Hot(
    select(deliveries.c.id, deliveries.c.run_id)
    .join(broadcast.runs, broadcast.runs.c.id == deliveries.c.run_id)
    .join(followers, followers.c.id == deliveries.c.follower_id)
    .where(PASSIVE_WAITS, deliveries.c.follower_id == bindparam("follower"), deliveries.c.id > bindparam("after", type_=Id))
    .where(deliveries.c.lease_until > bindparam("now", type_=Instant), broadcast.runs.c.state == "sending")
    .where(followers.c.subscribed, followers.c.refused_at.is_(None))
    .order_by(deliveries.c.id)
    .limit(1)
)
_SAY = (
    update(deliveries)
    .where(PASSIVE_WAITS, deliveries.c.id == bindparam("delivery"), deliveries.c.lease_until > bindparam("now", type_=Instant))
    .values(
        state=bindparam("new"),
        reason=bindparam("why"),
        revision=bindparam("of"),
        lease_until=None,
        first_attempt_at=bindparam("now", type_=Instant),
        settled_at=bindparam("now", type_=Instant),
    )
)


def say(db: Connection, config: Config, follower: int, now: datetime) -> str | None:
    """What waits to be said below a reply to this follower, one message at a time: whoever asks must say it, nobody is given it again.

    None to whoever refused pushes or left, and nothing of a topic they left, or of marketing to the control group: what waits is then
    skipped, with the reason, when its span is over.
    """
    number = 0
    while (found := _NEXT.row(db, follower=follower, after=number, now=now)) is not None:
        number, run = found[0], broadcast.load(db, found[1])
        if _is_for(db, config, run, follower):
            break
    else:
        return None
    said = {"delivery": number, "now": now, "new": "sent", "why": SAID, "of": run.revision}
    if not db.execute(_SAY, said).rowcount:
        return None  # its span is over at this very moment
    (reserved,) = prepare(db, config, run, [delivery.as_it_is(db, number, now)], now)
    return compose(run, reserved, now.astimezone(config.zone)).text or None


def _is_for(db: Connection, config: Config, run: Run, follower: int) -> bool:
    if run.plan.is_marketing and in_control(follower, rules_of(config).control):
        return False
    return run.plan.topic is None or bool(topic.evidence(db, [follower], run.plan.topic))
