"""Claims: who may take a coupon by saying its word, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from models import condition, coupon
from models.clock import business_day
from models.condition import Circumstances, Conditions
from models.config import wrong
from models.coupon import BatchRules, ClaimOver, Coupon
from models.refusal import Refusal

_TIME = ("from_", "to", "days", "holiday", "workday")
_PERSON = ("tags", "without_tags", "segment")
_CHANCES = ("nth", "probability")


class ClaimNotStarted(Refusal):
    """It cannot be claimed yet. Details: name, begin (a day)."""


class NotClaimableNow(Refusal):
    """It cannot be claimed at this time. Details: name, hint."""


class LevelTooLow(Refusal):
    """Their level is below the one it takes. Details: name, level, hint."""


class NotAmongThem(Refusal):
    """It is for others. Details: name, hint."""


class Claim(Conditions):
    """The words, and for whom and when they lead to a coupon."""

    words: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, description="说什么就领，例如 [领券]")
    hint: str = Field("", max_length=100, description="谁、什么时候能领，告诉领不了的粉丝")

    @model_validator(mode="after")
    def _no_chances(self) -> Self:
        chance = next((name for name in _CHANCES if getattr(self, name) is not None), None)
        if chance is not None:
            raise wrong(f"领券不能靠 {chance}：碰运气请用抽奖", f"a claim knows no {chance}; for chances there are lotteries", chance)
        return self

    @cached_property
    def times(self) -> Conditions:
        """When, on the days between which it can be claimed."""
        return self._part(_TIME)

    @cached_property
    def persons(self) -> Conditions:
        """For whom, but for the level."""
        return self._part(_PERSON)

    @cached_property
    def levels(self) -> Conditions:
        """From which level on."""
        return self._part(("level",))

    def _part(self, names: Sequence[str]) -> Conditions:
        return Conditions.model_construct(**{name: getattr(self, name) for name in names})


class Batch(BatchRules):
    """A batch, and how followers claim it themselves."""

    claim: Claim | None = Field(None, description="怎么领；不写就只能由奖励或运营送")


def claim(db: Connection, batch: Batch, now: Circumstances) -> Coupon:
    """Afterwards whoever said it has one coupon more of this batch.

    Raises ClaimNotStarted, ClaimOver, NotClaimableNow, LevelTooLow, NotAmongThem, AlreadyClaimed, SoldOut, with nothing changed.
    """
    rules = batch.claim
    if rules is None:
        raise ClaimOver(name=batch.name)
    _in_time(batch, rules, now)
    details = {"name": batch.name, "hint": rules.hint}
    alone = replace(now, counted={})
    for part, refusal in ((rules.times, NotClaimableNow), (rules.levels, LevelTooLow), (rules.persons, NotAmongThem)):
        if condition.unmet(part, "", alone) is not None:
            raise refusal(**details, level=rules.level or "")
    return coupon.claim_one(db, now.config, now.follower.id, batch, now.said_at)


def _in_time(batch: Batch, rules: Claim, now: Circumstances) -> None:
    """Raises ClaimNotStarted before the next of its stretches of days, ClaimOver after the last."""
    day = business_day(now.said_at, now.config.zone)
    if rules.dates is None or any(day in dates for dates in rules.dates):
        return
    coming = [dates.from_ for dates in rules.dates if dates.from_ is not None and dates.from_ > day]
    if not coming:
        raise ClaimOver(name=batch.name)
    raise ClaimNotStarted(name=batch.name, begin=min(coming).isoformat())
