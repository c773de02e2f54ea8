"""Pieces of work, group commit, locks and crashes, on both databases."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from models import follower
from models.database import Database
from tests.people import ROOT

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def add(name: str, fail: bool = False) -> Callable[[Connection], int]:
    def work(db: Connection) -> int:
        key = follower.seen(db, name, NOW, NOW).id
        if fail:
            raise ValueError(name)
        return key

    return work


def names(database: Database) -> set[str]:
    with database.snapshot() as db:
        return set(db.execute(text("SELECT openid FROM follower")).scalars())


def test_a_piece_that_raises_keeps_nothing_and_harms_no_other_piece_of_its_group(database: Database) -> None:
    async def all_at_once() -> list[int | BaseException]:
        pieces = [database.run(add(f"p{number}", fail=number % 7 == 3)) for number in range(50)]
        return await asyncio.gather(*pieces, return_exceptions=True)

    results = asyncio.run(all_at_once())
    failed = {f"p{number}" for number, result in enumerate(results) if isinstance(result, ValueError)}
    assert failed == {f"p{number}" for number in range(50) if number % 7 == 3}
    assert names(database) == {f"p{number}" for number in range(50)} - failed


def test_what_was_answered_is_on_disk(database: Database) -> None:
    asyncio.run(database.run(add("kept")))
    other = Database(database.url.render_as_string(hide_password=False))
    assert names(other) == {"kept"}
    other.close()


def test_whoever_gives_up_waiting_does_not_stop_the_others(database: Database) -> None:
    async def work() -> object:
        lost = asyncio.ensure_future(database.run(add("lost")))
        await asyncio.sleep(0)
        lost.cancel()
        return await database.run(add("next"))

    assert isinstance(asyncio.run(work()), int)
    assert "next" in names(database)


def test_reads_see_what_was_committed_and_change_nothing(database: Database) -> None:
    async def work() -> int:
        await database.run(add("one"))
        await database.read(lambda db: db.execute(text("SELECT 1")))
        return await database.read(lambda db: int(db.execute(text("SELECT count(*) FROM follower")).scalar_one()))

    assert asyncio.run(work()) == 1
    with database.rehearsal() as db:
        follower.seen(db, "rehearsed", NOW, NOW)
    assert names(database) == {"one"}


def test_a_write_waits_for_another_process_that_holds_the_lock(sqlite_url: str) -> None:
    database, other = Database(sqlite_url), Database(sqlite_url)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with other.transaction() as db:
            follower.seen(db, "holder", NOW, NOW)
            held.set()
            let_go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    threading.Timer(4.0, let_go.set).start()  # longer than SQLite itself waits
    started = time.monotonic()
    asyncio.run(database.run(add("patient")))
    assert time.monotonic() - started > 3.5
    holder.join()
    assert names(database) == {"holder", "patient"}
    database.close()
    other.close()


def test_many_writers_in_many_processes_lose_nothing(database_url: str) -> None:
    program = (
        "import asyncio, sys\nfrom datetime import UTC, datetime\nfrom models import follower, points\nfrom models.database import Database\n"
        "now = datetime(2026, 11, 21, tzinfo=UTC)\n"
        "def pay(db, n):\n    who = follower.seen(db, 'shared', now, now)\n    points.post(db, who.id, 1, f'{sys.argv[2]}:{n}', now)\n"
        "async def main():\n    database = Database(sys.argv[1])\n"
        "    await asyncio.gather(*(database.run(lambda db, n=n: pay(db, n)) for n in range(100)))\n    database.close()\n"
        "asyncio.run(main())\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, database_url, str(number)], cwd=ROOT) for number in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    database = Database(database_url)
    with database.snapshot() as db:
        assert db.execute(text("SELECT amount FROM balance")).scalar() == 400
        assert db.execute(text("SELECT count(*), sum(amount) FROM ledger_entry")).one() == (400, 400)
    database.close()


def test_a_naive_instant_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="naive"), database.transaction() as db:
        follower.seen(db, "x", datetime(2026, 1, 1), NOW)  # noqa: DTZ001


def test_a_piece_whose_connection_dies_is_done_again_on_another(postgres_url: str) -> None:
    database = Database(postgres_url)
    tries = 0

    def work(db: Connection) -> int:
        nonlocal tries
        tries += 1
        key = follower.seen(db, "survivor", NOW, NOW).id
        if tries == 1:
            own = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.transaction() as other:
                other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            follower.seen(db, "survivor", NOW, NOW)  # a hot statement, straight to the driver, on a dead connection
        return key

    assert isinstance(asyncio.run(database.run(work)), int)
    assert (tries, names(database)) == (2, {"survivor"})
    database.close()


def test_a_broken_connection_fails_its_piece_and_no_later_one(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    def break_it(db: Connection) -> None:
        db.connection.driver_connection.close()  # type: ignore[union-attr]
        follower.seen(db, "lost", NOW, NOW)

    async def one_after_another() -> int:
        await database.run(lambda db: db.execute(text("SELECT 1")))
        with pytest.raises(Exception, match="closed"):
            await asyncio.wait_for(database.run(break_it), 10)
        return await asyncio.wait_for(database.run(add("next")), 10)

    assert isinstance(asyncio.run(one_after_another()), int)
    assert names(database) == {"next"}
    database.close()


def test_a_deadlock_is_tried_again_whoever_reports_it(postgres_url: str) -> None:
    """Two pieces that take two followers' rows in opposite order: PostgreSQL ends one of them, and it is done again."""
    database = Database(postgres_url)
    with database.transaction() as db:
        for name in ("a", "b"):
            follower.seen(db, name, NOW, NOW)
    both = threading.Barrier(2, timeout=10)
    tries = []

    def piece(first: str, second: str) -> Callable[[Connection], None]:
        def work(db: Connection) -> None:
            tries.append(first)
            follower.seen(db, first, NOW, NOW)
            if tries.count(first) == 1:
                both.wait()
            follower.seen(db, second, NOW, NOW)

        return work

    async def together() -> None:
        await asyncio.gather(database.run(piece("a", "b")), database.run(piece("b", "a")))

    asyncio.run(together())
    assert len(tries) == 3
    database.close()
