"""The ledger, as a property: whatever is posted in whatever order, the books are right."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models import follower, points
from models.database import Database, undone_on_error
from models.points import NotEnoughPoints
from tests.people import World

NOW = datetime(2026, 11, 21, tzinfo=UTC)
POSTS = st.lists(st.tuples(st.integers(0, 2), st.integers(-50, 50).filter(bool), st.integers(0, 20)), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posts=POSTS)
def test_balances_are_the_sums_of_their_entries_and_never_below_zero(sqlite_template: Path, posts: list[tuple[int, int, int]]) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    expected = [0, 0, 0]
    seen: set[tuple[int, int]] = set()
    with database.rehearsal() as db:
        people = [follower.seen(db, f"p{number}", NOW, NOW).id for number in range(3)]
        for who, amount, cause in posts:
            try:
                with undone_on_error(db):
                    posted = points.post(db, people[who], amount, f"cause:{cause}", NOW)
            except NotEnoughPoints as refused:
                assert (who, cause) not in seen
                assert expected[who] + amount < 0
                assert refused.details == {"balance": expected[who], "needed": -amount}
                continue
            assert posted.new == ((who, cause) not in seen)
            if posted.new:
                expected[who] += amount
                seen.add((who, cause))
            assert posted.balance == expected[who]
        assert [points.balance(db, person) for person in people] == expected
        audited = points.audit(db)
        assert (audited.differences, audited.total, audited.entries) == ((), sum(expected), len(seen))
    database.close()


def test_an_audit_finds_a_planted_error(world: World) -> None:
    world.person("小王").says("签到")
    world.person("小李").says("签到")
    with world.service.database.snapshot() as db:
        assert points.audit(db).differences == ()
    with world.service.database.transaction() as db:
        db.execute(text("UPDATE balance SET amount = 6 WHERE follower_id = (SELECT min(follower_id) FROM balance) AND asset = 'points'"))
    with world.service.database.snapshot() as db:
        found = points.audit(db).differences
    assert [(one.balance, one.entries) for one in found] == [(6, 5)]
