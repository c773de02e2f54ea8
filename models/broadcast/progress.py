"""How far the runs have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

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


def status(db: Connection, run: int) -> Status:
    """Where the run stands. Raises UnknownRun."""
    columns = (runs.c.id, runs.c.broadcast, runs.c.state, runs.c.reason, runs.c.due_at, runs.c.held_until, runs.c.finished_at)
    row = db.execute(select(*columns).where(runs.c.id == run)).one_or_none()
    if row is None:
        raise UnknownRun(run=run)
    counts = delivery.counts(db, run)
    if row.held_until is not None:
        counts = [(state, row.reason if state == "pending" else reason, many) for state, reason, many in counts]
    return Status(*row, counts=counts)


def newest(db: Connection, most: int) -> list[Status]:
    """The newest runs first."""
    ids = db.execute(select(runs.c.id).order_by(runs.c.id.desc()).limit(most)).scalars().all()
    return [status(db, run) for run in ids]


def audience(db: Connection, where: str, now: datetime) -> int:
    """How many followers a segment's sentence means now."""
    return db.execute(select(func.count()).select_from(followers).where(followers.c.subscribed, understand(where)(now))).scalar_one()
