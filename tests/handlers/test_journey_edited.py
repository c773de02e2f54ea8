"""Journeys whose file is edited while followers are under way, and followers who leave, refuse and come back."""

from __future__ import annotations

from tests.conftest import Founded
from tests.handlers.test_journey import entries, sent, took
from tests.people import BASIC

HEAD = (
    BASIC
    + """
broadcasts:
  - {key: hello, template: T, data: {thing1: "{name}"}}
  - {key: tips, template: T, data: {thing1: 怎么攒积分}}
  - {key: more, template: T, data: {thing1: 还有}}
journeys:
"""
)
TWO = HEAD + "  - {key: j, steps: [{after: 1h, broadcast: hello}, {after: 3h, broadcast: tips}]}\n"


def test_a_step_put_in_front_or_taken_out_repeats_none_and_loses_none(found: Founded) -> None:
    world = found(TWO)
    took(world)
    ann = world.person("ann")
    ann.does("subscribe")
    world.moment("2026-11-21 10:02:00")
    took(world)
    world.moment("2026-11-21 11:02:00")
    took(world)
    assert [run for run, _ in sent(world)] == ["j/1"]
    world.configure(
        HEAD + "  - {key: j, steps: [{after: 10m, broadcast: more}, {after: 1h, broadcast: hello}, {after: 3h, broadcast: tips}]}\n"
    )
    world.moment("2026-11-21 13:02:00")
    took(world)
    world.moment("2026-11-21 13:22:00")
    took(world)
    got = world.sql("SELECT r.plan FROM delivery d JOIN broadcast_run r ON r.id = d.run_id ORDER BY d.id")
    assert ['"tips"' in plan for (plan,) in got] == [False, True]
    assert entries(world, "j") == [(3, False, "done")]


def test_who_left_or_refused_is_done_with_it_also_when_they_come_back(found: Founded) -> None:
    world = found(TWO)
    took(world)
    ann, bob, cid = (world.person(name) for name in ("ann", "bob", "cid"))
    for one in (ann, bob, cid):
        one.does("subscribe")
    world.moment("2026-11-21 10:02:00")
    took(world)
    ann.does("unsubscribe")
    bob.says("退订")
    world.moment("2026-11-21 10:03:00")
    ann.does("subscribe")
    bob.says("恢复订阅")
    world.moment("2026-11-21 13:02:00")
    took(world)
    took(world)
    assert {who for _, who in sent(world)} == {cid.openid}


def test_a_key_that_was_taken_out_or_begins_otherwise_begins_with_nobody_of_the_past(found: Founded) -> None:
    world = found(TWO)
    took(world)
    world.configure(BASIC)
    took(world)
    ann = world.person("ann")
    ann.does("subscribe")
    ann.says("签到")
    world.moment("2026-11-21 10:10:00")
    world.configure(TWO)
    took(world)
    world.moment("2026-11-21 10:12:00")
    took(world)
    assert entries(world, "j") == []
    for number in range(5):
        world.at = world.at.replace(second=number)
        world.person(f"p{number}").says("你好")
    world.configure(TWO.replace("key: j,", "key: j, begin: checkin,"))
    for minute in (13, 15, 17):
        world.moment(f"2026-11-21 10:{minute}:00")
        took(world)
    assert entries(world, "j") == []
    world.configure(TWO.replace("key: j,", "key: j, begin: message,"))
    for minute in (23, 25, 27):
        world.moment(f"2026-11-21 10:{minute}:00")
        took(world)
    assert entries(world, "j") == []
