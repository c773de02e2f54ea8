"""Followers with the same charges are judged once for all of them: the plan is the same as when each is judged alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from models.broadcast import BroadcastsSection
from models.config import Config
from models.database import Database
from models.follower import followers
from models.plan import Planner, forecast, replay
from models.push import PushSection
from models.segment import SegmentsSection

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SHAPES: list[dict[str, Any]] = [
    {"key": "daily", "cron": "40 21 * * *", "segment": "few", "wait": "2d"},  # 240 followers at one a second: into the quiet hours
    {"key": "weekly", "cron": "40 21 * * fri"},
    {"key": "notice", "cron": "45 21 * * fri", "exempt": True},
    {"key": "night", "cron": "55 23 * * wed", "priority": "low", "goal": {}},
]


class OneByOne(replay.Replay):
    """Judges every follower alone."""

    def _of_class(self, *given: Any) -> Any:
        found = super()._of_class(*given)
        return replay._EACH if found.way or found.by or found.slot else found


@pytest.mark.parametrize(
    "rules",
    [
        {"limits": [{"max": 2, "per": "7d"}, {"max": 1, "per": "day"}], "quiet_hours": "21:42-08:00"},
        {"limits": [{"max": 3, "per": "week"}], "gap": "1d", "quotas": {"template_per_day": 150}},
    ],
)
def test_a_class_is_judged_as_each_of_it_would_be(sqlite_url: str, rules: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(sqlite_url)
    shape = {"subscribed": True, "state_at": NOW, "last_seen_at": NOW}
    with database.transaction() as db:
        db.execute(insert(followers), [shape | {"openid": f"o{n}", "first_seen_at": NOW - timedelta(hours=3 * n)} for n in range(240)])
    config = Config(
        ZoneInfo("Asia/Shanghai"),
        "",
        {
            PushSection: PushSection.model_validate(rules | {"pace": 1}),
            SegmentsSection: SegmentsSection.model_validate([{"key": "few", "where": "followed_within(25d)"}]),
            BroadcastsSection: BroadcastsSection.model_validate([{"template": "T", "data": {"thing1": "x"}} | one for one in SHAPES]),
        },
    )

    def foreseen() -> list[Any]:
        with database.snapshot() as db:
            found = Planner(db, config, NOW, 2).forecast()
        return [(found.times(one), {why: sorted(who) for why, who in one.left_out.items()}, one.starved_by) for one in found.sendings]

    by_class = foreseen()
    monkeypatch.setattr(forecast, "Replay", OneByOne)
    assert by_class == foreseen()
    assert sum(len(times) for times, _, _ in by_class) > 300
    database.close()
