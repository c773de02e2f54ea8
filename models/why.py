"""Why a follower gets a broadcast the way they do, or not at all: every way, open or closed, and what became of the last run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from models import broadcast, cohort, reservation, route
from models.broadcast import HELD_OUT, Broadcast
from models.budget import Capped, remembered, verdict
from models.config import Config
from models.delivery import deliveries
from models.follower import followers
from models.push import rules_of
from models.route import Verdict
from models.segment import SegmentsSection, understand

_LAST = (
    select(deliveries.c.run_id, deliveries.c.state, deliveries.c.channel, deliveries.c.reason)
    .join(broadcast.runs, broadcast.runs.c.id == deliveries.c.run_id)
    .where(broadcast.runs.c.broadcast == bindparam("key"), deliveries.c.follower_id == bindparam("follower"))
    .order_by(deliveries.c.run_id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Last:
    """What became of the follower's delivery in the newest run they were meant by."""

    run: int
    state: str
    way: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Why:
    """Every way to one follower now: what stands before all of them has the way "". `way`: the one it would go; None: none."""

    verdicts: list[Verdict]
    way: str | None
    last: Last | None


def why(db: Connection, config: Config, planned: Broadcast, follower: int, now: datetime) -> Why:
    """Which way this broadcast would go to this follower if it were due now, and why; nothing is changed."""
    before = [Verdict("", False, reason) for reason in _not_meant(db, config, planned, follower, now)]
    ways = [_within_budget(db, config, planned, follower, one, now) for one in route.explain(db, planned, follower, now)]
    verdicts = before + ways
    shut = any(not one.way for one in verdicts)
    way = None if shut else next((one.way for one in verdicts if one.allowed), None)
    last = db.execute(_LAST, {"key": planned.key, "follower": follower}).one_or_none()
    return Why(verdicts, way, last and Last(*(last[place] for place in range(4))))


def _not_meant(db: Connection, config: Config, planned: Broadcast, follower: int, now: datetime) -> Iterator[str]:
    segment = config[SegmentsSection].named(planned.segment)
    where = understand(segment.where if segment else "all")(now)
    if db.execute(select(followers.c.id).where(followers.c.id == follower, where)).scalar() is None:
        yield f"不在人群 {planned.segment} 里 not in the segment"
    if planned.held_out and cohort.within(follower, f"holdout:{planned.key}", planned.held_out):
        yield HELD_OUT
    if planned.is_marketing and cohort.in_control(follower, rules_of(config).control):
        yield cohort.CONTROL


def _within_budget(db: Connection, config: Config, planned: Broadcast, follower: int, one: Verdict, now: datetime) -> Verdict:
    push = rules_of(config)
    if not one.allowed or one.way == route.PASSIVE:
        return one
    charges = reservation.charges_of(db, [follower], remembered(push, config.zone, now))[follower]
    said = verdict(push, charges, one.way, planned.priority == "urgent", now, config.zone, exempt=planned.is_exempt)
    return Verdict(one.way, False, f"{one.reason}；{said.reason}") if isinstance(said, Capped) else one
