"""Rewards: what a survey, a level, a prize or a board gives, given once per cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import Connection

from models import coupon, earning, expiry, points
from models.config import Config, Rules, fill, placeholders, says, wrong
from models.key import Key
from models.points import CARD, Amount
from models.stock import SoldOut


class RewardRules(Rules):
    """What is given: at least one of these."""

    points: Annotated[Amount, Field(ge=1)] | None = Field(None, description="积分")
    cards: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="补签卡，几张")
    draws: Annotated[Mapping[Key, Annotated[int, Field(ge=1, le=1000)]], Field(min_length=1)] | None = Field(
        None, description="抽奖机会：抽奖代号 → 几次，例如 {spring: 1}"
    )
    coupon: Key | None = Field(None, description="券：coupons.batches 里的代号，给一张")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise wrong("奖励里什么都没有；写 points 等", "a reward of nothing; write points or another")
        return self


def _counted(text: str) -> str:
    if "count" not in placeholders(text):
        raise wrong(f'要写出数量 {{count}}，例如 "{{count}} {text}"', f'write the number too: "{{count}} {text}"')
    return text


class NamesRules(Rules):
    """What followers call what they can have."""

    names: Mapping[Literal["points", "card", "draw"], Annotated[str, says("count"), AfterValidator(_counted)]] = Field(
        default_factory=dict, description='奖励的叫法，例如 points: "{count} 金豆"、card: "补签卡 {count} 张"、draw: "抽奖机会 {count} 次"'
    )


_NAMES: Mapping[str, str] = {"points": "{count} 积分", "card": "补签卡 {count} 张", "draw": "抽奖机会 {count} 次"}


@dataclass(frozen=True, slots=True)
class Granted:
    """What was given. All of it is nothing where this cause had been paid before."""

    points: int = 0
    cards: int = 0
    draws: int = 0  # chances to draw, in whichever lottery
    coupon: str = ""  # the name of the coupon
    owed: str = ""  # the name of the coupon that there was none of any more: operators see whom they owe it


def chance_of(lottery: str) -> str:
    """The asset that is a chance to draw in this lottery."""
    return f"draw:{lottery}"


def grant(db: Connection, config: Config, follower: int, reward: RewardRules, cause: str, at: datetime) -> Granted:
    """Afterwards the follower has the reward, once per cause, whose first word is the account that gives it."""
    kind = earning.kind_of(cause)
    if reward.points is None:
        gained = 0
    elif kind is not None:
        gained = earning.earn(db, config, follower, kind, reward.points, cause, at).points
    else:
        gained = reward.points if points.post(db, follower, reward.points, cause, at, expires_at=expiry.of(config, at)).new else 0
    cards = points.post(db, follower, reward.cards, cause, at, asset=CARD) if reward.cards else None
    won = [number for key, number in (reward.draws or {}).items() if points.post(db, follower, number, cause, at, asset=chance_of(key)).new]
    given, owed = _coupon(db, config, follower, reward.coupon, cause, at) if reward.coupon else ("", "")
    return Granted(gained, reward.cards or 0 if cards and cards.new else 0, sum(won), given, owed)


def _coupon(db: Connection, config: Config, follower: int, batch: str, cause: str, at: datetime) -> tuple[str, str]:
    """The name of the coupon that they have now, or else of the one that is owed to them: the rest of the reward stands either way."""
    try:
        given = coupon.give(db, config, follower, batch, cause, at)
    except (SoldOut, coupon.ClaimOver, coupon.UnknownBatch) as refused:
        coupon.owe(db, follower, batch, cause, at)
        return "", str(refused.details.get("name", batch))
    return given.name if given.new else "", ""


def told(config: Config, granted: Granted) -> str:
    """What was given, as the follower reads it: `20 积分、补签卡 1 张`; '' where it is nothing."""
    rules = config.of_kind(NamesRules)
    names: Mapping[str, str] = {**_NAMES, **{str(asset): text for asset, text in (rules.names.items() if rules else ())}}
    parts = (("points", granted.points), ("card", granted.cards), ("draw", granted.draws))
    given = [fill(names[asset], {"count": count}) for asset, count in parts if count]
    owed = fill(coupon.rules_of(config).notices.owed, {"name": granted.owed}) if granted.owed else ""
    return "、".join([*given, *([granted.coupon] if granted.coupon else [])]) + owed


def promised(config: Config, reward: RewardRules | None) -> str:
    """What a reward would give, in the same words as `told`; '' where there is none."""
    if reward is None:
        return ""
    batch = coupon.rules_of(config).batch(reward.coupon) if reward.coupon else None
    draws = sum((reward.draws or {}).values())
    return told(config, Granted(reward.points or 0, reward.cards or 0, draws, batch.name if batch is not None else reward.coupon or ""))
