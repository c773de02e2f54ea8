"""What conditions say about one another: whether one follows from another, whether both can hold, whether one can hold at all.

Every answer errs towards saying nothing: what is certain is certain, and the rest is left open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from models.clock import time_of_day
from models.condition import Conditions
from models.day import DAYS, Dates
from models.holiday import NAMES, announced, holiday, workday

DAY = 24 * 60  # minutes
_WHOLE_DAY = (1 << DAY) - 1
_LONGEST_SPAN = 800  # days that are looked at one by one


def week(conditions: Conditions) -> int:
    """The minutes of a week in which `days`, `from` and `to` hold: bit 0 is Monday 00:00, exact to the minute as they are."""
    return _week(conditions.from_, conditions.to, tuple(conditions.days or DAYS))


@lru_cache(maxsize=1024)
def _week(begin: str | None, end: str | None, days: tuple[str, ...]) -> int:
    minutes = day_minutes(begin, end) if begin and end else _WHOLE_DAY
    return sum(minutes << DAY * number for number, day in enumerate(DAYS) if day in days)


def day_minutes(begin: str, end: str) -> int:
    """The minutes of a day in [begin, end), over midnight where `end` is not after `begin`; bit 0 is 00:00."""
    first, last = (at.hour * 60 + at.minute for at in (time_of_day(begin), time_of_day(end)))
    return ((1 << last) - (1 << first)) % (1 << DAY) if first < last else _WHOLE_DAY & ~((1 << first) - (1 << last))


def follows(wide: Conditions, narrow: Conditions, levels: Mapping[str, int]) -> bool:
    """Whether `wide` surely holds, but for the hours of the week, where `narrow` does.

    Never where `wide` counts or throws dice: whether that holds does not follow from anything.
    """
    return (
        wide.nth is None
        and (wide.probability is None or wide.probability == 1)
        and _every_day(wide, narrow)
        and _every_follower(wide, narrow, levels)
    )


def _every_day(wide: Conditions, narrow: Conditions) -> bool:
    if wide.dates is not None and not _all_within(narrow.dates, wide.dates):
        return False
    if wide.holiday is not None and not _holiday_follows(wide.holiday, narrow):
        return False
    free = narrow.holiday is True or isinstance(narrow.holiday, list)
    return wide.workday is None or wide.workday == narrow.workday or (wide.workday is False and free)


def _all_within(spans: list[Dates] | None, others: list[Dates]) -> bool:
    return spans is not None and all(any(_inside(span, other) for other in others) for span in spans)


def _inside(span: Dates, other: Dates) -> bool:
    begins = other.from_ is None or (span.from_ is not None and other.from_ <= span.from_)
    return begins and (other.to is None or (span.to is not None and span.to <= other.to))


def _holiday_follows(wanted: bool | list[str], narrow: Conditions) -> bool:
    given = narrow.holiday
    if wanted is False:
        return given is False or narrow.workday is True
    if given is None or given is False:
        return False
    names = set(NAMES) if given is True else set(given)
    return wanted is True or names <= set(wanted)


def _every_follower(wide: Conditions, narrow: Conditions, levels: Mapping[str, int]) -> bool:
    if wide.tags is not None and not (narrow.tags is not None and set(narrow.tags) <= set(wide.tags)):
        return False
    if wide.without_tags is not None and not set(wide.without_tags) <= set(narrow.without_tags or ()):
        return False
    if wide.segment not in (None, narrow.segment):
        return False
    return wide.level is None or wide.level == narrow.level or _reached(wide.level, narrow.level, levels)


def _reached(level: str, other: str | None, levels: Mapping[str, int]) -> bool:
    """Whether everybody who reached the other level, or simply everybody, has reached this one."""
    return level in levels and levels[level] <= (levels.get(other, 0) if other else 0)


def compatible(one: Conditions, other: Conditions) -> bool:
    """Whether both may hold at once, as far as can be told."""
    return (
        week(one) & week(other) != 0
        and _share_a_day(one.dates, other.dates)
        and not any(_no_such_day(a, b) or set(a.tags or ("",)) <= set(b.without_tags or ()) for a, b in ((one, other), (other, one)))
    )


def _share_a_day(spans: list[Dates] | None, others: list[Dates] | None) -> bool:
    if spans is None or others is None:
        return True
    return any((a.to or date.max) >= (b.from_ or date.min) and (b.to or date.max) >= (a.from_ or date.min) for a in spans for b in others)


def _no_such_day(one: Conditions, other: Conditions) -> bool:
    free = one.holiday is True or isinstance(one.holiday, list)
    if free and (other.workday is True or other.holiday is False):
        return True
    if isinstance(one.holiday, list) and isinstance(other.holiday, list):
        return not set(one.holiday) & set(other.holiday)
    return one.workday is not None and other.workday is not None and one.workday != other.workday


class Contradiction(NamedTuple):
    """Why conditions never hold: at which of their keys, in Chinese, in English."""

    key: str
    zh: str
    en: str


def contradictions(conditions: Conditions, today: date) -> Iterator[Contradiction]:
    """Why these conditions never hold from `today` on."""
    c = conditions
    if c.tags and set(c.tags) <= set(c.without_tags or ()):
        zh, en = "tags 里的标签 without_tags 又都不要，永远不会符合", "every tag of `tags` is in `without_tags`: this never holds"
        yield Contradiction("without_tags", zh, en)
    if c.workday and c.holiday is not None and c.holiday is not False:
        zh, en = "workday: true 是上班的日子，holiday 是放假的日子，没有一天两样都是", "no day is both a holiday and a workday"
        yield Contradiction("workday", zh, en)
    if c.dates is None:
        return
    if all(span.to is not None and span.to < today for span in c.dates):
        last = max(span.to for span in c.dates if span.to)
        zh, en = f"dates 已经过去了（到 {last} 为止），以后不会再符合", f"`dates` are over since {last}: this never holds again"
        yield Contradiction("dates", zh, en)
    elif (c.days or c.holiday is not None or c.workday is not None) and not _some_day(c, today):
        names = "、".join(name for name in ("days", "holiday", "workday") if getattr(c, name) is not None)
        zh = f"dates 里剩下的日子没有一天符合 {names}"
        yield Contradiction("dates", zh, f"no day that is left of `dates` meets {names.replace('、', ', ')}")


def _some_day(c: Conditions, today: date) -> bool:
    """Whether a day of `dates` meets the rest; True where that is open."""
    for span in c.dates or ():
        begin = max(span.from_ or today, today)
        if span.to is None or (span.to - begin).days > _LONGEST_SPAN:
            return True
        for number in range((span.to - begin).days + 1):
            if _may_be(c, begin + timedelta(days=number)):
                return True
    return False


def _may_be(c: Conditions, day: date) -> bool:
    if c.days and DAYS[day.weekday()] not in c.days:
        return False
    if not announced(day.year):
        return True
    if c.holiday is not None:
        name = holiday(day)
        if (name is not None) != c.holiday if isinstance(c.holiday, bool) else name not in c.holiday:
            return False
    return c.workday is None or workday(day) == c.workday
