"""Whatever is planted in the books, the proof finds it and says what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from models import bookkeeping, points, seal
from models.bookkeeping import Account, Proof
from models.database import Database
from tests.conftest import Founded
from tests.people import World

CUT = seal.MARGIN + timedelta(seconds=1)


def sealed(world: World) -> int:
    """The clock has sealed whatever it may. Returns how many entries."""
    total = 0
    for _ in range(2):
        while True:
            with world.service.database.transaction() as db:
                done = seal.seal(db, world.service.live.config, world.at)
            if not done:
                break
            total += done
        world.at += CUT
    return total


def proof(world: World) -> Proof:
    """What the proof says."""
    with world.service.database.snapshot() as db:
        return bookkeeping.prove(db)


def unguarded(db: Connection) -> None:
    """Whoever owns the database can drop what guards it."""
    if db.dialect.name == "sqlite":
        for name in ("ledger_entry_no_update", "ledger_entry_no_delete", "ledger_seal_no_update", "ledger_seal_no_delete"):
            db.execute(text(f"DROP TRIGGER {name}"))
        db.execute(text("PRAGMA ignore_check_constraints = ON"))
        db.execute(text("PRAGMA defer_foreign_keys = ON"))  # to a commit that does not come
    else:
        db.execute(text("SET session_replication_role = replica"))  # no triggers, no foreign keys
        db.execute(text("ALTER TABLE balance DROP CONSTRAINT ck_balance_not_negative"))
        db.execute(text("ALTER TABLE ledger_entry DROP CONSTRAINT uq_ledger_entry_follower_id_asset_cause"))
        db.execute(text("ALTER TABLE ledger_entry DROP CONSTRAINT uq_ledger_entry_reverses_id"))


@pytest.fixture
def books(found: Founded) -> World:
    """Books with entries of many kinds, all of them sealed and right."""
    world = found()
    for name in ("小王", "小李", "小张"):
        world.person(name).says("签到")
    with world.service.database.transaction() as db:
        points.adjust(db, 1, 30, "小赵", "补发 | 100%", world.at, "1")
        points.post(db, 1, -10, "shop:1", world.at)
        points.reverse(db, 1, world.at, by="小赵", reason="刷分")
        points.post(db, 2, 9, "gift:1", world.at, expires_at=world.at + timedelta(days=9))
    assert sealed(world) == 11
    assert proof(world).right
    return world


PLANTED: list[tuple[str, str, Callable[[Proof], Any], Any]] = [
    (
        "a balance that was raised",
        "UPDATE balance SET amount = amount + 1 WHERE follower_id = 2 AND asset = 'points'",
        lambda p: ([(d.follower_id, d.asset, d.balance, d.entries) for d in p.differences], p.unbalanced),
        ([(2, "points", 15, 14)], ("points",)),
    ),
    (
        "two balances that were altered so that the sum is the same",
        "UPDATE balance SET amount = amount + CASE follower_id WHEN 2 THEN 1 ELSE -1 END WHERE follower_id > 1 AND asset = 'points'",
        lambda p: ([(d.follower_id, d.balance - d.entries) for d in sorted(p.differences, key=lambda d: d.follower_id)], p.unbalanced),
        ([(2, 1), (3, -1)], ()),
    ),
    (
        "an entry and its balance, altered so that they agree",
        "UPDATE ledger_entry SET amount = 500 WHERE cause = 'gift:1'; "
        "UPDATE balance SET amount = amount + 491 WHERE follower_id = 2 AND asset = 'points'",
        lambda p: (p.differences, p.faults, [one.zh for one in p.seals.broken]),
        ((), (), ["有流水被改过，或者封条被改过"]),
    ),
    (
        "an entry that was deleted with its points",
        "DELETE FROM ledger_entry WHERE cause = 'gift:1'; "
        "UPDATE balance SET amount = amount - 9 WHERE follower_id = 2 AND asset = 'points'",
        lambda p: (p.differences, [one.zh for one in p.seals.broken]),
        ((), ["少了 1 条"]),
    ),
    (
        "an entry that was put between the others",
        "INSERT INTO ledger_entry (id, follower_id, account, amount, cause, at) SELECT 0, 2, 'gift', 7, 'gift:2', at FROM ledger_entry "
        "WHERE cause = 'gift:1'; UPDATE balance SET amount = amount + 7 WHERE follower_id = 2 AND asset = 'points'",
        lambda p: (p.differences, [one.zh for one in p.seals.broken]),
        ((), ["多了 1 条"]),
    ),
    (
        "a reason that was written anew",
        "UPDATE ledger_entry SET reason = '补发|100%' WHERE cause = 'operator:1'",
        lambda p: [one.zh for one in p.seals.broken],
        ["有流水被改过，或者封条被改过"],
    ),
    (
        "a seal that is missing",
        "DELETE FROM ledger_seal WHERE number = 1",
        lambda p: [one.zh for one in p.seals.broken],
        ["前面的封条不见了", "有流水被改过，或者封条被改过"],
    ),
    (
        "an entry of nobody",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at) SELECT 99, 'gift', 7, 'gift:2', at FROM ledger_entry "
        "WHERE cause = 'gift:1'; INSERT INTO balance (follower_id, asset, amount) VALUES (99, 'points', 7)",
        lambda p: [(one.kind, one.follower_id) for one in p.faults],
        [("nobody", 99)],
    ),
    (
        "a balance below zero",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at) SELECT 3, 'shop', -6, 'shop:9', at FROM ledger_entry "
        "WHERE cause = 'gift:1'; UPDATE balance SET amount = -1 WHERE follower_id = 3 AND asset = 'points'",
        lambda p: [(one.kind, one.follower_id) for one in p.faults],
        [("negative", 3)],
    ),
    (
        "a reversal of more than there was",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at, reverses_id) SELECT 2, 'gift', -10, 'reversal:x', at, id "
        "FROM ledger_entry WHERE cause = 'gift:1'; UPDATE balance SET amount = amount - 10 WHERE follower_id = 2 AND asset = 'points'",
        lambda p: [(one.kind, one.follower_id) for one in p.faults],
        [("reversal", 2)],
    ),
    (
        "an adjustment that nobody signed",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at) SELECT 2, 'operator', 7, 'operator:2', at FROM ledger_entry "
        "WHERE cause = 'gift:1'; UPDATE balance SET amount = amount + 7 WHERE follower_id = 2 AND asset = 'points'",
        lambda p: [(one.kind, one.follower_id) for one in p.faults],
        [("unsigned", 2)],
    ),
]


def test_each_planted_error_is_found_and_named(books: World, database_url: str) -> None:
    database = Database(database_url)
    try:
        for what, statements, tells, expected in PLANTED:
            with database.rehearsal() as db:
                unguarded(db)
                for statement in statements.split("; "):
                    db.execute(text(statement))
                found = bookkeeping.prove(db)
                assert not found.right, what
                assert tells(found) == expected, what
        if not database.is_sqlite:
            with database.rehearsal() as db:
                unguarded(db)
                for cause in ("gift:1", "reversal:1"):
                    columns = 'follower_id, asset, account, amount, cause, at, reverses_id, "by", reason'
                    db.execute(text(f"INSERT INTO ledger_entry ({columns}) SELECT {columns} FROM ledger_entry WHERE cause = '{cause}'"))
                kinds = [one.kind for one in bookkeeping.prove(db).faults]
                assert kinds == ["reversed_twice", "twice", "twice"]
    finally:
        database.close()
    assert proof(books).right


def test_the_accounts_and_the_followers_balance(books: World) -> None:
    found = proof(books)
    assert found.trial == (
        Account("growth", "checkin", 4, 10),
        Account("growth", "followers", 3, 10),
        Account("points", "checkin", 4, 10),
        Account("points", "followers", 3, 39),
        Account("points", "gift", 1, 9),
        Account("points", "operator", 1, 30),
        Account("points", "shop", 1, -10),
    )
    assert (found.entries, found.followers, found.total, found.unbalanced) == (7, 3, 39, ())
    with books.service.database.snapshot() as db:
        assert seal.is_anchored(db, found.seals.digest[:12])
        assert not seal.is_anchored(db, "0" * 64)
        assert not seal.is_anchored(db, "")


def test_entries_are_sealed_in_pieces_once_and_not_before_their_time(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "PIECE", 3)
    world = World(tmp_path, sqlite_url)
    world.person("小王").says("签到")
    ranges = "SELECT first_id, last_id, entries FROM ledger_seal ORDER BY number"
    with world.service.database.transaction() as db:
        assert seal.seal(db, world.service.live.config, world.at) == 0  # a mark is set
        for number in range(8):
            points.post(db, 1, 1, f"gift:{number}", world.at)
        world.at += seal.MARGIN - timedelta(seconds=1)
        assert seal.seal(db, world.service.live.config, world.at) == 0  # it is too early
        world.at += timedelta(seconds=1)
    assert sealed(world) == 10
    assert world.sql(ranges) == [(1, 0, 0), (1, 2, 2), (3, 5, 3), (6, 8, 3), (9, 10, 2)]
    assert sealed(world) == 0
    assert proof(world).right
    world.close()


def test_on_postgresql_nothing_is_sealed_that_an_open_transaction_may_still_add_to(postgres_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, postgres_url)
    world.person("小王").says("签到")
    database, config = world.service.database, world.service.live.config
    with database.transaction() as slow:
        points.post(slow, 1, 7, "gift:slow", world.at)  # ids 3 and higher are given out; this one is not committed
        with database.transaction() as db:
            points.post(db, _another(db), 8, "gift:fast", world.at)
        with database.transaction() as db:
            seal.seal(db, config, world.at)
        world.at += CUT * 10
        with database.transaction() as db:
            assert seal.seal(db, config, world.at) == 0
            assert world.sql("SELECT mark FROM ledger_seal") == [(4,)]
    with database.transaction() as db:
        assert seal.seal(db, config, world.at) == 4
    assert proof(world).right
    world.close()


def _another(db: Connection) -> int:
    values = "'o2', true, now(), now(), now()"
    made = db.execute(
        text(f"INSERT INTO follower (openid, subscribed, state_at, first_seen_at, last_seen_at) VALUES ({values}) RETURNING id")
    )
    return int(made.scalar_one())


def test_both_databases_have_the_same_canonical_text(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    digests = []
    for url in (sqlite_url, postgres_url):
        world = World(tmp_path, url)
        world.person("小王").says("签到")
        with world.service.database.transaction() as db:
            points.adjust(db, 1, 30, "小赵", "补发 😀 | '100%' \\", world.at, "1", expires_at=world.at + timedelta(days=9, microseconds=5))
            points.reverse(db, 1, world.at, by="小赵", reason="刷分")
        sealed(world)
        digests.append(proof(world).seals.digest)
        world.close()
        world.path.unlink()
    assert digests[0] == digests[1]
