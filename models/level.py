"""Levels: what growth makes of a follower."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from sqlalchemy import Connection

from models import points
from models.config import Config, Rules


class LevelRules(Rules):
    """How much growth makes a level."""

    levels: Mapping[str, int] = Field(default_factory=dict, description="等级名称 → 需要的成长值")

    def level(self, growth: int) -> str:
        """The highest level the growth reaches, '' where it reaches none."""
        reached = [(needed, name) for name, needed in self.levels.items() if growth >= needed]
        return max(reached)[1] if reached else ""


def level_rules(config: Config) -> LevelRules:
    """The levels of this configuration, whichever section holds them."""
    return config.of_kind(LevelRules) or LevelRules()


def level_of(db: Connection, config: Config, follower: int) -> str:
    """The level the follower has now, '' where they have none."""
    rules = level_rules(config)
    return rules.level(points.balance(db, follower, points.GROWTH)) if rules.levels else ""
