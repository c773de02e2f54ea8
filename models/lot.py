"""Lots: what is left of each gain, told by replaying the entries: what expires first is spent first, then what was gained first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

NEVER = datetime.max.replace(tzinfo=UTC)


class Gone(Protocol):
    """What is read of an entry."""

    @property
    def id(self) -> int: ...
    @property
    def account(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def reverses_id(self) -> int | None: ...


@dataclass(slots=True)
class Lot:
    """What is left of one gain."""

    id: int  # of the entry
    left: int
    expires_at: datetime  # NEVER where it stays
    expired: int = 0  # so many of it were never spent


def lots(entries: Iterable[Gone]) -> list[Lot]:
    """What is left of each gain after these entries of one follower and asset, given by ascending id; what is spent first comes first.

    Whatever is spent takes from what expires first, and of that from what was gained first; what is taken back takes from its own gain
    before all others. Entries of two transactions at once may have their ids in the other order (PostgreSQL): what is spent before
    anything was gained is taken from what comes next. So the lots always add up to the sum of the entries.
    """
    found = _replayed(entries).values()
    return sorted((lot for lot in found if lot.left), key=lambda lot: (lot.expires_at, lot.id))


def expired_of(entries: Iterable[Gone], gain: int) -> int:
    """How much of this gain has expired, and so was of no use to anybody; of entries as `lots` has them."""
    return _replayed(entries)[gain].expired


def _replayed(entries: Iterable[Gone]) -> dict[int, Lot]:
    waiting: list[tuple[datetime, int]] = []
    of_entry: dict[int, Lot] = {}
    owed = 0
    for entry in entries:
        expires = entry.account == "expiry"
        if entry.amount > 0:
            lot = Lot(entry.id, entry.amount, entry.expires_at or NEVER)
            of_entry[lot.id] = lot
            heapq.heappush(waiting, (lot.expires_at, lot.id))
        else:
            owed -= entry.amount
            own = of_entry.get(entry.reverses_id) if entry.reverses_id else None
            if own is not None:
                owed = _take(own, owed, expires)
        while owed and waiting:
            first = of_entry[waiting[0][1]]
            owed = _take(first, owed, expires)
            if not first.left:
                heapq.heappop(waiting)
    return of_entry


def _take(lot: Lot, wanted: int, expires: bool) -> int:
    """What is still wanted when the lot has given what it can."""
    taken = min(lot.left, wanted)
    lot.left -= taken
    if expires:
        lot.expired += taken
    return wanted - taken
