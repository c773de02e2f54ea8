"""Skew: how far this process's clock is off the database's. With the wrong time nobody's limits, quiet hours or slots are kept."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from models.clock import Clock
from models.database import Database

MOST = timedelta(seconds=5)  # further off, a process sends nothing
LOOK_EVERY = 10.0  # seconds
LOOKS = 3  # the quickest answer says most exactly what time it was

_log = logging.getLogger(__name__)


def _database_time(db: Connection) -> datetime:
    return db.execute(select(func.clock_timestamp())).scalar_one().astimezone(UTC)  # type: ignore[no-any-return]


class Skew:
    """How far the database's clock is ahead of ours. A database in a file has the clock of this machine."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._looked = -LOOK_EVERY
        self.off = timedelta(0)

    @property
    def is_tolerable(self) -> bool:
        """Whether this process may send."""
        return abs(self.off) <= MOST

    async def look(self) -> None:
        """Afterwards `off` is known as it was within the last ten seconds, and said where it is too much."""
        moment = asyncio.get_running_loop().time()
        if self._database.is_sqlite or moment - self._looked < LOOK_EVERY:
            return
        self._looked = moment
        found = []
        for _ in range(LOOKS):
            before = self._clock()
            told = await self._database.read(_database_time)
            after = self._clock()
            found.append((after - before, told - before - (after - before) / 2))
        self.off = min(found)[1]
        if not self.is_tolerable:
            seconds = -self.off.total_seconds()
            _log.error("this machine's clock is %+.1f s off the database's: this process sends nothing until it is put right", seconds)
