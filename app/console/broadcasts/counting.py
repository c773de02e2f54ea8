"""How far runs are, for pages: the last count that is kept, and a new one where it is worth it."""

from __future__ import annotations

import time

from app.console.desk import Desk
from models import broadcast, delivery
from models.broadcast import Status, Tally


async def counted(desk: Desk, run: Status) -> Tally | None:
    """The run's tally, counted anew where it is stale; None where it has nobody yet."""
    found = await desk.database.read(lambda db: broadcast.tally(db, run.id))
    now = desk.clock()
    if not broadcast.is_stale(found, run.finished_at, now):
        return found
    began = time.perf_counter()
    counts = await desk.database.read(lambda db: delivery.counts(db, run.id))
    cost = int((time.perf_counter() - began) * 1000)
    await desk.database.run(lambda db: broadcast.note(db, run.id, counts, cost, now))
    return await desk.database.read(lambda db: broadcast.tally(db, run.id))
