"""Ways: said below a reply first, called for by what is spent before, never repeated where that is not safe, never marketing by template."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import broadcast, cohort, mass, passive, topic, why
from models.broadcast import Broadcast, NothingToOverride, Override, Unlawful
from models.passive import SAID
from models.push import PushSection
from tests.scheduler.stage import ZONE, Stage


def wrote(stage: Stage, *people: int) -> None:
    """These followers have just written."""
    for one in people:
        stage.do(
            "INSERT INTO inbox_entry (key, follower_id, kind, said_at, received_at) VALUES (:key, :who, 'text', :at, :at)",
            key=f"{one}:{stage.at}",
            who=one,
            at=stage.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        )


def rows(stage: Stage, run: int) -> list[tuple[object, ...]]:
    """Each delivery of the run: state, way and the beginning of its reason."""
    found = stage.sql("SELECT state, channel, reason FROM delivery WHERE run_id = :run ORDER BY follower_id", run=run)
    return [(state, channel, reason and reason[:5]) for state, channel, reason in found]


def test_what_is_said_below_replies_is_said_once_to_those_who_may_hear_it_and_the_rest_goes_its_way_afterwards(stage: Stage) -> None:
    stage.crowd(6)
    for one in (1, 2, 3, 4, 5):
        stage.verb(topic.subscribe, one, "weekly", "订阅每周精选", stage.at)
    run = stage.run(text="悄悄话", passive="2h", topic="weekly")
    assert rows(stage, run) == [("pending", "passive", None)] * 5, "whoever did not subscribe has no row"
    config = stage.config()
    assert stage.reserve(run) == [], "nobody calls before its time"
    assert stage.verb(passive.say, config, 1, stage.at) == "悄悄话"
    assert stage.verb(passive.say, config, 1, stage.at) is None
    assert stage.verb(passive.say, config, 6, stage.at) is None
    stage.do("UPDATE follower SET refused_at = state_at WHERE id = 2")
    stage.verb(topic.leave, 3, "weekly", stage.at)
    assert [stage.verb(passive.say, config, one, stage.at) for one in (2, 3)] == [None, None]
    stage.verb(broadcast.pause, run, "等等")
    assert stage.verb(passive.say, config, 4, stage.at) is None, "paused is paused"
    stage.verb(broadcast.resume, run)
    stage.plan(run)
    stage.later(hours=2)
    assert stage.verb(passive.say, config, 4, stage.at) is None, "its time is over"
    wrote(stage, 5)
    assert [one.follower.id for one in stage.reserve(run)] == [4, 5]
    assert rows(stage, run) == [
        ("sent", "passive", SAID[:5]),
        ("skipped", "template", "已退订 r"),
        ("skipped", "passive", "没有订阅主"),
        ("sending", "template", "模板消息："),
        ("sending", "customer_message", "客服消息："),
    ]


def test_a_call_that_cannot_be_repeated_is_unknown_when_its_process_dies_and_what_it_spent_stays_spent(stage: Stage) -> None:
    stage.crowd(2)
    wrote(stage, 1)
    stage.do("INSERT INTO subscription_grant (follower_id, template, unused) VALUES (2, 'N', 1)")
    run = stage.run(template=None, data={}, text="在吗", subscription={"template": "N", "data": {"thing1": "在吗"}})
    assert [one.channel for one in stage.reserve(run)] == ["customer_message", "subscription"]
    stage.later(minutes=1)
    assert stage.reserve(run) == []
    assert {row[0] for row in rows(stage, run)} == {"unknown"}
    assert stage.sql("SELECT used FROM allowance") == [(1,)]
    assert stage.sql("SELECT unused FROM subscription_grant") == [(0,)]
    again = stage.run("again", template=None, data={}, subscription={"template": "N", "data": {"thing1": "在吗"}})
    assert stage.reserve(again) == []
    assert rows(stage, again) == [("skipped", "subscription", "订阅通知：")] * 2


def test_marketing_never_goes_by_template_and_what_the_clock_would_begin_asks_somebody_with_a_name(stage: Stage) -> None:
    stage.crowd(2)
    wrote(stage, 1)
    run = stage.run("both", text="全场五折", purpose="marketing")
    assert [one.channel for one in stage.reserve(run)] == ["customer_message"]
    assert rows(stage, run)[1] == ("skipped", None, "客服消息：")
    ads = Broadcast.model_validate({"key": "ads", "template": "T", "data": {"thing1": "送您一张优惠券"}, "cron": "0 * * * *"})
    stage.verb(broadcast.claim_due, ads, "all", ZONE, stage.at)
    stage.later(hours=1)
    number = stage.verb(broadcast.claim_due, ads, "all", ZONE, stage.at + timedelta(minutes=1))
    asked = stage.of(number)
    assert asked.state == "asked"
    assert asked.reason.startswith("营销内容 marketing “优惠券”：《微信公众平台运营规范》3.9.2")
    with pytest.raises(Unlawful):
        stage.verb(broadcast.resume, number)
    stage.verb(broadcast.override, number, ads, Override("王店长", "是他们买的券"), "cli:wang", stage.at)
    with pytest.raises(NothingToOverride):
        stage.verb(broadcast.override, number, ads, Override("李四", "也要"), "cli:li", stage.at)
    stage.verb(broadcast.resume, number)
    stage.plan(number)
    assert [one.channel for one in stage.reserve(number)] == ["template", "template"]
    journey = stage.verb(broadcast.start_for, ads, "journey/1", [1], stage.at)
    assert stage.of(journey).state == "asked"
    shop = Broadcast.model_validate({"key": "shop", "template": "T", "data": {"thing1": "您好"}, "purpose": "marketing"})
    assert "purpose: marketing" in str(broadcast.offence(shop))


def test_the_control_group_of_all_marketing_hears_none_below_replies_either_and_a_topic_they_left_keeps_nothing_else_back(
    stage: Stage,
) -> None:
    stage.crowd(40)
    stage.push = PushSection.model_validate({"control": "20%"})
    for one in (1, 2):
        stage.verb(topic.subscribe, one, "weekly", "订阅每周精选", stage.at)
    stage.run("of_topic", text="精选", template=None, data={}, passive="2h", topic="weekly", purpose="notice")
    for one in (1, 2):
        stage.verb(topic.leave, one, "weekly", stage.at)
    run = stage.run("ads", text="上新", template=None, data={}, passive="2h")
    config = stage.config()
    ads, at = stage.verb(broadcast.load, run).plan, stage.at
    told = {one for one in range(1, 41) if stage.verb(why.why, config, ads, one, at).verdicts[0].reason == cohort.CONTROL}
    heard = {one for one in range(1, 41) if stage.verb(passive.say, config, one, stage.at)}
    stage.later(hours=3)
    wrote(stage, *range(1, 41))
    assert stage.reserve(run) == []
    held = {row[0] for row in stage.sql("SELECT follower_id FROM delivery WHERE reason = :why", why=cohort.CONTROL)}
    control = {one for one in range(1, 41) if cohort.of(one, "control") < 0.2 * cohort.PARTS}
    assert 2 < len(control) < 20
    assert heard == set(range(1, 41)) - control
    assert held == told == control


def test_whoever_leaves_the_topic_gets_nothing_of_it_that_is_not_begun_also_by_mass_and_also_when_it_is_repeated(stage: Stage) -> None:
    stage.crowd(6)
    for one in range(1, 7):
        stage.verb(topic.subscribe, one, "weekly", "订阅每周精选", stage.at)
    repeated = stage.run("repeated", topic="weekly")
    run = stage.run("mass", template=None, data={}, mass={"text": "精选"}, topic="weekly")
    assert len(stage.reserve(repeated)) == 6
    assert stage.reserve(run) == []
    stage.verb(topic.leave, 3, "weekly", stage.at)
    stage.later(minutes=1)
    assert [one.follower.id for one in stage.reserve(repeated)] == [1, 2, 4, 5, 6]
    assert rows(stage, repeated)[2] == ("unknown", "template", "没有订阅主")
    listed = stage.verb(lambda db: mass.form(db, broadcast.load(db, run), stage.push, ZONE, stage.at))
    assert listed.size == 5
    assert rows(stage, run)[2] == ("skipped", "mass", "没有订阅主")
