"""A database from before the double entries is carried over whole: balances, growth, and what guards the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

import models.migrations
from models import bookkeeping, points
from models.database import Database
from models.migrations import upgrade

NOW = "2026-11-20 02:00:00.000000"
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    engine: Engine = request.getfixturevalue("postgres_template")[0]
    name = f"t{uuid.uuid4().hex}"
    with engine.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    yield engine.url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as db:
        db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_database_of_version_0005_keeps_its_balances_gains_growth_and_stays_append_only(empty_url: str) -> None:
    database = Database(empty_url)
    config = Config()
    config.set_main_option("script_location", str(Path(models.migrations.__file__).parent))
    with database.transaction() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0005")
    with database.transaction() as db:
        for person in (1, 2):
            db.execute(
                text("INSERT INTO follower (openid, subscribed, state_at, first_seen_at, last_seen_at) VALUES (:o, true, :at, :at, :at)"),
                {"o": f"o{person}", "at": NOW},
            )
        for person, amount, cause in (
            (1, 5, "checkin:2026-11-19"),
            (1, 20, "survey:satisfaction"),
            (2, 5, "checkin:2026-11-19"),
            (1, 3, "gift"),
        ):
            db.execute(
                text("INSERT INTO ledger_entry (follower_id, amount, cause, at) VALUES (:f, :a, :c, :at)"),
                {"f": person, "a": amount, "c": cause, "at": NOW},
            )
        db.execute(text("INSERT INTO balance (follower_id, amount) VALUES (1, 28), (2, 5)"))
    upgrade(database)
    with database.transaction() as db:
        assert [points.balance(db, person) for person in (1, 2)] == [28, 5]
        assert [points.balance(db, person, points.GROWTH) for person in (1, 2)] == [28, 5]
        rows = [(row.account, row.amount, row.cause, row.balance) for row in points.statement(db, 1, 9)]
        assert rows == [("gift", 3, "gift", 28), ("survey", 20, "survey:satisfaction", 25), ("checkin", 5, "checkin:2026-11-19", 5)]
        assert not points.post(db, 2, 5, "checkin:2026-11-19", AT).new  # what was paid then is paid
        assert points.post(db, 2, -5, "shop:1", AT).balance == 0
        assert bookkeeping.prove(db).right
    for statement in ("UPDATE ledger_entry SET amount = 7", "DELETE FROM ledger_entry", "UPDATE balance SET amount = -1"):
        with pytest.raises(DBAPIError), database.transaction() as db:
            db.execute(text(statement))
    database.close()
