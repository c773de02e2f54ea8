"""Days and months as followers say them: 20, 11-20, 11月20日, 昨天; 10, 10月, 2026-10, 上个月."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

from models.refusal import Refusal

_AGO = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2, "前日": 2, "大前天": 3, "明天": -1, "后天": -2}
_DAY = re.compile(r"(?:(?:(\d{4})\s*[-/.年])?\s*(\d{1,2})\s*[-/.月]\s*)?(\d{1,2})\s*[日号]?", re.ASCII)
_MONTH = re.compile(r"(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*(?:月份?)?", re.ASCII)
_MONTHS_AGO = {"本月": 0, "这个月": 0, "上月": 1, "上个月": 1}
_HALF_A_YEAR = timedelta(days=182)


class NoSuchDate(Refusal):
    """It looks like a date, and there is no such day or month, or it has not come."""


def day_of(said: str, today: date, back: int) -> date | None:
    """The day that is meant, one of the last `back` days where there is a choice; None where it does not look like a day.

    Raises NoSuchDate for 13-45.
    """
    text = unicodedata.normalize("NFKC", said).strip()
    if text in _AGO:
        return today - timedelta(days=_AGO[text])
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    assert day is not None  # the pattern always has it
    try:
        if month is None:
            return _of_month(day, today, back)
        return date(year, month, day) if year else _of_year(month, day, today)
    except ValueError:
        raise NoSuchDate from None


def _of_month(day: int, today: date, back: int) -> date:
    """This month's, or the month's before where that is near enough and this month's has not come."""
    last = today.replace(day=1) - timedelta(days=1)
    if day > today.day and day <= last.day and today - last.replace(day=day) <= timedelta(days=back):
        return last.replace(day=day)
    return today.replace(day=day)


def _of_year(month: int, day: int, today: date) -> date:
    """This year's, or last year's in the first months of a year: on 2 January, 12-31 is the day before yesterday."""
    meant = date(today.year, month, day)
    return date(today.year - 1, month, day) if meant - today > _HALF_A_YEAR else meant


def month_of(said: str, today: date) -> date | None:
    """The first of the month that is meant, of this year or the last; None where it does not look like a month.

    Raises NoSuchDate for a thirteenth month, and for one that has not come.
    """
    text = unicodedata.normalize("NFKC", said).strip()
    first = today.replace(day=1)
    if not text or text in _MONTHS_AGO:
        return (first - timedelta(days=1)).replace(day=1) if _MONTHS_AGO.get(text) else first
    found = _MONTH.fullmatch(text)
    if found is None:
        return None
    year, month = (int(part) if part else None for part in found.groups())
    assert month is not None  # the pattern always has it
    try:
        meant = date(year or today.year, month, 1)
    except ValueError:
        raise NoSuchDate from None
    if meant > first and year is None:
        return meant.replace(year=today.year - 1)
    if meant > first:
        raise NoSuchDate
    return meant
