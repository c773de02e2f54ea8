"""Conditions: for whom and when something in config.yaml holds. A keyword rule has them, and so has a line of a reply."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator
from sqlalchemy import Connection, false, select

from models import cohort, tally
from models.clock import TimeOfDay, business_day, time_of_day, within
from models.config import Config, Location, Problem, Rules, wrong
from models.day import DAYS, Day, Holidays, SomeDates, is_holiday
from models.follower import Follower, followers, tagged, tags_of
from models.holiday import holiday, workday
from models.level import level_rules, levels_of, reached
from models.segment import SegmentsSection, understand
from models.share import Probability

_Some = Annotated[str, Field(min_length=1)]


class Times(Rules):
    """From the how manieth time to the how manieth."""

    from_: int = Field(1, alias="from", ge=1, description="从第几次起")
    to: int | None = Field(None, ge=1, description="到第几次（含）；不写就一直有效")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to is not None and self.to < self.from_:
            raise wrong("nth 的 to 比 from 小，永远不会匹配", "nth: `to` is less than `from`, this never matches", "to")
        return self

    def __contains__(self, number: int) -> bool:
        return self.from_ <= number and (self.to is None or number <= self.to)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


Number = Annotated[int, Field(ge=1)]


class Conditions(Rules):
    """All of them must hold."""

    from_: TimeOfDay | None = Field(None, alias="from", description='从几点，例如 "09:00"')
    to: TimeOfDay | None = Field(None, description='到几点（不含），例如 "18:00"；比 from 小就是过夜')
    days: Annotated[list[Day], Field(min_length=1)] | None = Field(None, description="星期几：mon tue wed thu fri sat sun")
    dates: SomeDates | None = Field(None, description="哪些日子：{from: 2026-12-01, to: 2026-12-31}，或某一天 2026-12-24，或几个放在列表里")
    holiday: Holidays | None = Field(None, description="true：法定节假日放假的日子；false：其他日子；或节日名称的列表，例如 [春节, 国庆节]")
    workday: bool | None = Field(None, description="true：上班的日子（含调休上班的周末）；false：不上班的日子")
    tags: Annotated[list[_Some], Field(min_length=1)] | None = Field(None, description="有其中一个标签的粉丝")
    without_tags: Annotated[list[_Some], Field(min_length=1)] | None = Field(None, description="这些标签一个也没有的粉丝")
    level: str | None = Field(None, description="达到这个等级的粉丝")
    segment: str | None = Field(None, description="这个人群（segments 里的 key）里的粉丝")
    nth: (
        Annotated[
            Annotated[list[Number], Field(min_length=1)] | Times,
            BeforeValidator(_listed, json_schema_input_type=Number | list[Number] | Times),
        ]
        | None
    ) = Field(
        None, description="这位粉丝第几次：1 是第一次；[1, 2]；或 {from: 2, to: 5}。词和其他条件都符合就算一次，先被前面的规则回复了也算"
    )
    probability: Probability | None = Field(None, description="概率，例如 30% 或 0.3；同一条消息重发，结果不变")

    @model_validator(mode="after")
    def _both_ends(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise wrong("from 和 to 要一起写", "write both from and to", "to" if self.from_ is None else "from")
        if self.from_ is not None and self.to is not None and time_of_day(self.from_) == time_of_day(self.to) and self.to != "24:00":
            raise wrong("from 和 to 一样，永远不会匹配", "from and to are the same: this never matches", "to")
        return self


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who says something, and when: what conditions are held against."""

    db: Connection
    config: Config
    follower: Follower
    said_at: datetime
    chance: Callable[[str], float]  # a number in [0, 1) for a name, the same for every copy of a message
    counted: dict[str, int] = field(default_factory=dict)  # what this message was counted for already, and as the how manieth


def unmet(conditions: Conditions, name: str, now: Circumstances) -> str | None:
    """The first condition that does not hold, in words; None where all hold.

    `name` is whose conditions these are. Where `nth` is among them and all else holds, this is counted as one more time, once a message.
    """
    return _wrong_time(conditions, now.config.zone, now.said_at) or _wrong_person(conditions, now) or _wrong_turn(conditions, name, now)


def count(conditions: Conditions, name: str, now: Circumstances) -> int | None:
    """Counts this time for `nth` as `unmet` does. Returns the how manieth it is; None where another condition does not hold."""
    return None if _wrong_time(conditions, now.config.zone, now.said_at) or _wrong_person(conditions, now) else _number(name, now)


def _number(name: str, now: Circumstances) -> int:
    what = tally.subject("nth", name)
    if what not in now.counted:
        now.counted[what] = tally.count(now.db, now.follower.id, what)
    return now.counted[what]


def _wrong_time(c: Conditions, zone: ZoneInfo, now: datetime) -> str | None:
    day, at = business_day(now, zone), now.astimezone(zone).time()
    if c.days and DAYS[day.weekday()] not in c.days:
        return "今天不在 days 里"
    if c.from_ and c.to and not within(at, time_of_day(c.from_), time_of_day(c.to)):
        return f"现在不在 {c.from_}–{c.to}"
    if c.dates and not any(day in dates for dates in c.dates):
        return "今天不在 dates 里"
    if c.holiday is not None and not is_holiday(c.holiday, holiday(day)):
        return f"今天{holiday(day) or '不是节假日'}，不符合 holiday"
    if c.workday is not None and workday(day) != c.workday:
        return "今天不上班" if c.workday else "今天上班"
    return None


def _wrong_person(c: Conditions, now: Circumstances) -> str | None:
    if c.tags or c.without_tags:
        has = tags_of(now.db, now.follower.id)
        if c.tags and not has & set(c.tags):
            return f"粉丝没有标签 {'、'.join(c.tags)}"
        if c.without_tags and (having := sorted(has & set(c.without_tags))):
            return f"粉丝有标签 {'、'.join(having)}"
    if c.level is not None and not reached(now.db, now.config, now.follower.id, c.level):
        return f"粉丝没到等级 {c.level}"
    if c.segment is not None and not _belongs(c.segment, now):
        return f"粉丝不在人群 {c.segment} 里"
    return None


def _belongs(key: str, now: Circumstances) -> bool:
    segment = _segments(now.config).named(key)
    if segment is None:
        return False
    condition = understand(segment.where)(now.said_at)
    return now.db.execute(select(1).where(followers.c.id == now.follower.id, condition)).scalar() is not None


def _segments(config: Config) -> SegmentsSection:
    return config.get(SegmentsSection) or SegmentsSection([])


def _wrong_turn(c: Conditions, name: str, now: Circumstances) -> str | None:
    if c.nth is not None:
        number = _number(name, now)
        if number not in c.nth:
            return f"这是第 {number} 次，不符合 nth"
    if c.probability is not None and now.chance(f"probability:{name}") >= c.probability:
        return f"没有抽中 {c.probability:.0%}" if c.probability >= 0.01 else "没有抽中"
    return None


def met(db: Connection, config: Config, conditions: Conditions, name: str, people: Collection[int], now: datetime) -> set[int]:
    """For which of these followers all conditions but `nth` hold now: one statement for each kind of condition, however many they are.

    `probability` falls the same for a follower whenever it is asked for conditions of this name.
    """
    if _wrong_time(conditions, config.zone, now):
        return set()
    left = set(people)
    if conditions.tags:
        left &= tagged(db, left, conditions.tags)
    if conditions.without_tags:
        left -= tagged(db, left, conditions.without_tags)
    if conditions.level is not None:
        rules, held = level_rules(config), levels_of(db, config, left)
        wanted = rules.rank(conditions.level)
        left = {one for one in left if 0 < wanted <= rules.rank(held.get(one))}
    if conditions.segment is not None:
        segment = _segments(config).named(conditions.segment)
        meant = understand(segment.where)(now) if segment else false()
        left = set(db.execute(select(followers.c.id).where(followers.c.id.in_(left), meant)).scalars())
    if conditions.probability is not None:
        part = conditions.probability * cohort.PARTS
        left = {one for one in left if cohort.of(one, f"probability:{name}") < part}
    return left


def check(conditions: Conditions, where: Location, config: Config) -> list[Problem]:
    """What these conditions name and the file does not have."""
    known, segments = level_rules(config).levels, _segments(config)
    found = []
    if conditions.level is not None and conditions.level not in known:
        names = "、".join(known) or "（无）"
        zh, en = f"没有等级 {conditions.level}；points.levels 里有：{names}", f"no level {conditions.level}; points.levels has: {names}"
        found.append(Problem((*where, "level"), zh, en))
    if conditions.segment is not None and segments.named(conditions.segment) is None:
        keys = "、".join(segment.key for segment in segments.root)
        zh = f"没有人群 {conditions.segment}；segments 里有：{keys or '（无）'}"
        found.append(Problem((*where, "segment"), zh, f"no segment {conditions.segment}; segments has: {keys or 'none'}"))
    return found
