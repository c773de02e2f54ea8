"""Check-ins: one per follower and business day, streaks, and the points they earn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Column, Connection, Date, Integer, Table, UniqueConstraint, bindparam, select

from models import earning, points
from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.clock import business_day
from models.config import Config, Rules
from models.points import Amount
from models.refusal import Refusal

checkins = Table(
    "checkin",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("streak", Integer, nullable=False),
    Column("earned", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("follower_id", "day"),
)


class CheckinRules(Rules):
    """What a check-in earns."""

    points: Amount = Field(5, description="每次签到的积分")
    streak_bonus: Mapping[Annotated[int, Field(ge=1, le=36500)], Amount] = Field(
        default_factory=dict, description="连续签到到第几天 → 额外奖励的积分"
    )
    makeup_cost: Amount = Field(0, description="补签一天需要的积分")

    def earned(self, streak: int) -> int:
        """The points of a check-in on the streak-th day in a row."""
        return self.points + self.streak_bonus.get(streak, 0)


class AlreadyCheckedIn(Refusal):
    """They have checked in on this business day. Details: streak, balance."""


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A check-in that counted."""

    day: date
    streak: int
    earned: int
    balance: int


_new = insert(checkins).values({name: bindparam(name) for name in ("follower_id", "day", "streak", "earned", "at")})
_CHECK_IN = Hot(_new.on_conflict_do_nothing(index_elements=[checkins.c.follower_id, checkins.c.day]).returning(checkins.c.id))
_STREAK_ON = Hot(select(checkins.c.streak).where(checkins.c.follower_id == bindparam("follower"), checkins.c.day == bindparam("on")))


def check_in(db: Connection, config: Config, follower: int, rules: CheckinRules, said_at: datetime) -> CheckedIn:
    """Afterwards the follower is checked in for the business day on which they said it, once, and paid for it, once.

    Raises AlreadyCheckedIn on the second try of a day. The day is that of the message's own time: a message that the platform repeats
    after midnight belongs to the day it was written on.
    """
    day = business_day(said_at, config.zone)
    streak = streak_on(db, follower, day - timedelta(days=1)) + 1
    earned = rules.earned(streak)
    if _CHECK_IN.value(db, follower_id=follower, day=day, streak=streak, earned=earned, at=said_at) is None:
        raise AlreadyCheckedIn(streak=streak_on(db, follower, day), balance=points.balance(db, follower))
    done = earning.earn(db, config, follower, "checkin", earned, f"checkin:{day.isoformat()}", said_at)
    return CheckedIn(day, streak, done.points, done.balance)


def streak_on(db: Connection, follower: int, day: date) -> int:
    """How many days in a row they had checked in by that day, that day included; 0 where they did not check in on it."""
    return _STREAK_ON.value(db, follower=follower, on=day) or 0


def current_streak(db: Connection, follower: int, zone: ZoneInfo, now: datetime) -> int:
    """The streak that still stands: today's, or yesterday's while today is not over."""
    today = business_day(now, zone)
    return streak_on(db, follower, today) or streak_on(db, follower, today - timedelta(days=1))
