"""Boards: the statement that ranks against a plain reckoning, periods, and what a board may not say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from models import board_closing, follower, points, ranking
from models.board import SCALE, BoardRules, Per, period_called, period_of, shown
from models.config import Config
from models.database import Database

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
PERS: tuple[Per, ...] = ("month", "week")
CAUSES = st.sampled_from(
    ["checkin:2026-11-{:02}", "checkin:made_up:2026-11-{:02}", "checkin:total:{}", "survey:{}", "message:{}", "lottery:{}"]
)
ENTRIES = st.lists(
    st.tuples(st.integers(0, 3), CAUSES, st.sampled_from([1, 5, 10, 30]), st.integers(-40, 40), st.booleans()),
    max_size=30,
    unique_by=lambda one: (one[0], one[1], one[3]),
)
FORMULAS = st.dictionaries(st.sampled_from(["checkin", "survey", "message", "points"]), st.sampled_from([1, 0.1, 2.5, 10]), min_size=1)


@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES, formula=FORMULAS, least=st.sampled_from([0, 3, 12.5]), per=st.sampled_from(["month", "week"]))
def test_a_board_is_what_a_plain_reckoning_of_the_ledger_says(
    sqlite_template: Path, entries: list[tuple[int, str, int, int, bool]], formula: dict[str, float], least: float, per: str
) -> None:
    board = BoardRules.model_validate_json(_json(key="b", title="榜", per=per, formula=formula, min_score=least, top=3))
    period, database = board.current(NOW, ZONE), Database(f"sqlite:///{sqlite_template}")
    with database.rehearsal() as db:
        people = [follower.seen(db, f"p{number}", NOW, NOW).id for number in range(4)]
        counted: dict[int, list[tuple[float, datetime]]] = {}
        for number, (who, form, amount, days, taken_back) in enumerate(entries):
            cause, at = form.format(number % 28 + 1), NOW + timedelta(days=days, minutes=number)
            posted = points.post(db, people[who], amount, cause, at)
            entry = db.execute(text("SELECT max(id) FROM ledger_entry")).scalar_one()
            if not posted.new:
                continue
            if taken_back:
                points.reverse(db, entry, at, by="cli:x", reason="x")
                continue
            kind = cause.split(":")[0]
            act = kind != "checkin" or cause.startswith("checkin:2026")
            worth = (formula.get(kind, 0) if act else 0) + (formula.get("points", 0) * amount if kind != "lottery" else 0)
            if worth and period.first <= at.astimezone(ZONE).date() < period.next:
                counted.setdefault(people[who], []).append((worth, at))
        totals = [(round(sum(worth for worth, _ in acts) * SCALE), max(at for _, at in acts), who) for who, acts in counted.items()]
        on_board = sorted((-score, at, who) for score, at, who in totals if score >= max(least * SCALE, 1))
        found = ranking.computed(db, board, period, ZONE, NOW)
        assert [(line.follower_id, line.score) for line in found.top] == [(who, -score) for score, _, who in on_board[:3]]
        assert sum(number for _, number in found.counts) == len(on_board)
        for place, (score, _, who) in enumerate(on_board, 1):
            assert ranking.score_of(db, board, period, ZONE, NOW, who) == -score
            above = sum(other < score for other, _, _ in on_board)
            assert found.place(who, -score) == (place if place <= 3 else max(above + 1, 4))
        ended = period.ends(ZONE) + timedelta(minutes=10)
        assert board_closing.freeze(db, Config(ZONE), board, period, ended)
        assert not board_closing.freeze(db, Config(ZONE), board, period, ended)
        assert [(one.follower_id, one.score) for one in board_closing.first(db, board, period, 99)] == [
            (who, -score) for score, _, who in on_board
        ]
    database.close()


def _json(**values: object) -> str:
    import json

    return json.dumps(values)


@given(day=st.dates(date(2000, 1, 3), date(2099, 12, 31)), kind=st.sampled_from(PERS))
def test_periods_follow_on_one_another_and_are_found_by_their_names(day: date, kind: Per) -> None:
    period = period_of(kind, day)
    assert period.first <= day < period.next
    assert period_of(kind, period.next).first == period.next
    assert period_called(kind, period.key.lower(), day) == period
    assert period_called(kind, " 上期 ", period.next) == period
    assert period_called(kind, "明年", day) is None


def test_scores_are_said_without_zeros_that_say_nothing() -> None:
    assert [shown(score) for score in (0, 1000, 1500, 12_345, 1_000_000_000)] == ["0", "1", "1.5", "12.345", "1000000"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"formula": {}},
        {"formula": {"checkin": 0.0001}},
        {"formula": {"checkin": 0}},
        {"formula": {"sharing": 1}},
        {"formula": {"checkin": 1}, "awards": {"1": {"points": 5}, "1-3": {"points": 1}}},
        {"formula": {"checkin": 1}, "awards": {"3-2": {"points": 5}}},
        {"formula": {"checkin": 1}, "awards": {"0": {"points": 5}}},
        {"per": "streak", "formula": {"checkin": 1}},
        {"per": "streak", "awards": {"1": {"points": 5}}},
    ],
)
def test_a_board_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BoardRules.model_validate_json(_json(key="b", title="榜", **wrong))
