"""签到 and 积分, through the webhook."""

from __future__ import annotations

from tests.conftest import Founded
from tests.people import BASIC, World, first_number


def test_a_check_in_is_paid(world: World) -> None:
    assert world.person("小王").says("签到") == "第1天 +5 共5"
    assert world.person("小王").points == 5


def test_a_second_check_in_on_one_day_is_refused_and_changes_nothing(world: World) -> None:
    wang = world.person("小王")
    wang.says("签到")
    assert wang.says("打卡") == "签过了"
    assert wang.points == 5


def test_a_streak_grows_day_by_day_and_earns_its_bonus(world: World) -> None:
    wang = world.person("小王")
    for day, expected in ((21, "第1天 +5 共5"), (22, "第2天 +5 共10"), (23, "第3天 +15 共25"), (25, "第1天 +5 共30")):
        world.moment(f"2026-11-{day} 08:00:00")
        assert wang.says("签到") == expected


def test_the_business_day_ends_at_midnight_in_shanghai(world: World) -> None:
    wang = world.person("小王")
    world.moment("2026-11-21 23:59:59")
    assert wang.says("签到") == "第1天 +5 共5"
    world.moment("2026-11-22 00:00:00")
    assert wang.says("签到") == "第2天 +5 共10"


def test_the_day_is_that_of_the_message_even_when_it_arrives_after_midnight(world: World) -> None:
    wang = world.person("小王")
    world.moment("2026-11-21 23:59:58")
    written = world.at
    world.moment("2026-11-22 00:00:08")
    from tests.people import message

    assert world.push(message(wang.openid, written.timestamp(), Content="签到"))[0].text == "第1天 +5 共5"
    assert wang.says("签到") == "第2天 +5 共10"


def test_three_copies_at_once_pay_once_and_read_alike(world: World) -> None:
    wang = world.person("小王")
    assert wang.says("签到", copies=3) == "第1天 +5 共5"
    assert wang.points == 5


def test_balance_begins_with_the_plain_number_and_shows_where_it_came_from(world: World) -> None:
    wang = world.person("小王")
    assert first_number(wang.says("积分")) == 0
    wang.says("签到")
    said = wang.says("积分")
    assert first_number(said) == 5
    assert said is not None
    assert "+5 签到" in said


def test_a_level_is_shown_when_it_is_reached(found: Founded) -> None:
    world = found(BASIC.replace("levels: {}", "levels: {铜卡: 5, 银卡: 100}"))
    wang = world.person("小王")
    wang.says("签到")
    said = wang.says("积分")
    assert said is not None
    assert "等级：铜卡" in said


def test_points_alone_is_a_valid_check_in_section(found: Founded) -> None:
    world = found("checkin: {rules: {points: 7}}")
    said = world.person("小王").says("签到")
    assert said is not None
    assert "+7" in said
