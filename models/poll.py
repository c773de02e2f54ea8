"""Polls: one ballot per follower, kept whatever they do afterwards, and how the choices stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import Column, Connection, Index, String, Table, UniqueConstraint, bindparam, func, select

from models import earning, reward
from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.clock import business_day
from models.config import Config, Rules, wrong
from models.day import Dates
from models.refusal import Refusal
from models.reward import Granted, RewardRules
from models.survey import Key

ballots = Table(
    "ballot",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("poll", String(40), nullable=False),
    Column("choice", String(100), nullable=False),  # its words: a choice that is taken out of the file keeps its votes
    Column("at", Instant, nullable=False),
    UniqueConstraint("follower_id", "poll"),
    Index("ix_ballot_poll", "poll", "choice"),
)


class PollRules(Rules):
    """A question, its choices, and how long it is open."""

    key: Key = Field(description="投票代号，不要改：改了就是另一个投票，所有人可以再投")
    title: str = Field(min_length=1, max_length=100, description="投票标题，也是要问的问题")
    choices: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=2, max_length=20, description="选项")
    open: Dates | None = Field(None, description="哪几天可以投，例如 {from: 2026-12-01, to: 2026-12-31}；不写就一直开着")
    reward: RewardRules | None = Field(None, description="投完的奖励，每位粉丝每个投票只发一次")

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        for place, choice in enumerate(self.choices):
            if choice.strip().casefold() in {before.strip().casefold() for before in self.choices[:place]}:
                raise wrong("选项有重复", "two choices are the same", "choices", place)
        return self


class AlreadyVoted(Refusal):
    """They have cast their ballot. Details: title, choice (what they chose then)."""


class PollNotBegun(Refusal):
    """It is not open yet. Details: title, date (the first day)."""


class PollOver(Refusal):
    """It is closed. Details: title, date (the last day)."""


@dataclass(frozen=True, slots=True)
class Voted:
    """A ballot that counts, and what it earned."""

    choice: str
    granted: Granted


_CAST = Hot(
    insert(ballots)
    .values({name: bindparam(name) for name in ("follower_id", "poll", "choice", "at")})
    .on_conflict_do_nothing(index_elements=[ballots.c.follower_id, ballots.c.poll])
    .returning(ballots.c.id)
)
_CHOSEN = select(ballots.c.choice).where(ballots.c.follower_id == bindparam("follower"), ballots.c.poll == bindparam("of"))
_STANDS = select(ballots.c.choice, func.count()).where(ballots.c.poll == bindparam("of")).group_by(ballots.c.choice)


def cast(db: Connection, config: Config, follower: int, poll: PollRules, choice: str, at: datetime) -> Voted:
    """Afterwards this is the follower's one ballot, and they have what it earns, whether they leave and come back or not.

    Raises AlreadyVoted, PollNotBegun, PollOver with nothing changed. The day is that of the message's own time.
    """
    require_open(config, poll, at)
    if _CAST.value(db, follower_id=follower, poll=poll.key, choice=choice, at=at) is None:
        raise AlreadyVoted(title=poll.title, choice=chosen(db, follower, poll))
    return Voted(choice, _paid(db, config, follower, poll, at))


def _paid(db: Connection, config: Config, follower: int, poll: PollRules, at: datetime) -> Granted:
    """What this poll's reward is, or what every vote earns where it has none of its own."""
    cause, worth = f"vote:{poll.key}", earning.worth(config, "vote")
    if poll.reward is not None:
        return reward.grant(db, config, follower, poll.reward, cause, at)
    return Granted(earning.earn(db, config, follower, "vote", worth, cause, at).points) if worth else Granted()


def require_open(config: Config, poll: PollRules, at: datetime) -> None:
    """Nothing, where the poll is open on that business day; else raises PollNotBegun or PollOver."""
    day, dates = business_day(at, config.zone), poll.open
    if dates is not None and dates.from_ is not None and day < dates.from_:
        raise PollNotBegun(title=poll.title, date=dates.from_.isoformat())
    if dates is not None and dates.to is not None and day > dates.to:
        raise PollOver(title=poll.title, date=dates.to.isoformat())


def chosen(db: Connection, follower: int, poll: PollRules) -> str | None:
    """What they voted for; None where they have not."""
    return db.execute(_CHOSEN, {"follower": follower, "of": poll.key}).scalar()


def standing(db: Connection, poll: PollRules) -> Mapping[str, int]:
    """How many votes each choice has: those of the file in its order, then what is in the file no more."""
    found = {choice: int(count) for choice, count in db.execute(_STANDS, {"of": poll.key})}
    return {choice: found.pop(choice, 0) for choice in poll.choices} | dict(sorted(found.items()))
