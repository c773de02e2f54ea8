"""The pre-flight sheet of one broadcast: who would get it now and who would not, what five of them would read, what it costs, who approves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from models import broadcast, duplicate, mass, message, plan, quota
from models.broadcast import Broadcast
from models.config import Config
from models.duplicate import Near
from models.follower import Follower, followers
from models.message import Message
from models.plan import Planner, Step
from models.push import PushSection, rules_of
from models.quota import Standing
from models.segment import SegmentsSection

SAMPLES = 5
CROWD = 20_000  # followers that a sheet is worked out for: of more, every so manieth
_WEEKS = 4  # of the schedules, so that a follower who waits for a slot is told of


class Sample(NamedTuple):
    """What one follower would read."""

    follower: Follower
    way: str
    message: Message


class Cost(NamedTuple):
    """A quota of the account before and after; `calls` are those of this broadcast."""

    standing: Standing
    calls: int


@dataclass(frozen=True)
class Sheet:
    """What would happen if the broadcast began now, and nobody did anything meanwhile. Counts are of all followers."""

    waterfall: list[Step]
    final: int
    by_way: dict[str, int]
    reasons: dict[str, int]  # why the others do not get it
    starved_by: dict[str, int]  # followers who would get it if that broadcast had not been sent
    begins: datetime | None
    ends: datetime | None
    samples: list[Sample]
    costs: list[Cost]
    offence: str | None  # against the platform's rules, in Chinese
    approval: str | None  # why somebody else must approve it
    near: list[Near]  # what was sent lately and says almost the same
    one_in: int  # the sheet was worked out for every so manieth follower

    @property
    def lasts(self) -> timedelta:
        """From the first message to the last."""
        return self.ends - self.begins if self.begins and self.ends else timedelta(0)


def sheet(db: Connection, config: Config, planned: Broadcast, now: datetime, crowd: int = CROWD) -> Sheet:
    """The sheet of a broadcast whose segment exists, saved or not. Nothing is changed."""
    planner = Planner(db, config, now, _WEEKS, one_in=max(1, plan.size(db) // crowd))
    forecast, sending = planner.at_once(planned)
    segment = config[SegmentsSection].named(planned.segment)
    assert segment is not None  # the file was checked
    rules = rules_of(config)
    by_way = {way: forecast.scaled(many) for way, many in sending.by_way.items()}
    return Sheet(
        waterfall=forecast.waterfall(sending),
        final=forecast.scaled(sending.final),
        by_way=by_way,
        reasons={reason: forecast.scaled(len(who)) for reason, who in sending.left_out.items()},
        starved_by={key: forecast.scaled(many) for key, many in sending.starved_by.most_common()},
        begins=sending.begins,
        ends=sending.ends,
        samples=_samples(db, config, planner, planned, forecast.reached(sending), now),
        costs=_costs(db, rules, by_way, now),
        offence=broadcast.offence(planned),
        approval=broadcast.wanted(db, planned, segment.where, rules.approval, now),
        near=duplicate.near(db, planned, now),
        one_in=planner.crowd.one_in,
    )


def _samples(db: Connection, config: Config, planner: Planner, planned: Broadcast, reached: Sequence[int], now: datetime) -> list[Sample]:
    """Five followers from the first to the last, each by the way they would get it."""
    chosen = {reached[at * (len(reached) - 1) // max(1, SAMPLES - 1)] for at in range(SAMPLES)} if reached else set()
    columns = (followers.c.id, followers.c.openid, followers.c.remark)
    rows = db.execute(select(*columns).where(followers.c.id.in_(sorted(chosen))).order_by(followers.c.id)).all()
    ways = planner.ways(planned, [row.id for row in rows], now)
    found = []
    for row in rows:
        one, way = Follower(row.id, row.openid, True, True, row.remark), ways[row.id]
        (said,) = message.preview(db, config, planned, [one], way, now)
        found.append(Sample(one, way, said))
    return found


def _costs(db: Connection, rules: PushSection, by_way: dict[str, int], now: datetime) -> list[Cost]:
    """Of mass messages the calls are lists."""
    calls = {way: -(-many // mass.MOST) if way == "mass" else many for way, many in by_way.items()}
    standings = quota.standing(db, rules.quotas, now)
    return [Cost(one, calls[one.way]) for one in standings if one.way in calls and one.per == "day"]
