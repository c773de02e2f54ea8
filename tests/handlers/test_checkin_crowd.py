"""64 followers at once, every message three times: every balance is exactly what it should be."""

from __future__ import annotations

import itertools

from tests.conftest import Founded
from tests.people import World, message, push

CROWD = """
checkin:
  rules: {points: 20, makeup_cost: 10, milestones: {3: {points: 50}}}
  replies: {done: "第 {rank} 个"}
points: {levels: {}}
surveys:
  - {key: one, title: 一题, triggers: [问卷], reward: {points: 7}, questions: [{key: a, ask: 好吗, choices: [好, 不好]}]}
"""
PEOPLE, COPIES = 64, 3


def at_once(world: World, *said: str) -> list[str | None]:
    """Everybody says all of this at the same instant, and the platform delivers every message three times."""
    inner = [message(world.person(f"p{number}").openid, world.at.timestamp(), Content=words) for words in said for number in range(PEOPLE)]
    pushes = [push(one, world.at.timestamp()) for one in inner for _ in range(COPIES)]
    answers = world.run(world._push_all(pushes))
    assert all(answer.status == 200 for answer in answers)
    return [answer.text for answer in answers]


def test_64_followers_with_three_copies_of_every_message_end_with_exactly_the_expected_balances(found: Founded) -> None:
    world = found(CROWD)
    world.moment("2026-11-18 08:00:00")
    first = at_once(world, "签到")
    assert sorted({text for text in first if text}) == sorted(f"第 {number} 个" for number in range(1, PEOPLE + 1))
    at_once(world, "问卷")
    world.moment("2026-11-20 00:00:00")
    at_once(world, "1")
    at_once(world, "签到", "补签")  # whichever comes first: the 19th is mended once, and the streak of three is rewarded once

    balances = world.sql("SELECT asset, amount, count(*) FROM balance GROUP BY asset, amount ORDER BY asset")
    assert balances == [("growth", 20 + 7 + 20 + 50, PEOPLE), ("points", 20 + 7 + 20 - 10 + 50, PEOPLE)]
    streaks = world.sql("SELECT day, streak, count(*), count(made_up_at) FROM checkin GROUP BY day, streak ORDER BY day")
    assert [tuple(row)[1:] for row in streaks] == [(1, PEOPLE, 0), (2, PEOPLE, PEOPLE), (3, PEOPLE, 0)]
    ranks = [rank for (rank,) in world.sql("SELECT rank FROM checkin WHERE made_up_at IS NULL ORDER BY day, rank")]
    assert ranks == list(itertools.chain(range(1, PEOPLE + 1), range(1, PEOPLE + 1)))
    owed = world.sql("SELECT count(*) FROM ledger_entry WHERE cause LIKE 'makeup:%' OR cause LIKE 'checkin:milestone:%'")
    assert owed == [(PEOPLE * 3,)]  # a make-up; the milestone in points and in growth


def test_two_days_made_up_at_once_with_points_for_one_mend_one(found: Founded) -> None:
    world = found("checkin: {rules: {points: 10, makeup_cost: 15}}\npoints: {levels: {}}\n")
    wang = world.person("小王")
    for day in (16, 17):
        world.moment(f"2026-11-{day} 08:00:00")
        wang.says("签到")
    world.moment("2026-11-20 08:00:00")
    said = [push(message(wang.openid, world.at.timestamp(), Content=words), world.at.timestamp()) for words in ("补签 18", "补签 19")]
    texts = sorted(str(answer.text) for answer in world.run(world._push_all([one for one in said for _ in range(COPIES)])))
    assert wang.points == 5
    assert len(world.sql("SELECT id FROM checkin WHERE made_up_at IS NOT NULL")) == 1
    assert sum("已补签" in text for text in texts) == sum("您只有 5" in text for text in texts) == COPIES
