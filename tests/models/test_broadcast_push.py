"""Quiet hours, the platform's stops, and what an operator may write about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from models import push
from models.push import PushSection
from tests.scheduler.stage import ZONE, Stage, shanghai


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ("22:00-08:00", "2026-11-21 21:59:59", None),
        ("22:00-08:00", "2026-11-21 22:00:00", "2026-11-22 08:00:00"),
        ("22:00-08:00", "2026-11-22 00:00:00", "2026-11-22 08:00:00"),
        ("22:00-08:00", "2026-11-22 07:59:59", "2026-11-22 08:00:00"),
        ("22:00-08:00", "2026-11-22 08:00:00", None),
        ("12:00-14:00", "2026-11-21 12:00:00", "2026-11-21 14:00:00"),
        ("12:00-14:00", "2026-11-21 14:00:00", None),
        ("22:00-24:00", "2026-11-21 23:59:59", "2026-11-22 00:00:00"),
        ("22:00-24:00", "2026-11-22 00:00:00", None),
        ("00:00-06:30", "2026-12-31 00:00:00", "2026-12-31 06:30:00"),
        ("22:00–08:00", "2026-12-31 23:00:00", "2027-01-01 08:00:00"),
    ],
)
def test_quiet_hours_begin_and_end_on_the_second(hours: str, at: str, until: str | None) -> None:
    rules = PushSection.model_validate({"quiet_hours": hours})
    assert rules.quiet_until(shanghai(at), ZONE) == (until and shanghai(until))


def test_without_quiet_hours_there_are_none() -> None:
    assert PushSection.model_validate({}).quiet_until(datetime(2026, 11, 21, tzinfo=UTC), ZONE) is None


@pytest.mark.parametrize(
    "section",
    [
        {"quiet_hours": "22:00"},
        {"quiet_hours": "8:00-8:00"},
        {"quiet_hours": "25:00-08:00"},
        {"quiet_hours": 1320},
        {"limits": [{"max": -1, "per": "day"}]},
        {"limits": [{"max": 1, "per": "fortnight"}]},
        {"limits": [{"max": 1, "per": "0d"}]},
        {"limits": [{"max": True, "per": "day"}]},
        {"limits": [{"max": 1}]},
        {"reserve": -1},
        {"pace": 0},
        {"pase": 3},
    ],
)
def test_what_makes_no_sense_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PushSection.model_validate(section)


def test_a_stop_of_a_channel_is_kept_and_the_longer_one_wins(stage: Stage) -> None:
    midnight = shanghai("2026-11-22 00:00:00")
    stage.verb(push.stop_channel, "template", 45009, midnight)
    stage.verb(push.stop_channel, "template", 45011, stage.at + timedelta(minutes=1))
    assert stage.verb(push.channel_stopped, "template", stage.at) == (midnight, 45009)
    assert stage.verb(push.channel_stopped, "custom", stage.at) is None
    assert stage.verb(push.channel_stopped, "template", midnight) is None
