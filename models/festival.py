"""Festivals: on which days more is earned, and how many times as much, by the calendar, the lunar calendar, or the public holidays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from models import lunar
from models.config import Rules, wrong
from models.day import DAYS, Day, Holidays, SomeDates, is_holiday
from models.holiday import holiday, workday
from models.lunar import LunarDay, MonthDay

Kind = Literal["checkin", "survey", "vote", "activity", "follow", "birthday", "message", "referral"]
KINDS: tuple[Kind, ...] = get_args(Kind)

ONCE = Fraction(1)


class LunarDates(Rules):
    """A stretch of days of the lunar year, both ends in it; over the new year where `to` comes before `from`."""

    from_: LunarDay = Field(alias="from", description="从农历哪天，例如 12-23（腊月廿三）")
    to: LunarDay = Field(description="到农历哪天（含），例如 01-15（正月十五）；比 from 小就是跨年")

    def __contains__(self, day: date) -> bool:
        begin, end = lunar.read(self.from_), lunar.read(self.to)
        return lunar.within(begin or MonthDay(0, 0), end or MonthDay(0, 0), day)


def _one_day(value: Any) -> Any:
    return {"from": value, "to": value} if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


SomeLunarDates = Annotated[
    list[Annotated[LunarDates, BeforeValidator(_one_day, json_schema_input_type=LunarDates | str)]],
    BeforeValidator(_listed, json_schema_input_type=list[LunarDates | str] | LunarDates | str),
    Field(min_length=1),
]


class Multiplier(Rules):
    """On the days that all of this names, these acts earn so many times as much."""

    name: str = Field(min_length=1, max_length=40, description="叫什么，例如 春节")
    times: float = Field(ge=1, le=100, description="几倍，可以是小数，例如 1.5；不足 1 分的舍去")
    dates: SomeDates | None = Field(None, description="哪些日子：{from: 2026-11-11, to: 2026-11-11}，或某一天，或几个放在列表里")
    lunar: SomeLunarDates | None = Field(
        None, description='农历哪些日子，年年有效：{from: "12-23", to: "01-15"}，或某一天 "05-05"、除夕；闰月不重复'
    )
    holiday: Holidays | None = Field(None, description="true：法定节假日放假的日子；或节日名称的列表，例如 [国庆节]")
    days: Annotated[list[Day], Field(min_length=1)] | None = Field(None, description="星期几：mon tue wed thu fri sat sun")
    workday: bool | None = Field(None, description="true：上班的日子（含调休上班的周末）；false：不上班的日子")
    for_: Annotated[list[Kind], Field(min_length=1)] = Field(
        list(KINDS), alias="for", description="哪些积分翻倍：checkin survey vote activity follow birthday message referral；不写就是全部"
    )

    @model_validator(mode="after")
    def _some_day(self) -> Self:
        if all(one is None for one in (self.dates, self.lunar, self.holiday, self.days, self.workday)):
            zh = "要写哪些日子翻倍：dates、lunar、holiday、days 或 workday"
            raise wrong(zh, "say on which days: dates, lunar, holiday, days or workday")
        return self

    def __contains__(self, day: date) -> bool:
        return (
            (self.dates is None or any(day in dates for dates in self.dates))
            and (self.days is None or DAYS[day.weekday()] in self.days)
            and (self.lunar is None or any(day in dates for dates in self.lunar))
            and (self.holiday is None or is_holiday(self.holiday, holiday(day)))
            and (self.workday is None or workday(day) == self.workday)
        )

    @property
    def exactly(self) -> Fraction:
        """How many times as much, as it is written: 1.1 is 11/10, which no float is."""
        return Fraction(str(self.times))


def highest(multipliers: Iterable[Multiplier], kind: Kind, day: date) -> Multiplier | None:
    """The one that counts for this kind of act on this day: of several the highest, never their product; None where there is none."""
    found = [one for one in multipliers if kind in one.for_ and day in one]
    return max(found, key=lambda one: one.exactly, default=None)
