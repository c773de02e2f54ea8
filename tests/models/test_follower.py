"""Followers: what the platform's list and its events say of each, and what was known before channels were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from models import follower, migrations
from models.database import Database

NOW = datetime(2026, 11, 21, 2, 0, 0, 700_000, tzinfo=UTC)
SECOND = NOW.replace(microsecond=0)  # an event of that moment tells this time


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def follows(database: Database, openid: str) -> bool:
    with database.snapshot() as db:
        found = follower.find(db, openid)
    assert found is not None
    return found.subscribed


def test_an_event_of_the_second_in_which_a_list_was_read_is_newer_than_the_list(database: Database) -> None:
    with database.transaction() as db:
        follower.seen(db, "came-back", SECOND - timedelta(hours=1), NOW)
        follower.listed(db, ["leaves", "stays"], NOW)
        follower.sync_finished(db, NOW)
        follower.seen(db, "leaves", SECOND, NOW, subscribed=False)
        follower.seen(db, "came-back", SECOND, NOW)
        follower.seen(db, "stays", SECOND - timedelta(hours=1), NOW, subscribed=False)  # a late retry
    assert [follows(database, one) for one in ("leaves", "came-back", "stays")] == [False, True, True]


def test_the_platforms_word_for_a_scene_is_taken_over_and_a_remark_taken_back(database: Database) -> None:
    with database.transaction() as db:
        follower.listed(db, ["a"], NOW)
        follower.described(db, [follower.Described("a", (), "ADD_SCENE_QR_CODE", "老王", "store_01")])
        follower.described(db, [follower.Described("a", (), "ADD_SCENE_SEARCH", "")])
        row = db.execute(text("SELECT scene, remark, channel FROM follower WHERE openid = 'a'")).one()
    assert tuple(row) == ("ADD_SCENE_SEARCH", None, "store_01")


def test_a_database_from_before_keeps_the_codes_it_knew(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    old = Config()
    old.set_main_option("script_location", str(Path(migrations.__file__).parent))
    people = {
        "by code": ("store_01", "2026-01-02"),
        "by code, synced": ("ADD_SCENE_QR_CODE", "2026-01-02"),
        "after paying": ("last_trade_no_4200001", "2026-01-02"),
        "by message": (None, "2026-01-02"),
        "by list": ("ADD_SCENE_SEARCH", None),
    }
    with database.transaction() as db:
        old.attributes["connection"] = db
        command.upgrade(old, "0001")
        for openid, (scene, last_seen) in people.items():
            db.execute(
                text(
                    "INSERT INTO follower (openid, subscribed, state_at, first_seen_at, last_seen_at, scene)"
                    " VALUES (:o, 1, '2026-01-01', '2026-01-01', :l, :s)"
                ),
                {"o": openid, "s": scene, "l": last_seen},
            )
    migrations.upgrade(database)
    with database.snapshot() as db:
        found = {row[0]: tuple(row[1:]) for row in db.execute(text("SELECT openid, channel, channel_at, scene FROM follower"))}
    database.close()
    assert found == {
        "by code": ("store_01", "2026-01-01", None),
        "by code, synced": (None, None, "ADD_SCENE_QR_CODE"),
        "after paying": (None, None, None),
        "by message": (None, None, None),
        "by list": (None, "2026-01-01", "ADD_SCENE_SEARCH"),
    }
