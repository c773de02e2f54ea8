"""A database of one's own to try things in: in memory or in a temporary file, with every table of the program, gone afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

import models.migrations.tables  # noqa: F401
from models.base import metadata

# Nothing here need outlive the process: no fsync, no journal on disk.
_PRAGMAS = ("journal_mode=MEMORY", "synchronous=OFF", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-64000")


class Scratch:
    """One connection to it, for one thread at a time."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    @contextmanager
    def kept(self) -> Iterator[Connection]:
        """What the block does stays, as long as the scratch database does."""
        with self.db.begin():
            yield self.db

    @contextmanager
    def rehearsal(self) -> Iterator[Connection]:
        """What the block does is taken back."""
        with self.db.begin() as transaction:
            yield self.db
            transaction.rollback()


@contextmanager
def scratch(file: Path | None = None) -> Iterator[Scratch]:
    """An empty database with every table, in memory where no file is named."""
    url = f"sqlite:///{file}" if file else "sqlite://"
    engine = create_engine(url, poolclass=StaticPool, connect_args={"isolation_level": None, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def open_transaction(db: Connection) -> None:
        db.exec_driver_sql("BEGIN")

    try:
        with engine.connect() as db:
            made = Scratch(db)
            with made.kept():
                metadata.create_all(db)
            yield made
    finally:
        engine.dispose()
