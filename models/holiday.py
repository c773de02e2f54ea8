"""Chinese public holidays: which day is one, and which days people work.

Until the State Council's notice of November the days of the next year are not known. For years that chinesecalendar does not have yet
the statutory days hold (holidays), without the weekends that are worked instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib import import_module

import chinese_calendar

NAMES = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
_FIRST_WORD = {name[:2]: name for name in NAMES} | {"农历": "春节"}  # 农历除夕
_SATURDAY = 5
_ANNOUNCED = {day.year for day in chinese_calendar.constants.holidays}


def announced(year: int) -> bool:
    """Whether the worked weekends of this year are known."""
    return year in _ANNOUNCED


@lru_cache(maxsize=64)
def holiday(day: date) -> str | None:
    """The name of the public holiday that this day is free for, one of NAMES; None for every other day, plain weekends too."""
    if announced(day.year):
        free, name = chinese_calendar.get_holiday_detail(day)
        words = chinese_calendar.Holiday(name).chinese if free and name else ""
    else:
        words = _statutory(day.year).get(day) or ""
    return _FIRST_WORD.get(words[:2])


@lru_cache(maxsize=64)
def workday(day: date) -> bool:
    """Whether people work on this day: Monday to Friday but for holidays, and the weekends that are worked instead."""
    if announced(day.year):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < _SATURDAY and day not in _statutory(day.year)


@lru_cache(maxsize=8)
def _statutory(year: int) -> Mapping[date, str]:
    # 100 ms to load, and seldom asked.
    found: Mapping[date, str] = import_module("holidays").country_holidays("CN", language="zh_CN", years=[year])
    return found
