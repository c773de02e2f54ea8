"""积分商城 in chat, through the webhook: choosing, consent, the address, orders, and that nothing is taken twice or kept too long."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from models import audit, order, points
from tests.app.test_replay import replayed
from tests.conftest import Founded
from tests.people import Person, World, message, push

SHOP = """
keywords: {rules: [], fallback: 没听懂}
checkin: {rules: {points: 500}, replies: {done: 签到好了, already_checked_in: 签过了}}
points: {levels: {银卡: 1000}}
shop:
  goods:
    - {key: umbrella, name: 雨伞, points: 300, stock: 1, per_follower: 1}
    - {key: card, name: 补签卡, points: 100, stock: 5, kind: virtual, reward: {cards: 1}, text: 断签了用}
    - {key: vip, name: 礼盒, points: 100, stock: 5, when: {level: 银卡}}
    - {key: later, name: 月饼, points: 100, stock: 5, when: {dates: {from: 2027-01-01}}}
    - {key: dear, name: 电视, points: 9000, stock: 5}
"""
NAME, PHONE, ADDRESS = "欧阳锋", "13812345678", "上海市浦东新区世纪大道一百号三零二室"


@pytest.fixture
def shop(found_on_sqlite: Founded) -> Founded:
    """Makes a world with a shop, or with the configuration that is given."""
    return lambda config=SHOP: found_on_sqlite(config)


def rich(world: World, name: str = "小王") -> Person:
    """Somebody with 500 points."""
    person = world.person(name)
    assert person.says("签到") == "签到好了"
    return person


def says_all(person: Person, *texts: str) -> str:
    """They say all of it. Returns the last answer."""
    said = [person.says(text) for text in texts][-1]
    assert said is not None
    return said


def ordered(person: Person, goods: str = "1") -> str:
    """They order something that is sent. Returns the order's number."""
    said = says_all(person, f"兑换 {goods}", "确认", "同意", f"{NAME} {PHONE} {ADDRESS}", "确认")
    found = re.search(r"D[2-9A-HJ-NP-Z]{12}", said)
    assert found, said
    return found[0]


def does_chores(world: World) -> None:
    for name in ("orders_delivered", "addresses_erased", "order_drafts_dropped"):
        world.chore(name)


def states(world: World) -> list[str]:
    return [row[0] for row in world.sql("SELECT state FROM shop_order ORDER BY id")]


def balanced(world: World) -> bool:
    with world.service.database.snapshot() as db:
        return points.audit(db).differences == ()


# Choosing


def test_the_list_shows_what_can_be_had_and_a_number_or_a_name_chooses(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    listed = wang.says("积分商城")
    assert listed == (
        "积分商城（您有 500 积分）\n1. 雨伞 300 积分，剩 1 件\n2. 补签卡 100 积分，剩 5 件\n3. 礼盒 100 积分，剩 5 件（银卡专享）\n"
        "5. 电视 9000 积分，剩 5 件\n回复序号兑换；「我的订单」看订单"
    )
    asked = "「补签卡」100 积分，兑换后还有 400 积分。断签了用\n回复「确认」兑换，「退出」不换"
    assert (wang.says("2"), wang.says("退出")) == (asked, "好的，没有兑换")
    assert (wang.says("兑换 补签卡"), wang.says("兑换2")) == (asked, asked)
    assert wang.says("兑换 杯子") == "没有「杯子」这件商品，回复「积分商城」看列表"
    assert wang.says("兑换券在哪领") == "没听懂"
    assert wang.says("兑换 3") == "「礼盒」只给银卡粉丝兑换"
    assert wang.says("兑换 4") == "「月饼」现在不能兑换"
    assert wang.says("兑换 电视") == "「电视」要 9000 积分，您有 500，还不够"
    wang.says("商城")
    world.at += timedelta(minutes=11)
    assert wang.says("2") == "没听懂"  # the list was ten minutes ago
    assert (wang.points, states(world)) == (500, [])


def test_a_long_list_has_pages_and_each_fits_into_one_message(shop: Callable[..., World]) -> None:
    goods = "\n".join(f"    - {{key: g{n}, name: {'很长的名字' * 7}{n}, points: 1, stock: 1}}" for n in range(60))
    world = shop(f"keywords: {{fallback: 没听懂}}\nshop:\n  page: 50\n  goods:\n{goods}\n")
    wang = world.person("小王")
    pages = [wang.says("积分商城") or ""]
    while "「下一页」" in pages[-1]:
        pages.append(wang.says("下一页") or "")
    assert max(len(page.encode()) for page in pages) <= 2048
    assert [int(number) for page in pages for number in re.findall(r"^(\d+)\. ", page, re.MULTILINE)] == list(range(1, 61))
    assert wang.says("积分商城 2") == pages[1]
    assert "「很长的名字" in (wang.says("60") or "")  # a number means the same on every page


def test_what_is_given_at_once_is_given_once_and_paid_once(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    wang.says("兑换 2")
    assert wang.says("确认", copies=4) == "兑换成功：补签卡 1 张，用了 100 积分，还有 400"
    assert wang.says("确认") == "没听懂"
    assert (wang.points, states(world)) == (400, ["delivered"])
    assert world.sql("SELECT amount FROM balance WHERE asset = 'card'") == [(1,)]
    assert balanced(world)


def test_nobody_pays_for_a_coupon_that_there_is_none_of_any_more(shop: Callable[..., World]) -> None:
    batches = "coupons: {batches: [{key: one, name: 咖啡券, stock: 1, valid: {days: 9}, claim: {words: [领券]}}]}\n"
    world = shop(SHOP.replace("shop:\n", batches + "shop:\n").replace("reward: {cards: 1}", "reward: {cards: 1, coupon: one}"))
    wang = rich(world)
    wang.says("兑换 2")
    assert (world.person("小李").says("领券") or "").startswith("领到了")
    assert wang.says("确认") == "「补签卡」已经兑完了"
    assert (wang.points, states(world), world.sql("SELECT cause FROM coupon_owed")) == (500, [], [])


def test_a_price_that_was_raised_after_it_was_asked_is_not_paid(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    wang.says("兑换 2")
    world.configure(SHOP.replace("points: 100, stock: 5, kind", "points: 400, stock: 5, kind"))
    assert wang.says("确认") == "「补签卡」刚刚有变动，请重新看一下再换"
    wang.says("兑换 2")
    world.configure(
        SHOP.replace("text: 断签了用", "when: {level: 银卡}").replace("points: 100, stock: 5, kind", "points: 400, stock: 5, kind")
    )
    assert wang.says("确认") == "「补签卡」只给银卡粉丝兑换"
    assert (wang.points, states(world)) == (500, [])


# The address


def test_nothing_is_asked_before_consent_and_the_evidence_is_kept(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    consent = says_all(wang, "兑换 1", "确认")
    assert "7 天后自动删除" in consent
    assert wang.says("行吧") == consent  # only 同意 is consent
    assert says_all(wang, "同意", f"收货人：{NAME}，电话：138 1234 5678\n地址：{ADDRESS}") == (
        "寄给：欧* 138****5678 上海市浦…\n（这里只显示一部分，完整的是您刚才发的）\n回复「确认」提交，「修改」重写，「退出」不要了"
    )
    assert (wang.points, states(world)) == (500, [])  # nothing is held before the last word
    assert "还有 200" in says_all(wang, "确认")
    kept = world.sql("SELECT a.name, a.phone, a.address, a.keep_days, c.text, i.text FROM order_address a "
                     "JOIN address_consent c ON c.digest = a.consent JOIN inbox_entry i ON i.key = a.consent_message")  # fmt: skip
    assert kept == [(NAME, PHONE, ADDRESS, 7, consent, "同意")]
    assert world.sql("SELECT count(*) FROM order_draft") == [(0,)]


def test_what_is_missing_is_asked_for_and_a_trigger_is_no_address(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    assert says_all(wang, "兑换 1", "确认", "同意", PHONE) == "收货人的姓名是？"
    assert wang.says("签到") == "签过了"  # goes its usual way, and the question waits on
    assert wang.says("2号") == "这样写没有看懂。收货人的姓名是？"
    assert wang.says("确认") == "这样写没有看懂。收货人的姓名是？"  # nobody is called that
    assert says_all(wang, NAME) == "收货地址是？请写到门牌号"
    assert "寄给：欧*" in says_all(wang, ADDRESS)
    assert says_all(wang, "修改").startswith("请用一条消息")
    assert "寄给：王* 139****0000" in says_all(wang, "王小二 13900000000 北京市海淀区中关村大街1号")
    assert "寄给：赵*" in says_all(wang, "赵四 +1 415 555 0100 1 Market Street, San Francisco")
    wang.says("确认")
    assert world.sql("SELECT name, phone FROM order_address") == [("赵四", "+14155550100")]


def test_an_address_for_no_order_is_struck_out_at_once(shop: Callable[..., World]) -> None:
    world = shop()
    written = f"{NAME} {PHONE} {ADDRESS}"
    wang, li, zhao = rich(world), rich(world, "小李"), rich(world, "小赵")
    for person in (wang, li, zhao):
        says_all(person, "兑换 1", "确认", "同意", written)
    assert wang.says("退出") == "好的，没有兑换"
    assert "兑换成功" in says_all(li, "确认")
    assert zhao.says("确认") == "「雨伞」已经兑完了"
    assert [person.points for person in (wang, li, zhao)] == [500, 200, 500]
    told = world.sql("SELECT f.openid FROM inbox_entry i JOIN follower f ON f.id = i.follower_id WHERE i.text = :t", t=written)
    assert told == [(li.openid,)]
    # A draft that nobody goes on with is gone within the hour, and so is an address that comes after the ten minutes.
    world.configure(SHOP.replace("stock: 1,", "stock: 9,"))
    says_all(wang, "兑换 1", "确认", "同意", NAME)
    says_all(zhao, "兑换 1", "确认", "同意", NAME)
    world.at += timedelta(minutes=11)
    assert "您发来的内容已删除" in says_all(zhao, written)
    world.at += timedelta(hours=1)
    does_chores(world)
    assert world.sql("SELECT count(*) FROM order_draft") == [(0,)]
    assert world.sql("SELECT count(*) FROM inbox_entry WHERE text IN (:a, :b)", a=written, b=NAME) == [(1,)]
    assert wang.says("确认") == "没听懂"


def test_an_address_that_comes_before_consent_or_hours_later_is_not_kept_either(shop: Callable[..., World]) -> None:
    world = shop(SHOP.replace("goods:", "erase_days: 0\n  goods:", 1))
    written, early = f"{NAME} {PHONE} {ADDRESS}", f"{ADDRESS}，{NAME}，{PHONE}"
    wang, li, zhao = rich(world), rich(world, "小李"), rich(world, "小赵")
    kept = "SELECT text FROM inbox_entry WHERE text LIKE '%世纪大道%' OR text LIKE '%请打%'"
    assert "同意请回复" in says_all(wang, "兑换 1", "确认", early)  # before they agreed
    assert "兑换成功" in says_all(wang, "同意", written, "确认")
    assert len(world.sql(kept)) == 2
    says_all(wang, "取消订单", "确认")
    says_all(li, "兑换 1", "确认", "同意")
    says_all(zhao, "兑换 1", "确认", early)
    world.at += timedelta(minutes=61)
    does_chores(world)
    assert world.sql("SELECT count(*) FROM order_draft") == [(0,)]
    assert "您发来的内容已删除" in says_all(li, written)
    assert zhao.says("有什么喝的") == "没听懂"
    assert world.sql(kept) == []
    assert li.says(f"我搬家了，请打 {PHONE}") == "没听懂"  # nobody asked for an address any more
    assert len(world.sql(kept)) == 1


def test_after_the_promised_days_the_address_is_nowhere_in_the_file(
    shop: Callable[..., World], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    word = "sensitive: {lists: [{name: 留意, words: [世纪大道], heard: log}]}"
    config = SHOP.replace("stock: 1, per_follower: 1", "stock: 9") + word
    world = shop(config)
    wang = rich(world)
    says_all(wang, "兑换 1", "确认", "同意", NAME, PHONE, ADDRESS + "，靠近东门" * 20, "确认")
    number = world.sql("SELECT number FROM shop_order")[0][0]
    edited = config.replace("goods:", 'replies: {ask_phone: 手机？, final: "给{name}", not_understood: "再写一次"}\n  goods:', 1)
    told = replayed(world, tmp_path, edited)  # the examples of what would be answered otherwise tell no address
    assert told.changed
    assert not any(word in repr(told) for word in (NAME, PHONE, ADDRESS))
    with world.service.database.transaction() as db:
        order.ship(db, world.service.live.config, number, "顺丰", "SF100200300", "小陈", world.at)
    canaries = [text.encode() for text in (NAME, PHONE, ADDRESS)]

    def found() -> list[bytes]:
        """What of it stands in the database's files, its log written back into it."""
        with closing(sqlite3.connect(tmp_path / "world.db")) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        files = [path.read_bytes() for path in tmp_path.glob("world.db*")]
        return [word for word in canaries if any(word in file for file in files)]

    assert len(found()) == 3
    said = says_all(wang, "我的订单")
    assert "欧* 138****5678" in said
    assert "顺丰 SF100200300" in said
    world.at += timedelta(days=14)
    does_chores(world)
    assert states(world) == ["delivered"]
    world.at += timedelta(days=7, seconds=-1)
    does_chores(world)
    assert len(found()) == 3
    world.at += timedelta(seconds=1)
    does_chores(world)
    assert found() == []
    assert world.sql("SELECT text, kind FROM inbox_entry WHERE text = '（已删除）'") == [("（已删除）", "text")] * 3
    assert world.sql("SELECT name, phone, address, messages, consent IS NULL FROM order_address") == [(None, None, None, None, 0)]
    with world.service.database.snapshot() as db:
        assert not any(ADDRESS in entry.detail for entry in audit.latest(db, 100))
    logged = "".join(capfd.readouterr())
    assert '"rule":"shop:order"' in logged
    assert not any(canary.decode() in logged for canary in canaries)


# Orders


def test_an_order_can_be_cancelled_while_it_is_here_and_its_points_come_back_once(shop: Callable[..., World]) -> None:
    world = shop()
    wang, li = rich(world), rich(world, "小李")
    number = ordered(wang)
    assert wang.points == 200
    assert li.says(f"取消订单 {number}") == f"您没有订单 {number}"
    assert wang.says("兑换 1") == "「雨伞」已经兑完了"
    assert wang.says("取消订单") == f"要取消「雨伞」（订单 {number}，退回 300 积分）吗？回复「确认」取消，「退出」不取消"
    assert wang.says("确认", copies=3) == f"订单 {number}（雨伞）已取消，退回 300 积分，共 500"
    assert wang.says(f"取消订单 {number.lower()}") == f"订单 {number} 现在是“已取消”，不能这样做了"
    again = ordered(wang)  # the piece is in stock again, and so is the follower's share
    assert again != number
    assert (wang.says(f"取消订单{again}") or "").endswith("共 500")
    assert wang.says("取消订单") == "没有可以取消的订单：发货以后就不能取消了"
    assert (wang.points, states(world), balanced(world)) == (500, ["cancelled", "cancelled"], True)
    causes = world.sql("SELECT account, amount, cause FROM ledger_entry WHERE account = 'shop' AND amount > 0 ORDER BY id")
    assert causes == [("shop", 300, f"refund:{number}"), ("shop", 300, f"refund:{again}")]


def test_an_order_on_its_way_is_told_of_and_confirmed(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    assert wang.says("收到了") == "没听懂"  # said of something else
    number = ordered(wang)
    with world.service.database.transaction() as db:
        order.ship(db, world.service.live.config, number, "顺丰", "SF1", "小陈", world.at)
    told = [row[0] for row in world.sql("SELECT text FROM notice")]
    assert told == [f"「雨伞」已发货：顺丰 SF1（订单 {number}）。收到后回复「确认收货」"]
    assert wang.says(f"取消订单 {number}") == f"订单 {number} 现在是“已发货”，不能这样做了"
    assert wang.says("收到了") == "好的，「雨伞」收到了。欢迎再来"
    history = world.sql("SELECT was, state, order_event.by, note FROM order_event ORDER BY id")
    assert history == [
        (None, "placed", "the follower", ""),
        ("placed", "shipped", "小陈", "顺丰 SF1"),
        ("shipped", "delivered", "the follower", ""),
    ]


def test_a_prize_waits_for_its_address(shop: Callable[..., World]) -> None:
    world = shop()
    wang = rich(world)
    assert wang.says("领奖") == "没有等您填地址的奖品"
    with world.service.database.transaction() as db:
        me = world.sql("SELECT id FROM follower")[0][0]
        prize = order.open_prize(db, me, "一等奖 自行车", "lottery:spring:7", world.at)
        assert order.open_prize(db, me, "一等奖 自行车", "lottery:spring:7", world.at) == prize
    assert f"回复「领奖 {prize.number}」填收货地址" in says_all(wang, "我的订单")
    assert "为了把「一等奖 自行车」寄给您" in says_all(wang, f"领奖 {prize.number}")
    assert says_all(wang, "同意", f"{NAME} {PHONE} {ADDRESS}", "确认") == f"收到，「一等奖 自行车」会尽快寄出。订单 {prize.number}"
    assert wang.says(f"领奖 {prize.number}") == f"订单 {prize.number} 现在是“待发货”，不能这样做了"
    assert wang.says(f"取消订单 {prize.number}") == f"订单 {prize.number} 现在是“待发货”，不能这样做了"
    assert (wang.points, states(world)) == (500, ["placed"])


# Many at once, on both databases


def test_the_last_piece_among_many_has_one_owner(found: Founded) -> None:
    world = found(SHOP)
    people = [rich(world, f"p{number}") for number in range(12)]
    for person in people:
        says_all(person, "兑换 1", "确认", "同意", f"{NAME} {PHONE} {ADDRESS}")
    at = world.at.timestamp()
    pushes = [push(inner, at) for person in people for inner in [message(person.openid, at, Content="确认")] for _ in range(4)]
    answers = world.run(world._push_all(pushes))
    said = [answers[number * 4].text or "" for number in range(len(people))]
    assert all(len({one.text for one in answers[number * 4 : number * 4 + 4]}) == 1 for number in range(len(people)))
    assert sorted("兑换成功" in text for text in said) == [False] * 11 + [True]
    assert said.count("「雨伞」已经兑完了") == 11
    assert sorted(person.points for person in people) == [200] + [500] * 11
    assert world.sql("SELECT count(*), sum(price) FROM shop_order") == [(1, 300)]
    assert balanced(world)
    written = "SELECT (SELECT count(*) FROM inbox_entry WHERE text LIKE '%世纪大道%'), (SELECT count(*) FROM order_address WHERE erased_at IS NULL)"
    assert world.sql(written) == [(1, 1)]  # those of the others are struck out already
    winner = next(person for person in people if person.points == 200)
    assert winner.says("取消订单")
    assert "共 500" in says_all(winner, "确认")
    world.at += timedelta(days=7)
    does_chores(world)
    assert world.sql(written) == [(0, 0)]


def test_four_different_confirmations_at_once_make_one_order(found: Founded) -> None:
    world = found(SHOP)
    for turn in range(3):
        wang = rich(world, f"w{turn}")
        wang.says("兑换 2")
        pushes = [push(message(wang.openid, world.at.timestamp(), Content="确认"), world.at.timestamp()) for _ in range(4)]
        said = [answer.text or "" for answer in world.run(world._push_all(pushes))]
        assert sorted("兑换成功" in text for text in said) == [False, False, False, True]
        assert wang.points == 400
    assert world.sql("SELECT count(*) FROM shop_order") == [(3,)]
    assert world.sql("SELECT taken FROM stock") == [(3,)]
    assert balanced(world)


def test_of_cancelling_and_shipping_at_once_one_wins_and_points_come_back_only_with_the_first(found: Founded) -> None:
    world = found(SHOP.replace("stock: 1, per_follower: 1", "stock: 99"))
    config, database = world.service.live.config, world.service.database
    outcomes = set()
    for turn in range(6):
        wang = rich(world, f"w{turn}")
        number = ordered(wang)

        async def race(number: str = number, turn: int = turn) -> list[object]:
            verbs = [
                lambda db: order.ship(db, config, number, "顺丰", "SF1", "小陈", world.at),
                lambda db: order.cancel(db, config, number, "小李", "没货", world.at),
                lambda db: order.cancel(db, config, number, order.FOLLOWER, "", world.at),
            ]
            work = [database.run(verb) for verb in (verbs if turn % 2 else reversed(verbs))]
            return list(await asyncio.gather(*work, return_exceptions=True))

        won = [one for one in world.run(race()) if isinstance(one, order.Order)]
        assert len(won) == 1
        outcomes.add(won[0].state)
        assert wang.points == (500 if won[0].state == "cancelled" else 200)
    assert outcomes == {"shipped", "cancelled"} or not database.is_sqlite
    shipped = states(world).count("shipped")
    assert world.sql("SELECT taken FROM stock WHERE subject = 'goods:umbrella'") == [(shipped,)]
    assert balanced(world)
