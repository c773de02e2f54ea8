"""Pace: the time by which this process keeps its slots of the pace that all processes share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models import pace
from models.clock import Clock
from models.delivery import Reserved
from models.pace import Slots


class Timeline:
    """The time of the slots: the clock's, put right by how far it is off the database's. Where the clock stands, it goes on with the loop's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: datetime | None = None
        self._moment = 0.0
        self.off = timedelta(0)  # how far the database's clock is ahead of ours

    def now(self, moment: float) -> datetime:
        """The time at this moment of the loop's time."""
        told = self._clock() + self.off
        if told == self._told:
            return told + timedelta(seconds=max(0.0, moment - self._moment))
        self._told, self._moment = told, moment
        return told


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries that were reserved together, and the slots they may be called for in."""

    reserved: Sequence[Reserved]
    slots: Slots

    def __iter__(self) -> Iterator[tuple[Reserved, datetime]]:
        """Each with its slot."""
        slot = self.slots.first
        for one in self.reserved:
            yield one, slot
            slot += self.slots.gap


def is_late(slot: datetime, now: datetime) -> bool:
    """Whether no call may be made in this slot any more: together with others it could be more than the pace allows."""
    return now - slot > pace.LATE
