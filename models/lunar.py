"""The lunar calendar: which day of it a day is, and days of it as people write them. Good from 1900 to 2100.

No festival is kept twice: a day of a leap month (2025 has a sixth month and a leap sixth month) is no day of the plain month. And the
thirtieth is the last day of its month, also where that has only twenty-nine: so `12-30` is New Year's Eve, 除夕, in every year.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Annotated, NamedTuple

from borax.calendars.lunardate import MAX_SOLAR_DATE, MIN_SOLAR_DATE, LCalendars, LunarDate
from pydantic import AfterValidator

from models import month_day
from models.config import Looks, wrong

LAST = 30  # of the longest month


class MonthDay(NamedTuple):
    """A day of the lunar year: 12, 23 is 腊月廿三."""

    month: int
    day: int


class Lunar(NamedTuple):
    """A day as the lunar calendar has it. Two of one year compare as they follow one another: a leap month comes behind the plain one."""

    month: int
    leap: bool
    day: int
    last: bool  # of its month
    year: int  # the one that began with the last 春节


@lru_cache(maxsize=1024)
def of(day: date) -> Lunar | None:
    """The lunar day of a day; None before 1900-01-31 and after 2101-01-28, where the tables end."""
    if not MIN_SOLAR_DATE <= day <= MAX_SOLAR_DATE:
        return None
    found = LunarDate.from_solar(day)
    last = found.day == LCalendars.ndays(found.year, found.month, found.leap)
    return Lunar(found.month, bool(found.leap), found.day, last, found.year)


def is_on(wanted: MonthDay, day: date) -> bool:
    """Whether this day is that day of the lunar year: never a day of a leap month; the thirtieth is the last of its month."""
    return within(wanted, wanted, day)


def within(begin: MonthDay, end: MonthDay, day: date) -> bool:
    """Whether this day is one of those from `begin` to `end`, both in it, over the new year where `end` comes before `begin`.

    A leap month is in it where days of the next month are.
    """
    found = of(day)
    if found is None:
        return False
    first, here = (begin.month, False, begin.day), (found.month, found.leap, found.day)
    until, upto = (end.month, False, end.day), (found.month, found.leap, LAST if found.last else found.day)
    return first <= upto and here <= until if first <= until else first <= upto or here <= until


@lru_cache(maxsize=256)
def read(text: str) -> MonthDay | None:
    """The day of the lunar year that the text names: `12-23`, `腊月廿三`, `除夕`; None where it names none. 闰六月 is taken for 六月."""
    plain = text.strip().removeprefix("闰").removeprefix("閏")
    if plain in ("除夕", "大年三十", "年三十"):
        return MonthDay(12, LAST)
    found = month_day.read(plain)
    return MonthDay(*found) if found and 1 <= found[0] <= 12 and 1 <= found[1] <= LAST else None


def _known(text: str) -> str:
    if read(text) is None:
        zh = f'农历的日子要写成 "12-23"（腊月廿三）、"01-15"（正月十五）或 除夕；这里是 {text!r}'
        raise wrong(zh, f'write a lunar day as "12-23" (month and day) or 除夕; this is {text!r}')
    return text


LunarDay = Annotated[str, AfterValidator(_known), Looks(examples=("12-23", "01-15", "除夕"))]
