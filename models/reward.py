"""Rewards: what a survey, a level, a prize or a board gives, given once per cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from models import earning, points
from models.config import Config, Rules, fill, says, wrong
from models.points import CARD, Amount


class RewardRules(Rules):
    """What is given: at least one of these."""

    points: Annotated[Amount, Field(ge=1)] | None = Field(None, description="积分")
    cards: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="补签卡，几张")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise wrong("奖励里什么都没有；写 points 等", "a reward of nothing; write points or another")
        return self


class NamesRules(Rules):
    """What followers call what they can have."""

    names: Mapping[Literal["points", "card"], Annotated[str, says("count")]] = Field(
        default_factory=dict, description='奖励的叫法，例如 points: "{count} 金豆"、card: "补签卡 {count} 张"'
    )


_NAMES: Mapping[str, str] = {"points": "{count} 积分", "card": "补签卡 {count} 张"}


@dataclass(frozen=True, slots=True)
class Granted:
    """What was given. All of it is nothing where this cause had been paid before."""

    points: int = 0
    cards: int = 0


def grant(db: Connection, config: Config, follower: int, reward: RewardRules, cause: str, at: datetime) -> Granted:
    """Afterwards the follower has the reward, once per cause, whose first word is the account that gives it."""
    kind = earning.kind_of(cause)
    if reward.points is None:
        gained = 0
    elif kind is not None:
        gained = earning.earn(db, config, follower, kind, reward.points, cause, at).points
    else:
        gained = reward.points if points.post(db, follower, reward.points, cause, at).new else 0
    cards = points.post(db, follower, reward.cards, cause, at, asset=CARD) if reward.cards else None
    return Granted(gained, reward.cards or 0 if cards and cards.new else 0)


def told(config: Config, granted: Granted) -> str:
    """What was given, as the follower reads it: `20 积分、补签卡 1 张`; '' where it is nothing."""
    rules = config.of_kind(NamesRules)
    names: Mapping[str, str] = {**_NAMES, **{str(asset): text for asset, text in (rules.names.items() if rules else ())}}
    parts = (("points", granted.points), ("card", granted.cards))
    return "、".join(fill(names[asset], {"count": count}) for asset, count in parts if count)
