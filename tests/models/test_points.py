"""The ledger, as a property: whatever is posted in whatever order, the books are right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from models import bookkeeping, expiry, follower, points
from models.database import Database, undone_on_error
from models.points import NotEnoughPoints, Posted
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


def test_of_many_who_spend_take_back_and_tidy_at_once_each_is_served_once_and_never_beyond_what_there_is(world: World) -> None:
    world.person("小王").says("签到")  # entries 1 and 2: points and growth
    database, config, now = world.service.database, world.service.live.config, world.at
    with database.transaction() as db:
        points.post(db, 1, 15, "gift:1", now)
        points.post(db, 1, 100, "gift:2", now, expires_at=now - timedelta(seconds=1))

    def spends(number: int) -> Callable[[Connection], Posted]:
        return lambda db: points.post(db, 1, -1, f"shop:{number}", now)

    def takes_back(number: int) -> Callable[[Connection], Posted]:
        return lambda db: points.reverse(db, 1, now, by="小赵", reason="刷分", at_most=True)

    def adjusts(number: int) -> Callable[[Connection], Posted]:
        return lambda db: points.adjust(db, 1, 4, "小赵", "补发", now, "1")

    async def at_once() -> list[object]:
        works = [
            make(number)
            for number in range(30)
            for make in (spends, takes_back, adjusts, lambda _: lambda db: expiry.expire(db, config, now))
        ]
        return await asyncio.gather(*(database.run(work) for work in works), return_exceptions=True)

    done = world.run(at_once())
    refused = [one for one in done if isinstance(one, NotEnoughPoints)]
    assert [one for one in done if isinstance(one, BaseException) and one not in refused] == []
    causes = dict(world.sql("SELECT cause, amount FROM ledger_entry WHERE asset = 'points'"))
    spent = sum(cause.startswith("shop:") for cause in causes)
    assert sum(amount for cause, amount in causes.items() if cause.startswith("expiry:")) == -100
    assert spent + len(refused) == 30
    assert causes["operator:1"] == 4
    assert causes.get("reversal:1", 0) >= -5
    assert world.person("小王").points == 24 - spent + causes.get("reversal:1", 0)
    with database.snapshot() as db:
        assert bookkeeping.prove(db).right
