"""Deliveries lose their foreign keys and nothing else: every row, index and click is there afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from models import migrations
from models.database import Database

AT = "2026-11-20 02:00:00.000000"


def test_a_database_from_before_keeps_every_delivery_index_and_click(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    old = Config()
    old.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with database.transaction() as db:
        old.attributes["connection"] = db
        command.upgrade(old, "0023")
        for statement in (
            "INSERT INTO follower (id, openid, subscribed, state_at, first_seen_at) VALUES (7, 'a', 1, :at, :at), (8, 'b', 1, :at, :at)",
            "INSERT INTO broadcast_run (id, broadcast, due_at, state, plan, audience, nonce, bound, created_at)"
            " VALUES (3, 'weekly', :at, 'sending', '{}', 'all', 'n', 8, :at)",
            "INSERT INTO delivery (id, run_id, follower_id, state, reason, attempts, first_attempt_at, charged_at, exempt, lease_until,"
            " fence, msgid, settled_at, channel, variant, revision, mass_list_id, unsettled)"
            " VALUES (41, 3, 7, 'sent', '为什么: why', 2, :at, :at, 1, NULL, 5, '99', :at, 'template', 'A', 4, 6, 1),"
            " (42, 3, 8, 'pending', NULL, 0, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0)",
            "INSERT INTO link (id, run_id, digest, url, code, secret, created_at) VALUES (1, 3, 'd', 'https://example.com', 'c', 's', :at)",
            "INSERT INTO click (link_id, delivery_id, hour, follower_id, at) VALUES (1, 41, :at, 7, :at)",
        ):
            db.execute(text(statement), {"at": AT})
        before = _all(db)
    migrations.upgrade(database)
    with database.snapshot() as db:
        assert _all(db) == before
        assert inspect(db).get_foreign_keys("delivery") == []
        assert [key["referred_table"] for key in inspect(db).get_foreign_keys("click")] == ["link", "delivery", "follower"]
        assert db.execute(text("PRAGMA foreign_key_check")).all() == []
        assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    database.close()


def _all(db: Connection) -> list[Any]:
    """The rows, indexes and constraints (but for the foreign keys) of deliveries and clicks."""
    rows = [db.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).mappings().all() for table in ("delivery", "click")]
    looked = inspect(db)
    of_delivery = (looked.get_unique_constraints("delivery"), looked.get_check_constraints("delivery"))
    where = db.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name")).all()
    return [[dict(row) for row in table] for table in rows] + [*of_delivery, looked.get_pk_constraint("delivery"), where]
