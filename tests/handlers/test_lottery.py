"""抽奖, through the webhook: nothing given twice or too often, and every draw as its number says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.draws.document import document, row
from app.draws.verify import wrong
from handlers.lottery.section import LotteriesSection
from models import drawing, follower, lottery
from tests.conftest import Founded
from tests.people import BASIC, World, message, opened, openid, push

NEVER = "odds: 0.0000000001%"
SPRING = """
lotteries:
  - key: spring
    title: 新春
    organiser: 某公司
    contact: 021-1
    to: 2026-12-31
    cost: 5
    free_per_day: 1
    per_day: 3
    per_follower: 5
    page: https://bot.example.com/draws/spring
    prizes:
      - {key: umbrella, name: 雨伞, odds: 20%, stock: 4, goods: true, value: 30}
      - {key: hundred, name: 一百积分, odds: 30%, stock: 50, reward: {points: 100}}
      - {key: again, name: 再来一次, odds: 10%, stock: 50, reward: {draws: {spring: 1}}}
    consolation: {points: 1}
    claim: 到店出示领奖码
    replies:
      won: "中{prize} {award}{claim}#{number} {ticket} 剩{left}"
      missed: "没中{consolation}#{number} {ticket} 剩{left}"
      gone: "发完{prize}#{number} {ticket} 剩{left}"
      left: "{left}"
      none_left: "0"
"""
ALWAYS = BASIC + SPRING.replace("odds: 20%, stock: 4", "odds: 100%, stock: 3").replace("odds: 30%", "odds: 0.000000000001").replace(
    "odds: 10%, stock: 50, reward: {draws: {spring: 1}}", "odds: 0.000000000001, stock: 50, reward: {points: 1}"
).replace("odds: 100%", "odds: 0.999999999998")


def published(world: World) -> dict[str, Any]:
    """What anybody can download."""
    with world.service.database.snapshot() as db:
        found = lottery.published(db, "spring")[0]
        return {**document(found), "list": [row(one) for one in lottery.listed(db, "spring", 0, 10_000)]}


def reveal(world: World) -> None:
    """It is over, and the clock tells the seed."""
    world.moment("2027-01-01 01:00:01")
    assert world.chore("lotteries_revealed") == 1


def test_two_hundred_at_once_for_three_prizes_have_three_winners_and_numbers_without_gaps(found: Founded) -> None:
    world = found(ALWAYS)
    people = [openid(f"p{number}") for number in range(200)]
    pushes = [push(message(person, world.at.timestamp(), Content="抽奖"), world.at.timestamp()) for person in people]

    async def all_at_once() -> list[Any]:
        sent = [world._http.post(f"/wechat?{query}", content=body) for query, body in pushes]
        return await asyncio.gather(*sent)

    said = [str(opened(answer.status_code, answer.content).text) for answer in world.run(all_at_once())]
    assert sum("中雨伞" in one for one in said) == 3
    assert sum("发完雨伞" in one for one in said) == 197
    assert [n for (n,) in world.sql("SELECT number FROM lottery_draw ORDER BY number")] == list(range(1, 201))
    assert world.sql("SELECT total, taken FROM stock") == [(3, 3)]
    reveal(world)
    assert wrong(published(world)) is None


def test_four_copies_draw_once_pay_once_and_read_alike(found: Founded) -> None:
    world = found(BASIC + SPRING.replace("free_per_day: 1", "free_per_day: 2"))
    people = [world.person(f"p{number}") for number in range(6)]
    for person in people:
        assert "#" in str(person.says("抽奖", copies=4))
    assert world.sql("SELECT count(*), count(DISTINCT ticket), max(number) FROM lottery_draw") == [(6, 6, 6)]
    # Even where the inbox had forgotten the message, its ticket has drawn already.
    with world.service.database.transaction() as db:
        config, who = world.service.live.config, follower.find(db, people[0].openid)
        assert who is not None
        rules = config[LotteriesSection].root[0]
        once = drawing.draw(db, config, who, rules, "a message", world.at, world.at, luck=0.3)
        again = drawing.draw(db, config, who, rules, "a message", world.at, world.at, luck=0.9)
        assert (once.new, again.new) == (True, False)
        assert (once.number, once.ticket, once.prize) == (again.number, again.ticket, again.prize)
    assert world.sql("SELECT draws FROM lottery") == [(7,)]


def test_what_a_draw_costs_and_how_often_one_may(found: Founded) -> None:
    world = found(BASIC + SPRING.replace("odds: 20%", NEVER).replace("odds: 30%", NEVER).replace("odds: 10%", NEVER))
    wang = world.person("小王")
    assert str(wang.says("抽奖")).endswith("剩0")  # the free one; the point of consolation buys none
    assert wang.says("抽奖") == "积分不够：抽一次要 5 积分，您有 1"
    wang.says("签到")
    assert str(wang.says("抽奖")).endswith("剩0")
    assert wang.points == 1 + 5 - 5 + 1
    world.moment("2026-11-22 08:00:00")
    wang.says("抽奖")
    wang.says("签到")
    wang.says("抽奖")
    assert world.sql("SELECT number, paid FROM lottery_draw ORDER BY number") == [(1, "free"), (2, "points"), (3, "free"), (4, "points")]
    assert wang.says("抽奖") == "积分不够：抽一次要 5 积分，您有 4"
    # A message of yesterday that comes after midnight counts for today: nobody gains a day by it.
    late = message(wang.openid, world.at.timestamp() - 36_000, Content="抽奖")
    assert "积分不够" in str(world.push(late)[0].text)
    world.moment("2026-11-23 08:00:00")
    assert str(wang.says("抽奖")).endswith("剩0")
    assert wang.says("抽奖") == "每人最多 5 次，您已经抽完了"
    assert world.sql("SELECT draws FROM lottery") == [(5,)]  # whoever was refused has no number


def test_a_chance_that_was_won_is_spent_before_points_and_the_day_has_its_limit(found: Founded) -> None:
    certain = SPRING.replace("odds: 20%", NEVER).replace("odds: 30%", NEVER).replace("odds: 10%", "odds: 99.9999999998%")
    world = found(BASIC + certain)
    wang = world.person("小王")
    wang.says("签到")
    said = [str(wang.says("抽奖")) for _ in range(3)]
    assert all("中再来一次 到账：抽奖机会 1 次。" in one for one in said)
    assert [paid for (paid,) in world.sql("SELECT paid FROM lottery_draw ORDER BY number")] == ["free", "chance", "chance"]
    assert wang.points == 5
    assert wang.says("抽奖") == "今天的 3 次已经抽完，明天再来吧"


def test_rules_stand_from_the_first_draw_on_whatever_the_file_says(found: Founded) -> None:
    world = found(BASIC + SPRING)
    wang = world.person("小王")
    first = str(wang.says("抽奖规则"))
    for told in (
        "2026-12-31",
        "每天免费 1 次，每次 5 积分，每天最多 3 次",
        "雨伞（价值 30 元），4 份，每次中奖概率 20%",
        "到店出示领奖码",
        "某公司 021-1",
    ):
        assert told in first
    assert len(first.encode()) <= 2048
    before = published(world)
    assert before["commitment"] in first
    world.configure(BASIC + SPRING.replace("odds: 20%", "odds: 25%"))  # nobody drew: published anew, under the same seed
    assert "概率 25%" in str(wang.says("抽奖规则"))
    assert published(world)["commitment"] != before["commitment"]
    wang.says("抽奖")
    world.configure(BASIC + SPRING.replace("odds: 20%", "odds: 0.0001%"))
    assert "概率 25%" in str(wang.says("抽奖规则"))
    world.person("小李").says("抽奖")
    reveal(world)
    assert wang.says("抽奖") == "「新春」已经结束，结果和验证办法回复「抽奖规则」"
    last = published(world)
    assert wrong(last) is None
    assert last["rules"]["prizes"][0]["odds"] == "0.25"


def test_the_database_itself_refuses_what_would_make_a_lottery_unverifiable(found: Founded) -> None:
    world = found(BASIC + SPRING)
    world.person("小王").says("抽奖")
    draw_again = "INSERT INTO lottery_draw (lottery, number, follower_id, ticket, at, paid, owed) SELECT lottery, {n}, follower_id, 'x', at, paid, owed FROM lottery_draw"
    forbidden = [
        "UPDATE lottery SET seed = rules_hash" if world.service.database.is_sqlite else "UPDATE lottery SET seed = '\\x00'",
        "UPDATE lottery SET rules = '{}'",
        "UPDATE lottery SET ends_at = announced_at",
        "UPDATE lottery SET draws = draws + 2",
        "UPDATE lottery SET draws = 0",
        "DELETE FROM lottery",
        "UPDATE lottery_draw SET prize = NULL, fell_on = NULL",
        "UPDATE lottery_draw SET ticket = 'y'",
        "DELETE FROM lottery_draw",
        draw_again.format(n=1),
        draw_again.format(n=2),
        draw_again.format(n=3),
    ]
    for statement in forbidden:
        with pytest.raises(DBAPIError), world.service.database.transaction() as db:
            db.execute(text(statement))
    reveal(world)
    for statement in ("UPDATE lottery SET draws = draws + 1", "UPDATE lottery SET revealed_at = NULL", draw_again.format(n=1)):
        with pytest.raises(DBAPIError), world.service.database.transaction() as db:
            db.execute(text(statement))
    assert wrong(published(world)) is None


ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ONLY_SQLITE
def test_my_prizes_tell_the_ticket_and_how_to_claim_and_a_prize_is_claimed_once(found: Founded) -> None:
    world = found(ALWAYS)
    wang = world.person("小王")
    assert wang.says("我的奖品") == "您还没有抽中过奖品"
    said = str(wang.says("抽奖"))
    ((ticket, proof),) = world.sql("SELECT ticket, proof FROM lottery_draw")
    assert f"兑奖：到店出示领奖码（领奖码 {proof}，" in said
    assert f"雨伞（「新春」第 1 号，凭证 {ticket}）\n 还没领：到店出示领奖码（领奖码 {proof}）" in str(wang.says("我的奖品"))
    with world.service.database.transaction() as db:
        for public in (ticket, ticket[:12], ticket[4:], "0" * 12, ""):  # whoever reads the public page has won nothing by it
            with pytest.raises(lottery.NoSuchDraw):
                lottery.claimed(db, "spring", public, world.at, by="cli:x")
        assert lottery.claimed(db, "spring", proof, world.at, by="cli:x") == (ticket, True)
        assert lottery.claimed(db, "spring", proof, world.at, by="cli:x") == (ticket, False)
    assert str(wang.says("我的奖品")).endswith("已领")


@ONLY_SQLITE
def test_a_prize_that_is_sent_opens_an_order_whose_address_the_shop_asks_for(found: Founded) -> None:
    shipped = ALWAYS.replace("goods: true", "goods: true, ship: true") + "shop: {}\n"
    world = found(shipped)
    wang = world.person("小王")
    ((number,),) = world.sql("SELECT number FROM shop_order") if "领奖" in str(wang.says("抽奖")) else [("",)]
    assert number
    assert world.sql("SELECT state, price, cause FROM shop_order") == [("unaddressed", 0, "lottery:spring:1")]
    assert str(wang.says("我的奖品")).endswith("寄送，见「我的订单」")


@ONLY_SQLITE
def test_one_word_means_the_lottery_that_goes_on_and_conditions_hold(found: Founded) -> None:
    first = SPRING.replace("to: 2026-12-31", "to: 2026-11-21")
    second = (
        SPRING.partition("lotteries:\n")[2]
        .replace("key: spring", "key: winter")
        .replace("spring:", "winter:")
        .replace("title: 新春", "title: 冬日")
    )
    second = second.replace(
        "to: 2026-12-31", 'from: "2026-11-22 12:00"\n    to: 2026-12-31\n    eligible: 金卡会员\n    who: {level: 金卡}'
    )
    world = found(BASIC.replace("levels: {}", "levels: {金卡: 5}") + first + second)
    wang = world.person("小王")
    assert str(wang.says("抽奖规则")).startswith("【新春】")
    assert "#1" in str(wang.says("抽奖"))
    world.moment("2026-11-22 10:00:00")
    assert wang.says("抽奖") == "「冬日」2026-11-22 12:00 开始，规则回复「抽奖规则」"
    world.moment("2026-11-22 13:00:00")
    assert wang.says("抽奖") == "您还不符合「冬日」的参加条件，规则回复「抽奖规则」"
    assert "参加：金卡会员" in str(wang.says("抽奖规则"))
    wang.says("签到")
    assert "#1" in str(wang.says("抽奖"))
    # Written in time, it counts although it comes later.
    late = message(world.person("小李").openid, world.at.timestamp() - 47_000, Content="抽奖")
    assert "#2" in str(world.push(late)[0].text)
    assert world.sql("SELECT key, draws FROM lottery ORDER BY 1") == [("spring", 2), ("winter", 1)]


@ONLY_SQLITE
def test_the_clock_publishes_before_anybody_draws(found: Founded) -> None:
    world = found(BASIC + SPRING)
    with world.service.database.transaction() as db:
        assert lottery.publish_due(db, world.service.live.config, world.at) == 1
        assert lottery.publish_due(db, world.service.live.config, world.at) == 0
        assert not lottery.reveal_due(db, world.service.live.config, world.at)
        with pytest.raises(lottery.StillGoingOn):
            lottery.reveal(db, "spring", world.at)
        assert lottery.published(db, "spring")[0].seed is None
