"""Rule versions, tallies and conditions, by value on a real database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from models import condition, follower, rule_version, tally
from models.condition import Circumstances, Conditions
from models.holiday import holiday, workday
from models.rule_version import GONE
from tests.people import World

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # a Saturday, 10:00 in Shanghai
FILES = [("config.yaml", "账号: 🎉\r\n"), ("rules/a.yaml", "")]


def test_a_version_is_kept_word_for_word_however_often_it_is_remembered(world: World) -> None:
    with world.service.database.transaction() as db:
        for files in (FILES, [("config.yaml", "another")]):
            rule_version.remember(db, "abc123", files, NOW)
        assert rule_version.texts(db, "abc123") == FILES
        assert rule_version.texts(db, "nobody") == []
        assert rule_version.find(db, "abc") == ["abc123"]
        assert rule_version.find(db, "a%c") == rule_version.find(db, "a_c") == []


def test_the_list_tells_which_running_processes_are_under_which_version(world: World) -> None:
    with world.service.database.transaction() as db:
        for minute, (process, version) in enumerate([("a:1", "one"), ("b:2", "one"), ("a:1", "two"), ("a:1", "two"), ("a:1", "one")]):
            rule_version.under(db, version, process, NOW + timedelta(seconds=minute))
        listed = rule_version.listed(db, NOW + timedelta(seconds=10))
        assert [(one.version, one.processes) for one in listed] == [("one", ("a:1", "b:2")), ("two", ())]
        assert listed[1].since == NOW + timedelta(seconds=2)
        assert listed[1].until == NOW + timedelta(seconds=3)
        assert [one.processes for one in rule_version.listed(db, NOW + GONE + timedelta(seconds=60))] == [(), ()]


def test_a_tally_counts_each_follower_and_each_thing_on_its_own(world: World) -> None:
    with world.service.database.transaction() as db:
        li, wang = (follower.seen(db, f"o{name}", NOW, NOW, subscribed=True, scene=None).id for name in ("li", "wang"))
        assert [tally.count(db, li, "nth:甲") for _ in range(3)] == [1, 2, 3]
        assert tally.count(db, wang, "nth:甲") == tally.count(db, li, "nth:乙") == 1
        long = tally.subject("nth", "很长" * 200)
        assert len(long) <= 100
        assert tally.count(db, li, long) == 1
        assert tally.subject("nth", "很长" * 199) != long


def read(conditions: dict[str, object]) -> Conditions:
    """As config.yaml is read: strictly, by way of JSON."""
    return Conditions.model_validate_json(json.dumps(conditions))


def met(world: World, at: datetime, chance: float = 0.0, conditions: dict[str, object] | None = None) -> bool:
    """Whether the conditions hold for somebody new at this time."""
    with world.service.database.rehearsal() as db:
        person = follower.seen(db, "oNew", at, at, subscribed=True, scene=None)
        now = Circumstances(db, world.service.live.config, person, at, lambda name: chance)
        return condition.unmet(read(conditions or {}), "rule", now) is None


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment + "+08:00")


@pytest.mark.parametrize(
    ("conditions", "holds", "not_then"),
    [
        ({"from": "22:00", "to": "06:00"}, ["2026-11-21 22:00:00", "2026-11-22 05:59:59"], ["2026-11-21 06:00:00", "2026-11-21 21:59:59"]),
        ({"from": "00:00", "to": "24:00"}, ["2026-11-21 00:00:00", "2026-11-21 12:00:00", "2026-11-21 23:59:59"], []),
        ({"days": ["sat"]}, ["2026-11-21 00:00:00"], ["2026-11-22 00:00:00"]),
        ({"dates": "2026-12-24"}, ["2026-12-24 23:59:59"], ["2026-12-25 00:00:00"]),
        ({"dates": {"from": "2026-12-01"}}, ["2027-05-01 00:00:00"], ["2026-11-30 23:59:59"]),
        ({"dates": ["2026-12-24", {"from": "2027-01-01", "to": "2027-01-02"}]}, ["2027-01-02 09:00:00"], ["2027-01-03 00:00:00"]),
        ({"holiday": True}, ["2026-10-01 12:00:00", "2027-02-06 12:00:00"], ["2026-10-10 12:00:00", "2026-11-21 12:00:00"]),
        ({"holiday": ["春节"]}, ["2027-02-05 12:00:00"], ["2026-10-01 12:00:00"]),
        ({"workday": True}, ["2026-10-10 12:00:00", "2026-11-20 12:00:00"], ["2026-10-01 12:00:00", "2026-11-21 12:00:00"]),
        ({"workday": False}, ["2026-11-21 12:00:00"], ["2026-10-10 12:00:00"]),
        ({"segment": "all"}, ["2026-11-21 12:00:00"], []),
        ({"without_tags": ["员工"]}, ["2026-11-21 12:00:00"], []),
        ({"tags": ["员工"]}, [], ["2026-11-21 12:00:00"]),
        ({"nth": 1}, ["2026-11-21 12:00:00"], []),
        ({"nth": [2, 3]}, [], ["2026-11-21 12:00:00"]),
        ({"nth": {"from": 2}}, [], ["2026-11-21 12:00:00"]),
    ],
)
def test_conditions_hold_when_they_should(world: World, conditions: dict[str, object], holds: list[str], not_then: list[str]) -> None:
    assert all(met(world, at(moment), conditions=conditions) for moment in holds)
    assert not any(met(world, at(moment), conditions=conditions) for moment in not_then)


def test_a_probability_is_a_share_of_all_chances(world: World) -> None:
    assert met(world, NOW, 0.299, {"probability": "30%"})
    assert not met(world, NOW, 0.3, {"probability": "30%"})
    assert met(world, NOW, 0.999999, {"probability": 1})


@pytest.mark.parametrize(
    "nonsense",
    [
        {"from": "22:00"},
        {"from": "9:00", "to": "09:00"},
        {"dates": {}},
        {"dates": {"from": "2026-12-02", "to": "2026-12-01"}},
        {"nth": 0},
        {"nth": {"from": 3, "to": 2}},
        {"probability": "0%"},
        {"probability": "120%"},
        {"dates": "2026-02-30"},
        {"dates": 20261224},
        {"dates": {"from": "24.12.2026"}},
        {"holiday": ["圣诞节"]},
        {"days": []},
    ],
)
def test_conditions_that_never_hold_are_refused(nonsense: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read(nonsense)


def test_the_worked_weekends_of_a_year_that_is_not_announced_are_just_weekends() -> None:
    assert [holiday(date(2027, 1, 1)), holiday(date(2027, 1, 4)), holiday(date(2027, 2, 9))] == ["元旦", None, "春节"]
    assert [workday(date(2027, 1, 1)), workday(date(2027, 1, 2)), workday(date(2027, 1, 4))] == [False, False, True]
