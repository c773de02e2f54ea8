"""The database of a simulation: the real statements on SQLite in memory, done where they are asked for, between two awaits."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import make_url

from models import database as databases
from models.database import Database, Work
from models.migrations import upgrade

T = TypeVar("T")


class InlineDatabase(Database):
    """One database that all virtual processes share.

    A process may be killed or stopped before its transaction, and after the commit before it learns of it; a transaction is one step.
    """

    def __init__(self, dice: random.Random) -> None:
        self.url = make_url("sqlite://")
        self.is_sqlite = True
        self._dice = dice
        self.closed = False  # nothing is written any more: the end of the play
        self._engine = self._reader = _engine()
        with self._engine.connect() as db:
            db.connection.driver_connection.deserialize(_empty())  # type: ignore[union-attr]

    async def run(self, work: Work[T]) -> T:
        await self._moment()
        with self.transaction() as db:
            done = work(db)
        await self._moment()
        return done

    async def read(self, work: Work[T]) -> T:
        await self._moment()
        with self.snapshot() as db:
            found = work(db)
        await self._moment()
        return found

    def begin(self, work: Work[T]) -> asyncio.Future[T]:
        return asyncio.ensure_future(self.run(work))

    def close(self) -> None:
        pass

    async def _moment(self) -> None:
        if self.closed:
            raise asyncio.CancelledError
        chance = self._dice.random()
        await asyncio.sleep(0 if chance < 0.7 else chance * 0.01 if chance < 0.92 else chance * 0.3)


@cache
def _engine() -> Any:
    """Kept from seed to seed: it remembers how every statement is compiled."""
    return databases._sqlite(make_url("sqlite://"), "BEGIN IMMEDIATE")


@cache
def _empty() -> bytes:
    """A database at the newest version."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database(f"sqlite:///{path}")
        upgrade(database)
        database.close()
        with sqlite3.connect(path) as file, sqlite3.connect(":memory:") as memory:
            file.backup(memory)
            image = bytearray(memory.serialize())
    image[18] = image[19] = 1  # no write-ahead log in memory (sqlite.org/fileformat.html)
    return bytes(image)
