"""Milestones: what a streak of so many days gives, once per streak, and what so many days in all give, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from models import reward
from models.config import Config, Rules
from models.database import undone_on_error
from models.refusal import Refusal
from models.reward import Granted, RewardRules

Days = Annotated[int, Field(ge=1, le=36500)]


class MilestoneRules(Rules):
    """What is given for days in a row, and for days in all."""

    milestones: Mapping[Days, RewardRules] = Field(
        default_factory=dict, description="连续签到到第几天 → 奖励，每次连续只给一次；补签补到也给"
    )
    totals: Mapping[Days, RewardRules] = Field(default_factory=dict, description="累计签到到第几天 → 奖励，只给一次")

    def next_after(self, streak: int) -> int | None:
        """The next milestone of a streak that long; None where it has passed them all."""
        return min((days for days in self.milestones if days > streak), default=None)


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone that was reached, and what it gave."""

    days: int
    in_all: bool  # days in all; else in a row
    granted: Granted


def reach(
    db: Connection, config: Config, follower: int, rules: MilestoneRules, began: date, grew: range, in_all: int, at: datetime
) -> list[Reached]:
    """The run that began on a day has grown by these lengths, and they have so many days in all: afterwards both are rewarded, once.

    A run is named by its first day. Each length is passed once, since days are only ever added: two runs that are joined have passed
    whatever the longer one had before.
    """
    reached = [
        Reached(days, in_all=False, granted=_granted(db, config, follower, one, f"checkin:milestone:{days}:{began.isoformat()}", at))
        for days, one in sorted(rules.milestones.items())
        if days in grew
    ]
    total = rules.totals.get(in_all)
    if total is not None:
        reached.append(Reached(in_all, in_all=True, granted=_granted(db, config, follower, total, f"checkin:total:{in_all}", at)))
    return reached


def _granted(db: Connection, config: Config, follower: int, one: RewardRules, cause: str, at: datetime) -> Granted:
    """What could be given: nobody is refused a check-in because the present that comes with it has run out."""
    try:
        with undone_on_error(db):
            return reward.grant(db, config, follower, one, cause, at)
    except Refusal:
        return Granted()
