"""Facts: what a message may say of its follower, and which of its lines they get; read for many followers at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from models import coupon, level, points, streak
from models.condition import Conditions, met
from models.config import Config
from models.follower import TRACKED, followers
from models.link import Link

# Of these a statement each is asked; `name` is with the follower, and what time it is everybody knows.
READ = ("points", "growth", "cards", "level", "streak", "coupons")
NOTHING: Mapping[str, object] = {name: "" if name == "level" else 0 for name in READ}  # for whom nothing is known of it
VARIABLES = ("name", *READ, "date", "weekday", "time")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one follower for one message, and where its links lead them."""

    values: Mapping[str, object] = field(default_factory=dict)
    lines: frozenset[int] = frozenset()  # the positions of those with a condition, where it holds
    links: Mapping[str, Link] = field(default_factory=dict)
    base: str = ""  # of the links' public addresses
    tracked: bool = False  # whether their links may tell who opened them
    begun_with: Any = None  # the broadcast (models.broadcast) as it was when this was begun, where it was edited since


UNKNOWN = Facts()


def values(
    db: Connection, config: Config, wanted: Collection[str], people: Sequence[int], now: datetime
) -> dict[str, Mapping[int, object]]:
    """What each of the wanted variables is for these followers: one statement for each of them that needs one."""
    found: dict[str, Mapping[int, object]] = {}
    for name, asset in (("points", points.POINTS), ("growth", points.GROWTH), ("cards", points.CARD)):
        if name in wanted:
            found[name] = points.balances_of(db, people, asset)
    if "level" in wanted:
        found["level"] = level.levels_of(db, config, people)
    if "streak" in wanted:
        found["streak"] = streak.current_streaks(db, people, config.zone, now)
    if "coupons" in wanted:
        found["coupons"] = coupon.usable_of(db, people, now)
    return found


def lines(
    db: Connection, config: Config, conditions: Mapping[int, Conditions], name: str, people: Sequence[int], now: datetime
) -> dict[int, set[int]]:
    """For which of these followers the condition of each line holds."""
    return {place: met(db, config, condition, f"{name}:{place}", people, now) for place, condition in conditions.items()}


_TRACKED = select(followers.c.id).where(followers.c.id.in_(bindparam("people", expanding=True)), TRACKED)


def tracked(db: Connection, people: Sequence[int]) -> set[int]:
    """Which of these followers let us note what they open."""
    return set(db.execute(_TRACKED, {"people": list(people)}).scalars())
