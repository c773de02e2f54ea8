"""Birthdays: a day of the calendar or of the lunar one, told by its follower, kept with how it was told, and paid once a year.

A 29 February is kept on the 28th in years that have none, a lunar thirtieth on the last day of its month, and a birthday in a leap month
in the plain one. Only month and day are kept: nobody needs the year.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    null,
    or_,
    select,
    update,
)

from models import earning, lunar, month_day, notice
from models.base import Hot, Instant, follower_id, insert, metadata
from models.clock import TimeOfDay, business_day, start_of_day, time_of_day
from models.config import Config, Rules, fill, says
from models.earning import Earned
from models.follower import followers
from models.lunar import MonthDay
from models.refusal import Refusal

Calendar = Literal["solar", "lunar"]

birthdays = Table(
    "birthday",
    metadata,
    follower_id(primary_key=True),
    Column("calendar", String(5)),  # solar or lunar; NULL, as month and day: they took it back
    Column("month", Integer),
    Column("day", Integer),
    Column("told_at", Instant, nullable=False),  # the message's own time: with its key, the evidence of their consent
    Column("told_by", String(200), nullable=False),  # the inbox key of the message
    Column("changed_on", Date),  # when they told another day than before: once a year
    Column("paid_on", Date),  # the last birthday that was paid for, by its business day
    CheckConstraint("month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31", name="day"),
    Index("ix_birthday_month_day_paid_on", "month", "day", "paid_on"),
)

_YEAR = timedelta(days=365)
_NOT_BEFORE = timedelta(days=340)  # two birthdays are never nearer than a lunar year of 354 days, but for whoever told another one
_BELATED = timedelta(days=3)  # for so long a birthday is made up for, where nothing ran on the day itself
_NEWS_FOR = timedelta(days=7)
_MOST = 50


class BirthdayRules(Rules):
    """What followers hear on their birthday. It is said by the clock, so it stands here."""

    at: TimeOfDay = Field("09:00", description='生日当天几点送、几点说，例如 "09:00"')
    happy: Annotated[str, says("points", "balance")] = Field(
        "生日快乐！送您 {points} 积分，共 {balance}", description="生日当天告诉粉丝的话：能发客服消息就发，不能就加在下一次回复下面"
    )
    happy_only: Annotated[str, says()] = Field("生日快乐！", description="没有写 points.earn.birthday，或那天没有积分时")


class NoSuchDay(Refusal):
    """There is no such day in the calendar. Details: said."""


class ChangedThisYear(Refusal):
    """They told another day less than a year ago. Details: birthday, date (from when on they can change it)."""


@dataclass(frozen=True, slots=True)
class Birthday:
    """A day of the year in one of two calendars."""

    calendar: Calendar
    month: int
    day: int

    def __str__(self) -> str:
        return f"{'农历' if self.calendar == 'lunar' else ''}{self.month}月{self.day}日"

    def is_on(self, day: date) -> bool:
        """Whether it is kept on this day."""
        if self.calendar == "lunar":
            return lunar.is_on(MonthDay(self.month, self.day), day)
        last = calendar.monthrange(day.year, day.month)[1]
        return day.month == self.month and day.day == min(self.day, last)

    def year(self, day: date) -> int:
        """The year of its own calendar that the day is in: a lunar birthday may come twice in one year of the other, or not at all."""
        found = lunar.of(day) if self.calendar == "lunar" else None
        return found.year if found is not None else day.year


def understand(said: str) -> Birthday:
    """The birthday that the words name: 0512, 5月12日, 农历八月十五, 阴历0815. Raises NoSuchDay."""
    plain = said.strip()
    for name in ("农历", "阴历", "農曆", "陰曆", "旧历"):
        if plain.startswith(name):
            found = lunar.read(plain.removeprefix(name).strip(" :：,，"))
            if found is None:
                raise NoSuchDay(said=said)
            return Birthday("lunar", found.month, found.day)
    plain = plain.removeprefix("公历").removeprefix("阳历").strip(" :：,，")
    day = month_day.read(plain)
    # 2000 has a 29 February.
    if day is None or not 1 <= day[0] <= 12 or not 1 <= day[1] <= calendar.monthrange(2000, day[0])[1]:
        raise NoSuchDay(said=said)
    return Birthday("solar", *day)


@dataclass(frozen=True, slots=True)
class Told:
    """What we know now, and what was earned by it: None where today is not the day, or it was paid for before."""

    birthday: Birthday
    earned: Earned | None


_KNOWN = Hot(
    select(birthdays.c.calendar, birthdays.c.month, birthdays.c.day, birthdays.c.changed_on).where(
        birthdays.c.follower_id == bindparam("follower")
    )
)
_new = insert(birthdays).values({name: bindparam(name) for name in ("follower_id", "calendar", "month", "day", "told_at", "told_by")})
_today = bindparam("today", type_=Date)
_long_ago = or_(birthdays.c.changed_on.is_(None), birthdays.c.changed_on <= bindparam("a_year_ago", type_=Date))
# The first time is no change. Whoever took it back and tells another day changes it all the same.
_TELL = Hot(
    _new.on_conflict_do_update(
        index_elements=[birthdays.c.follower_id],
        set_={name: _new.excluded[name] for name in ("calendar", "month", "day", "told_at", "told_by")} | {"changed_on": _today},
        where=_long_ago,
    ).returning(birthdays.c.follower_id)
)
_FORGET = Hot(
    update(birthdays)
    .where(birthdays.c.follower_id == bindparam("follower"), birthdays.c.calendar.is_not(None))
    .values(calendar=null(), month=null(), day=null())
)
_unpaid = or_(birthdays.c.paid_on.is_(None), birthdays.c.paid_on <= bindparam("then", type_=Date))
_PAY = Hot(update(birthdays).where(birthdays.c.follower_id == bindparam("follower"), _unpaid).values(paid_on=_today))


def known(db: Connection, follower: int) -> Birthday | None:
    """What they told; None where they told nothing, or took it back."""
    row = _KNOWN.row(db, follower=follower)
    return Birthday(*row[:3]) if row is not None and row[0] is not None else None


def tell(db: Connection, config: Config, follower: int, birthday: Birthday, message: str, said_at: datetime) -> Told:
    """Afterwards this is their birthday, told by this message; if it is today, it is paid. The same day again changes nothing.

    Another day than before can be told once a year. Raises ChangedThisYear.
    """
    today = business_day(said_at, config.zone)
    if known(db, follower) != birthday:
        values = {"calendar": birthday.calendar, "month": birthday.month, "day": birthday.day, "told_at": said_at, "told_by": message}
        if _TELL.value(db, follower_id=follower, **values, today=today, a_year_ago=today - _YEAR) is None:
            row = _KNOWN.row(db, follower=follower)
            assert row is not None  # the rule that stood in the way is that of a row
            before = Birthday(*row[:3]) if row[0] is not None else ""
            raise ChangedThisYear(birthday=before, date=(row[3] + _YEAR).isoformat())
    return Told(birthday, _pay(db, config, follower, birthday, today, said_at) if birthday.is_on(today) else None)


def forget(db: Connection, follower: int) -> bool:
    """Afterwards their birthday is not kept. Returns whether it was. When they were paid, and changed it, is: or they could begin anew."""
    return bool(_FORGET.count(db, follower=follower))


def _pay(db: Connection, config: Config, follower: int, birthday: Birthday, day: date, at: datetime) -> Earned | None:
    """The birthday on that day is paid for, unless one was less than a year ago; None then."""
    if not _PAY.count(db, follower=follower, then=day - _NOT_BEFORE, today=day):
        return None
    amount = earning.worth(config, "birthday")
    earned = earning.earn(db, config, follower, "birthday", amount, f"birthday:{birthday.year(day)}", at)
    return earned if earned.new else None


def _kept_on(day: date) -> Iterator[Birthday]:
    """The birthdays that are kept on this day."""
    month, found = day.month, lunar.of(day)
    for number in range(day.day, 32) if _is_last(day) else (day.day,):
        yield Birthday("solar", month, number)
    if found is not None and not found.leap:
        for number in range(found.day, lunar.LAST + 1) if found.last else (found.day,):
            yield Birthday("lunar", found.month, number)


def _is_last(day: date) -> bool:
    return (day + timedelta(days=1)).month != day.month


def congratulate(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 followers whose birthday is today have been paid for it and told. Returns how many. A chore.

    It begins at the time of day that the rules have. A birthday of the last three days that nobody was there for is made up for, if it
    was told before it was over.
    """
    rules, local = config.of_kind(BirthdayRules), now.astimezone(config.zone)
    if rules is None:
        return 0
    begun = 0 if local.time() >= time_of_day(rules.at) else 1
    for ago in range(begun, _BELATED.days + 1):
        day = local.date() - timedelta(days=ago)
        found = db.execute(_unpaid_on(day, config)).all()
        for row in found:
            _congratulate(db, config, rules, row.follower_id, Birthday(row.calendar, row.month, row.day), day, now)
        if found:
            return len(found)
    return 0


def _unpaid_on(day: date, config: Config) -> Select[Any]:
    b = birthdays.c
    called = or_(*(and_(b.calendar == one.calendar, b.month == one.month, b.day == one.day) for one in _kept_on(day)))
    due = (
        select(b.follower_id, b.calendar, b.month, b.day)
        .where(called, or_(b.paid_on.is_(None), b.paid_on <= day - _NOT_BEFORE))
        .where(b.told_at < start_of_day(day + timedelta(days=1), config.zone))
        .cte("due")
        .prefix_with("MATERIALIZED")  # or PostgreSQL goes through all birthdays by follower, hoping for the first 50
    )
    return (
        select(due)
        .join(followers, followers.c.id == due.c.follower_id)
        .where(followers.c.subscribed)
        .order_by(due.c.follower_id)
        .limit(_MOST)
        .with_for_update(of=followers, key_share=True, skip_locked=True)
    )


def _congratulate(
    db: Connection, config: Config, rules: BirthdayRules, follower: int, birthday: Birthday, day: date, now: datetime
) -> None:
    earned = _pay(db, config, follower, birthday, day, now)
    if earned is not None:
        notice.leave(db, config, follower, f"birthday:{birthday.year(day)}", wish(rules, earned), now, now + _NEWS_FOR)


def wish(rules: BirthdayRules, earned: Earned) -> str:
    """What is said on a birthday that earned this."""
    values = {"points": earned.points, "balance": earned.balance}
    return fill(rules.happy, values) if earned.points else fill(rules.happy_only, {})
