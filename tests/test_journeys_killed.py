"""Whoever is killed between any two steps of an act, the repeat brings everything to the same end: tests/killing.py says how.

Add yours to SCENARIOS.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.killing import Scenario, chore, command, does, killed, killed_everywhere, moment, says
from tests.people import BASIC, ROOT

EXPIRING = BASIC.replace("points: {levels: {}}", "points: {levels: {}, expire: {days: 2, warn_days: [1]}}")
assert EXPIRING != BASIC
ADJUST = ("ledger", "adjust", "{openid:小王}", "30", "--reason", "活动补发")

SHOP = """
keywords: {rules: [], fallback: 没听懂}
checkin: {rules: {points: 50}}
shop: {goods: [{key: cup, name: 杯子, points: 30, stock: 2, per_follower: 1}]}
"""
CHOSEN = [says("小王", text) for text in ("签到", "兑换 1", "确认", "同意", "张三 13800138000 上海市世纪大道100号")]
ORDERS = [
    "SELECT number, state, price FROM shop_order",
    "SELECT was, state, by FROM order_event ORDER BY id",
    "SELECT name, address, erase_at IS NULL, erased_at IS NULL FROM order_address",
    "SELECT number FROM order_draft",
    "SELECT number FROM goods_had",
    "SELECT text FROM inbox_entry ORDER BY id",
]
REFERRAL = """
checkin: {rules: {points: 5}}
referral: {points: 20, newcomer: {points: 10}, after: {days: 3, acts: {checkin: 1}}}
"""
BROUGHT = [
    says("小王", "我的邀请码"),
    moment("2026-11-21 10:01:00"),
    does("小李", "subscribe", EventKey="qrscene_{scene:小王}"),
    says("小李", "签到"),
]
PAID = [moment("2026-11-24 10:02:00"), chore("referrals")]
REFERRALS = ["SELECT state, points, reasons, left_at FROM referral", "SELECT month, counted FROM referral_code"]
LOTTERY = """
checkin: {rules: {points: 5}}
lotteries:
  - key: spring
    title: 新春
    organiser: 某公司
    to: 2026-11-30
    cost: 5
    prizes: [{key: all, name: 大礼, odds: 100%, stock: 1, reward: {points: 30, cards: 1, draws: {spring: 1}}}]
    consolation: {points: 1}
"""
DRAWS = [
    "SELECT number, ticket, at, fell_on, prize, paid FROM lottery_draw ORDER BY number",
    "SELECT draws, commitment, revealed_at FROM lottery",
    "SELECT total, today FROM lottery_turn",
]
COUPONS = """
keywords: {rules: [], fallback: 没听懂}
coupons: {batches: [{key: partner, name: 伙伴券, codes: imported, valid: {days: 3650}, claim: {words: [领券]}}]}
surveys: [{key: s, title: 问, triggers: [问], reward: {points: 3, coupon: partner}, questions: [{key: a, ask: 好吗, choices: [好]}]}]
"""
HELD = [command("coupon", "import", "partner", str(ROOT / "tests" / "coupon_codes.txt")), says("小王", "领券"), says("小张", "你好")]
COUNTER = [*HELD, command("staff", "add", "{openid:小张}", "--name", "小张"), says("小张", "核销 AB0001CD")]
HOLDERS = [
    "SELECT shown, cause, state, redeemed_by FROM coupon ORDER BY id",
    "SELECT shown, coupon_id FROM coupon_code ORDER BY id",
    "SELECT follower_id, number FROM coupon_holding ORDER BY 1",
    'SELECT act, "by" FROM coupon_event ORDER BY id',
    "SELECT text FROM inbox_entry ORDER BY id",
]
SCENARIOS = [
    Scenario("签到", BASIC, act=[says("小王", "签到")], ends=["SELECT day, streak, earned FROM checkin"]),
    Scenario(
        "问卷的最后一题",
        BASIC,
        before=[says("小王", "问卷"), says("小王", "满意")],
        act=[says("小王", "9")],
        ends=["SELECT question, value FROM answer ORDER BY 1"],
    ),
    Scenario(
        "人工调整",
        BASIC,
        before=[says("小王", "签到")],
        act=[command(*ADJUST, "--request", "2026-1")],
        ends=["SELECT action, detail FROM audit_entry"],
    ),
    Scenario(
        "撤回",
        BASIC,
        before=[says("小王", "签到")],
        act=[command("ledger", "reverse", "1", "--reason", "刷分")],
        ends=["SELECT action, detail FROM audit_entry"],
    ),
    Scenario(
        "到期",
        EXPIRING,
        before=[says("小王", "签到"), says("小李", "签到"), chore("expiry"), moment("2026-11-22 12:00:00"), says("小王", "签到")],
        act=[moment("2026-11-24 00:00:30"), chore("expiry")],
    ),
    Scenario(
        "封存",
        BASIC,
        before=[says("小王", "签到"), chore("ledger_seals"), says("小李", "签到")],
        act=[moment("2026-11-21 11:00:00"), chore("ledger_seals"), moment("2026-11-21 12:00:00"), chore("ledger_seals")],
        ends=["SELECT number, first_id, last_id, entries FROM ledger_seal ORDER BY 1"],
    ),
    Scenario("带人来的积分", REFERRAL, before=BROUGHT, act=PAID, ends=REFERRALS),
    Scenario("人走了收回积分", REFERRAL, before=[*BROUGHT, *PAID], act=[does("小李", "unsubscribe")], ends=REFERRALS),
    Scenario("领券", COUPONS, before=HELD, act=[says("小李", "领券")], ends=HOLDERS),
    Scenario("奖励里的券", COUPONS, before=[*HELD, says("小李", "问")], act=[says("小李", "1")], ends=HOLDERS),
    Scenario("核销", COUPONS, before=COUNTER, act=[says("小张", "确认")], ends=HOLDERS),
    Scenario("兑换的最后一句", SHOP, before=CHOSEN, act=[says("小王", "确认")], ends=ORDERS),
    Scenario("取消订单", SHOP, before=[*CHOSEN, says("小王", "确认"), says("小王", "取消订单")], act=[says("小王", "确认")], ends=ORDERS),
    Scenario(
        "删除地址",
        SHOP,
        before=[*CHOSEN, says("小王", "确认"), says("小王", "取消订单"), says("小王", "确认")],
        act=[moment("2026-11-28 10:00:00"), chore("addresses_erased")],
        ends=ORDERS,
    ),
    Scenario(
        "抽奖",
        LOTTERY,
        before=[chore("lotteries_published"), says("小王", "签到")],
        act=[says("小王", "抽奖")],
        ends=DRAWS,
    ),
    Scenario(
        "公开抽奖的种子",
        LOTTERY,
        before=[chore("lotteries_published"), says("小王", "签到"), says("小王", "抽奖")],
        act=[moment("2026-12-01 01:00:00"), chore("lotteries_revealed"), says("小王", "抽奖")],
        ends=DRAWS,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_an_act_that_is_killed_anywhere_and_repeated_ends_the_same(scenario: Scenario, tmp_path: Path) -> None:
    killed_everywhere(scenario, tmp_path)


def test_an_act_that_is_done_twice_by_its_repeat_is_found_out(tmp_path: Path) -> None:
    # An adjustment without a request id is a new one each time it is typed.
    ran = killed(Scenario("twice", BASIC, before=[says("小王", "签到")], act=[command(*ADJUST)]), tmp_path)
    assert [one for one in ran.wrong if "repeated after it had come through" in one and "'points', 35" in one and "'points', 65" in one]
