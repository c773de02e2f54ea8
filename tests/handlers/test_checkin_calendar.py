"""签到日历: a page of a calendar made of text."""

from __future__ import annotations

import pytest

from tests.conftest import Founded

CONFIG = """
checkin: {rules: {points: 5, makeup_cost: 5, makeup_days: 20, milestones: {7: {points: 50}}}}
points: {levels: {}}
"""
NOVEMBER = """📅 2026年11月
　　 一 二 三 四 五 六 日
０１ 　 　 　 　 　 　 ◽
０２ ◽◽◽◽✅✅⚪
０９ ⚪⚪🔵✅✅✅⚪
１６ ⚪⚪⚪⚪⚪⚪⭕
２３ ◽◽◽◽◽◽◽
３０ ◽
这个月签到 5 天，补签 1 天
累计 6 天，现在连续 0 天
再连续签 7 天，奖励 50 积分"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """A picture of what was kept: the database makes no difference."""
    return sqlite_url


def test_a_month_is_shown_as_it_was(found: Founded) -> None:
    world = found(CONFIG)
    wang = world.person("小王")
    for day in (6, 7, 12, 13, 14):
        world.moment(f"2026-11-{day:02} 08:00:00")
        wang.says("签到")
    world.moment("2026-11-22 08:00:00")
    wang.says("补签 11")
    assert wang.says("签到日历") == NOVEMBER
    wang.says("签到")
    today = str(wang.says("签到日历 2026年11月"))
    assert "１６ ⚪⚪⚪⚪⚪⚪✅" in today
    assert "现在连续 1 天\n再连续签 6 天" in today
    october = str(wang.says("签到日历 10"))
    assert october.startswith("📅 2026年10月\n")
    assert "这个月签到 0 天" in october
    assert (wang.says("签到日历 13") or "").startswith("没有这个日期")
    assert wang.says("签到日历真好看") is None

    world.configure(
        CONFIG.replace("checkin: {", "checkin: {marks: {checked: 好}, replies: {calendar: '{weeks}{year}', calendar_head: 头}, ")
    )
    assert str(wang.says("签到日历")).startswith("头\n０１")
    assert "好" in str(wang.says("签到日历"))
