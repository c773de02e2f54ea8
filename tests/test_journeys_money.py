"""A storm over everything followers own: all verbs at once for the same few people, after which the books, stocks and numbers are right.

On PostgreSQL it meets no deadlock: docs/decisions/0015-locks-in-one-order.md.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Connection, text

from models import bookkeeping, coupon, follower, order, points
from models.database import Database
from models.refusal import Refusal
from scheduler import upkeep
from tests.conftest import Founded
from tests.people import World, event, message, openid, push

CONFIG = """
keywords: {rules: [], fallback: 没听懂}
welcome: {reply: 欢迎, returning: 欢迎回来}
checkin:
  rules:
    points: 40
    makeup_cost: 3
    makeup_points: 2
    makeup_per_month: 31
    makeup_days: 30
    milestones: {1: {points: 3, cards: 2}, 2: {coupon: beta, cards: 1}, 3: {coupon: alpha}}
    totals: {2: {points: 5, draws: {spring: 2}, coupon: alpha}}
  replies: {done: "第{streak}天 第{rank}位 +{earned}"}
points:
  expire: {days: 2, warn_days: [1]}
  levels:
    铜卡: {growth: 30, keep: 100, gift: {points: 4, coupon: alpha}}
    银卡: {growth: 35, multiplier: 1.5, keep: 100, gift: {points: 4, cards: 1, coupon: beta, draws: {spring: 1}}}
  earn: {checkin: {max_per_day: 45}, survey: {max_per_week: 50}}
  words: [{key: gift, word: 暗号, points: 7, total: 6, per_follower: 3}]
membership: {period: 1d, grace: 1d}
boards: [{key: busy, title: 榜, triggers: [榜], per: week, formula: {points: 1}, awards: {"1-4": {points: 9, cards: 1, coupon: alpha}}}]
coupons:
  batches:
    - {key: alpha, name: 甲券, stock: 40, per_follower: 50, valid: {days: 1}, claim: {words: [领甲]}}
    - {key: beta, name: 乙券, stock: 40, per_follower: 50, valid: {days: 1}, claim: {words: [领乙]}}
shop:
  goods:
    - {key: card, name: 补签卡, points: 5, stock: 15, per_follower: 9, kind: virtual, reward: {cards: 1, coupon: beta}}
    - {key: change, name: 换券, points: 4, stock: 9, kind: virtual, reward: {coupon: alpha, draws: {spring: 1}}}
    - {key: cup, name: 杯子, points: 6, stock: 5, per_follower: 3}
lotteries:
  - key: spring
    title: 新春
    organiser: 某公司
    to: 2026-12-30
    cost: 2
    free_per_day: 1
    prizes:
      - {key: big, name: 大, odds: 0.3, stock: 6, reward: {points: 30, cards: 1, coupon: beta}}
      - {key: small, name: 小, odds: 0.7, stock: 8, reward: {coupon: alpha, draws: {spring: 1}}}
    consolation: {points: 1}
referral: {points: 20, clawback_days: 30, newcomer: {points: 10, cards: 1, coupon: beta}, after: {days: 0, acts: {checkin: 1}}}
surveys:
  - {key: s, title: 问, triggers: [问], reward: {points: 40, cards: 1, coupon: beta}, questions: [{key: a, ask: 好吗, choices: [好]}]}
polls: [{key: p, title: 选, choices: [甲, 乙], triggers: [选], reward: {points: 5, coupon: alpha}}]
"""
TALKS = ["签到", "签到 抽奖", "补签", "抽奖", "抽奖", "领甲", "领乙", "暗号", "积分", "我的券", "等级", "问 好", "选 甲", "取消订单 确认"]
TALKS += ["兑换1 确认", "兑换1 确认 确认", "兑换2 确认", "兑换3 确认 同意 张三,13800138000,上海市世纪大道100号 确认"]
DAYS = ["2026-11-21 10:00:00", "2026-11-22 23:59:59", "2026-11-24 00:00:00", "2026-11-30 09:00:00", "2026-12-02 00:00:00"]
PEOPLE = 5


class Storm:
    """What happens is chosen by the seed; in which order, by the machine."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.people = [openid(f"p{number}") for number in range(PEOPLE)]
        self.newcomers: list[str] = []
        self.wrong: list[object] = []

    def blow(self, strength: int) -> None:
        """Five days, on each so many things at once; on the first two, newcomers come by everybody's code. Then the clock is done.

        Who checks in for the first time is given 甲券, 乙券; who answers the survey first, or checks in for the second time, 乙券, 甲券.
        """
        self.at_once(self.talk(who, "我的邀请码") for who in self.people)
        for number, day in enumerate(DAYS):
            self.world.moment(day)
            if number < 2:
                self.at_once(list(self.brought()))
                self.at_once(
                    self.talk(who, talk)
                    for pair in zip(self.people, self.newcomers[-PEOPLE:], strict=True)
                    for who, talk in zip(pair, ("签到", "签到" if number else "问 好 签到"), strict=True)
                )
            self.at_once(self.anything() for _ in range(strength))
        self.at_once(self.chore(name) for name in upkeep.CHORES)

    def at_once(self, things: Iterable[Awaitable[None]]) -> None:
        """All of them; what one raises is wrong."""

        async def gathered() -> list[object]:
            return await asyncio.gather(*things, return_exceptions=True)

        self.wrong += [found for found in self.world.run(gathered()) if found is not None]

    def anything(self) -> Awaitable[None]:
        """One thing."""
        chance, now, config = self.chance, self.world.at, self.world.service.live.config
        who, pick, number = chance.choice(self.people), chance.random(), chance.randint(1, 120)
        if pick < 0.62:
            return self.talk(who, chance.choice(TALKS), chance.choice([1, 1, 2]))
        if pick < 0.8:
            return self.chore(chance.choice(list(upkeep.CHORES)))
        if pick < 0.85:
            return self.pushed(event(chance.choice(self.newcomers), now.timestamp(), chance.choice(["unsubscribe", "subscribe"])))
        acts: list[Callable[[Connection], object]] = [
            lambda db: points.adjust(db, self.number(db, who), chance.choice([-9, 5]), "甲", "试", now, f"r{chance.random()}"),
            lambda db: points.reverse(db, number, now, by="甲", reason="试", at_most=True),
            lambda db: [order.cancel(db, config, one.number, "甲", "试", now) for one, _ in order.listed(db, "placed", 1)],
            lambda db: [coupon.redeem(db, config, one, coupon.Redeemer("甲"), now) for one in self.claimed(db)],
            lambda db: [coupon.void(db, one, "甲", "试", now) for one in self.claimed(db)],
        ]
        return self.operator(chance.choice(acts))

    def number(self, db: Connection, who: str) -> int:
        """Their id."""
        found = follower.find(db, who)
        assert found is not None
        return found.id

    def claimed(self, db: Connection) -> list[int]:
        """The newest coupon that nobody has used."""
        return list(db.execute(text("SELECT id FROM coupon WHERE state = 'claimed' ORDER BY id DESC LIMIT 1")).scalars())

    async def talk(self, who: str, words: str, copies: int = 1) -> None:
        """One word after the other; the platform delivers so many copies of each at once."""
        for word in words.split():
            await self.pushed(message(who, self.world.at.timestamp(), Content=word), copies)

    async def pushed(self, inner: str, copies: int = 1) -> None:
        """All copies of one push are answered alike, and none with an excuse."""
        answers = await self.world._push_all([push(inner, self.world.at.timestamp()) for _ in range(copies)])
        if {answer.status for answer in answers} != {200} or len({answer.xml for answer in answers}) > 1 or "开小差" in str(answers):
            self.wrong.append(answers)

    async def chore(self, name: str) -> None:
        """As the timetable does it."""
        service = self.world.service
        await upkeep.do(upkeep.CHORES[name], service.database, service.live.config, service.clock)

    async def operator(self, act: Callable[[Connection], object]) -> None:
        """As the console does it; it may be refused."""
        with suppress(Refusal):
            await self.world.service.database.run(act)

    def brought(self) -> Iterator[Awaitable[None]]:
        """A newcomer by each code there is."""
        for (scene,) in self.world.sql("SELECT scene FROM referral_code"):
            self.newcomers.append(openid(f"n{len(self.newcomers)}"))
            yield self.pushed(event(self.newcomers[-1], self.world.at.timestamp(), "subscribe", EventKey=f"qrscene_{scene}"))


TAKEN = """
SELECT subject, taken FROM stock WHERE taken <> CASE
  WHEN subject LIKE 'coupon:%' THEN (SELECT count(*) FROM coupon WHERE 'coupon:' || batch = subject AND state <> 'void')
  WHEN subject LIKE 'goods:%' THEN (SELECT count(*) FROM shop_order WHERE 'goods:' || goods = subject AND state <> 'cancelled')
  WHEN subject LIKE 'prize:%' THEN (SELECT count(*) FROM lottery_draw WHERE 'prize:' || lottery || ':' || prize = subject)
  ELSE (SELECT count(*) FROM code_word_claim WHERE 'words:' || word = subject) END
"""
UNPAID = """
SELECT number FROM shop_order o WHERE price <> -coalesce((SELECT sum(amount) FROM ledger_entry e WHERE e.follower_id = o.follower_id
  AND e.asset = 'points' AND e.account = 'shop' AND (e.cause = o.cause OR e.reverses_id IN (SELECT id FROM ledger_entry p
  WHERE p.follower_id = o.follower_id AND p.cause = o.cause))), 0) + CASE WHEN state = 'cancelled' OR EXISTS (SELECT 1 FROM ledger_entry r
  JOIN ledger_entry p ON p.id = r.reverses_id WHERE p.cause = o.cause AND p.follower_id = o.follower_id) THEN price ELSE 0 END
"""
HAD = """
SELECT h.follower_id FROM goods_had h WHERE number <> (SELECT count(*) FROM shop_order o WHERE o.follower_id = h.follower_id
  AND o.goods = h.goods AND o.state <> 'cancelled')
"""


def endures(world: World, seed: int, strength: int) -> None:
    """Nothing failed, and everything that is counted twice comes to the same."""
    storm = Storm(world, seed)
    storm.blow(strength)
    assert storm.wrong == []
    with world.service.database.snapshot() as db:
        proof = bookkeeping.prove(db)
    assert (proof.differences, proof.unbalanced, proof.faults, proof.seals.broken) == ((), (), (), ())
    assert proof.entries > strength
    for what in (TAKEN, UNPAID, HAD):
        assert world.sql(what) == []
    assert world.sql("SELECT max(number) - count(*), max(number) - max(draws) FROM lottery_draw, lottery") == [(0, 0)]
    assert world.sql("SELECT day FROM checkin WHERE rank IS NOT NULL GROUP BY day HAVING count(*) <> max(rank)") == []
    database = world.service.database
    if not database.is_sqlite:
        database.close()  # what a session counted is known when it ends
        again = Database(database.url.render_as_string(hide_password=False))
        with again.snapshot() as db:
            assert db.execute(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).scalar_one() == 0
        again.close()


def test_a_storm_over_all_that_followers_own_leaves_the_books_right(found: Founded) -> None:
    endures(found(CONFIG), 5, 16)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_a_long_storm_leaves_the_books_right(found: Founded) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")
    endures(found(CONFIG), seed, 400)
