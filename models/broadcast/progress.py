"""How far the runs have come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select

from models import delivery
from models.broadcast.run import UnknownRun, runs
from models.follower import followers
from models.segment import understand


@dataclass(frozen=True, slots=True)
class Status:
    """How far a run has come."""

    id: int
    broadcast: str
    state: str
    reason: str | None
    due_at: datetime
    held_until: datetime | None
    finished_at: datetime | None
    counts: list[tuple[str, str | None, int]]
    by: str | None = None  # who began it; None: the clock
    test: bool = False
    revision: int = 0
    created_at: datetime | None = None
    prepared: float = 1.0  # the part of the followers that was looked at: all of them before anything is sent

    @property
    def word(self) -> str:
        """The state as a person would call it: held where it waits for an instant."""
        return "held" if self.held_until and self.state in ("planning", "sending") else self.state


MISSED = timedelta(days=7)  # so long a missed run is brought up
_NAMES = ("id", "broadcast", "state", "reason", "due_at", "held_until", "finished_at", "by", "test", "revision", "created_at")
_FACTS = [*(runs.c[name] for name in _NAMES), runs.c.cursor, runs.c.bound]


# A journey makes a run for every handful of followers (`welcome/2`): lists show those that stand still.
_LISTED = or_(~runs.c.broadcast.contains("/"), runs.c.state.in_(("paused", "asked")))


def glance(db: Connection, run: int) -> Status:
    """Where the run stands, without counting its deliveries. Raises UnknownRun."""
    row = db.execute(select(*_FACTS).where(runs.c.id == run)).one_or_none()
    if row is None:
        raise UnknownRun(run=run)
    return _read(row)


def _read(row: Any) -> Status:
    prepared = min(1.0, row.cursor / row.bound) if row.state == "planning" and row.bound else 1.0
    return Status(**{name: row._mapping[name] for name in _NAMES}, counts=[], prepared=prepared)


def glances(db: Connection, most: int) -> list[Status]:
    """The newest runs first, without counting their deliveries."""
    rows = db.execute(select(*_FACTS).where(_LISTED).order_by(runs.c.id.desc()).limit(most))
    return [_read(row) for row in rows]


def latest(db: Connection, broadcast: str) -> Status | None:
    """The broadcast's newest run that was no test."""
    found = select(*_FACTS).where(runs.c.broadcast == broadcast, ~runs.c.test)
    row = db.execute(found.order_by(runs.c.id.desc()).limit(1)).one_or_none()
    return _read(row) if row else None


def undecided(db: Connection, since: datetime) -> list[Status]:
    """The runs that wait for a person, and those missed since then that nobody has begun anew, newest first."""
    later = runs.alias("later")
    again = exists().where(later.c.broadcast == runs.c.broadcast, later.c.id > runs.c.id, later.c.state != "missed", ~later.c.test)
    missed = and_(runs.c.state == "missed", runs.c.due_at > since, ~again)
    found = select(*_FACTS).where(or_(runs.c.state == "asked", missed)).order_by(runs.c.id.desc())
    return [_read(row) for row in db.execute(found.limit(50))]


def status(db: Connection, run: int) -> Status:
    """Where the run stands, with its deliveries counted. Raises UnknownRun."""
    found = glance(db, run)
    counts = delivery.counts(db, run)
    if found.held_until is not None:
        counts = [(state, found.reason if state == "pending" else reason, many) for state, reason, many in counts]
    return replace(found, counts=counts)


def newest(db: Connection, most: int) -> list[Status]:
    """The newest runs first."""
    ids = db.execute(select(runs.c.id).where(_LISTED).order_by(runs.c.id.desc()).limit(most)).scalars().all()
    return [status(db, run) for run in ids]


def reach(db: Connection, where: str, now: datetime) -> tuple[int, int]:
    """How many followers a segment's sentence means now, and how many there are."""
    meant = func.count().filter(understand(where)(now))
    return tuple(db.execute(select(meant, func.count()).select_from(followers).where(followers.c.subscribed)).one())  # type: ignore[return-value]
