"""Referrals through the webhook: who brought whom, what is paid when, and what is taken back."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from app import live
from models import follower, points, referral_code, referral_payment
from models.referral_payment import AlreadyDecided, NewcomerLeft, UnknownReferral
from tests.conftest import Founded
from tests.people import Person, World, account, event, message, push

RULES = """
welcome: {reply: 欢迎, returning: 欢迎回来}
keywords: {fallback: 没听懂}
checkin: {rules: {points: 5}}
referral:
  points: 20
  newcomer: {points: 10}
  after: {days: 3, acts: {checkin: 1}}
  clawback_days: 30
  per_month: 2
  replies: {making: 稍等, welcomed: "你是{referrer}请来的", mine: "{came} {stayed} {waiting} {counted} {points}", nobody: 还没有人}
  notices: {paid: "谢谢 +{points}", gift: "送您{gift}", clawed_back: "收回{points}"}
"""


def scene_of(person: Person) -> str:
    """Asks for a code; its parameter."""
    person.says("我的邀请码")
    found = person.world.sql(
        "SELECT c.scene FROM referral_code c JOIN follower f ON f.id = c.follower_id WHERE f.openid = :o", o=person.openid
    )
    return str(found[0][0])


def follows(person: Person, scene: str = "", ago: float = 0, copies: int = 1) -> str | None:
    at = person.world.at.timestamp() - ago
    key = f"qrscene_{scene}" if scene else ""
    answers = person.world.push(event(person.openid, at, "subscribe", EventKey=key, Ticket="T"), copies)
    assert len({answer.xml for answer in answers}) == 1
    return answers[0].text


def leaves(person: Person, ago: float = 0) -> None:
    person.world.push(event(person.openid, person.world.at.timestamp() - ago, "unsubscribe", EventKey=""))


def state(person: Person) -> tuple[str, str | None] | None:
    """What became of this newcomer, and whose code brought them (the first letters of the openid)."""
    rows = person.world.sql(
        "SELECT r.state, w.openid FROM referral r JOIN follower f ON f.id = r.follower_id "
        "JOIN referral_code c ON c.id = r.code_id JOIN follower w ON w.id = c.follower_id WHERE f.openid = :o",
        o=person.openid,
    )
    return (rows[0][0], rows[0][1]) if rows else None


def vanishes(db: Connection, world: World, person: Person) -> None:
    """They have left, and no event told us: a message to them was refused."""
    known = follower.find(db, person.openid)
    assert known is not None
    follower.unreachable(db, known.id, 43004, world.at)


def later(world: World, **span: float) -> None:
    world.at += timedelta(**span)


def test_one_journey_from_the_code_to_the_points_and_back(found: Founded) -> None:
    world = found(RULES)
    ann, bob, old = world.person("甲"), world.person("乙"), world.person("老粉丝")
    assert ann.says("我的邀请") == "还没有人"
    assert ann.says("我的邀请码") == "稍等"
    scene = scene_of(ann)
    assert scene.startswith("r_")
    assert len(scene) >= 14
    assert scene == scene_of(ann), "the parameter stays"
    old.says("你好")
    later(world, minutes=1)

    # who was met before, and who follows already, was not brought by anybody; nor anybody by themselves
    assert follows(old, scene) == "欢迎回来"
    old.does("SCAN", EventKey=scene, Ticket="T")
    leaves(ann)
    later(world, minutes=1)
    follows(ann, scene)
    assert (state(old), state(ann)) == (None, None)

    said = follows(bob, scene, copies=4)
    assert said is not None
    assert said.startswith("欢迎\n\n你是会员")
    assert said.endswith("请来的")
    assert ann.openid[-6:] not in said
    assert state(bob) == ("pending", ann.openid)

    # nothing for following alone, nothing before its time, then once
    later(world, days=3, minutes=1)
    world.chore("referrals")
    assert (ann.points, bob.points) == (0, 0)
    assert ann.says("我的邀请") == "1 1 1 0 0"
    bob.says("签到")
    world.chore("referrals")
    assert ann.points == 0, "it is looked at again in a few hours"
    later(world, hours=6)
    world.chore("referrals", 4)
    assert (ann.points, bob.points) == (20, 15)
    assert ann.says("我的邀请") == "1 1 0 1 20", "told by a message, not below the answer"
    queued = [row[0] for row in world.sql("SELECT payload FROM customer_message ORDER BY id")]
    assert ["谢谢 +20" in queued[0], "送您10 积分" in queued[1]] == [True, True]
    world.chore("referrals", 2)
    assert (ann.points, bob.points) == (20, 15)

    # they leave, and come back: the points go, and do not come again
    later(world, days=2)
    for _ in range(2):
        leaves(bob)
    assert (ann.points, bob.points) == (0, 5)
    assert state(bob) == ("clawed_back", ann.openid)
    assert ann.says("我的邀请") == "1 0 0 0 0\n\n收回20"
    later(world, hours=1)
    follows(bob, scene)
    bob.says("签到")
    later(world, days=10)
    world.chore("referrals")
    assert ann.points == 0
    assert "带来的朋友（取消了关注）" in str(ann.says("积分明细"))
    assert "新朋友的礼物（取消了关注）" in str(bob.says("积分明细")), "it is not whoever brought them that left"
    assert ann.says("我的邀请") == "1 0 0 0 0"
    growth = world.sql("SELECT sum(amount) FROM ledger_entry WHERE asset = 'growth' AND account = 'referral'")
    assert growth == [(0,)]


def test_the_first_code_counts_whatever_order_the_events_come_in_and_however_many_at_once(found: Founded) -> None:
    world = found(RULES)
    ann, bob = world.person("甲"), world.person("乙")
    first, second = scene_of(ann), scene_of(bob)
    later(world, minutes=5)

    both = world.person("同一秒")
    at = world.at.timestamp()
    inner = [event(both.openid, at, "subscribe", EventKey=f"qrscene_{scene}", Ticket=scene) for scene in (first, second)]

    async def race() -> None:
        pushes = [push(one, at) for one in inner for _ in range(2)]
        await world._push_all(pushes)

    world.run(race())
    assert world.sql("SELECT count(*) FROM referral") == [(1,)]

    late = world.person("晚到的")
    follows(late, second)
    follows(late, first, ago=60)
    assert state(late) == ("pending", ann.openid), "an older event tells of an earlier code"
    follows(late, second, ago=30)
    assert state(late) == ("pending", ann.openid)

    written = world.person("先到一句话")
    world.push(message(written.openid, at, Content="你好"))
    follows(written, first, ago=2)
    assert state(written) == ("pending", ann.openid), "what they wrote after the scan came here before it"

    for number, (name, ago) in enumerate((("subscribe", 60), ("unsubscribe", 30))):
        before = world.person(f"来过的{number}")
        follows(before, first)
        world.push(event(before.openid, at - ago, name, EventKey=""))
        assert state(before) == ("refused", ann.openid), "an older event tells that they had followed before"
        other = world.person(f"也来过的{number}")
        world.push(event(other.openid, at - ago, name, EventKey=""))
        follows(other, first)
        assert state(other) is None

    synced = world.person("名单上的")
    with world.service.database.transaction() as db:
        follower.listed(db, [synced.openid], world.at - timedelta(days=1))
    follows(synced, first)
    assert state(synced) is None
    follows(world.person("猜的"), "r_aaaaaaaaaaaa")
    assert state(world.person("猜的")) is None


def test_who_leaves_before_the_time_is_paid_for_never_and_a_month_has_its_cap(found: Founded) -> None:
    world = found(RULES)
    ann = world.person("甲")
    scene = scene_of(ann)
    people = [world.person(f"新{number}") for number in range(4)]
    for person in people:
        later(world, minutes=20)
        follows(person, scene)
        person.says("签到")
        person.says("你好")
    later(world, minutes=1)
    leaves(people[0])
    later(world, minutes=1)
    follows(people[0], scene)
    later(world, days=4)
    world.chore("referrals", 3)
    assert [(state(person) or ("",))[0] for person in people] == ["refused", "paid", "paid", "paid"]
    assert ann.points == 40, "the third of the month counts and earns nothing"
    assert [person.points for person in people] == [5, 15, 15, 15], "whoever came has their gift all the same"

    # gone without an event (the platform's list tells), with the points spent: what is there is taken, and never more
    with world.service.database.transaction() as db:
        points.post(db, follower.find(db, ann.openid).id, -35, "shop:1", world.at)  # type: ignore[union-attr]
        vanishes(db, world, people[1])
    later(world, hours=7)
    world.chore("referrals", 3)
    assert (state(people[1]), ann.points, people[1].points) == (("clawed_back", ann.openid), 0, 5)
    with world.service.database.snapshot() as db:
        assert points.audit(db).differences == ()

    # after the time for it nothing is taken back
    later(world, days=31)
    world.chore("referrals")
    leaves(people[2])
    assert (state(people[2]), people[2].points) == (("paid", ann.openid), 15)
    later(world, days=1)
    newcomer = world.person("下个月的")
    follows(newcomer, scene)
    newcomer.says("签到")
    gone = world.person("没说一声就走的")
    follows(gone, scene)
    gone.says("签到")
    with world.service.database.transaction() as db:
        vanishes(db, world, gone)
    later(world, days=4)
    world.chore("referrals")
    assert (ann.points, state(gone)) == (20, ("refused", ann.openid))


def test_a_picture_that_is_there_is_given_at_once_and_renewed_near_its_end(found: Founded) -> None:
    world = found(RULES)
    ann = world.person("甲")
    ann.says("我的邀请码")
    with world.service.database.transaction() as db:
        [claimed] = referral_code.claim(db, 30, 9, world.at)
        assert referral_code.claim(db, 30, 9, world.at) == [], "leased"
        referral_code.made(db, claimed, "T", "http://weixin.qq.com/q/x", 30 * 86_400, world.at)
        assert referral_code.given(db, claimed, "MEDIA", world.at) is not None
        assert referral_code.given(db, claimed, "MEDIA", world.at) is None, "once"
    answer = ann.sends("text", Content="我的邀请码")
    assert answer.fields["Image"]["MediaId"] == "MEDIA"
    queued = [row[0] for row in world.sql("SELECT payload FROM customer_message ORDER BY id")]
    assert '"image"' in queued[0]
    assert "12月20日前有效" in queued[1]

    later(world, days=3)
    assert ann.says("我的邀请码") == "稍等", "the platform keeps pictures for three days"
    with world.service.database.transaction() as db:
        [claimed] = referral_code.claim(db, 30, 9, world.at)
        assert claimed.url == "http://weixin.qq.com/q/x", "the code is good for weeks"
        assert not referral_code.failed(db, claimed, world.at)
        assert referral_code.claim(db, 30, 9, world.at) == []
    later(world, days=24, minutes=1)
    with world.service.database.transaction() as db:
        [claimed] = referral_code.claim(db, 30, 9, world.at)
        assert claimed.url is None, "three days before its end it is made anew"
        assert referral_code.failed(db, claimed, world.at), "whoever asked weeks ago waits no longer"
        assert not referral_code.wanted(db)


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("{}", []),
        ("{points: 20}", ["YZ871"]),
        ("{points: 0, newcomer: {points: 5}, after: {acts: {}}}", ["YZ872"]),
        ("{points: 0, after: {acts: {survey: 1, message: 2}}}", ["YZ873"]),
        ("{points: 0, replies: {making: 邀请好友得积分}}", ["YZ501"]),
        ("{points: 0, notices: {paid: '转发朋友圈就送 {points} 积分'}}", ["YZ501"]),
        ("\n  points: 5  # 忽略 YZ871：只在店里口头感谢", []),
    ],
)
def test_the_lint_says_what_the_platform_punishes(tmp_path: Path, section: str, codes: list[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{account()}checkin: {{}}\nreferral: {section}\n", "utf-8")
    assert [one.code for one in live.read(path).warnings] == codes


def test_in_whatever_order_and_however_often_events_arrive_whoever_stays_counts_and_nobody_else(found: Founded) -> None:
    world = found(RULES)
    ann, bob = world.person("甲"), world.person("乙")
    first, second = scene_of(ann), scene_of(bob)
    later(world, minutes=5)
    began = world.at.timestamp() - 60
    comes, writes = ("subscribe", f"qrscene_{first}", 1), ("CLICK", "x", 2)
    leaves_again, by_another = ("unsubscribe", "", 3), ("subscribe", f"qrscene_{second}", 4)
    stories = {
        "stays": ([comes, writes, by_another], ("pending", ann.openid)),
        "goes": ([comes, leaves_again, by_another], None),
        "was here": ([("subscribe", "", 0), comes, writes], None),
    }
    for story, (acts, end) in stories.items():
        for order in itertools.permutations(acts):
            person = world.person(f"{story}{order}")
            for name, key, after in order:
                world.push(event(person.openid, began + after, name, EventKey=key), copies=2)
            became = state(person)
            nothing = became is None or became[0] == "refused"
            assert became == end or (end is None and nothing), (story, order)


def test_what_looks_odd_waits_for_an_operator_who_pays_or_refuses_it(found: Founded) -> None:
    world = found(RULES.replace("per_month: 2", "hold: {burst: {more_than: 2, minutes: 10}, idle: {least: 2}, chain: {longer_than: 2}}"))
    ann = world.person("甲")
    scene = scene_of(ann)
    crowd = [world.person(f"一下子{number}") for number in range(3)]
    for person in crowd:
        follows(person, scene)
        person.says("签到")
    newcomer, chain = crowd[0], [world.person(f"一串{number}") for number in range(3)]
    link = scene_of(newcomer)
    later(world, hours=5)
    for person in chain:
        follows(person, link)
        person.says("签到")
        link = scene_of(person)
    later(world, days=4)
    world.chore("referrals", 2)
    assert (ann.points, ann.says("我的邀请")) == (0, "3 3 3 0 0"), "nobody is accused to their face"
    config, db = world.service.live.config, world.service.database
    with db.snapshot() as look:
        waiting = referral_payment.held(look, 10)
    assert len(waiting) == 5, "all three of the burst, and the two at the end of the chain"
    assert [one.reasons.split("；")[0] for one in waiting] == ["10 分钟内来了 3 位（界线 2）"] * 3 + [
        "24 小时内一个带一个连了 3 环（界线 2）",
        "24 小时内一个带一个连了 4 环（界线 2）",
    ]
    first, second, third = (one.id for one in waiting[:3])

    async def both_press_at_once() -> list[object]:
        work = [db.run(lambda db: referral_payment.pay(db, config, first, "小张", world.at)) for _ in range(3)]
        return list(await asyncio.gather(*work, return_exceptions=True))

    outcomes = world.run(both_press_at_once())
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyDecided", "AlreadyDecided", "NoneType"]
    assert ann.points == 20
    with db.transaction() as change:
        referral_payment.refuse(change, second, "同一个人", "小张")
        with pytest.raises(AlreadyDecided):
            referral_payment.refuse(change, second, "同一个人", "小张")
        with pytest.raises(UnknownReferral):
            referral_payment.pay(change, config, 999, "小张", world.at)
    with db.transaction() as change:
        vanishes(change, world, crowd[2])
        with pytest.raises(NewcomerLeft):
            referral_payment.pay(change, config, third, "小张", world.at)
    leaves(crowd[2])
    with db.transaction() as change, pytest.raises(AlreadyDecided):
        referral_payment.pay(change, config, third, "小张", world.at)
    later(world, days=9)
    world.chore("referrals")
    assert ann.points == 20
    assert ann.says("我的邀请") == "3 2 0 1 20"
