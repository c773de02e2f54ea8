"""Sending: a run while this process sends it, and the writing down of what became of its deliveries."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import delivery, follower, quota, route
from models.broadcast import Run
from models.clock import Clock
from models.database import Database
from models.delivery import Outcome, Reserved
from models.message import Message, compose, is_the_same_for_all

SAME_ERRORS = 20  # as many equal errors in a row stop the run; and no more than these are begun before the platform has taken one
TOGETHER = 128  # outcomes in one transaction


class Counts(Protocol):
    """Where the sender reports how many deliveries ended how."""

    def delivered(self, state: str, number: int) -> None: ...


@dataclass(slots=True)
class Sending:
    """A run while this process sends it."""

    run: Run
    answered: bool = False  # whether the platform took anything, or spoke of a follower: then it is not the run that is wrong
    stop: str | None = None  # why nothing further of it may be begun
    until: datetime | None = None  # when that is over; None where a person must lift it
    moved: bool = False  # somebody paused, cancelled, held or finished it meanwhile
    error: str = ""
    errors: int = 0  # so many equal ones in a row
    missed: bool = False  # a call was not made because its slot was over: it wants another
    burden: bool = False  # the platform has just said, or shown, that it has too much to do
    _same: tuple[tuple[object, ...], Message] | None = None  # the last message that was the same for all, and for whom
    before: dict[int, Run] = field(default_factory=dict)  # the run as it was at earlier revisions, of which some is still on its way

    def edited(self, run: Run) -> Run:
        """Somebody edited the run: what is reserved from now on gets the new content, what was reserved keeps its own."""
        self.before[self.run.revision], self.run = self.run, run
        return run

    def of(self, revision: int) -> Run:
        """The run as it was at this revision; what another process began is as it was reserved (models/message.py)."""
        return self.before.get(revision, self.run)

    def message(self, reserved: Reserved, now: datetime, zone: ZoneInfo) -> Message:
        """What to say to them; what is the same for all is made once a minute."""
        run, local = self.of(reserved.revision), now.astimezone(zone)
        if not is_the_same_for_all(run, reserved):
            return compose(run, reserved, local)
        key = (run.revision, reserved.channel, reserved.variant, local.replace(second=0, microsecond=0))
        if self._same is None or self._same[0] != key:
            self._same = key, compose(run, reserved, local)
        return self._same[1]

    def well(self) -> None:
        """The platform dealt with a delivery as it should."""
        self.answered, self.errors = True, 0

    def ill(self, error: str, until: datetime | None) -> None:
        """An error that says nothing about the follower; with too many equal ones in a row, the run stops."""
        self.errors = self.errors + 1 if error == self.error else 1
        self.error = error
        if self.errors >= SAME_ERRORS:
            self.end(f"连续 {SAME_ERRORS} 次同样的错误 same error：{error}", until)

    def end(self, reason: str, until: datetime | None = None) -> None:
        """Nothing further is begun; the first reason stands."""
        if self.stop is None:
            self.stop, self.until = reason, until


class Settler:
    """Collects outcomes and writes them together, at most a moment after they came."""

    MOMENT = 0.05  # seconds

    def __init__(self, database: Database, clock: Clock, counts: Counts) -> None:
        self._database = database
        self._clock = clock
        self._counts = counts
        self._outcomes: list[Outcome] = []
        self._last = asyncio.get_running_loop().time()

    async def add(self, outcome: Outcome) -> None:
        """Afterwards the outcome is kept with the next write; the one that makes the batch full, or old, writes it."""
        self._outcomes.append(outcome)
        if len(self._outcomes) >= TOGETHER or asyncio.get_running_loop().time() - self._last > self.MOMENT:
            await self.flush()

    async def flush(self) -> None:
        """Afterwards everything collected is in the database; where that fails, it is still collected."""
        outcomes, self._outcomes = self._outcomes, []
        self._last = asyncio.get_running_loop().time()
        if not outcomes:
            return
        try:
            await self._database.run(lambda db: _settle(db, outcomes, self._clock()))
        except BaseException:
            self._outcomes = outcomes + self._outcomes
            raise
        for state, number in Counter(outcome.state for outcome in outcomes).items():
            self._counts.delivered(state, number)


def _settle(db: Connection, outcomes: list[Outcome], now: datetime) -> None:
    """Locks in one order (docs/decisions/0015): the deliveries, their followers, what is theirs, and what all share last."""
    delivery.settle_batch(db, outcomes, now)
    spent = (outcome.spent.follower for outcome in outcomes if outcome.spent)
    follower.hold(db, *spent, *(outcome.unreachable[0] for outcome in outcomes if outcome.unreachable))
    for outcome in outcomes:
        if outcome.spent:
            route.give_back(db, outcome.spent)
        if outcome.unreachable:
            follower.unreachable(db, *outcome.unreachable, now)
            if outcome.spent:
                route.turned_down(db, outcome.spent, outcome.unreachable[1], now)
    for (way, at), number in sorted(Counter(outcome.quota for outcome in outcomes if outcome.quota).items()):
        quota.give_back(db, way, number, at)
