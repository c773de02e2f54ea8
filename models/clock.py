"""Time as the business counts it: aware UTC instants, business days in the account's zone, times of day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from models.config import Looks, wrong

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The instant it is. Called at the edges only; everything below them is given `now`."""
    return datetime.now(UTC)


def from_seconds(seconds: int) -> datetime:
    """The instant a platform's CreateTime (Unix seconds) names."""
    return datetime.fromtimestamp(seconds, UTC)


def business_day(at: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in the account's zone, whatever zone the host lives in."""
    return at.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant the business day begins."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def start_of_week(day: date, zone: ZoneInfo) -> datetime:
    """The instant of Monday 00:00 in the account's zone, of the week the day is in."""
    return start_of_day(day - timedelta(days=day.weekday()), zone)


_TIME = re.compile(r"(\d{1,2}):(\d{2})")


def time_of_day(text: str) -> time:
    """'22:30' as a time; '24:00' is the end of the day and reads as 00:00. Raises ValueError for anything else."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    hour, minute = int(found[1]), int(found[2])
    return time(0) if (hour, minute) == (24, 0) else time(hour, minute)


def _check_time(text: str) -> str:
    try:
        time_of_day(text)
    except ValueError:
        raise wrong(
            f'时间要写成 "HH:MM"，例如 "22:30"；这里是 {text!r}', f'write a time as "HH:MM", e.g. "22:30"; this is {text!r}'
        ) from None
    return text


TimeOfDay = Annotated[str, AfterValidator(_check_time), Looks(r"^\s*([01]?[0-9]|2[0-4]):[0-5][0-9]\s*$", ("09:00", "22:30"))]


def within(at: time, begin: time, end: time) -> bool:
    """Whether a time of day lies in [begin, end), over midnight where end is not after begin."""
    return begin <= at < end if begin < end else at >= begin or at < end


_SPAN = re.compile(r"(\d{1,4})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def span(text: str) -> timedelta:
    """'15m', '2h', '7d', '1w' as a length of time. Raises ValueError for anything else."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2]]


def _check_span(text: str) -> str:
    try:
        if not span(text):
            raise ValueError(text)
    except ValueError:
        raise wrong(f"时长写成 30m、2h、3d；这里是 {text!r}", f"write a span such as 30m, 2h or 3d; this is {text!r}") from None
    return text


Span = Annotated[str, AfterValidator(_check_span), Looks(r"^\s*[0-9]{1,4}[mhdw]\s*$", ("2h", "3d"))]
