"""Code words, 口令: whoever says one gets its points or its gift, the first so many, so often each, from one day to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, UniqueConstraint, bindparam, func, select

from models import earning, points, reward, stock
from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.clock import business_day
from models.config import Config, Rules, says, wrong
from models.day import BusinessDay
from models.earn_rules import EarnRules, Some
from models.key import Key
from models.refusal import Refusal
from models.reward import Granted, RewardRules

claims = Table(
    "code_word_claim",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("word", String(40), nullable=False),  # its key
    Column("number", Integer, nullable=False),  # for the how manieth time
    Column("at", Instant, nullable=False),
    UniqueConstraint("follower_id", "word", "number"),
    CheckConstraint("number > 0", name="number"),
)


class CodeWordWording(Rules):
    """The words about a code word."""

    done: Annotated[str, says("points", "balance", "left")] = Field("口令正确，+{points} 积分，共 {balance}", description="得到积分")
    gifted: Annotated[str, says("reward", "balance", "left")] = Field("口令正确，送您 {reward}", description="口令有 gift 时")
    not_started: Annotated[str, says("date")] = Field("口令还没开始，{date} 再来", description="还没开始")
    over: Annotated[str, says("date")] = Field("来晚了，这个口令 {date} 已经结束", description="已经结束")
    taken_already: Annotated[str, says("times")] = Field("这个口令您已经用过了", description="用过了；{times} 是每人几次")
    sold_out: Annotated[str, says("left")] = Field("来晚了，积分已经领完", description="领完了")
    cap_reached: Annotated[str, says()] = Field("您的活动积分已经到上限，下次再来", description="points.earn.activity 的上限到了")


class CodeWord(Rules):
    """A word, and what it is worth."""

    key: Key = Field(description="口令代号，不要改：改了就是另一个口令，大家又能领")
    word: str = Field(min_length=1, max_length=100, description="粉丝要说的话，整句一样才算")
    points: Some | None = Field(None, description="多少分")
    gift: RewardRules | None = Field(None, description="送什么：coupon 券、cards 补签卡、draws 抽奖机会；可以和 points 一起写")
    from_: BusinessDay | None = Field(None, alias="from", description="从哪天开始，例如 2026-12-01；不写就一直有效")
    to: BusinessDay | None = Field(None, description="到哪天（含）；不写就一直有效")
    total: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(None, description="前多少个有；不写就不限")
    per_follower: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="每位粉丝几次")
    replies: CodeWordWording = Field(default_factory=CodeWordWording, description="文案")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ and self.to and self.to < self.from_:
            raise wrong("to 在 from 之前，这个口令永远没用", "`to` is before `from`: this word is never good for anything", "to")
        if self.points is None and self.gift is None:
            raise wrong("口令要有 points 或 gift", "a code word needs points or gift")
        if self.gift is not None and self.gift.points is not None:
            raise wrong("积分直接写在口令的 points", "write the points of a code word at its own `points`", "gift", "points")
        return self


class CodeWordRules(EarnRules):
    """What earns points, and the code words there are."""

    words: list[CodeWord] = Field(default_factory=list, max_length=500, description="口令：粉丝说出来就得积分")

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        for place, one in enumerate(self.words):
            if one.key in {before.key for before in self.words[:place]}:
                raise wrong(f"已经有一个口令叫 {one.key}", f"there is a word {one.key} already", "words", place, "key")
        return self


class NotStarted(Refusal):
    """It is good for nothing yet. Details: date (the first day)."""


class Over(Refusal):
    """It is good for nothing any more. Details: date (the last day)."""


class TakenAlready(Refusal):
    """They have had it as often as they may. Details: times."""


class CapReached(Refusal):
    """It would earn them nothing: they have earned what there is for activities."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a code word was good for."""

    granted: Granted
    balance: int


_new = insert(claims).values({name: bindparam(name) for name in ("follower_id", "word", "number", "at")})
_CLAIM = Hot(_new.on_conflict_do_nothing(index_elements=[claims.c.follower_id, claims.c.word, claims.c.number]).returning(claims.c.id))
_HAD = Hot(select(func.count()).select_from(claims).where(claims.c.follower_id == bindparam("follower"), claims.c.word == bindparam("of")))


def claim(db: Connection, config: Config, follower: int, word: CodeWord, at: datetime) -> Claimed:
    """Afterwards the follower has the word's points and gift, once more, and one less is left. The day is that of the message's own time.

    Raises NotStarted, Over, TakenAlready, SoldOut (models.stock), CapReached.
    """
    _require_time(config, word, at)
    number = 1 + (_HAD.value(db, follower=follower, of=word.key) if word.per_follower > 1 else 0)
    if number > word.per_follower or _CLAIM.value(db, follower_id=follower, word=word.key, number=number, at=at) is None:
        raise TakenAlready(times=word.per_follower)
    if word.total is not None:
        stock.take(db, f"words:{word.key}", word.total)
    cause = f"activity:{word.key}" + (f":{number}" if number > 1 else "")
    earned = earning.earn(db, config, follower, "activity", word.points, cause, at).points if word.points else 0
    if not earned and word.gift is None:
        raise CapReached
    granted = reward.grant(db, config, follower, word.gift, cause, at) if word.gift else Granted()
    return Claimed(replace(granted, points=earned), points.balance(db, follower))


def _require_time(config: Config, word: CodeWord, at: datetime) -> None:
    """Nothing, where both the word and activities at all earn something on that day."""
    day, rules = business_day(at, config.zone), config.of_kind(EarnRules)
    activity = rules.bounds("activity") if rules is not None else None
    for dates in (word, activity) if activity is not None else (word,):
        if dates.from_ is not None and day < dates.from_:
            raise NotStarted(date=dates.from_.isoformat())
        if dates.to is not None and day > dates.to:
            raise Over(date=dates.to.isoformat())


def claimed(db: Connection) -> Mapping[str, int]:
    """How often each word was good for something, by its key: words that the file has no more, too."""
    return dict(db.execute(select(claims.c.word, func.count()).group_by(claims.c.word)).all())
