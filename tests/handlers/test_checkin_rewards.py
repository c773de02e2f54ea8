"""What a check-in brings besides its points, and what is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import live
from tests.conftest import Founded
from tests.people import account, message

CONFIG = """
checkin:
  rules: {points: 10, streak_bonus: {2: 4}, milestones: {2: {points: 50}, 3: {cards: 1}}, totals: {4: {points: 7}}}
  replies:
    done: 第{rank}个，连{streak}，+{earned}×{times}，共{balance}，{days}天，得{reward|无}，{next_milestone|到头了}
points:
  levels: {}
  multipliers: [{name: 双倍日, times: 2, dates: 2026-11-03}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is said does not depend on the database; ranks are given out on both in test_checkin_crowd."""
    return sqlite_url


def test_rank_reward_days_and_the_next_milestone_are_told_at_once_and_the_row_holds_what_was_paid(found: Founded) -> None:
    world = found(CONFIG)
    wang, li = world.person("小王"), world.person("小李")
    world.moment("2026-11-01 08:00:00")
    assert li.says("签到", copies=3) == "第1个，连1，+10×1，共10，1天，得无，再连续签 1 天，奖励 50 积分"
    assert wang.says("签到") == "第2个，连1，+10×1，共10，1天，得无，再连续签 1 天，奖励 50 积分"
    assert wang.says("打卡") == "今天已经签到过了，连续 1 天，明天再来吧"
    world.moment("2026-11-02 08:00:00")
    assert wang.says("签到") == "第1个，连2，+14×1，共74，2天，得50 积分，再连续签 1 天，奖励 补签卡 1 张"
    world.moment("2026-11-03 08:00:00")
    assert wang.says("签到") == "第1个，连3，+20×2，共94，3天，得补签卡 1 张，到头了"
    world.moment("2026-11-05 08:00:00")
    assert wang.says("签到") == "第1个，连1，+10×1，共111，4天，得7 积分，再连续签 1 天，奖励 50 积分"
    earned = world.sql(
        "SELECT c.earned FROM checkin c JOIN follower f ON f.id = c.follower_id WHERE f.openid = :o ORDER BY day", o=wang.openid
    )
    assert [row[0] for row in earned] == [10, 14, 20, 10]
    world.moment("2026-11-06 08:00:00")
    assert "得50 积分" in str(wang.says("签到")), "a new streak is rewarded anew"


def test_a_check_in_that_comes_after_the_next_day_s_joins_both_and_pays_what_they_complete(found: Founded) -> None:
    world = found(CONFIG.replace("连{streak}，", "").replace("×{times}", ""))
    wang = world.person("小王")
    world.moment("2026-11-07 23:59:59")
    late = message(wang.openid, world.at.timestamp(), Content="签到")
    world.moment("2026-11-08 00:00:05")
    assert "共10" in str(wang.says("签到"))
    assert [answer.text for answer in world.push(late, copies=2)] == ["第1个，+14，共74，2天，得50 积分，再连续签 1 天，奖励 50 积分"] * 2
    assert [row[0] for row in world.sql("SELECT streak FROM checkin ORDER BY day")] == [1, 2]
    world.moment("2026-11-09 08:00:00")
    assert "得补签卡" in str(wang.says("签到"))


def test_the_first_ten_of_today_are_named_by_nothing_that_tells_who_they_are(found: Founded) -> None:
    for config in ("checkin: {rules: {points: 1}}\n", "checkin: {rules: {points: 1}, replies: {done: '第 {rank} 个'}}\n"):
        world = found(config)
        people = [world.person(f"p{number}") for number in range(12)]
        world.moment("2026-11-08 08:00:00" if "rank" in config else "2026-11-07 08:00:00")
        assert "您今天还没签到" in str(people[0].says("签到排行"))
        for person in people:
            person.says("签到")
        with world.service.database.transaction() as db:
            db.exec_driver_sql("UPDATE follower SET remark = '欠钱的老王'")
        lines = str(people[11].says("签到排行")).splitlines()
        assert (lines[0], lines[-1], len(lines)) == ("今天 12 人签到", "您是第 12 个", 12)
        first = str(people[0].says("签到排行")).splitlines()[1]
        assert first.startswith("1. 会员")
        assert first.endswith("（您）")
        assert not any("老王" in line or person.openid in line for line in lines for person in people)


def test_make_ups_that_are_free_and_reminders_at_night_are_warned_of(tmp_path: Path) -> None:
    checkin = "checkin: {rules: {makeup_cost: %d, makeup_points: 5}, reminder: {at: '%s'}}\npush: {quiet_hours: '22:00-08:00'}\n"
    for cost, at, codes in ((5, "22:30", ["YZ821", "YZ822"]), (6, "21:30", [])):
        path = tmp_path / "config.yaml"
        path.write_text(account() + checkin % (cost, at), "utf-8")
        assert [warning.code for warning in live.read(path).warnings] == codes
