"""补签, through the webhook."""

from __future__ import annotations

from datetime import date

import pytest

from handlers.checkin.dates import NoSuchDate, day_of, month_of
from tests.conftest import Founded
from tests.people import Person, World

CONFIG = """
keywords:
  rules: [{name: 卡, when: {contains: [补签卡]}, reply: 连签七天得补签卡}]
  fallback: 没听懂
checkin:
  rules:
    points: 5
    makeup_cost: %s
    makeup_per_month: 2
    milestones: {3: {points: 50, cards: 1}, 5: {points: 100}}
    totals: {5: {points: 1}}
points: {levels: {}}
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is said does not depend on the database; what is paid is held against a model on both (test_checkin_days, _crowd)."""
    return sqlite_url


def checks_in(world: World, person: Person, *days: int) -> str | None:
    said = None
    for day in days:
        world.moment(f"2026-11-{day:02} 08:00:00")
        said = person.says("签到")
    return said


def test_a_missed_day_is_mended_with_a_card_first_and_with_points_where_there_is_none(found: Founded) -> None:
    world = found(CONFIG % 10)
    wang = world.person("小王")
    assert checks_in(world, wang, 1, 2, 3) == "签到成功，连续 3 天，+5 积分，共 65\n🎉 连续 3 天，奖励 50 积分、补签卡 1 张"
    assert wang.says("补签") == "没有要补的：关注以后、最近 7 天里漏签的才能补"
    assert checks_in(world, wang, 5) == "签到成功，连续 1 天，+5 积分，共 70"
    assert (
        wang.says("补签")
        == "已补签 11月4日，现在连续 5 天，用了 1 张补签卡，还剩 0 张\n🎉 连续 5 天，奖励 100 积分\n🎉 累计 5 天，奖励 1 积分"
    )
    assert wang.points == 171
    assert checks_in(world, wang, 7) == "签到成功，连续 1 天，+5 积分，共 176"
    assert wang.says("补签 昨天") == "已补签 11月6日，现在连续 7 天，花了 10 积分，还剩 166"
    assert checks_in(world, wang, 9) == "签到成功，连续 1 天，+5 积分，共 171"
    assert wang.says("补签8") == "每个月最多补签 2 次，这个月已经用完了"
    made_up = world.sql("SELECT day, earned FROM checkin WHERE made_up_at IS NOT NULL ORDER BY day")
    assert [tuple(row) for row in made_up] == [("2026-11-04", 0), ("2026-11-06", 0)]
    assert [tuple(row) for row in world.sql("SELECT asset, amount FROM ledger_entry WHERE account = 'makeup' ORDER BY id")] == [
        ("card", -1),
        ("points", -10),
    ]


def test_what_cannot_be_mended_is_refused_and_costs_nothing(found: Founded) -> None:
    world = found(CONFIG % 10)
    wang = world.person("小王")
    checks_in(world, wang, 10, 20)
    assert wang.says("补签 20") == "11月20日 还没过完，不用补签"
    assert wang.says("补签 11-21") == "11月21日 还没过完，不用补签"
    assert wang.says("补签 11月11日") == "11月11日 太久了，只能补最近 7 天的"
    assert wang.says("补签 2026-11-09") == "11月9日 您还没有关注，补不了"
    assert (wang.says("补签 2-30") or "").startswith("没有这个日期")
    assert wang.says("补签 19") == "已补签 11月19日，现在连续 2 天，花了 10 积分，还剩 0"
    assert wang.says("补签 19", copies=3) == "11月19日 已经签到过了，不用补"
    assert wang.says("补签") == "补签要 10 积分，您只有 0"
    assert wang.says("补签卡怎么来") == "连签七天得补签卡"
    assert wang.says("补签 怎么用") == "没听懂"
    assert wang.points == 0
    assert [row[0] for row in world.sql("SELECT streak FROM checkin ORDER BY day")] == [1, 1, 2]

    world.configure(CONFIG % 0)
    assert wang.says("补签") == "补签要用补签卡，您现在没有"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("20", "2026-01-20"),
        ("２", "2026-01-02"),
        ("31", "2025-12-31"),
        ("12-31", "2025-12-31"),
        ("12月31日", "2025-12-31"),
        ("1/2", "2026-01-02"),
        ("2025.12.30", "2025-12-30"),
        ("前天", "2026-01-01"),
        ("三天", None),
        ("3天前", None),
        ("13-1", NoSuchDate),
        ("0", NoSuchDate),
    ],
)
def test_a_day_may_be_said_in_many_ways(said: str, meant: str | type[Exception] | None) -> None:
    today = date(2026, 1, 3)
    if isinstance(meant, type):
        with pytest.raises(meant):
            day_of(said, today, 7)
    else:
        assert day_of(said, today, 7) == (meant and date.fromisoformat(meant))


def test_a_month_may_be_said_in_many_ways() -> None:
    today = date(2026, 3, 31)
    for said, meant in (
        ("", "2026-03-01"),
        ("上个月", "2026-02-01"),
        ("12", "2025-12-01"),
        ("2月", "2026-02-01"),
        ("2024-2", "2024-02-01"),
    ):
        assert month_of(said, today) == date.fromisoformat(meant)
    assert month_of("好看", today) is None
    for said in ("13", "0", "2026-04"):
        with pytest.raises(NoSuchDate):
            month_of(said, today)
