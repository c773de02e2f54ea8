"""How a run's deliveries stood when somebody last looked: kept, so that no page counts a million rows; and the rate and the time left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, Text, bindparam, select

from models.base import Id, Instant, insert, metadata

tallies = Table(
    "run_tally",
    metadata,
    Column("run_id", Id, ForeignKey("broadcast_run.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("counts", Text, nullable=False),  # [[state, reason, how many], …] as JSON
    Column("cost", Integer, nullable=False),  # milliseconds it took to count
    Column("samples", Text, nullable=False),  # [[Unix seconds, how many were through], …] of the last minute, for the rate
)

_OPEN = ("pending", "sending")
_SOON, _SELDOM = timedelta(seconds=2), timedelta(minutes=10)
_WINDOW = 60  # seconds: a rate is of the last minute
_RECEIPTS = timedelta(days=1)  # so long after the end of a run, its receipts have come
_SHARE = 10  # counting takes at most a tenth of the time, while somebody looks


@dataclass(frozen=True, slots=True)
class Tally:
    """A run's deliveries as they were counted at `at`."""

    at: datetime
    counts: list[tuple[str, str | None, int]]
    cost: int
    samples: list[tuple[float, int]]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(many for _, _, many in self.counts)

    @property
    def ended(self) -> int:
        """Those that are through, however they ended."""
        return _ended(self.counts)

    @property
    def by_state(self) -> dict[str, int]:
        """How many are in each state."""
        found: dict[str, int] = {}
        for state, _, many in self.counts:
            found[state] = found.get(state, 0) + many
        return found

    @property
    def rate(self) -> float | None:
        """How many a second got through in the last minute; None where that cannot be told yet."""
        (first, few), (last, many) = self.samples[0], self.samples[-1]
        return (many - few) / (last - first) if last > first else None

    @property
    def left(self) -> timedelta | None:
        """How long the rest takes at this rate; None where that cannot be told."""
        rate = self.rate
        return timedelta(seconds=(self.total - self.ended) / rate) if rate else None


def _ended(counts: list[tuple[str, str | None, int]]) -> int:
    return sum(many for state, _, many in counts if state not in _OPEN)


_FIELDS = ("at", "counts", "cost", "samples")
_OF = select(*(tallies.c[name] for name in _FIELDS)).where(tallies.c.run_id == bindparam("run"))
_new = insert(tallies).values({name: bindparam(name) for name in ("run_id", *_FIELDS)})
_NOTE = _new.on_conflict_do_update(
    index_elements=[tallies.c.run_id], set_={name: _new.excluded[name] for name in _FIELDS}, where=tallies.c.at < _new.excluded["at"]
)


def tally(db: Connection, run: int) -> Tally | None:
    """How the run stood when it was last counted; None where it never was."""
    row = db.execute(_OF, {"run": run}).one_or_none()
    if row is None:
        return None
    return Tally(
        row.at,
        [(state, why, many) for state, why, many in json.loads(row.counts)],
        row.cost,
        [(at, n) for at, n in json.loads(row.samples)],
    )


def is_stale(found: Tally | None, finished_at: datetime | None, now: datetime) -> bool:
    """Whether it is worth counting again.

    Never so often that it costs much; seldom once the run is over, and never when its receipts have come.
    """
    if found is None:
        return True
    if finished_at is not None:
        return found.at <= finished_at or (found.at < finished_at + _RECEIPTS and now - found.at > _SELDOM)
    return now - found.at > max(_SOON, timedelta(milliseconds=found.cost * _SHARE))


def note(db: Connection, run: int, counts: list[tuple[str, str | None, int]], cost: int, now: datetime) -> None:
    """Afterwards this is how the run stood at `now`, unless somebody counted later. `cost` is the milliseconds it took."""
    earlier, at = tally(db, run), now.timestamp()
    samples = [one for one in (earlier.samples if earlier else ()) if at - _WINDOW <= one[0] < at]
    values = {"run_id": run, "at": now, "counts": json.dumps(counts, ensure_ascii=False), "cost": cost}
    db.execute(_NOTE, values | {"samples": json.dumps([*samples[-_WINDOW:], (at, _ended(counts))])})
