"""Messages: what a follower reads of a broadcast: their variant, their lines, their variables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select, text

from models import broadcast, checkin, condition, coupon, facts, message, points, reservation
from models.broadcast import Broadcast, Run
from models.condition import Circumstances, Conditions
from models.delivery import Reserved
from models.field import fitted, misfit
from models.follower import Follower, followers
from models.level import level_of
from models.push import PushSection
from tests.people import World

NAMES = "甲乙丙丁戊己庚辛"
WORDS = """
points: {levels: {银卡: 5, 金卡: 15}}
checkin: {rules: {points: 5}}
segments: [{key: regulars, where: "checked_in_within(2d)"}]
coupons: {batches: [{key: tea, name: 奶茶券, valid: {days: 30}, stock: 100}]}
push: {}
"""
LINES: list[Any] = [
    "{name|朋友}，您好",
    {"when": {"tags": ["上海"]}, "text": "上海店周六休息", "otherwise": "各店照常"},
    {"when": {"level": "银卡"}, "text": "{level}有 {points} 分，连签 {streak} 天，券 {coupons} 张"},
    {"when": {"segment": "regulars", "without_tags": ["上海"]}, "text": "谢谢您常来"},
    {"when": {"from": "20:00", "to": "21:00"}, "text": "晚上好"},
]


@pytest.fixture
def people(world: World) -> list[Follower]:
    """Eight followers: some check in on three days, some on the last two, some on the last, some never; some live in Shanghai."""
    world.configure(WORDS)
    for day in (19, 20, 21):
        world.moment(f"2026-11-{day} 10:00:00")
        for number, name in enumerate(NAMES):
            world.person(name).says("签到" if number % 4 > 21 - day else "你好")
    with world.service.database.transaction() as db:
        db.execute(text("INSERT INTO tag (id, name) VALUES (1, '上海'), (2, '员工')"))
        db.execute(text("INSERT INTO follower_tag (follower_id, tag_id) SELECT id, 1 + id % 2 FROM follower WHERE id % 3 > 0"))
        db.execute(text("UPDATE follower SET remark = '老<李' WHERE id = (SELECT min(id) FROM follower)"))
        rows = db.execute(select(followers.c.id, followers.c.openid, followers.c.remark).order_by(followers.c.id)).all()
        for row in rows[2:5]:
            coupon.give(db, world.service.live.config, row.id, "tea", "gift", world.at)
    return [Follower(row.id, row.openid, True, True, row.remark) for row in rows]


def run_of(world: World, **plan: Any) -> Run:
    """A run of this broadcast to everybody, planned."""
    with world.service.database.transaction() as db:
        number = broadcast.start(db, Broadcast.model_validate({"key": "digest", **plan}), "all", world.at, world.at)
        assert number is not None
        run = broadcast.load(db, number)
        while broadcast.plan_chunk(db, run):
            pass
    return run


def reserve(world: World, run: Run, size: int = 100) -> list[Reserved]:
    """A batch as the sender has it."""
    config = world.service.live.config
    with world.service.database.transaction() as db:
        batch = reservation.reserve_batch(db, run, config[PushSection], config.zone, world.at, size) or []
        return list(message.prepare(db, config, run, batch, world.at))


def texts(world: World, run: Run, batch: list[Reserved]) -> dict[int, str]:
    """What each follower reads, by customer-service message."""
    local = world.at.astimezone(world.service.live.config.zone)
    return {one.follower.id: message.compose(run, one, local).text for one in batch}


def test_what_is_read_for_many_at_once_is_what_is_read_for_each(world: World, people: list[Follower]) -> None:
    config, now, ids = world.service.live.config, world.at, [one.id for one in people]
    every = [
        {"tags": ["上海"]},
        {"without_tags": ["上海", "没有"]},
        {"level": "金卡"},
        {"level": "没有这个等级"},
        {"segment": "regulars"},
        {"from": "09:00", "to": "11:00", "days": ["sat"]},
        {"days": ["sun"]},
        {"tags": ["员工", "上海"], "level": "银卡", "segment": "regulars"},
    ]
    with world.service.database.snapshot() as db:
        read = facts.values(db, config, facts.READ, ids, now)
        for one in ids:
            mine = coupon.mine(db, one, now).coupons
            alone = {
                "points": points.balance(db, one),
                "growth": points.balance(db, one, points.GROWTH),
                "cards": points.balance(db, one, points.CARD),
                "level": level_of(db, config, one),
                "streak": checkin.current_streak(db, one, config.zone, now),
                "coupons": len(mine),
            }
            assert {name: found.get(one, facts.NOTHING[name]) for name, found in read.items()} == alone
        for rules in every:
            conditions = Conditions.model_validate(rules)
            each = {one.id for one in people if not condition.unmet(conditions, "x", Circumstances(db, config, one, now, lambda name: 0.5))}
            assert condition.met(db, config, conditions, "x", ids, now) == each, rules
        half = condition.met(db, config, Conditions.model_validate({"probability": "50%"}), "x", range(1000), now)
        assert 400 < len(half) < 600
        assert half == condition.met(db, config, Conditions.model_validate({"probability": "50%"}), "x", range(1000), now)
    assert len({tuple(found.get(one) for found in read.values()) for one in ids}) > 4, "the people are not alike"


def test_everybody_gets_the_lines_that_are_meant_for_them_with_their_own_words(world: World, people: list[Follower]) -> None:
    run = run_of(world, lines=LINES)
    batch = reserve(world, run)
    read = texts(world, run, batch)
    with world.service.database.snapshot() as db:
        local = {row.follower_id for row in db.execute(text("SELECT follower_id FROM follower_tag WHERE tag_id = 1"))}
    assert len(read) == len(people)
    for place, one in enumerate(people):
        days = min(3, place % 4)
        expected = ["老＜李，您好" if place == 0 else "朋友，您好", "上海店周六休息" if one.id in local else "各店照常"]
        if days:
            held, own = "金卡" if days == 3 else "银卡", int(place in (2, 3, 4))
            expected.append(f"{held}有 {days * 5} 分，连签 {days} 天，券 {own} 张")
            expected += [] if one.id in local else ["谢谢您常来"]
        assert read[one.id] == "\n".join(expected)


def test_a_variant_is_kept_with_the_delivery_and_what_was_begun_is_repeated_as_it_was_said(world: World, people: list[Follower]) -> None:
    two = [{"key": "A"}, {"key": "B", "text": "乙：{weekday}"}]
    run = run_of(world, text="甲", variants=two)
    batch = reserve(world, run)
    kept = dict(world.sql("SELECT id, variant FROM delivery"))
    assert {one.id: one.variant for one in batch} == kept
    assert {one.follower.id: one.variant for one in batch} == {who.id: message.variant(run.plan, who.id) for who in people}
    assert texts(world, run, batch) == {one.follower.id: "甲" if one.variant == "A" else "乙：星期六" for one in batch}
    assert set(kept.values()) == {"A", "B"}

    edited = Broadcast.model_validate({"key": "digest", "text": "丙", "variants": [{"key": "A"}, {"key": "B", "text": "丁"}]})
    with world.service.database.transaction() as db:
        assert broadcast.edit(db, run.id, edited, "小李", world.at) == 1
        now_run = broadcast.load(db, run.id)
        again = message.prepare(db, world.service.live.config, now_run, batch, world.at)  # begun before: repeated as they were
    assert {one.id: one.variant for one in again} == kept
    assert texts(world, now_run, list(again)) == texts(world, run, batch)
    fresh = [replace(one, revision=1) for one in batch]
    with world.service.database.transaction() as db:
        begun_now = message.prepare(db, world.service.live.config, now_run, fresh, world.at)
    assert set(texts(world, now_run, list(begun_now)).values()) == {"丙", "丁"}


def test_the_shares_of_variants_are_what_is_written_and_independent_of_the_holdout() -> None:
    plan = Broadcast.model_validate(
        {"key": "ab", "text": "x", "variants": [{"key": "A", "share": "20%"}, {"key": "B"}, {"key": "C", "share": 0.5}]}
    )
    drawn = Counter(message.variant(plan, follower) for follower in range(1, 20_001))
    assert {key: round(number / 20_000, 1) for key, number in drawn.items()} == {"A": 0.2, "B": 0.3, "C": 0.5}
    alone = Broadcast.model_validate({"key": "ab", "text": "x"})
    assert message.variant(alone, 7) is None


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("unknown placeholder {city}", {"text": "{city}"}),
    ("unknown placeholder {lvel}", {"lines": ["您好", {"when": {"tags": ["x"]}, "text": "{lvel}"}]}),
    ("no how manieth time", {"lines": ["您好", {"when": {"nth": 1}, "text": "x"}]}),
    ("or some would get an empty message", {"lines": [{"when": {"tags": ["x"]}, "text": "x"}]}),
    ("write either text or lines", {"text": "x", "lines": ["x"]}),
    ("one variant is none", {"text": "x", "variants": [{"key": "A"}]}),
    ("there are two variants A", {"text": "x", "variants": [{"key": "A"}, {"key": "A"}]}),
    ("make 100% together", {"text": "x", "variants": [{"key": "A", "share": 0.5}, {"key": "B", "share": 0.4}]}),
    ("nothing is left for those", {"text": "x", "variants": [{"key": "A", "share": 1.0}, {"key": "B"}]}),
    ("the broadcast has no text", {"template": "T", "variants": [{"key": "A"}, {"key": "B", "text": "x"}]}),
    ("the broadcast has no template", {"text": "x", "variants": [{"key": "A"}, {"key": "B", "data": {"thing1": "x"}}]}),
]


@pytest.mark.parametrize(("said", "plan"), REFUSED, ids=[f"{number}: {said}" for number, (said, _) in enumerate(REFUSED)])
def test_content_that_cannot_be_meant_is_refused_when_the_file_is_read(said: str, plan: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=said.replace("{", r"\{").replace("}", r"\}")):
        Broadcast.model_validate({"key": "digest", **plan})


def test_a_plan_with_conditions_is_read_again_as_it_was_written() -> None:
    when = {"from": "09:00", "to": "10:00", "dates": {"from": "2026-12-01", "to": "2026-12-31"}, "tags": ["x"], "probability": "30%"}
    plan = Broadcast.model_validate({"key": "a", "lines": ["您好", {"when": when, "text": "x"}], "variants": [{"key": "A"}, {"key": "B"}]})
    assert plan.contents["B"].conditions  # what was looked up once is no part of it
    assert Broadcast.model_validate_json(plan.model_dump_json()) == plan


FIELDS = [
    ("thing1", "二十个字" * 5, True),
    ("thing1", "二十个字" * 5 + "多", False),
    ("thing1", "", False),
    ("thing1", "两\n行", False),
    ("keyword1", "不知道是什么类型的一项", True),
    ("number2", "-12.5", True),
    ("number2", "12分", False),
    ("phrase3", "已确认", True),
    ("phrase3", "OK", False),
    ("time4", "20:00", True),
    ("time4", "2026年11月22日 20:00", True),
    ("date5", "2026年11月22日", True),
    ("date5", "明天", False),
    ("amount6", "12.50元", True),
    ("character_string7", "SF123", True),
    ("character_string7", "顺丰123", False),
    ("name8", "张三", True),
    ("name8", "会员A2B3", False),
]


@pytest.mark.parametrize(("key", "value", "fits"), FIELDS)
def test_a_template_field_takes_what_its_type_allows(key: str, value: str, fits: bool) -> None:
    assert (misfit(key, value) is None) == fits


def test_what_variables_made_too_long_is_cut_to_what_is_shown() -> None:
    long = "一二三四五六七八九十" * 3
    assert misfit("thing1", fitted("thing1", long)) is None
    assert fitted("thing1", "一行\n又一行") == "一行 又一行"
    assert fitted("number1", "1" * 40) == "1" * 40  # half a number would be another one
