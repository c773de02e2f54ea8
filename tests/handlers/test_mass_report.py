"""MASSSENDJOBFINISH through the front door."""

from __future__ import annotations

from models import broadcast, mass
from models.broadcast import Broadcast
from models.push import PushSection
from tests.people import World, event


def test_the_platforms_report_settles_the_list_and_its_deliveries_and_makes_nobody_a_follower(world: World) -> None:
    for name in ("小王", "小李"):
        world.person(name).does("subscribe")
    plan, rules, zone = Broadcast.model_validate({"key": "news", "mass": {"text": "各位好"}}), PushSection(), world.service.live.config.zone
    with world.service.database.transaction() as db:
        number = broadcast.start(db, plan, "all", world.at, world.at)
        assert number is not None
        run = broadcast.load(db, number)
        while broadcast.plan_chunk(db, run):
            pass
        formed = mass.form(db, run, rules, zone, world.at)
        assert formed is not None
        mass.sent(db, formed, "34182", world.at)
    counts = {"TotalCount": "2", "FilterCount": "2", "SentCount": "2", "ErrorCount": "0"}
    report = event("mphelper", world.at.timestamp(), "MASSSENDJOBFINISH", MsgID="34182", Status="send success", **counts)
    assert [answer.body for answer in world.push(report, copies=2)] == [b"success"] * 2
    assert world.sql("SELECT state, status, total_count, sent_count FROM mass_list") == [("finished", "send success", 2, 2)]
    assert world.sql("SELECT DISTINCT state FROM delivery") == [("delivered",)]
    assert world.sql("SELECT count(*) FROM follower") == [(2,)]
