"""Check-ins: one per follower and business day, the points they earn, and who was the first of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from pydantic import Field
from sqlalchemy import CheckConstraint, Column, Connection, Date, Integer, Table, bindparam

from models import earning, milestone, points, streak
from models.base import Hot, insert, metadata
from models.clock import business_day
from models.config import Config
from models.makeup import MakeupRules
from models.milestone import Days, Reached
from models.points import Amount
from models.refusal import Refusal
from models.streak import ONE_DAY, checkins, current_streak, streak_on

__all__ = ["AlreadyCheckedIn", "CheckedIn", "CheckinRules", "check_in", "checkins", "current_streak", "days_ranked", "streak_on"]

# How many ranks of a day were given. One row that everybody waits for: it is locked after what is the follower's own and before what
# comes with it (0015-locks-in-one-order.md), and there are such rows only where the file asks for ranks.
days_ranked = Table(
    "checkin_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("ranked", Integer, nullable=False),
    CheckConstraint("ranked > 0", name="positive"),
)


class CheckinRules(MakeupRules):
    """What a check-in earns."""

    points: Amount = Field(5, description="每次签到的积分")
    streak_bonus: Mapping[Days, Amount] = Field(
        default_factory=dict, description="连续签到到第几天 → 额外奖励的积分，只在签到那天给，补签补到的不给"
    )

    def earned(self, grew: range) -> int:
        """The points of a check-in by which a streak grows by these lengths: `range(7, 8)` on the seventh day in a row."""
        return self.points + sum(bonus for days, bonus in self.streak_bonus.items() if days in grew)


class AlreadyCheckedIn(Refusal):
    """They have checked in on this business day. Details: streak, balance."""


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A check-in that counted, and what it brought."""

    day: date
    streak: int
    earned: int
    balance: int
    rank: int | None
    reached: tuple[Reached, ...]
    times: Fraction  # how many times as many points as usual it earned


_new = insert(checkins).values({name: bindparam(name) for name in ("follower_id", "day", "streak", "earned", "at", "rank")})
_CHECK_IN = Hot(_new.on_conflict_do_nothing(index_elements=[checkins.c.follower_id, checkins.c.day]).returning(checkins.c.id))
_first = insert(days_ranked).values(day=bindparam("day"), ranked=1)
_RANK = Hot(
    _first.on_conflict_do_update(index_elements=[days_ranked.c.day], set_={"ranked": days_ranked.c.ranked + 1}).returning(
        days_ranked.c.ranked
    )
)


def check_in(db: Connection, config: Config, follower: int, rules: CheckinRules, said_at: datetime, *, ranked: bool = False) -> CheckedIn:
    """Afterwards the follower is checked in for the business day on which they said it, once, and paid for it, once.

    Raises AlreadyCheckedIn on the second try of a day. The day is that of the message's own time: a message that the platform repeats
    after midnight belongs to the day it was written on, and where they have checked in on later days already, the streaks of those are
    reckoned anew. `ranked` asks for the how manieth of the day it is: every number once, none left out.

    The streak is read before it is written: whoever calls this holds the follower's row (`follower.seen` does).
    """
    day = business_day(said_at, config.zone)
    before, after = _around(db, follower, day)
    grew = range(max(before, after) + 1, before + after + 2)
    paid = earning.earn(db, config, follower, "checkin", rules.earned(grew), f"checkin:{day.isoformat()}", said_at)
    rank = _RANK.value(db, day=day) if ranked else None  # before any coupon: 0015-locks-in-one-order.md
    reached = _reach(db, config, follower, rules, day - before * ONE_DAY, grew, said_at)
    new = _CHECK_IN.value(db, follower_id=follower, day=day, streak=before + 1, earned=paid.points, at=said_at, rank=rank)
    if new is None:
        raise _already(db, follower, streak_on(db, follower, day))
    if after:
        streak.join(db, follower, day, before + 1)
    balance = points.balance(db, follower) if reached else paid.balance
    return CheckedIn(day, before + 1, paid.points, balance, rank, reached, paid.times)


def _around(db: Connection, follower: int, day: date) -> tuple[int, int]:
    """How many days in a row lead to this one, and how many follow on it: none, but for a check-in that comes late."""
    last, length = streak.latest(db, follower) or (day - timedelta(days=2), 0)
    if last < day:
        return (length if last == day - ONE_DAY else 0), 0
    already = length if last == day else streak_on(db, follower, day)
    if already:
        raise _already(db, follower, already)
    return streak_on(db, follower, day - ONE_DAY), streak.run_after(db, follower, day)


def _already(db: Connection, follower: int, length: int) -> AlreadyCheckedIn:
    return AlreadyCheckedIn(streak=length, balance=points.balance(db, follower))


def _reach(
    db: Connection, config: Config, follower: int, rules: CheckinRules, began: date, grew: range, at: datetime
) -> tuple[Reached, ...]:
    if not rules.milestones and not rules.totals:
        return ()
    in_all = streak.days(db, follower) + 1 if rules.totals else 0
    return tuple(milestone.reach(db, config, follower, rules, began, grew, in_all, at))
