"""Levels: what growth makes of a follower, what a level is worth, and which level they hold.

A level is reached when growth reaches it; spending points takes nothing away. A level with `keep` is held for a period: whoever gathered
less growth in it is warned, and falls one level after the grace (models.membership). Such a level counts again as soon as `keep` was
gathered since the fall. Levels without `keep` never fall.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated

from pydantic import Field
from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, and_, bindparam, select

from models import points
from models.base import Hot, Instant, follower_id, metadata
from models.config import Config, Rules
from models.follower import followers
from models.points import MOST

memberships = Table(
    "membership",
    metadata,
    follower_id(primary_key=True),
    Column("level", String(64), nullable=False),  # the one they were told of last; '' where they fell from the lowest
    Column("since", Instant, nullable=False),  # when its period began
    Column("growth_at", BigInteger, nullable=False),  # their growth at that instant: what they have more was gathered in the period
    Column("until", Instant),  # when it is looked at next: the period's end, or that of the grace; NULL where the level never falls
    Column("warned_at", Instant),  # they are in the grace
    Column("lost", String(64)),  # the highest level they fell from and have not regained
)
_JUDGED = memberships.c.until.is_not(None)
Index("ix_membership_until", memberships.c.until, sqlite_where=_JUDGED, postgresql_where=_JUDGED)

Growth = Annotated[int, Field(ge=0, le=MOST)]
Name = Annotated[str, Field(min_length=1, max_length=40)]


class Level(Rules):
    """What reaches a level, and what it is worth."""

    growth: Growth = Field(description="需要的成长值；0 是人人一开始就有的等级")
    multiplier: Annotated[float, Field(ge=1, le=10)] | None = Field(
        None, description="挣积分时乘几倍，例如 1.2；只乘积分，不乘成长值；不写就和低一级一样"
    )
    keep: Annotated[int, Field(ge=1, le=MOST)] | None = Field(
        None, description="保级：一个周期（membership.period）里要攒的成长值；不写就永不降级"
    )
    words: str = Field("", description="权益说明，例如 结账打 9 折；升级和查等级时告诉粉丝")


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored of a follower's level: the columns of `membership`."""

    level: str
    since: datetime
    growth_at: int
    until: datetime | None
    warned_at: datetime | None
    lost: str | None


class LevelRules(Rules):
    """How much growth makes a level."""

    ranks: Mapping[Name, Growth | Level] = Field(
        default_factory=dict, alias="levels", description="等级名称 → 需要的成长值，或 {growth, multiplier, keep, gift, words}"
    )

    @cached_property
    def ladder(self) -> tuple[tuple[str, Level], ...]:
        """The levels with their names, the lowest first."""
        known = ((name, one if isinstance(one, Level) else Level(growth=one)) for name, one in self.ranks.items())
        return tuple(sorted(known, key=lambda pair: pair[1].growth))

    @cached_property
    def levels(self) -> Mapping[str, int]:
        """Each level's growth."""
        return {name: one.growth if isinstance(one, Level) else one for name, one in self.ranks.items()}

    @cached_property
    def multiplies(self) -> bool:
        """Whether any level multiplies points."""
        return any(one.multiplier is not None for _, one in self.ladder)

    @cached_property
    def falls(self) -> bool:
        """Whether any level can be lost."""
        return any(one.keep is not None for _, one in self.ladder)

    def level(self, growth: int) -> str:
        """The highest level the growth reaches, '' where it reaches none."""
        return next((name for name, one in reversed(self.ladder) if growth >= one.growth), "")

    def rank(self, name: str | None) -> int:
        """The place on the ladder, from 1 for the lowest; 0 for no level, and for one that the file does not have (any more)."""
        return next((place for place, (known, _) in enumerate(self.ladder, 1) if known == name), 0)

    def named(self, name: str) -> Level | None:
        """The level of this name."""
        place = self.rank(name)
        return self.ladder[place - 1][1] if place else None

    def below(self, name: str) -> str:
        """The next lower level, '' where there is none."""
        return self.ladder[self.rank(name) - 2][0] if self.rank(name) > 1 else ""

    def multiplier(self, name: str) -> Decimal:
        """By how much the level multiplies points: its own number, else that of the highest level below it that has one, else 1."""
        below = (one.multiplier for _, one in reversed(self.ladder[: self.rank(name)]))
        return Decimal(str(next((number for number in below if number is not None), 1)))

    def missing(self, place: int, growth: int, held: Held | None) -> int:
        """How much growth the follower still lacks for the level at this place (from 1); 0 or less where it counts for them.

        A level between the one they hold and the highest they lost needs its `keep` since the fall; any other needs its growth, no more.
        """
        one = self.ladder[place - 1][1]
        lacking = one.growth - growth
        if held is None or one.keep is None or not self.rank(held.level) < place <= self.rank(held.lost):
            return lacking
        return max(lacking, one.keep - (growth - held.growth_at))

    def standing(self, growth: int, held: Held | None) -> str:
        """The level that a follower of this growth has, '' where it is none: the highest for which nothing is missing."""
        if held is None or held.lost is None:  # nothing they lost has to be gathered anew: most followers, at every message
            return self.level(growth)
        places = range(len(self.ladder), 0, -1)
        return next((self.ladder[place - 1][0] for place in places if self.missing(place, growth, held) <= 0), "")


_ONCE = Decimal(1)
_balance = and_(points.balances.c.follower_id == followers.c.id, points.balances.c.asset == points.GROWTH)
_standing = (
    points.balances.c.amount,
    memberships.c.level,
    memberships.c.since,
    memberships.c.growth_at,
    memberships.c.until,
    memberships.c.warned_at,
    memberships.c.lost,
)
_with_standing = followers.outerjoin(points.balances, _balance).outerjoin(memberships, memberships.c.follower_id == followers.c.id)
_HELD = Hot(select(*_standing).select_from(_with_standing).where(followers.c.id == bindparam("follower")))


def held(db: Connection, follower: int) -> tuple[int, Held | None]:
    """The follower's growth, and what is stored of their level; one statement."""
    row = _HELD.row(db, follower=follower)
    if row is None:
        return 0, None
    growth, level, *more = row
    return growth or 0, None if level is None else Held(level, *more)


_ALL_HELD = select(followers.c.id, *_standing).select_from(_with_standing).where(followers.c.id.in_(bindparam("people", expanding=True)))


def levels_of(db: Connection, config: Config, people: Collection[int]) -> dict[int, str]:
    """`level_of` of all of these at once; nothing where no levels are."""
    rules = level_rules(config)
    rows = db.execute(_ALL_HELD, {"people": list(people)}) if rules.ladder else ()
    return {row[0]: rules.standing(row[1] or 0, Held(*row[2:]) if rules.falls and row[2] is not None else None) for row in rows}


def level_rules(config: Config) -> LevelRules:
    """The levels of this configuration, whichever section holds them."""
    return config.of_kind(LevelRules) or LevelRules()


def level_of(db: Connection, config: Config, follower: int) -> str:
    """The level the follower has now, '' where they have none: by their growth, less what they fell. No statement where no levels are."""
    rules = level_rules(config)
    if not rules.ladder:
        return ""
    if not rules.falls:
        return rules.level(points.balance(db, follower, points.GROWTH))
    return rules.standing(*held(db, follower))


def reached(db: Connection, config: Config, follower: int, name: str) -> bool:
    """Whether the follower has this level now or a higher one; False for a level that the file does not have."""
    rules = level_rules(config)
    wanted = rules.rank(name)
    return wanted > 0 and rules.rank(level_of(db, config, follower)) >= wanted


def multiplier(db: Connection, config: Config, follower: int) -> Decimal:
    """By how much the follower's level multiplies the points they earn; 1 where it does not. No statement where no level does."""
    rules = level_rules(config)
    return rules.multiplier(level_of(db, config, follower)) if rules.multiplies else _ONCE
