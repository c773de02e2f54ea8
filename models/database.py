"""Runs pieces of work in transactions; the only file that commits.

On SQLite one writer thread drains its queue into one transaction and answers every piece after the commit (group commit: one fsync
pays for all that waited). On PostgreSQL each piece is a transaction of its own in a small pool of threads.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

T = TypeVar("T")
Work = Callable[[Connection], T]
_Piece = tuple[Work[Any], "asyncio.Future[Any]"]
_Outcome = tuple[Any, BaseException | None]

_GROUP = 64  # pieces in one transaction: a commit then costs each little, and none waits long for the others
_BUSY_SECONDS = 3.0  # how long one BEGIN waits for another process's transaction before it is tried again
_THREADS = 8


class Database:
    """One database. `run` and `read` are for coroutines; `transaction` and `snapshot` for plain code (commands, tests)."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._closing = False
        if self.is_sqlite:
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = _sqlite(self.url, "BEGIN IMMEDIATE")
            self._reader = _sqlite(self.url, "BEGIN")
            self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
            self._writer = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
            self._started = threading.Lock()
        else:
            driver = self.url.set(drivername="postgresql+psycopg") if self.url.drivername == "postgresql" else self.url
            self._engine = self._reader = create_engine(
                driver, pool_size=_THREADS, max_overflow=4, pool_pre_ping=True, hide_parameters=True
            )
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="database")

    async def run(self, work: Work[T]) -> T:
        """Does the work in a write transaction; when this returns, the effect is on disk. Raises what the work raised, with nothing kept.

        The work may be done again from the start when its transaction could not be committed: it touches the database and nothing else.
        """
        return await self.begin(work)

    def begin(self, work: Work[T]) -> asyncio.Future[T]:
        """Hands the work over from a running loop, as `run` does; the future is done after the commit."""
        if not self.is_sqlite:
            return asyncio.wrap_future(self._pool.submit(self._once, work))
        if self._writer.ident is None:
            with self._started:
                if self._writer.ident is None:
                    self._writer.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        return future

    async def read(self, work: Work[T]) -> T:
        """Does the work in a read-only snapshot, beside the writers."""
        return await asyncio.wrap_future(self._pool.submit(self._look, work))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction, committed at the end of the block, rolled back when it raises."""
        with self._engine.begin() as db:
            yield db

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that is always rolled back: for looking, and for trying what would happen."""
        with self._reader.connect() as db, db.begin() as transaction:
            yield db
            transaction.rollback()

    @contextmanager
    def rehearsal(self) -> Iterator[Connection]:
        """A write transaction that is always rolled back: what would happen, without it happening."""
        with self._engine.connect() as db, db.begin() as transaction:
            yield db
            transaction.rollback()

    def close(self) -> None:
        """Finishes what was handed over, then lets go of every connection."""
        self._closing = True
        if self.is_sqlite and self._writer.ident is not None:
            self._queue.put(None)
            self._writer.join()
        self._pool.shutdown(wait=True)
        self._reader.dispose()
        self._engine.dispose()

    def _look(self, work: Work[T]) -> T:
        with self.snapshot() as db:
            return work(db)

    def _once(self, work: Work[T]) -> T:
        """One transaction; tried again where the connection or a deadlock broke it before anything was kept."""
        for pause in (0.05, 0.2, 0.5, 1.0):
            try:
                with self._engine.begin() as db:
                    return work(db)
            except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as broken:  # hot statements raise what the driver raises
                if not _passing(broken):
                    raise
            time.sleep(pause)
        with self._engine.begin() as db:
            return work(db)

    # The SQLite writer thread

    def _write(self) -> None:
        with self._engine.connect() as db:
            last = False
            while not last:
                waiting = [self._queue.get()]
                while len(waiting) < _GROUP and not self._queue.empty():
                    waiting.append(self._queue.get())
                last = None in waiting
                pieces = [piece for piece in waiting if piece is not None and not piece[1].cancelled()]
                if pieces:
                    self._commit_group(db, pieces)

    def _commit_group(self, db: Connection, pieces: list[_Piece]) -> None:
        outcomes = self._transact(db, pieces)
        if outcomes is None and len(pieces) > 1:
            # One of them raised, or the transaction could not be committed: one by one, so that only the piece that cannot be kept
            # fails. That is rare, and a SAVEPOINT around each would cost every one of them.
            for piece in pieces:
                self._commit_group(db, [piece])
            return
        answered: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Outcome]]] = {}
        for (_, future), outcome in zip(pieces, outcomes or [], strict=True):
            answered.setdefault(future.get_loop(), []).append((future, outcome))
        for loop, answers in answered.items():
            # One wake-up of the loop for the whole group; a loop that was closed meanwhile has nobody waiting.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_answer, answers)

    def _transact(self, db: Connection, pieces: list[_Piece]) -> list[_Outcome] | None:
        """What each piece returned, after the commit, or what a single one raised; None where several have to be done one by one."""
        try:
            transaction = self._begin(db)
            results = [work(db) for work, _ in pieces]
            transaction.commit()
        except BaseException as error:
            self._recover(db)
            return [(None, error)] if len(pieces) == 1 else None
        return [(result, None) for result in results]

    def _recover(self, db: Connection) -> None:
        """Afterwards the connection can be used again: rolled back, or, where even that fails, let go of and made anew."""
        try:
            db.rollback()
        except (DBAPIError, sqlite3.Error):
            db.invalidate()
            db.rollback()

    def _begin(self, db: Connection) -> Any:
        """BEGIN IMMEDIATE, waiting for other processes as long as it takes: what was accepted is not thrown away for a lock."""
        while True:
            try:
                return db.begin()
            except OperationalError as broken:
                if not _locked(broken) or self._closing:
                    raise


def _answer(answers: list[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, (result, error) in answers:
        if future.done():
            continue  # whoever waited has given up; the effect stands
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


@contextmanager
def undone_on_error(db: Connection) -> Iterator[None]:
    """What the block did is taken back when it raises; the transaction around it goes on."""
    cursor = db.connection.cursor()
    cursor.execute("SAVEPOINT undo")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK TO undo")
        cursor.execute("RELEASE undo")
        raise
    cursor.execute("RELEASE undo")


def _locked(broken: OperationalError) -> bool:
    return isinstance(broken.orig, sqlite3.OperationalError) and broken.orig.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


def _passing(broken: Exception) -> bool:
    """Whether the server took nothing in and a second try may succeed: a dead connection, a deadlock, a serialization failure."""
    if isinstance(broken, DBAPIError) and broken.connection_invalidated:
        return True
    driver = broken.orig if isinstance(broken, DBAPIError) else broken
    return getattr(driver, "sqlstate", None) in ("40001", "40P01", "57P01", "08006", "08003")


def _sqlite(url: Any, begin: str) -> Engine:
    """WAL; committed means on disk (synchronous=FULL); foreign keys; writers take the lock at BEGIN (a deferred BEGIN fails under load)."""
    engine = create_engine(
        url, connect_args={"isolation_level": None, "timeout": _BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-32000",
            "wal_autocheckpoint=4000",
            "temp_store=MEMORY",  # what SAVEPOINTs keep: as a temporary file it is a tenth of what a check-in costs
            "secure_delete=ON",  # what is erased is zeroes in the file, also where an entry only moved (models/address.py)
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def open_transaction(db: Connection) -> None:
        db.exec_driver_sql(begin)

    return engine
