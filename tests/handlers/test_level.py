"""等级, and what followers are told when they rise, are warned, and fall."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from models import follower, membership, points
from models.level import level_of, multiplier, reached
from tests.conftest import Founded
from tests.people import Person, World

LEVELS = """
keywords:
  rules:
    - {name: 特价, when: {exact: [特价], level: 银卡}, reply: 会员特价}
  fallback: 没听懂
checkin: {rules: {points: 10}, replies: {done: 签到}}
points:
  levels:
    银卡: {growth: 10, multiplier: 1.5, gift: {points: 5}}
    金卡: {growth: 20, keep: 15, gift: {points: 7}, words: 打九折}
    钻卡: {growth: 1000, keep: 500, multiplier: 2, gift: {points: 9}}
membership: {period: 100d, grace: 10d}
"""


def gains(person: Person, growth: int, cause: str) -> None:
    """They gain growth that nothing in the file gives."""
    with person.world.service.database.transaction() as db:
        someone = follower.find(db, person.openid)
        assert someone is not None
        points.post(db, someone.id, growth, f"given:{cause}", person.world.at, asset=points.GROWTH)


def told(world: World, person: Person) -> list[str]:
    """What they were told without asking, whatever the way."""
    found = world.sql(
        "SELECT n.text FROM notice n JOIN follower f ON f.id = n.follower_id WHERE f.openid = :o ORDER BY n.id", o=person.openid
    )
    return [text for (text,) in found]


def test_a_level_is_told_once_with_its_gift_and_shown_with_the_way_to_the_next(found: Founded) -> None:
    world = found(LEVELS)
    wang = world.person("小王")
    assert wang.says("等级") == "等级：普通会员\n成长值：0\n再攒 10 成长值升到「银卡」"
    assert wang.says("特价") == "没听懂"
    assert wang.says("签到", copies=3) == "签到\n\n恭喜，您升级为「银卡」了！\n升级礼：5 积分\n权益：积分 1.5 倍"
    assert wang.points == 15
    assert wang.says("签到") != ""
    assert wang.says("特价") == "会员特价"
    assert wang.says("会员等级") == "等级：银卡\n成长值：10\n权益：积分 1.5 倍\n再攒 10 成长值升到「金卡」"
    gains(wang, 1500, "多")
    said = wang.says("你好")
    assert said == "没听懂\n\n恭喜，您升级为「钻卡」了！\n升级礼：7 积分、9 积分\n权益：积分 2 倍", (
        "the highest is named, the gifts of all are given"
    )
    assert wang.points == 31
    with world.service.database.transaction() as db:
        person = follower.find(db, wang.openid)
        assert person is not None
        points.post(db, person.id, -31, "spent:1", world.at)
        assert level_of(db, world.service.live.config, person.id) == "钻卡", "spending takes no level away"
    assert (
        wang.says("等级")
        == "等级：钻卡\n成长值：1510\n权益：积分 2 倍\n已经是最高等级\n有效期到 2027年3月1日，到期前再攒 500 成长值可以保级"
    )


def test_who_does_not_keep_a_level_is_warned_and_falls_one_level_once_and_can_regain_it(found: Founded) -> None:
    world = found(LEVELS)
    wang, li = world.person("小王"), world.person("小李")
    for person in (wang, li):
        person.says("你好")
        gains(person, 2000, "一")
        assert "钻卡" in str(person.says("你好"))
    silent = world.person("小赵")
    silent.says("你好")
    gains(silent, 20, "静")
    assert world.chore("levels") == 1, "who has a level and does not write is looked at once after the file said what keeps levels"
    assert told(world, silent) == ["恭喜，您升级为「金卡」了！\n升级礼：5 积分、7 积分\n权益：积分 1.5 倍；打九折"]
    assert world.chore("levels") == 0
    world.at += timedelta(days=100)
    gains(li, 500, "二")
    assert world.chore("levels") == 3
    assert (
        li.says("等级") == "等级：钻卡\n成长值：2500\n权益：积分 2 倍\n已经是最高等级\n有效期到 2027年6月9日，到期前再攒 500 成长值可以保级"
    )
    assert told(world, wang) == ["您的「钻卡」到期了，2027年3月11日前再攒 500 成长值就能保级，否则降为「金卡」"]
    world.at += timedelta(days=11)
    assert world.chore("levels") == 2
    assert world.sql("SELECT level, lost FROM membership ORDER BY follower_id")[1:] == [("钻卡", None), ("银卡", "金卡")]
    assert told(world, wang)[1:] == ["您的「钻卡」没有保住，现在是「金卡」。再攒 500 成长值就能升回去"]
    said = wang.says("等级")
    assert said is not None
    assert said.startswith("等级：金卡\n成长值：2000\n权益：积分 1.5 倍；打九折\n再攒 500 成长值升到「钻卡」\n有效期到")
    assert world.chore("levels") == 0
    gains(wang, 499, "三")
    assert "升级" not in str(wang.says("你好"))
    gains(wang, 1, "四")
    assert wang.says("你好") == "没听懂\n\n恭喜，您升级为「钻卡」了！\n权益：积分 2 倍", "regained, and no second gift"


def test_what_is_gathered_in_the_grace_keeps_the_level_and_a_lowest_level_falls_to_none(found: Founded) -> None:
    world = found(
        "keywords: {fallback: 没听懂}\npoints: {levels: {铜卡: {growth: 10, keep: 5, multiplier: 3}}}\n"
        'membership: {period: 30d, grace: 10d, notices: {kept: "保住了 {level}", fallen: "掉到 {lower} 还要 {keep}"}}'
    )
    wang, li = world.person("小王"), world.person("小李")
    config = world.service.live.config
    for person in (wang, li):
        person.says("你好")
        gains(person, 10, "一")
        person.says("你好")
    world.at += timedelta(days=30)
    world.chore("levels")
    assert str(wang.says("等级")).startswith("等级：铜卡\n成长值：10\n权益：积分 3 倍\n已经是最高等级\n已到期，")
    gains(wang, 5, "二")
    assert "保住了 铜卡" in str(wang.says("你好"))
    world.at += timedelta(days=10)
    assert world.chore("levels") == 1
    assert "掉到 普通会员 还要 5" in str(li.says("你好"))
    with world.service.database.snapshot() as db:
        (one, other) = (follower.find(db, person.openid) for person in (wang, li))
        assert one is not None
        assert other is not None
        assert (level_of(db, config, one.id), level_of(db, config, other.id)) == ("铜卡", "")
        assert (multiplier(db, config, one.id), multiplier(db, config, other.id)) == (Decimal(3), Decimal(1))
        assert (reached(db, config, one.id, "铜卡"), reached(db, config, other.id, "铜卡")) == (True, False)
        assert not reached(db, config, one.id, "没有的")
    world.configure("keywords: {fallback: 没听懂}\npoints: {levels: {青铜: {growth: 10, keep: 5}}}")
    assert wang.says("你好") == "没听懂", "a level that has another name now is no news"


def test_many_messages_and_clocks_at_once_promote_once_and_let_fall_once(found: Founded) -> None:
    world = found(LEVELS)
    wang = world.person("小王")
    wang.says("你好")
    gains(wang, 30, "一")
    database, config = world.service.database, world.service.live.config
    with database.snapshot() as db:
        person = follower.find(db, wang.openid)
        assert person is not None

    async def at_once(work: object) -> list[object]:
        return await asyncio.gather(*(database.run(work) for _ in range(4)))  # type: ignore[arg-type]

    told = world.run(at_once(lambda db: membership.promote(db, config, person.id, world.at)))
    assert sorted(map(str, told))[:3] == ["None"] * 3
    assert wang.points == 12, "both gifts, once"
    for days in (100, 10):
        world.at += timedelta(days=days)
        world.run(at_once(lambda db: membership.review(db, config, world.at)))
    assert world.sql("SELECT level, lost FROM membership") == [("银卡", "金卡")]
    assert world.sql("SELECT count(*) FROM notice WHERE key LIKE 'level%'") == [(2,)]


def test_levels_that_contradict_themselves_are_refused_or_warned_of(sqlite_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, sqlite_url, "points: {levels: {银卡: {growth: 9, multiplier: 2}, 金卡: {growth: 9, multiplier: 1.5}, 铜卡: 5}}")
    warnings = [warning.render() for warning in world.service.live.current.settings.warnings]
    world.close()
    assert [text.split(": ")[1] for text in warnings] == ["警告 YZ831", "警告 YZ832", "警告 YZ831"]
