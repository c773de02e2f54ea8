"""贡献榜, 周榜 and 连签榜: what is counted, who is named, and what the end of a month brings."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from models import board_closing, follower, points
from tests.conftest import Founded
from tests.people import BASIC, Person

BOARDS = (
    BASIC
    + """
boards:
  - key: contribution
    title: 贡献榜
    triggers: [贡献榜]
    formula: {checkin: 1, survey: 5, points: 0.1}
    top: 3
    awards: {1: {points: 500}, "2-3": {points: 200}}
  - {key: weekly, title: 周榜, triggers: [周榜], per: week, formula: {checkin: 2}, min_score: 3}
  - {key: streaks, title: 连签榜, triggers: [连签榜], per: streak}
"""
)
FORMULA = "计分：签到一次 1 分，填问卷一次 5 分，每挣 1 积分 0.1 分"


def posts(person: Person, cause: str, amount: int = 5) -> int:
    """An entry of points; its id."""
    with person.world.service.database.transaction() as db:
        someone = follower.find(db, person.openid)
        assert someone is not None
        points.post(db, someone.id, amount, cause, person.world.at)
    return int(person.world.sql("SELECT max(id) FROM ledger_entry")[0][0])


def name(person: Person) -> str:
    """What boards call them."""
    with person.world.service.database.snapshot() as db:
        someone = follower.find(db, person.openid)
        assert someone is not None
        return someone.name


def test_a_board_counts_acts_and_points_and_tells_how(found: Founded) -> None:
    world = found(BOARDS)
    wang, li, zhao = (world.person(one) for one in ("小王", "小李", "小赵"))
    assert wang.says("贡献榜") == f"贡献榜 2026年11月\n还没有人上榜\n\n您还没上榜\n{FORMULA}"
    world.at += timedelta(seconds=61)
    for person in (wang, li, zhao):
        person.says("签到")
    posts(li, "survey:x", 20)
    for cause in ("lottery:x", "board:x:2026-10", "refund:7", "checkin:milestone:3:2026-11-19"):
        posts(zhao, cause, 10)
    taken_back = posts(zhao, "survey:y", 100)
    with world.service.database.transaction() as db:
        points.reverse(db, taken_back, world.at, by="cli:x", reason="刷的")
        someone = follower.find(db, li.openid)
        assert someone is not None
        points.post(db, someone.id, -25, "shop:1", world.at)
    expected = f"1. {name(li)} 8.5 分\n2. {name(zhao)} 2.5 分\n3. {name(wang)} 1.5 分"
    assert wang.says("贡献榜") == f"贡献榜 2026年11月\n{expected}\n\n您：第 3 名，1.5 分\n{FORMULA}"
    assert wang.says("榜单隐身") == "好的，榜单上不再出现您的名字；照样算分、照样得奖。回复「榜单现身」恢复"
    assert wang.says("贡献榜 2026-11") == f"贡献榜 2026年11月\n{expected.replace(name(wang), '匿名')}\n\n您：第 3 名，1.5 分\n{FORMULA}"
    assert wang.says("榜单现身") == "好的，榜单上会出现您的名字。回复「榜单隐身」可以隐身"
    world.at += timedelta(seconds=61)
    li.does("unsubscribe")
    assert zhao.says("贡献榜") == f"贡献榜 2026年11月\n1. {name(zhao)} 2.5 分\n2. {name(wang)} 1.5 分\n\n您：第 1 名，2.5 分\n{FORMULA}"
    assert str(zhao.says("周榜")).startswith("周榜 2026年第47周\n还没有人上榜\n\n您还没上榜"), "one check-in is 2, the board begins at 3"
    assert zhao.says("周榜排名是什么") == "没听懂"
    for person, days in ((zhao, (22, 23)), (wang, (23,))):
        for day in days:
            world.moment(f"2026-11-{day} 09:00:00")
            person.says("签到")
    by_streak = f"连签榜 \n1. {name(zhao)} 3 天\n2. {name(wang)} 1 天\n\n您：第 1 名，3 天\n计分：按现在连续签到的天数排"
    assert zhao.says("连签榜") == by_streak
    world.moment("2026-11-25 09:00:00")
    assert zhao.says("连签榜") == "连签榜 \n还没有人上榜\n\n您还没上榜\n计分：按现在连续签到的天数排"


def test_of_equal_scores_the_one_reached_earlier_comes_first_and_the_list_ends_where_it_should(found: Founded) -> None:
    world = found(BOARDS)
    people = [world.person(str(number)) for number in range(5)]
    for person in people:
        person.says("你好")
    for person in reversed(people):
        world.at += timedelta(seconds=1)
        person.says("签到")
    said = str(people[0].says("贡献榜"))
    assert [line for line in said.splitlines() if line[:2] in ("1.", "2.", "3.", "4.")] == [
        f"{place}. {name(person)} 1.5 分" for place, person in enumerate(people[:1:-1], 1)
    ]
    assert "您：第 4 名，1.5 分" in said


def test_the_end_of_a_month_freezes_the_board_and_pays_the_winners_once(found: Founded) -> None:
    world = found(BOARDS)
    wang, li = world.person("小王"), world.person("小李")
    assert world.chore("boards") == 0, "from now on the boards are watched"
    wang.says("签到")
    wang.says("榜单隐身")
    world.at += timedelta(seconds=1)
    li.says("签到")
    late = posts(li, "survey:x", 20)
    assert li.says("贡献榜 上月") == "没有2026年10月的贡献榜"
    world.moment("2026-12-01 00:09:59")
    assert world.chore("boards") == 2, "two weeks are over (nobody watched in the second: it is passed over), the month nearly"
    assert li.says("贡献榜 上月") == "贡献榜 2026年11月还没有定榜"
    world.moment("2026-12-01 00:10:00")
    database, config = world.service.database, world.service.live.config

    async def at_once() -> list[int]:
        return await asyncio.gather(*(database.run(lambda db: board_closing.close(db, config, world.at)) for _ in range(4)))

    world.run(at_once())
    assert world.sql("SELECT board, period, formula FROM board_closing ORDER BY period") == [
        ("contribution", "2026-11", "checkin=1 survey=5 points=0.1"),
        ("weekly", "2026-W47", "checkin=2"),
    ]
    assert (wang.points, li.points) == (205, 525)
    assert [(place, score) for place, score in world.sql("SELECT place, score FROM board_place ORDER BY place")] == [(1, 8500), (2, 1500)]
    told = [text for (text,) in world.sql("SELECT text FROM notice ORDER BY id")]
    assert told[0] == "恭喜！「贡献榜」2026年11月您是第 1 名（8.5 分），奖励 500 积分 已到账"
    with database.transaction() as db:
        points.reverse(db, late, world.at, by="cli:x", reason="刷的")
    assert world.chore("boards") == 0
    frozen = f"贡献榜 2026年11月（已定榜）\n1. {name(li)} 8.5 分\n2. 匿名 1.5 分\n\n您：第 2 名，1.5 分，奖励 200 积分"
    assert str(wang.says("贡献榜上个月")).startswith(frozen), "frozen is frozen, and hidden is hidden"
    assert "您还没上榜" in str(world.person("小赵").says("贡献榜 2026-11"))


def test_a_period_in_which_the_board_was_not_in_the_file_is_passed_over(found: Founded) -> None:
    world = found(BOARDS)
    world.person("小王").says("签到")
    world.chore("boards")
    world.configure(BASIC)
    world.moment("2027-01-05 08:00:00")
    assert world.chore("boards") == 0
    world.configure(BOARDS)
    world.person("小王").says("签到")
    for _ in range(5):
        world.chore("boards")
    assert world.sql("SELECT board, period FROM board_closing") == [("contribution", "2026-11")], (
        "it was watched in November, and that is not long ago"
    )
    world.moment("2027-02-01 00:10:00")
    assert world.chore("boards") > 0
    assert world.sql("SELECT period FROM board_closing WHERE board = 'contribution' ORDER BY period") == [("2026-11",), ("2027-01",)]
