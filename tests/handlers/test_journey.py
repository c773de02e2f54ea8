"""Journeys through the front door: who follows, acts or falls silent gets one message after another, each once, and no longer than needed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from models import broadcast
from models.journey import Journey
from tests.conftest import Founded
from tests.people import BASIC, World

CONFIG = (
    BASIC
    + """
broadcasts:
  - {key: hello, template: T, data: {thing1: "{name}"}}
  - {key: tips, template: T, data: {thing1: 怎么攒积分}}
  - {key: come_back, template: T, data: {thing1: 好久不见}, state: draft}
journeys:
  - key: newcomer
    begin: follow
    until: checkin
    steps:
      - {after: 1d, at: "10:00", broadcast: hello}
      - {after: 3d, at: "10:00", broadcast: tips}
  - {key: quiet, begin: silence, silence: 14d, again: 30d, steps: [{after: 1h, broadcast: come_back}]}
"""
)


def took(world: World, processes: int = 1) -> int:
    """The clock does what journeys need; how many steps were taken or ended."""
    world.chore("journeys_begun", processes)
    return world.chore("journeys_taken", processes)


def sent(world: World) -> list[tuple[str, str]]:
    """Which run has a delivery for whom."""
    query = "SELECT r.broadcast, f.openid FROM delivery d JOIN broadcast_run r ON r.id = d.run_id JOIN follower f ON f.id = d.follower_id ORDER BY d.id"
    return [(run, person) for run, person in world.sql(query)]


def entries(world: World, key: str) -> list[tuple[int, bool, str | None]]:
    """How far everybody on a journey is: the step, whether it goes on, by what it ended."""
    query = "SELECT step, next_at IS NOT NULL, ended_by FROM journey_entry WHERE journey = :key ORDER BY id"
    return [(step, bool(open_), why) for step, open_, why in world.sql(query, key=key)]


def test_who_follows_gets_each_step_once_and_whoever_acts_gets_no_more(found: Founded) -> None:
    world = found(CONFIG)
    old, ann, bob, cid = (world.person(name) for name in ("old", "ann", "bob", "cid"))
    world.moment("2026-11-20 18:00:00")
    old.does("subscribe")
    took(world)  # the journey is new: it begins with whoever follows from now on
    for one in (ann, bob, cid):
        one.does("subscribe")
    ann.does("subscribe")  # the platform says it twice
    world.moment("2026-11-20 18:02:00")
    took(world, processes=3)
    assert entries(world, "newcomer") == [(0, True, None)] * 3
    world.moment("2026-11-21 18:01:00")  # a day later it is past ten: the next morning
    cid.does("unsubscribe")
    assert took(world) == 0
    world.moment("2026-11-22 10:00:00")
    assert took(world, processes=3) == 2
    assert sent(world) == [("newcomer/1", ann.openid), ("newcomer/1", bob.openid)]
    assert (0, False, "left") in entries(world, "newcomer")
    assert took(world, processes=3) == 0
    bob.says("签到")
    world.moment("2026-11-24 10:00:00")
    assert took(world) == 2
    assert sent(world)[2:] == [("newcomer/2", ann.openid)]
    assert sorted(entries(world, "newcomer")) == [(0, False, "left"), (1, False, "checkin"), (2, False, "done")]
    runs = world.sql("SELECT id, state, bound FROM broadcast_run")
    assert [(state, bound) for _, state, bound in runs] == [("sending", 0)] * 2
    with world.service.database.transaction() as db:  # paused and resumed, it is still for these and nobody else
        broadcast.pause(db, runs[0][0], "")
        broadcast.resume(db, runs[0][0])
        assert not broadcast.plan_chunk(db, broadcast.load(db, runs[0][0]))
    assert len(sent(world)) == 3
    ann.does("unsubscribe")
    ann.does("subscribe")
    world.moment("2026-11-24 10:05:00")
    took(world)
    assert sorted(entries(world, "newcomer")) == [(0, False, "left"), (1, False, "checkin"), (2, False, "done")], "once in a life"


def test_who_falls_silent_waits_for_the_draft_and_writing_ends_it(found_on_sqlite: Founded) -> None:
    world = found_on_sqlite(CONFIG)
    ann, bob = world.person("ann"), world.person("bob")
    world.moment("2026-11-01 12:00:00")
    ann.says("你好")
    bob.says("你好")
    world.moment("2026-11-15 12:30:00")
    took(world)
    assert entries(world, "quiet") == [(0, True, None)] * 2
    world.moment("2026-11-15 13:05:00")
    assert took(world) == 0, "a draft waits"
    bob.says("在吗")
    world.configure(CONFIG.replace(", state: draft", ""))
    assert took(world) == 2
    assert sent(world) == [("quiet/1", ann.openid)]
    assert sorted(entries(world, "quiet"), key=str) == [(0, False, "message"), (1, False, "done")]
    world.moment("2026-12-05 12:00:00")
    for one in (ann, bob):
        one.says("又来了")
    world.moment("2026-12-20 12:30:00")
    took(world)
    world.moment("2026-12-20 14:30:00")
    took(world)
    assert sorted(sent(world)) == sorted([("quiet/1", ann.openid)] * 2 + [("quiet/1", bob.openid)]), "again, thirty days later"


def test_a_step_that_is_a_day_late_is_left_out(found_on_sqlite: Founded) -> None:
    world = found_on_sqlite(CONFIG)
    took(world)
    world.person("ann").does("subscribe")
    world.moment("2026-11-21 10:02:00")
    took(world)
    world.moment("2026-11-23 10:30:00")  # down for more than a day
    took(world)
    assert sent(world) == []
    assert entries(world, "newcomer") == [(1, True, None)]
    world.configure(BASIC)
    world.moment("2026-11-24 10:30:00")
    took(world)
    world.configure(CONFIG)
    assert entries(world, "newcomer") == [(1, True, None)], "a journey taken out of the file rests"


@pytest.mark.parametrize(
    ("after", "at", "due"),
    [
        ("1d", "10:00", "2026-11-22 10:00"),
        ("1d", "09:00", "2026-11-23 09:00"),
        ("2h", None, "2026-11-21 11:40"),
        ("1d", None, "2026-11-22 09:40"),
    ],
)
def test_a_step_is_due_on_a_ten_minute_mark(after: str, at: str | None, due: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    journey = Journey.model_validate({"key": "j", "steps": [{"after": after, "broadcast": "b"} | ({"at": at} if at else {})]})
    began = datetime(2026, 11, 21, 9, 33, 12, tzinfo=zone)
    assert journey.due_at(0, began, zone) == datetime.fromisoformat(due).replace(tzinfo=zone)
