"""Permissions for subscription notices: counted, spent once each by however many at once, taken back as a whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from models import grant
from models.database import Database
from models.follower import followers

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def test_each_permission_is_spent_once_by_however_many_at_once_and_none_is_given_back_after_a_refusal(database_url: str) -> None:
    database = Database(database_url)
    with database.transaction() as db:
        db.execute(insert(followers), {"id": 1, "openid": "o1", "subscribed": True, "state_at": NOW, "first_seen_at": NOW})
        for _ in range(3):
            grant.give(db, 1, "N")

    def spend(_: int) -> bool:
        with database.transaction() as db:
            return grant.spend(db, 1, "N")

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(spend, range(16))) == 3
    with database.transaction() as db:
        grant.give_back(db, 1, "N", NOW)
        assert grant.left(db, [1, 2], "N") == {1: 1}
        grant.revoke(db, 1, "N", NOW + timedelta(seconds=1))
        grant.give_back(db, 1, "N", NOW)
        assert grant.left(db, [1], "N") == {}
        grant.give(db, 1, "x" * 101)
    database.close()
