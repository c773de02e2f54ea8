"""Caps, dates and multipliers of what is earned: as a property, and with many at once on both databases."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from models import earning, follower, occasion, points
from models.code_word import CodeWordRules
from models.config import Config
from models.database import Database
from models.earn_rules import PaysMessage
from models.earning import Earned
from models.points import GROWTH

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # a Saturday, 10:00 in Shanghai
VOTE = {"points": 1}


def config(earn: dict[str, Any], multipliers: list[Any] | None = None) -> Config:
    rules = CodeWordRules.model_validate({"earn": earn, "multipliers": multipliers or []})
    return Config(ZONE, sections={CodeWordRules: rules})


def somebody(database: Database) -> int:
    with database.transaction() as db:
        return follower.seen(db, "somebody", NOW, NOW).id


GAINS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 40), st.integers(0, 25)), max_size=25)
CAPS = st.fixed_dictionaries({}, optional={f"max_per_{span}": st.integers(1, 60) for span in ("day", "week", "month")})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gains=GAINS, caps=CAPS, doubled=st.booleans())
def test_nobody_ever_earns_more_than_the_caps_and_never_less_than_they_leave(
    sqlite_template: Path, gains: list[tuple[int, int, int]], caps: dict[str, int], doubled: bool
) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    rules = config({"vote": VOTE | caps}, [{"name": "周末", "times": 1.5, "days": ["sat", "sun"]}] if doubled else [])
    earned: dict[tuple[str, Any], int] = defaultdict(int)
    paid: set[int] = set()
    with database.rehearsal() as db:
        who = follower.seen(db, "p", NOW, NOW).id
        for amount, days, cause in gains:
            at = NOW + timedelta(days=days)
            day = at.astimezone(ZONE).date()
            windows = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
            room = min(
                (max(caps[f"max_per_{span}"] - earned[span, windows[span]], 0) for span in windows if f"max_per_{span}" in caps),
                default=10**9,
            )
            full = amount * 3 // 2 if doubled and day.weekday() >= 5 else amount
            done = earning.earn(db, rules, who, "vote", amount, f"vote:{cause}", at)
            expected = 0 if cause in paid else min(full, room)
            assert (done.points, done.new) == (expected, cause not in paid)
            assert done.capped == (full - expected if cause not in paid else 0)
            if expected:
                paid.add(cause)
            for span in windows:
                earned[span, windows[span]] += expected
        assert points.balance(db, who) == sum(total for (span, _), total in earned.items() if span == "day")
        kept = {(span, begins): total for span, begins, total in db.execute(text("SELECT span, begins, points FROM earning_window"))}
        assert all(total == earned[span, datetime.fromisoformat(begins).date()] for (span, begins), total in kept.items())
        assert points.audit(db).differences == ()
    database.close()


def test_a_gain_above_the_cap_is_cut_and_growth_with_it_and_a_repeat_takes_nothing(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    who = somebody(database)
    rules = config({"vote": VOTE | {"max_per_day": 25}}, [{"name": "双倍", "times": 2, "days": ["sat"], "for": ["vote"]}])
    with database.transaction() as db:
        assert earning.earn(db, rules, who, "vote", 10, "vote:a", NOW) == Earned(20, 20, True, 10, Fraction(2), 0)
        assert earning.earn(db, rules, who, "vote", 10, "vote:a", NOW) == Earned(0, 20, False, 10, Fraction(2), 0)
        assert earning.earn(db, rules, who, "vote", 10, "vote:b", NOW) == Earned(5, 25, True, 10, Fraction(2), 15)
        assert earning.earn(db, rules, who, "vote", 10, "vote:c", NOW) == Earned(0, 25, True, 10, Fraction(2), 20)
        assert earning.earn(db, rules, who, "vote", 10, "vote:b", NOW) == Earned(0, 25, False, 10, Fraction(2), 0)
        assert points.balance(db, who, GROWTH) == 25
        # Another kind has its own caps, and the next day its own room; a cap that was lowered meanwhile takes nothing back.
        assert earning.earn(db, rules, who, "survey", 10, "survey:a", NOW).points == 10
        lower = config({"vote": VOTE | {"max_per_month": 3, "max_per_day": 3}})
        assert earning.earn(db, lower, who, "vote", 10, "vote:d", NOW).points == 0
        assert earning.earn(db, rules, who, "vote", 10, "vote:e", NOW + timedelta(days=1)).points == 10
        assert earning.forget_windows(db, rules, NOW + timedelta(days=69)) == 0
        assert earning.forget_windows(db, rules, NOW + timedelta(days=80)) == 2
    database.close()


def test_outside_of_its_dates_a_kind_earns_nothing(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    who = somebody(database)
    rules = config({"checkin": {"from": "2026-11-21", "to": "2026-11-22"}})
    with database.transaction() as db:
        gained = [
            earning.earn(db, rules, who, "checkin", 5, f"checkin:{day}", datetime(2026, 11, day, hour, tzinfo=UTC)).points
            for day, hour in ((20, 15), (20, 16), (22, 15), (22, 16))
        ]
    assert gained == [0, 5, 5, 0], "the day begins at midnight in Shanghai, 16:00 UTC"
    database.close()


def test_eight_at_once_end_exactly_at_the_cap_and_one_cause_is_paid_once(database_url: str) -> None:
    database = Database(database_url)
    who = somebody(database)
    rules = config({"vote": VOTE | {"max_per_day": 100, "max_per_week": 93}})

    def one(number: int) -> Earned:
        with database.transaction() as db:
            return earning.earn(db, rules, who, "vote", 7, f"vote:{number // 2}", NOW)  # everything twice

    with ThreadPoolExecutor(8) as eight:
        done = list(eight.map(one, range(64)))
    with database.snapshot() as db:
        assert points.balance(db, who) == 93 == sum(earned.points for earned in done)
        assert dict(db.execute(text("SELECT span, points FROM earning_window")).all()) == {"day": 93, "week": 93}
        assert points.audit(db).differences == ()
    assert sorted(earned.points for earned in done if earned.points) == [2] + [7] * 13
    database.close()


def test_what_is_not_configured_costs_no_statement(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    who = somebody(database)
    sent: list[str] = []
    message = {"points": 1}
    with database.transaction() as db:
        db.connection.driver_connection.set_trace_callback(sent.append)  # type: ignore[union-attr]
        earning.earn(db, Config(ZONE), who, "checkin", 5, "checkin:a", NOW)
        plain = len(sent)
        earning.earn(db, config({}), who, "checkin", 5, "checkin:b", NOW)
        earning.earn(db, config({"vote": VOTE | {"max_per_day": 3}}), who, "checkin", 5, "checkin:c", NOW)
        assert (plain, len(sent)) == (4, 12), "two entries and two balances each"
        rules = config({"message": message})
        for _ in range(3):
            occasion.message(db, rules, who, PaysMessage.model_validate(message), NOW)
        assert len(sent) == 12 + 5 + 2, "the first message of a day is paid; each that follows is looked up"
    database.close()


@pytest.mark.parametrize(
    ("earn", "said"),
    [
        ({"share": {"points": 5}}, "3.3.1"),
        ({"转发": {"points": 5}}, "3.3.1"),
        ({"checkin": {"points": 5}}, "checkin.rules.points"),
        ({"survey": {"points": 5}}, "reward.points"),
        ({"activity": {"points": 5}}, "points.words"),
        ({"vote": {"points": 5, "from": "2026-12-02", "to": "2026-12-01"}}, "before"),
        ({"vote": {"points": 0}}, "greater than or equal to 1"),
        ({"jump": {}}, "Extra inputs"),
    ],
)
def test_what_earns_nothing_is_refused_with_the_place_to_write_it(earn: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        CodeWordRules.model_validate({"earn": earn})
    assert said in str(wrong.value)
