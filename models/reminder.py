"""Reminders before a streak breaks: for those who asked, from when until when they wanted them, and by which message they said so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Column, Connection, Date, Index, Row, String, Table, and_, bindparam, exists, select, update

from models import notice
from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.clock import TimeOfDay, business_day, start_of_day, time_of_day
from models.config import Config, Rules, fill, says
from models.follower import followers
from models.notice import LeavesNotices, notices
from models.refusal import Refusal
from models.streak import ONE_DAY, checkins

# One row for each time they asked: what was asked stays evidence after it was taken back.
reminders = Table(
    "checkin_reminder",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_by", String(200), nullable=False),  # the inbox entry's key
    Column("words", String(200), nullable=False),  # what they said
    Column("stopped_at", Instant),
    Column("stopped_by", String(200)),
    Column("looked_on", Date, nullable=False),  # the last day on which it was seen whether a reminder is due
)
_STANDS = reminders.c.stopped_at.is_(None)
Index("ix_checkin_reminder_stands", reminders.c.follower_id, unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS)
Index("ix_checkin_reminder_looked_on", reminders.c.looked_on, sqlite_where=_STANDS, postgresql_where=_STANDS)

_PIECE = 50


class ReminderRules(Rules):
    """When whoever asked for it is reminded, and of how long a streak."""

    at: TimeOfDay = Field("20:00", description="几点提醒还没签到的人")
    from_streak: Annotated[int, Field(ge=1, le=36500)] = Field(3, description="连续签到到几天以上才提醒")
    text: Annotated[str, says("streak")] = Field("您已经连续签到 {streak} 天，今天还没签到，回复「签到」就不会断", description="提醒的话")

    def due(self, now: datetime, config: Config) -> bool:
        """Whether reminders of this business day are due."""
        return now.astimezone(config.zone).time() >= time_of_day(self.at)


class Reminds(LeavesNotices, Rules):
    """A section that may have reminders."""

    reminder: ReminderRules | None = Field(None, description="签到提醒：粉丝自己要的，连续签到快断的那天晚上提醒一次；不写就没有")

    @property
    def leaves_notices(self) -> bool:
        """Only where there are reminders."""
        return self.reminder is not None


class PushesRefused(Refusal):
    """They told us to send them nothing."""


_new = insert(reminders).values({name: bindparam(name) for name in ("follower_id", "asked_at", "asked_by", "words", "looked_on")})
_ASK = _new.on_conflict_do_nothing(index_elements=[reminders.c.follower_id], index_where=_STANDS)
_STOP = (
    update(reminders)
    .where(reminders.c.follower_id == bindparam("follower"), _STANDS)
    .values(stopped_at=bindparam("at"), stopped_by=bindparam("by"))
)
_REFUSED = select(followers.c.refused_at).where(followers.c.id == bindparam("follower"))


def ask(db: Connection, config: Config, follower: int, rules: ReminderRules, by: str, words: str, at: datetime) -> None:
    """Afterwards they are reminded, from the next time of day on; `by` is the inbox key of the message that says so, kept with it.

    Raises PushesRefused: who wants no messages says first that they do again.
    """
    if db.execute(_REFUSED, {"follower": follower}).scalar() is not None:
        raise PushesRefused
    today = business_day(at, config.zone)
    looked_on = today if rules.due(at, config) else today - ONE_DAY
    db.execute(_ASK, {"follower_id": follower, "asked_at": at, "asked_by": by[:200], "words": words[:200], "looked_on": looked_on})


def stop(db: Connection, follower: int, by: str, at: datetime) -> bool:
    """Afterwards they are not reminded. Returns whether they were until now."""
    return db.execute(_STOP, {"follower": follower, "by": by[:200], "at": at}).rowcount > 0


_EVIDENCE = select(reminders).where(reminders.c.follower_id == bindparam("follower")).order_by(reminders.c.id)


def evidence(db: Connection, follower: int) -> Sequence[Row[Any]]:
    """When they asked to be reminded, by which message and in which words, and when they took it back: the columns of the table, the oldest first."""
    return db.execute(_EVIDENCE, {"follower": follower}).all()


# Reminding

_next = (
    select(reminders.c.id)
    .where(_STANDS, reminders.c.looked_on < bindparam("today"))
    .order_by(reminders.c.looked_on)
    .limit(_PIECE)
    .with_for_update(skip_locked=True)
)
_LOOK = (
    update(reminders)
    .where(reminders.c.id.in_(_next), reminders.c.looked_on < bindparam("today"))
    .values(looked_on=bindparam("today"))
    .returning(reminders.c.follower_id)
)
_today = checkins.alias("today")
_BREAKING = (
    select(checkins.c.follower_id, checkins.c.streak)
    .join(followers, and_(followers.c.id == checkins.c.follower_id, followers.c.subscribed, followers.c.refused_at.is_(None)))
    .where(checkins.c.follower_id.in_(bindparam("people", expanding=True)), checkins.c.day == bindparam("yesterday"))
    .where(checkins.c.streak >= bindparam("least"))
    .where(~exists().where(_today.c.follower_id == checkins.c.follower_id, _today.c.day == bindparam("today")))
    .order_by(checkins.c.follower_id)
)
_NO_NEWS = Hot(
    update(notices)
    .where(notices.c.follower_id == bindparam("follower"), notices.c.key == bindparam("of_today"), notices.c.told_at.is_(None))
    .values(expires_at=bindparam("at"))
)


def remind(db: Connection, config: Config, now: datetime) -> int:
    """Looks at some of those who asked and have not been looked at today: afterwards those whose streak breaks at midnight are told.

    Returns how many it looked at: 0 before the time of day, and once everybody has been.
    """
    section = config.of_kind(Reminds)
    rules = section.reminder if section else None
    if rules is None or not rules.due(now, config):
        return 0
    today = business_day(now, config.zone)
    people = sorted(db.execute(_LOOK, {"today": today}).scalars())
    values = {"people": people, "yesterday": today - ONE_DAY, "today": today, "least": rules.from_streak}
    for follower, streak in db.execute(_BREAKING, values).all() if people else ():
        text, midnight = fill(rules.text, {"streak": streak}), start_of_day(today + ONE_DAY, config.zone)
        notice.leave(db, config, follower, _key(today), text, now, midnight)
    return len(people)


def checked_in(db: Connection, config: Config, follower: int, rules: ReminderRules, day: date, now: datetime) -> None:
    """They have checked in: afterwards a reminder of that day that still waits to be told is not told any more."""
    if day == business_day(now, config.zone) and rules.due(now, config):
        _NO_NEWS.count(db, follower=follower, of_today=_key(day), at=now)


def _key(day: date) -> str:
    return f"streak:{day.isoformat()}"
