"""A month of check-ins, as a page of a calendar."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, select

from models.clock import business_day
from models.follower import followers
from models.streak import checkins

Mark = Literal["checked", "made_up", "missed", "today", "blank"]

_MONTH = select(checkins.c.day, checkins.c.made_up_at.is_not(None).label("made_up")).where(
    checkins.c.follower_id == bindparam("follower"), checkins.c.day.between(bindparam("first"), bindparam("last"))
)
_SINCE = select(followers.c.first_seen_at).where(followers.c.id == bindparam("follower"))


@dataclass(frozen=True, slots=True)
class Month:
    """The days of a month on which somebody checked in, and whether each was made up for."""

    first: date
    days: Mapping[date, bool]
    since: date  # on earlier days they did not follow yet: none of those was missed
    today: date

    @property
    def made_up(self) -> int:
        """How many of the days were made up for."""
        return sum(self.days.values())

    def mark(self, day: date) -> Mark:
        """What there is to say of a day; `today` where it is not over and they can still check in."""
        if day in self.days:
            return "made_up" if self.days[day] else "checked"
        if day == self.today:
            return "today"
        return "missed" if self.since <= day < self.today else "blank"

    def weeks(self) -> list[list[date | None]]:
        """The days in rows of seven, Monday first; None before the first of the month."""
        days = [self.first + timedelta(days=number) for number in range(monthrange(self.first.year, self.first.month)[1])]
        cells = [None] * self.first.weekday() + days
        return [cells[at : at + 7] for at in range(0, len(cells), 7)]


def of(db: Connection, follower: int, first: date, today: date, zone: ZoneInfo) -> Month:
    """The month that begins on that day."""
    last = first.replace(day=monthrange(first.year, first.month)[1])
    days = {day: bool(made_up) for day, made_up in db.execute(_MONTH, {"follower": follower, "first": first, "last": last})}
    return Month(first, days, business_day(db.execute(_SINCE, {"follower": follower}).scalar_one(), zone), today)
