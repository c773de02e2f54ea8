"""Points expire: by which rule, in which order, with a warning before, and never while they can still be spent."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection

from models import expiry, follower, points
from models.expiry import Expire
from models.points import NotEnoughPoints
from tests.conftest import Founded
from tests.people import BASIC, World

EXPIRING = BASIC.replace("points: {levels: {}}", "points: {levels: {}, entries: 9, expire: {days: 10, warn_days: [3, 1]}}")
NOTICES = "SELECT key, text FROM notice ORDER BY id"


@pytest.fixture
def lone(found_on_sqlite: Founded) -> World:
    """A world on SQLite alone."""
    return found_on_sqlite(EXPIRING)


@pytest.mark.parametrize(
    ("rule", "gained", "last"),
    [
        ({"days": 365}, "2026-11-21", "2027-11-21"),
        ({"months": 12}, "2026-11-21", "2027-11-30"),
        ({"months": 3}, "2026-11-30", "2027-02-28"),
        ({"months": 1}, "2026-12-31", "2027-01-31"),
        ({"years": 0}, "2026-12-31", "2026-12-31"),
        ({"years": 1}, "2026-01-01", "2027-12-31"),
    ],
)
def test_the_last_day_follows_the_rule(rule: dict[str, int], gained: str, last: str) -> None:
    assert Expire(**rule).last_day(date.fromisoformat(gained)) == date.fromisoformat(last)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", [{}, {"days": 1, "months": 1}])
def test_there_is_exactly_one_rule(rule: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="write one of days, months and years"):
        Expire(**rule)  # type: ignore[arg-type]


def test_nobody_is_warned_before_there_is_anything_to_warn_of() -> None:
    assert [Expire(days=10).ahead, Expire(months=1).ahead, Expire(days=31).ahead, Expire(years=0).ahead] == [[3], [3], [30, 3], [30, 3]]


def test_points_are_there_until_the_end_of_their_last_day_and_gone_after_it_once(found: Founded) -> None:
    world = found(EXPIRING)
    wang, li = world.person("小王"), world.person("小李")
    world.moment("2026-11-21 23:59:00")
    assert wang.says("签到") == "第1天 +5 共5"
    world.moment("2026-11-22 08:00:00")
    wang.says("签到")
    li.says("问卷")
    said = wang.says("积分")
    assert said is not None
    assert said.startswith("积分：10\n其中 5 积分有效期到 12月1日\n")
    world.moment("2026-12-01 23:59:59")
    world.chore("expiry")
    assert wang.points == 10
    world.moment("2026-12-02 00:00:00")
    for _ in range(3):
        world.chore("expiry")
    assert (wang.points, li.points) == (5, 0)
    assert world.sql("SELECT account, amount, cause FROM ledger_entry WHERE amount < 0") == [("expiry", -5, "expiry:2026-12-01T16:00Z")]
    assert world.sql("SELECT amount FROM balance WHERE asset = 'growth'") == [(10,)]  # growth stays
    assert "12月2日 -5 过期" in str(wang.says("积分"))
    world.moment("2026-12-03 00:00:00")
    world.chore("expiry")
    assert wang.points == 0
    assert world.sql("SELECT count(*) FROM balance WHERE expires_at IS NOT NULL") == [(0,)]


def test_a_spend_that_comes_before_the_chore_uses_nothing_that_has_expired(lone: World) -> None:
    lone.person("小王").says("签到")
    with lone.service.database.transaction() as db:
        person, later = 1, lone.at + timedelta(days=400)
        points.post(db, person, 100, "gift:1", lone.at, expires_at=lone.at + timedelta(days=1))
        points.post(db, person, 7, "gift:2", lone.at, expires_at=later)
        with pytest.raises(NotEnoughPoints):  # nothing of it is kept: the block raises
            _late(db, person, lone.at + timedelta(days=2), -13)
        assert points.post(db, person, -12, "shop:1", lone.at + timedelta(days=2)).balance == 0
    amounts = lone.sql("SELECT amount FROM ledger_entry WHERE asset = 'points' ORDER BY id")
    assert amounts == [(5,), (100,), (7,), (-100,), (-12,)]


def _late(db: Connection, person: int, at: datetime, amount: int) -> None:
    from models.database import undone_on_error

    with undone_on_error(db):
        points.post(db, person, amount, "shop:0", at)


def test_who_has_spent_what_would_expire_is_neither_warned_nor_charged(lone: World) -> None:
    wang = lone.person("小王")
    wang.says("签到")
    with lone.service.database.transaction() as db:
        points.post(db, 1, -5, "shop:1", lone.at)
        points.post(db, 1, 8, "gift:1", lone.at)
    lone.moment("2026-11-29 10:00:00")
    lone.chore("expiry")
    lone.moment("2026-12-09 10:00:00")
    lone.chore("expiry")
    assert wang.points == 8
    assert lone.sql(NOTICES) == []


def test_each_is_warned_once_before_and_told_how_much_and_until_when(found: Founded) -> None:
    world = found(EXPIRING)
    wang, li = world.person("小王"), world.person("小李")
    for day in (21, 22):  # a Saturday and a Sunday: their points expire on a Tuesday and a Wednesday
        world.moment(f"2026-11-{day} 10:00:00")
        wang.says("签到")
    li.says("签到")
    world.moment("2026-11-28 23:59:00")
    world.chore("expiry")
    assert world.sql(NOTICES) == []
    world.moment("2026-11-29 00:00:00")  # three days before the end of December 1st
    for _ in range(3):
        world.chore("expiry")
    # What expires in the same week is said at once: whoever checks in every day is not warned every day.
    text = "您有 10 积分快到期了，有效期到 12月1日，记得用掉"
    assert world.sql(NOTICES) == [("points_expire:2026-W49:3", text)]
    assert str(wang.says("营业时间")).endswith(text)
    world.moment("2026-11-30 09:00:00")
    world.chore("expiry")
    world.moment("2026-12-01 09:00:00")
    world.chore("expiry")
    assert [key for key, _ in world.sql(NOTICES)] == ["points_expire:2026-W49:3"] * 2 + ["points_expire:2026-W49:1"]


def test_what_was_gained_before_a_change_of_the_rule_goes_by_the_rule_it_was_gained_under(lone: World) -> None:
    wang = lone.person("小王")
    wang.says("签到")
    lone.configure(BASIC)
    lone.moment("2026-11-22 10:00:00")
    wang.says("签到")
    lone.configure(EXPIRING.replace("days: 10", "years: 1"))
    lone.moment("2026-11-23 10:00:00")
    assert wang.says("签到") == "第3天 +15 共25"
    found = lone.sql("SELECT amount, expires_at FROM ledger_entry WHERE asset = 'points' ORDER BY id")
    assert found == [(5, "2026-12-01 16:00:00.000000"), (5, None), (15, "2027-12-31 16:00:00.000000")]
    lone.moment("2028-01-01 10:00:00")
    lone.chore("expiry")
    assert wang.points == 5


def test_a_balance_that_was_altered_by_hand_holds_nobody_else_up(lone: World) -> None:
    for name in ("小王", "小李"):
        lone.person(name).says("签到")
    with lone.service.database.transaction() as db:
        db.exec_driver_sql("UPDATE balance SET amount = 1 WHERE asset = 'points' AND follower_id = 1")
    lone.moment("2026-12-10 10:00:00")
    lone.chore("expiry")
    assert (lone.person("小王").points, lone.person("小李").points) == (1, 0)
    with lone.service.database.transaction() as db:
        assert expiry.expire(db, lone.service.live.config, lone.at) == 0  # and is not looked at again and again
        assert [one.follower_id for one in points.audit(db).differences] == [1]


def test_something_gained_late_with_a_date_that_has_passed_expires_too(lone: World) -> None:
    with lone.service.database.transaction() as db:
        person = follower.seen(db, "late", lone.at, lone.at).id
        for number in (1, 2, 3):
            points.post(db, person, 5, f"gift:{number}", lone.at, expires_at=lone.at + timedelta(hours=1))
            points.settle(db, person, points.POINTS, lone.at + timedelta(hours=2))
        assert points.balance(db, person) == 0
        assert points.count(db, person) == 6


def test_what_has_expired_is_not_taken_back_from_what_was_gained_later(lone: World) -> None:
    wang = lone.person("小王")
    with lone.service.database.transaction() as db:
        person = follower.seen(db, wang.openid, lone.at, lone.at).id
        gain = {"expires_at": lone.at + timedelta(days=1)}
        points.post(db, person, 50, "gift:old", lone.at, **gain)  # type: ignore[arg-type]
        points.post(db, person, -20, "shop:1", lone.at)
        points.post(db, person, 40, "gift:new", lone.at)
        later = lone.at + timedelta(days=2)
        # 20 of the 50 were of use to somebody, 30 have expired.
        assert points.reverse(db, 1, later, by="小陈", reason="刷分") == points.Posted(20, new=True)
        points.post(db, person, 10, "gift:gone", lone.at, **gain)  # type: ignore[arg-type]
        assert points.reverse(db, 6, later, by="小陈", reason="刷分", at_most=True) == points.Posted(20, new=False)
