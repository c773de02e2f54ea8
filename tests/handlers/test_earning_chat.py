"""Code words, the first follow, the message of the day and birthdays, through the webhook and by the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from models import birthday, compliance
from models.birthday import Birthday, BirthdayRules, NoSuchDay, understand
from models.code_word import CodeWordWording
from models.earn_rules import PaysFollow, PaysMessage
from tests.conftest import Founded
from tests.people import BASIC, World, event

EARN = """
points:
  levels: {}
  earn:
    follow: {points: 20, reply: "新人+{points} 共{balance}"}
    message: {points: 1, max_per_week: 2, reply: "首条+{points} 共{balance}"}
    activity: {max_per_day: 50}
    checkin: {max_per_month: 8}
  multipliers:
    - {name: 周末, times: 1.5, days: [sat, sun], for: [checkin]}
  words:
    - {key: live, word: 芝麻开门, points: 30, total: 2, replies: {done: "+{points} 共{balance} 剩{left}"}}
    - {key: late, word: 明天见, points: 5, from: 2026-11-22, to: 2026-11-22}
    - {key: often, word: 天天, points: 15, per_follower: 2}
"""
BIRTHDAY = """
points: {levels: {}, earn: {birthday: {points: 100}}}
birthday: {happy: "生日快乐+{points} 共{balance}", replies: {told: "记住{birthday}", today: "{birthday}就是今天，{wish}", changed_this_year: "{birthday} {date}"}}
"""


def with_points(yaml: str) -> str:
    return BASIC.replace("points: {levels: {}}\n", yaml)


def test_whoever_follows_for_the_first_time_is_paid_once_ever(found: Founded) -> None:
    world = found(with_points(EARN))
    wang, li, zhao = world.person("小王"), world.person("小李"), world.person("小赵")
    answers = world.push(event(wang.openid, world.at.timestamp(), "subscribe"), copies=4)
    assert {answer.text for answer in answers} == {"欢迎\n\n新人+20 共20"}
    wang.does("unsubscribe")
    world.moment("2026-11-21 10:00:30")
    assert wang.does("subscribe").text == "欢迎回来"
    # 小李 left before points were there, and comes back: no newcomer.
    li.does("unsubscribe")
    world.moment("2026-11-21 11:00:00")
    assert li.does("subscribe").text == "欢迎回来"
    # 小赵's first words reach us before the news that they follow, which is some seconds older.
    followed = world.at
    world.moment("2026-11-21 11:00:04")
    zhao.says("你好")
    world.moment("2026-11-21 11:00:05")
    assert world.push(event(zhao.openid, followed.timestamp(), "subscribe"))[0].text == "欢迎回来\n\n新人+20 共21"
    assert (wang.points, li.points, zhao.points) == (20, 0, 21)


def test_the_first_message_of_a_day_is_paid_once_however_many_come_at_once(found: Founded) -> None:
    world = found(with_points(EARN))
    wang = world.person("小王")
    assert wang.says("营业时间", copies=4) == "每天 9:00–21:00 营业\n\n首条+1 共1"
    assert wang.says("营业时间") == "每天 9:00–21:00 营业"
    assert wang.says("签到") == "第1天 +7 共8", "5 points, half as much again on a Saturday"
    world.moment("2026-11-22 00:00:01")
    assert wang.sends("image", PicUrl="https://example.com/1.jpg", MediaId="M").text == "没听懂\n\n首条+1 共9"
    assert wang.says("签到") == "第2天 +1 共10", "8 points a month at most"
    world.moment("2026-11-23 08:00:00")
    assert wang.says("营业时间") == "每天 9:00–21:00 营业\n\n首条+1 共11", "a new week"


def test_code_words_are_for_the_first_so_many_on_their_days_as_often_as_they_say(found_on_sqlite: Callable[[str], World]) -> None:
    world = found_on_sqlite(with_points(EARN).replace("message: ", "vote: {points: 2}\n    #"))
    wang, li, zhao = world.person("小王"), world.person("小李"), world.person("小赵")
    assert wang.says(" 芝麻开门 ", copies=4) == "+30 共30 剩1"
    assert wang.says("芝麻开门") == "这个口令您已经用过了"
    assert li.says("芝麻开门") == "+30 共30 剩0"
    assert zhao.says("芝麻开门") == "来晚了，积分已经领完"
    assert wang.says("芝麻开门") == "这个口令您已经用过了", "whoever had it is not told that it is sold out"
    assert (wang.says("天天"), wang.says("天天")) == ("口令正确，+15 积分，共 45", "口令正确，+5 积分，共 50")
    assert li.says("明天见") == "口令还没开始，2026-11-22 再来"
    assert zhao.says("天天") == "口令正确，+15 积分，共 15"
    world.moment("2026-11-22 08:00:00")
    assert wang.says("天天") == "这个口令您已经用过了"
    assert li.says("明天见") == "口令正确，+5 积分，共 35"
    world.moment("2026-11-23 00:00:00")
    assert li.says("明天见") == "来晚了，这个口令 2026-11-22 已经结束"
    assert world.sql("SELECT subject, taken FROM stock") == [("words:live", 2)]


def test_who_has_earned_what_there_is_for_activities_is_told_and_takes_no_stock(found_on_sqlite: Callable[[str], World]) -> None:
    world = found_on_sqlite(
        with_points(EARN.replace("max_per_day: 50", "max_per_day: 30").replace("word: 天天, points: 15", "word: 天天, points: 30"))
    )
    wang = world.person("小王")
    wang.says("天天")
    assert wang.says("芝麻开门") == "您的活动积分已经到上限，下次再来"
    assert world.sql("SELECT * FROM stock") == []
    world.moment("2026-11-22 08:00:00")
    assert wang.says("芝麻开门") == "+30 共61 剩1\n\n首条+1 共62"


def test_a_birthday_is_told_kept_with_its_message_paid_on_its_day_and_once_a_year(found: Founded) -> None:
    world = found(with_points(BIRTHDAY))
    wang, li = world.person("小王"), world.person("小李")
    assert "还送 100 积分" in (wang.says("生日") or "")
    assert wang.says("生日 11月22日", copies=4) == "记住11月22日"
    assert li.says("生日 1121") == "11月21日就是今天，生日快乐+100 共100"
    assert world.sql("SELECT told_by FROM birthday b JOIN inbox_entry i ON i.key = b.told_by WHERE i.text = '生日 11月22日'") != []
    world.chore("birthdays", 2)
    assert (wang.points, li.points) == (0, 100)
    # 小李 says that it is tomorrow: that can be told once, and is not paid again; a third day has to wait for a year.
    world.moment("2026-11-22 08:59:59")
    assert li.says("生日1122") == "记住11月22日"
    assert li.points == 100
    assert li.says("生日 1123") == "11月22日 2027-11-22"
    world.chore("birthdays", 2)
    assert wang.points == 0, "not before nine in the morning"
    world.moment("2026-11-22 09:00:00")
    world.chore("birthdays", 2)
    world.chore("birthdays", 2)
    assert (wang.points, li.points) == (100, 100)
    assert wang.says("营业时间") == "每天 9:00–21:00 营业", "they were told by a message: they wrote the day before"
    assert "生日快乐+100 共100" in str(world.sql("SELECT payload FROM customer_message"))
    assert world.sql("SELECT count(*) FROM notice")[0][0] == 1
    # Taken back and told anew: no second payment, and the day does not change more often for it.
    assert "已经删掉了" in (wang.says("生日 删除") or "")
    assert world.sql("SELECT count(*) FROM birthday WHERE month IS NULL")[0][0] == 1
    assert wang.says("生日 1122") == "记住11月22日"
    assert wang.points == 100
    world.moment("2027-11-22 12:00:00")
    world.chore("birthdays", 2)
    assert (wang.points, li.points) == (200, 200)


def test_a_birthday_that_nobody_was_there_for_is_made_up_for(found_on_sqlite: Callable[[str], World]) -> None:
    world = found_on_sqlite(with_points(BIRTHDAY))
    wang, li, zhao = world.person("小王"), world.person("小李"), world.person("小赵")
    for person in (wang, li, zhao):
        person.does("subscribe")
    wang.says("生日 农历十月十五")  # 2026-11-23
    zhao.says("生日 1123")
    world.moment("2026-11-21 10:00:01")
    zhao.does("unsubscribe")
    world.moment("2026-11-25 07:00:00")
    assert li.says("生日 1123") == "记住11月23日"
    world.chore("birthdays", 2)
    assert (wang.points, li.points, zhao.points) == (100, 0, 0), "told after it was over; and whoever left is no follower"
    assert wang.says("生日快乐") == "没听懂\n\n生日快乐+100 共100", "they wrote too long ago to be written to"
    # Two birthdays around the new year are two years' by their numbers, and a day apart.
    qian = world.person("小钱")
    world.moment("2026-12-31 12:00:00")
    assert qian.says("生日 1231") == "12月31日就是今天，生日快乐+100 共100"
    world.moment("2027-01-01 12:00:00")
    assert (qian.says("生日 0101"), qian.points) == ("记住1月1日", 100)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("0512", "5月12日"),
        ("5月12号", "5月12日"),
        ("1990-05-12", "5月12日"),
        ("五月十二", "5月12日"),
        ("公历 5/12", "5月12日"),
        ("0229", "2月29日"),
        ("农历八月十五", "农历8月15日"),
        ("阴历0815", "农历8月15日"),
        ("农历正月初一", "农历1月1日"),
        ("农历闰六月初五", "农历6月5日"),
        ("农历除夕", "农历12月30日"),
        ("0230", None),
        ("1301", None),
        ("快乐", None),
        ("农历0831", None),
        ("", None),
        ("05125", None),
    ],
)
def test_what_a_birthday_may_be_told_by(said: str, day: str | None) -> None:
    if day is None:
        with pytest.raises(NoSuchDay):
            understand(said)
    else:
        assert str(understand(said)) == day


def test_a_29_february_and_a_lunar_thirtieth_are_kept_in_every_year() -> None:
    assert [Birthday("solar", 2, 29).is_on(date(2027, 2, day)) for day in (27, 28)] == [False, True]
    assert [Birthday("solar", 2, 29).is_on(date(2028, 2, day)) for day in (28, 29)] == [False, True]
    # 除夕 of 2024 and of 2025 fall into 2025 and 2026; each counts for its own lunar year.
    eve = Birthday("lunar", 12, 30)
    assert [eve.is_on(day) and eve.year(day) for day in (date(2025, 1, 28), date(2026, 2, 16))] == [2024, 2025]
    kept: list[Any] = [one for one in birthday._kept_on(date(2027, 2, 28)) if one.calendar == "solar"]
    assert [one.day for one in kept] == [28, 29, 30, 31]


def test_no_default_text_promises_what_the_platform_punishes() -> None:
    said = [
        str(field.default) for model in (CodeWordWording, PaysFollow, PaysMessage, BirthdayRules) for field in model.model_fields.values()
    ]
    assert [offence for one in said for offence in compliance.punished(one, "reply")] == []


def test_a_code_word_gives_a_coupon_and_points_once_and_says_both(found_on_sqlite: Callable[[str], World]) -> None:
    world = found_on_sqlite(
        "points: {words: [{key: live, word: 芝麻开门, points: 5, total: 9, gift: {coupon: tea, cards: 1},"
        " replies: {gifted: '{reward}，共 {balance}，还剩 {left}'}}]}\n"
        "coupons: {batches: [{key: tea, name: 奶茶券, stock: 1, valid: {days: 30}}]}"
    )
    wang, li = world.person("小王"), world.person("小李")
    said = wang.says("芝麻开门", copies=3)
    assert said is not None
    assert said.startswith("5 积分、补签卡 1 张、奶茶券，共 5，还剩 8\n\n您收到一张券：奶茶券\n券码 ")
    assert wang.says("芝麻开门") == "这个口令您已经用过了"
    assert str(li.says("芝麻开门")).startswith("5 积分、补签卡 1 张（奶茶券已发完），共 5，还剩 7")
    assert world.sql("SELECT asset, sum(amount) FROM balance GROUP BY asset ORDER BY asset") == [
        ("card", 2),
        ("growth", 10),
        ("points", 10),
    ]
    assert world.sql("SELECT count(*) FROM coupon") == [(1,)]
