"""Streaks: the business days on which followers checked in, and how many of them were in a row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Date, Index, Integer, Table, UniqueConstraint, bindparam, func, select, update

from models.base import Hot, Instant, follower_id, identity, metadata
from models.clock import business_day

checkins = Table(
    "checkin",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("day", Date, nullable=False),
    Column("streak", Integer, nullable=False),  # so many days in a row up to this one, it included; the first of a run has 1
    Column("earned", Integer, nullable=False),  # the points that were paid for the day, after caps and multipliers
    Column("at", Instant, nullable=False),  # when they said it
    Column("made_up_at", Instant),  # the day was missed and mended then; NULL: they checked in on it
    Column("rank", Integer),  # the how manieth of its day; NULL where the file did not ask for it
    UniqueConstraint("follower_id", "day"),
    Index(None, "day", "id"),
)
_RANKED = checkins.c.rank.is_not(None)
Index(None, checkins.c.day, checkins.c.rank, unique=True, sqlite_where=_RANKED, postgresql_where=_RANKED)

ONE_DAY = timedelta(days=1)

_mine = checkins.c.follower_id == bindparam("follower")
_LATEST = Hot(select(checkins.c.day, checkins.c.streak).where(_mine).order_by(checkins.c.day.desc()).limit(1))
_STREAK_ON = Hot(select(checkins.c.streak).where(_mine, checkins.c.day == bindparam("on")))
_STANDS = Hot(
    select(checkins.c.streak)
    .where(_mine, checkins.c.day.in_((bindparam("today"), bindparam("yesterday"))))
    .order_by(checkins.c.day.desc())
    .limit(1)
)
_STANDING = (
    select(checkins.c.follower_id, checkins.c.streak)
    .where(checkins.c.follower_id.in_(bindparam("people", expanding=True)))
    .where(checkins.c.day.in_((bindparam("today"), bindparam("yesterday"))))
    .order_by(checkins.c.day)
)
_DAYS = Hot(select(func.count()).select_from(checkins).where(_mine))

# The run that begins on the day `next`: all days from then on before another run begins, which is a day with a streak of 1.
_other = checkins.alias("other")
_next_run = (
    select(func.min(_other.c.day))
    .where(_other.c.follower_id == bindparam("follower"), _other.c.day > bindparam("next"), _other.c.streak == 1)
    .scalar_subquery()
)
_run = (_mine, checkins.c.day >= bindparam("next"), checkins.c.day < func.coalesce(_next_run, date.max))
_RUN_FROM = Hot(select(func.count()).select_from(checkins).where(*_run))
_LENGTHEN = Hot(update(checkins).where(*_run).values(streak=checkins.c.streak + bindparam("by")))


def latest(db: Connection, follower: int) -> tuple[date, int] | None:
    """Their last day and the streak on it; None where they never checked in."""
    row = _LATEST.row(db, follower=follower)
    return row and (row[0], row[1])


def streak_on(db: Connection, follower: int, day: date) -> int:
    """How many days in a row they had checked in by that day, that day included; 0 where they did not check in on it."""
    return _STREAK_ON.value(db, follower=follower, on=day) or 0


def current_streak(db: Connection, follower: int, zone: ZoneInfo, now: datetime) -> int:
    """The streak that still stands: today's, or yesterday's while today is not over."""
    today = business_day(now, zone)
    return _STANDS.value(db, follower=follower, today=today, yesterday=today - ONE_DAY) or 0


def current_streaks(db: Connection, people: Collection[int], zone: ZoneInfo, now: datetime) -> dict[int, int]:
    """`current_streak` of all of these at once; who has none is left out."""
    today = business_day(now, zone)
    return dict(db.execute(_STANDING, {"people": list(people), "today": today, "yesterday": today - ONE_DAY}).all())


def days(db: Connection, follower: int) -> int:
    """On how many days they checked in, mended ones included."""
    return _DAYS.value(db, follower=follower) or 0


def run_after(db: Connection, follower: int, day: date) -> int:
    """How many days in a row follow directly on that day, on which they did not check in."""
    return _RUN_FROM.value(db, follower=follower, next=day + ONE_DAY) or 0


def join(db: Connection, follower: int, day: date, streak: int) -> None:
    """The gap on that day is closed and the streak on it is this: afterwards the days that follow directly have theirs reckoned anew."""
    _LENGTHEN.count(db, follower=follower, next=day + ONE_DAY, by=streak)
