"""Expiry: until when points can be spent, the warning before, and the chore that lets them go."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from sqlalchemy import Connection, bindparam, select, update

from models import notice, points
from models.base import Instant
from models.clock import business_day, start_of_day
from models.config import Config, Rules, fill, says, wrong
from models.database import undone_on_error
from models.follower import followers
from models.lot import NEVER, Lot
from models.points import POINTS, NotEnoughPoints, balances

EARLIEST = 90  # days before it expires that a balance may be looked at first
_PIECE = 50
_AGAIN = timedelta(days=1)


class Expire(Rules):
    """When what was gained today is gone, by one of three rules, and when followers are told before."""

    days: Annotated[int, Field(ge=1, le=36500)] | None = Field(None, description="得到之后多少天，到那天结束")
    months: Annotated[int, Field(ge=1, le=1200)] | None = Field(None, description="得到之后多少个月，到那个月的最后一天结束")
    years: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="得到之后第几年，到那年 12 月 31 日结束；0 是当年")
    warn_days: list[Annotated[int, Field(ge=1, le=EARLIEST)]] = Field([30, 3], max_length=5, description="到期前多少天提醒，可以几次")
    warning: Annotated[str, says("points", "date")] = Field(
        "您有 {points} 积分快到期了，有效期到 {date}，记得用掉", description="到期前的提醒"
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if sum(rule is not None for rule in (self.days, self.months, self.years)) != 1:
            raise wrong("积分的有效期写一种：days、months 或 years", "write one of days, months and years")
        return self

    @property
    def ahead(self) -> list[int]:
        """The days before at which followers are warned: not those that have passed already when something is gained."""
        shortest = self.days or 28 * (self.months or 0) or EARLIEST + 1
        return [days for days in self.warn_days if days < shortest]

    def last_day(self, gained: date) -> date:
        """The last business day on which what was gained on this one can be spent."""
        if self.days is not None:
            return gained + timedelta(days=self.days)
        if self.months is not None:
            years, month = divmod(gained.month - 1 + self.months, 12)
            return date(gained.year + years, month + 1, calendar.monthrange(gained.year + years, month + 1)[1])
        return date(gained.year + (self.years or 0), 12, 31)


class ExpiryRules(Rules):
    """Whether points expire."""

    expire: Expire | None = Field(None, description="积分的有效期；不写就一直有效。只对以后得到的积分有效，已经得到的照得到时的规则")


def of(config: Config, at: datetime) -> datetime | None:
    """The instant at which points that are gained now are gone: the end of a business day; None where points stay."""
    rules = config.of_kind(ExpiryRules)
    if rules is None or rules.expire is None:
        return None
    return start_of_day(rules.expire.last_day(business_day(at, config.zone)) + timedelta(days=1), config.zone)


def last_day(expires_at: datetime, zone: ZoneInfo) -> date:
    """The last business day before the instant."""
    return business_day(expires_at - timedelta(microseconds=1), zone)


_look = (
    select(balances.c.follower_id, balances.c.asset)
    .join(followers, followers.c.id == balances.c.follower_id)
    .limit(_PIECE)
    .with_for_update(of=followers, key_share=True, skip_locked=True)  # whoever is writing to us just now has their turn later
)
_AT_FIRST = _look.where(balances.c.look_at.is_(None), balances.c.expires_at <= bindparam("near", type_=Instant))
_AS_PLANNED = _look.where(balances.c.look_at <= bindparam("now", type_=Instant), balances.c.expires_at.is_not(None))
_LATER = (
    update(balances)
    .where(balances.c.follower_id == bindparam("follower"), balances.c.asset == bindparam("what"))
    .values(look_at=bindparam("look"))
)


def expire(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 more balances were looked at: what has expired is gone from them, and who has to be warned is warned.

    Returns how many; 0 when nobody is left to be looked at. Each is next looked at when there is something to do again.
    """
    found = db.execute(_AS_PLANNED, {"now": now}).all() or db.execute(_AT_FIRST, {"near": now + timedelta(days=EARLIEST)}).all()
    rules = config.of_kind(ExpiryRules)
    warned = rules.expire if rules else None
    days = warned.ahead if warned else []
    for follower, asset in found:
        try:
            with undone_on_error(db):
                left = points.settle(db, follower, asset, now, lambda lots: _next_look(lots, days, config.zone, now))
        except NotEnoughPoints:  # the balance was altered by hand: `yizhan ledger audit` names it, and the others go on
            db.execute(_LATER, {"follower": follower, "what": asset, "look": now + _AGAIN})
            continue
        if warned and asset == POINTS:
            _warn(db, config, warned, follower, left, now)
    return len(found)


def _weeks(lots: Sequence[Lot], zone: ZoneInfo) -> list[tuple[str, list[Lot]]]:
    """What expires, by the week of its last day: whoever gains something every day is not warned every day."""
    ending = (lot for lot in lots if lot.expires_at != NEVER)
    return [(week, list(group)) for week, group in groupby(ending, lambda lot: f"{last_day(lot.expires_at, zone):%G-W%V}")]


def _next_look(lots: Sequence[Lot], days: Sequence[int], zone: ZoneInfo, now: datetime) -> datetime | None:
    firsts = [group[0].expires_at for _, group in _weeks(lots, zone)]
    looks = [first - timedelta(days=ahead) for first in firsts for ahead in days]
    looks += [lot.expires_at for lot in lots if lot.expires_at != NEVER]
    return min((look for look in looks if look > now), default=None)


def _warn(db: Connection, config: Config, rules: Expire, follower: int, lots: Sequence[Lot], now: datetime) -> None:
    """Once for each week in which something expires and each of the days before it."""
    for week, group in _weeks(lots, config.zone):
        first = group[0].expires_at
        reached = [ahead for ahead in rules.ahead if first - timedelta(days=ahead) <= now]
        if reached:
            values = {"points": sum(lot.left for lot in group), "date": told(first, config.zone, now)}
            notice.leave(db, config, follower, f"points_expire:{week}:{min(reached)}", fill(rules.warning, values), now, first)


def told(expires_at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The last day as followers read it: `12月31日`, with the year where that is another."""
    day = last_day(expires_at, zone)
    year = "" if day.year == business_day(now, zone).year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"
