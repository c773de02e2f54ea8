"""券, through the webhook: claimed by a word, looked at, redeemed by staff in two steps, taken back, and come with rewards."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from models import coupon, follower, staff
from models.coupon import code
from tests.conftest import Founded
from tests.people import BASIC, Person, World, account, message, opened, openid, push

CODE = re.compile(r"[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}")
SOME = """
coupons:
  batches:
    - {key: new, name: 新人券, text: 结账时出示, stock: 2, valid: {days: 30}, claim: {words: [领券, 新人券]}}
    - {key: gold, name: 金卡券, stock: 9, valid: {to: 2026-12-31}, claim: {words: [金卡券], level: 金卡, hint: 签到攒成长值}}
    - {key: busy, name: 活跃券, stock: 9, valid: {days: 2}, claim: {words: [活跃券], segment: active, hint: 签到的朋友才有}}
    - {key: night, name: 夜宵券, stock: 9, valid: {days: 2}, claim: {words: [夜宵券], from: "22:00", to: "02:00", hint: 晚上十点来}}
    - {key: feast, name: 年货券, stock: 9, per_follower: 2, valid: {from: 2027-01-01, to: 2027-02-01}, claim: {words: [年货券], dates: {from: 2026-12-01, to: 2026-12-31}}}
    - {key: prize, name: 问卷券, stock: 1, valid: {days: 7}}
segments: [{key: active, where: checked_in_within(7d)}]
"""
SHOP = BASIC.replace("levels: {}", "levels: {金卡: 5}").replace("reward: {points: 20}", "reward: {points: 20, coupon: prize}") + SOME


def hired(world: World, name: str, store: str = "一号店") -> Person:
    """Somebody who may redeem."""
    person = world.person(name)
    person.says("你好")
    with world.service.database.transaction() as db:
        known = follower.find(db, person.openid)
        assert known
        staff.add(db, known.id, name, store, "cli:x", world.at)
    return person


def code_in(said: str | None) -> str:
    """The code that a follower reads."""
    found = CODE.search(said or "")
    assert found, said
    return found[0]


def notices(world: World) -> list[str]:
    """What followers were told without having asked."""
    return [row[0] for row in world.sql("SELECT text FROM notice ORDER BY id")]


@pytest.fixture
def shop(found_on_sqlite: Founded) -> World:
    """A world with coupons; one database suffices where nothing happens at once."""
    return found_on_sqlite(SHOP)


def test_a_coupon_is_claimed_once_by_its_word_and_shown_with_its_code(shop: World) -> None:
    wang = shop.person("小王")
    said = wang.says("领券", copies=3)
    assert said == f"领到了：新人券\n券码 {code_in(said)}\n有效期至 2026-12-21\n结账时出示"
    assert wang.says("新人券") == "「新人券」每人最多 1 张，您已经领过了，回复「我的券」可以查看"
    assert wang.says("我的券") == f"您有 1 张券\n\n1. 新人券\n券码 {code_in(said)}\n有效期至 2026-12-21\n结账时出示"
    shop.person("小李").says("领券")
    assert shop.person("小陈").says("领券") == "「新人券」已经领完了，下次早点来"
    assert shop.person("小陈").says("我的券") == "您现在没有可以用的券"
    shop.moment("2026-12-21 23:59:59")
    assert code_in(wang.says("我的券")) == code_in(said)
    shop.moment("2026-12-22 00:00:00")
    assert wang.says("我的券") == "您现在没有可以用的券\n\n已使用 0 张，已过期 1 张"


def test_whoever_may_not_claim_is_told_what_it_takes(shop: World) -> None:
    wang = shop.person("小王")
    assert wang.says("金卡券") == "「金卡券」要达到金卡才能领。签到攒成长值"
    assert wang.says("活跃券") == "「活跃券」这次不是发给您的。签到的朋友才有"
    wang.says("签到")
    assert "有效期至 2026-12-31" in str(wang.says("金卡券"))
    assert "有效期至 2026-11-23" in str(wang.says("活跃券"))
    assert wang.says("夜宵券") == "「夜宵券」现在不能领。晚上十点来"
    shop.moment("2026-11-22 01:59:59")
    assert "有效期至 2026-11-24" in str(wang.says("夜宵券"))
    assert wang.says("年货券") == "「年货券」2026-12-01 开始领"
    shop.moment("2026-12-31 23:59:59")
    wang.says("年货券")
    assert "2026-12-31 起" not in str(wang.says("年货券"))
    assert wang.says("年货券") == "「年货券」每人最多 2 张，您已经领过了，回复「我的券」可以查看"
    assert "有效期至 2027-02-01（2027-01-01 起可用）" in str(wang.says("我的券"))
    shop.moment("2027-01-01 00:00:00")
    assert shop.person("小李").says("年货券") == "「年货券」的领取已经结束"
    assert shop.person("小李").says("金卡券") == "「金卡券」要达到金卡才能领。签到攒成长值"


def test_many_coupons_are_shown_page_by_page_each_within_what_the_platform_takes(shop: World) -> None:
    wang = shop.person("小王")
    wang.says("你好")
    with shop.service.database.transaction() as db:
        known = follower.find(db, wang.openid)
        assert known
        for number in range(45):
            coupon.give(
                db, shop.service.live.config, known.id, "feast" if number % 2 else "gold", f"operator:{number}", shop.at
            ) if number < 18 else None
    shown = []
    for page in range(1, 10):
        said = str(wang.says(f"我的券 {page}" if page > 1 else "我的券"))
        assert len(said.encode()) < 2048
        assert said.startswith("您有 18 张券")
        shown += re.findall(r"\n(\d+)\. ", said)
        if "看下一页" not in said:
            break
        assert f"回复「我的券 {page + 1}」看下一页" in said
    assert shown == [str(number) for number in range(1, 19)]
    assert wang.says("我的券 99") == said
    assert wang.says("我的券包") == "没听懂"


def test_staff_redeem_in_two_steps_the_holder_is_told_and_it_can_be_taken_back_for_ten_minutes(shop: World) -> None:
    wang, zhang, li = shop.person("小王"), hired(shop, "小张"), hired(shop, "小李", "二号店")
    shown = code_in(wang.says("领券"))
    assert zhang.says("核销") == "请回复「核销 券码」，例如：核销 ABCDE-FGHJK-MNPQR"
    asked = zhang.says(f"核销 {shown.lower().replace('-', ' ')}")
    assert asked is not None
    assert re.fullmatch(rf"新人券\n券码 {shown}\n持有人 会员\w{{4}}\n有效期至 2026-12-21\n核销请在 5 分钟内回复「确认」", asked)
    assert zhang.says("营业时间") == "每天 9:00–21:00 营业"  # anything else was no
    assert zhang.says("确认") == "没听懂"
    zhang.says(f"核销：{shown}")
    assert zhang.says("取消") == "好的，没有核销"
    zhang.says(f"核销{shown}")
    shop.at += timedelta(minutes=5, seconds=1)
    assert zhang.says("确认") == "等确认超过 5 分钟了，没有核销，请重新发送券码"
    zhang.says(f"核销 {shown}")
    li.says(f"核销 {shown}")
    assert zhang.says("确认", copies=3) == f"已核销：新人券（{shown}）\n10 分钟内回复「撤销核销」可以撤销"
    assert li.says("确认") == "「新人券」已经用过了：2026-11-21 10:05 由 一号店 小张 核销"
    assert notices(shop) == ["您的「新人券」已在一号店使用"]
    assert wang.says("我的券") == "您现在没有可以用的券\n\n已使用 1 张，已过期 0 张"
    assert li.says("撤销核销") == "没有可以撤销的核销：只能撤销自己刚才核销的"
    shop.at += timedelta(minutes=9, seconds=59)
    assert zhang.says("撤销核销") == f"已撤销核销：新人券（{shown}），这张券还可以使用"
    assert zhang.says("撤销核销") == "没有可以撤销的核销：只能撤销自己刚才核销的"
    li.says(f"核销 {shown}")
    li.says("确认")
    shop.at += timedelta(minutes=10)
    assert li.says("撤销核销") == "没有可以撤销的核销：只能撤销自己刚才核销的"
    assert notices(shop)[1:] == ["刚才的核销已撤销，您的「新人券」还可以使用", "您的「新人券」已在二号店使用"]
    acts = shop.sql("SELECT act, store FROM coupon_event ORDER BY id")
    assert [tuple(row) for row in acts] == [("redeemed", "一号店"), ("undone", "一号店"), ("redeemed", "二号店")]


def test_whoever_is_not_staff_or_no_longer_hears_nothing_of_the_counter(shop: World) -> None:
    wang, zhang = shop.person("小王"), hired(shop, "小张")
    shown = code_in(wang.says("领券"))
    for words in ("核销", f"核销 {shown}", "确认", "撤销核销"):
        assert wang.says(words) == "没听懂"
    zhang.says(f"核销 {shown}")
    with shop.service.database.transaction() as db:
        known = follower.find(db, zhang.openid)
        assert known
        staff.remove(db, known.id, shop.at)
    assert zhang.says("确认") == "没听懂"
    assert zhang.says(f"核销 {shown}") == "没听懂"
    assert shop.sql("SELECT state FROM coupon")[0][0] == "claimed"


def test_a_coupon_is_good_between_its_days_only(shop: World) -> None:
    zhang = hired(shop, "小张")
    shop.moment("2026-12-31 12:00:00")
    shown = code_in(shop.person("小王").says("年货券"))
    assert zhang.says(f"核销 {shown}") == "「年货券」2027-01-01 00:00 起才能用"
    shop.moment("2027-02-01 23:59:00")
    assert "5 分钟内回复「确认」" in str(zhang.says(f"核销 {shown}"))
    shop.moment("2027-02-02 00:00:00")
    assert zhang.says("确认") == zhang.says(f"核销 {shown}") == "「年货券」已过期，有效期到 2027-02-01"
    assert shop.sql("SELECT state FROM coupon")[0][0] == "claimed"


def test_a_wrong_code_is_told_from_a_slip_and_guesses_come_to_an_end(shop: World) -> None:
    zhang, shown = hired(shop, "小张"), code_in(shop.person("小王").says("领券"))
    other = next(letter for letter in code.LETTERS if letter != shown[0])
    for _ in range(12):
        assert zhang.says(f"核销 {other}{shown[1:]}") == "券码有一个字打错了，请核对后再发"
    for _ in range(10):
        assert zhang.says(f"核销 {code.fresh()}") == "没有这个券码，请核对后再发"
    assert zhang.says(f"核销 {shown}") == "错误的券码太多了，请一小时后再试"
    shop.at += timedelta(hours=1, seconds=1)
    assert "新人券" in str(zhang.says(f"核销 {shown}"))


def test_an_invitation_makes_one_person_staff_within_a_day(shop: World) -> None:
    made = [code.fresh(), code.fresh()]
    with shop.service.database.transaction() as db:
        for one in made:
            staff.invite(db, one, "小张", "一号店", "cli:x", shop.at)
    zhang, wang = shop.person("小张"), shop.person("小王")
    assert shop.sql("SELECT count(*) FROM staff_invitation WHERE code IN (:a, :b)", a=made[0], b=made[1])[0][0] == 0
    assert zhang.says("绑定店员") == "请回复「绑定店员 绑定码」"
    assert zhang.says(f"绑定店员 {code.shown(made[0])[:-1]}") == "券码有一个字打错了，请核对后再发"
    assert zhang.says(f"绑定店员 {code.shown(made[0]).lower()}") == "小张，您现在是店员了。核销请回复「核销 券码」"
    assert wang.says(f"绑定店员 {made[0]}") == "绑定码不对，或者已经用过、过期了"
    shop.at += timedelta(hours=24)
    assert wang.says(f"绑定店员 {made[1]}") == "绑定码不对，或者已经用过、过期了"
    assert "请回复" in str(zhang.says("核销"))
    assert wang.says("核销") == "没听懂"


def test_a_reward_gives_a_coupon_and_what_is_sold_out_is_owed_while_the_rest_stands(shop: World) -> None:
    for name in ("小王", "小李"):
        for words in ("问卷", "1", "9"):
            said = shop.person(name).says(words)
        assert said is not None
        assert "20 积分、问卷券" in said if name == "小王" else "20 积分（问卷券已发完）" in said
        assert shop.person(name).points == 20
    assert len(notices(shop)) == 1
    assert notices(shop)[0].startswith("您收到一张券：问卷券\n券码 ")
    assert [tuple(row) for row in shop.sql("SELECT batch, cause FROM coupon_owed")] == [("prize", "survey:satisfaction")]
    shop.configure(SHOP.replace("name: 问卷券, stock: 1", "name: 问卷券, stock: 2"))
    with shop.service.database.transaction() as db:
        debt = coupon.debts(db)[0]
        assert debt.openid == openid("小李")
        assert coupon.give(db, shop.service.live.config, debt.follower_id, debt.batch, debt.cause, shop.at).new
        assert coupon.debts(db) == []


def test_coupons_outlive_their_batch(shop: World) -> None:
    wang, zhang = shop.person("小王"), hired(shop, "小张")
    shown = code_in(wang.says("领券"))
    shop.configure(BASIC + "coupons: {batches: []}\n")
    assert wang.says("领券") == "没听懂"
    assert code_in(wang.says("我的券")) == shown
    zhang.says(f"核销 {shown}")
    assert "已核销：新人券" in str(zhang.says("确认"))


WRONG = [
    (BASIC.replace("{points: 20}", "{coupon: nothing}"), "15:22", "没有券 nothing；coupons.batches 里有：（无）"),
    (SHOP.replace("key: prize", "key: prise"), "15:34", "没有券 prize；coupons.batches 里有：new"),
    (SHOP.replace("level: 金卡", "level: 钻石"), "24:94", "没有等级 钻石"),
    (SHOP.replace("segment: active", "segment: aktive"), "25:89", "没有人群 aktive"),
    (SHOP.replace("words: [金卡券]", "words: [领券]"), "24:81", "触发词“领券”已经被"),
    (SHOP.replace("words: [金卡券]", "words: [金卡券], probability: 0.5"), "24:100", "碰运气请用抽奖"),
    (SHOP.replace("key: gold", "key: new"), "24:13", "已经有一批券叫 new"),
    (SHOP.replace("stock: 2, ", ""), "23:7", "要写 stock"),
    (SHOP.replace("{from: 2027-01-01, to: 2027-02-01}", "{from: 2027-03-01, to: 2027-02-01}"), "27:88", "to 在 from 之前"),
    (SHOP.replace("{days: 7}", "{days: 7, to: 2027-01-01}"), "28:48", "只写一种"),
]


def test_a_batch_that_cannot_be_is_an_error_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for config, place, what in WRONG:
        path.write_text(account() + config, "utf-8")
        with pytest.raises(BadConfig) as bad:
            live.read(path)
        said = bad.value.render()
        assert what in said
        assert f"config.yaml:{place}: " in said, said


def test_the_last_coupon_among_500_who_write_at_once_has_one_winner(found: Founded) -> None:
    world = found(SHOP.replace("stock: 2", "stock: 1"))
    many = 500 if world.service.database.is_sqlite else 100  # a transaction each there, and two cores for all of it
    inners = [message(openid(f"粉丝{number}"), world.at.timestamp(), Content="领券") for number in range(many)]

    async def everybody() -> list[str | None]:
        sent = [push(inner, world.at.timestamp()) for inner in inners]
        answers = await asyncio.gather(*(world._http.post(f"/wechat?{query}", content=body) for query, body in sent))
        return [opened(answer.status_code, answer.content).text for answer in answers]

    told = Counter(re.sub(CODE, "CODE", str(said)) for said in world.run(everybody()))
    assert told == {"领到了：新人券\n券码 CODE\n有效期至 2026-12-21\n结账时出示": 1, "「新人券」已经领完了，下次早点来": many - 1}
    assert [tuple(row) for row in world.sql("SELECT subject, total, taken FROM stock")] == [("coupon:new", 1, 1)]
    assert world.sql("SELECT count(*) FROM coupon")[0][0] == 1
