"""What followers really write, to the config.yaml that we ship: nonsense behind every word, questions that cross, news that piles up."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.keyword import SORRY
from models import follower, notice, points, staff
from tests.handlers.test_choices import tap
from tests.people import SHIPPED, Person, World, message
from wechat.reply import LONGEST_TEXT

WEEKLY = "  - {key: weekly, title: 周榜, per: week, triggers: [周榜], formula: {checkin: 1}}\n"
BLANK = "    - {name: 空, when: {exact: [空]}, reply: {lines: [{when: {level: 金卡}, text: 金卡}]}}\n"
REFERRAL = "\nreferral: {points: 0}\n"
WORDS = """
    签到 补签 签到日历 签到排行 签到提醒 取消签到提醒 积分 积分明细 等级 贡献榜 周榜 榜单隐身 我的券 领券 核销 绑定店员 撤销核销 积分商城
    兑换 我的订单 取消订单 确认收货 领奖 抽奖 抽奖规则 我的奖品 投票 生日 我的邀请码 我的邀请 年年有余
"""
NONSENSE = ("", " -1", " ９９", "😀", " 2月30日", " 农历十三月", " {points}", " 0001-01", " 9999-12", " 9999-W53", " 0001-W01", "长" * 2000)
ADDRESS = "李四 13800138001 北京市海淀区中关村大街1号"


@pytest.fixture
def shipped(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """The file that we ship, with a weekly board and referrals."""
    config = (
        SHIPPED.replace("\nboards:\n", f"\nboards:\n{WEEKLY}").replace("\n    - name: 菜单\n", f"\n{BLANK}    - name: 菜单\n") + REFERRAL
    )
    world = World(tmp_path, sqlite_url, config, whole=True)
    yield world
    world.close()


def id_of(person: Person) -> int:
    with person.world.service.database.transaction() as db:
        known = follower.find(db, person.openid)
    assert known
    return known.id


def rich(world: World, name: str) -> Person:
    """Somebody with 500 points."""
    person = world.person(name)
    person.says("营业时间")
    with world.service.database.transaction() as db:
        known = follower.find(db, person.openid)
        assert known
        points.post(db, known.id, 500, "gift:500", world.at)
    return person


def test_nonsense_behind_any_word_is_answered_politely_and_in_full(shipped: World) -> None:
    wang = shipped.person("小王")
    for word, nonsense in itertools.product(WORDS.split(), NONSENSE):
        said = wang.says(word + nonsense)
        assert said not in (None, "", SORRY), word + nonsense[:20]
        assert said is not None
        assert len(said.encode()) <= LONGEST_TEXT
        assert "你" not in said.replace("你是不是想问", ""), said
        assert "{" not in said or "{" in nonsense, said


def test_what_is_quoted_back_is_short_and_no_link(shipped: World) -> None:
    wang = shipped.person("小王")
    for word in ("兑换", "生日"):
        assert "＜a" in str(wang.says(f'{word} <a href="http://e.example">领奖</a>'))
        assert len(str(wang.says(f"{word} {'长' * 2000}"))) < 100


def test_days_that_are_no_days_are_told_so(shipped: World) -> None:
    wang = shipped.person("小王")
    assert wang.says("补签 明天") == "11月22日 还没过完，不用补签"
    assert wang.says("取消订单 Ｄ２３４５６７８９２３４５") == "您没有订单 D234567892345"


def test_a_question_for_the_address_goes_on_waiting_while_they_look_at_a_poll(shipped: World) -> None:
    wang = rich(shipped, "小王")
    for said in ("兑换 雨伞", "确认", "同意"):
        wang.says(said)
    shown = wang.says("投票")
    assert str(wang.says(ADDRESS)).startswith("寄给：李*"), "or the address is a message like any other, and kept for ever"
    assert "您投给了「抹茶」" in str(tap(wang, shown, "抹茶").text)
    assert str(wang.says("确认")).startswith("兑换成功")


def test_before_the_address_a_poll_may_take_the_numbers(shipped: World) -> None:
    wang = rich(shipped, "小王")
    assert "回复「确认」兑换" in str(wang.says("兑换 雨伞"))
    wang.says("投票")
    assert "您投给了「草莓」" in str(wang.says("1"))


def test_what_is_said_instead_of_a_phone_number_is_not_the_name(shipped: World) -> None:
    wang = rich(shipped, "小王")
    for said in ("兑换 雨伞", "确认", "同意", "张三"):
        wang.says(said)
    assert "收货人的手机号是？" in str(wang.says("等一下"))
    for said in ("13800138000", "上海市浦东新区世纪大道100号"):
        last = wang.says(said)
    assert str(last).startswith("寄给：张* 138****8000")


def test_no_is_no_and_a_late_yes_is_asked_again(shipped: World) -> None:
    wang = rich(shipped, "小王")
    for said in ("兑换 雨伞", "确认", "同意", ADDRESS, "确认"):
        last = wang.says(said)
    for no in ("退出", "取消"):
        assert "退回 200 积分" in str(wang.says("取消订单"))
        assert wang.says(no) == "好的，订单没有取消"
    wang.says("取消订单")
    shipped.at += timedelta(minutes=11)
    assert "要取消「雨伞」" in str(wang.says("确认"))
    assert "退回 200 积分" in str(wang.says("确认"))
    assert wang.points == 500, last
    wang.says("兑换 雨伞")
    shipped.at += timedelta(minutes=11)
    assert "回复「确认」兑换" in str(wang.says("确认"))
    shipped.at += timedelta(days=1)
    wang.says("积分")
    assert wang.says("确认") == "没听懂，回复「菜单」看看能做什么"


def test_at_the_counter_the_last_question_is_the_one_that_is_answered(shipped: World) -> None:
    li, zhang = shipped.person("小李"), rich(shipped, "小张")
    number = id_of(zhang)
    with shipped.service.database.transaction() as db:
        staff.add(db, number, "小张", "一号店", "cli:x", shipped.at)
    found = re.search(r"\w{5}-\w{5}-\w{5}", str(li.says("领券")))
    assert found
    for no in ("退出", "取消"):
        zhang.says(f"核销 {found[0]}")
        assert zhang.says(no) == "好的，没有核销"
    zhang.says("兑换 补签卡")
    zhang.says(f"核销 {found[0]}")
    assert str(zhang.says("确认")).startswith("已核销")
    assert zhang.points == 500
    assert zhang.says("确认") == "没听懂，回复「菜单」看看能做什么"


def test_news_that_piled_up_is_told_reply_by_reply_and_none_is_lost(shipped: World) -> None:
    wang = shipped.person("小王")
    wang.says("营业时间")
    shipped.at += timedelta(days=3)  # nothing may be sent to them now
    until = shipped.at + timedelta(days=30)
    with shipped.service.database.transaction() as db:
        known = follower.find(db, wang.openid)
        assert known
        for number in range(30):
            text = f"第{number}号：" + "内容" * 40
            notice.leave(db, shipped.service.live.config, known.id, f"n{number}", text, shipped.at, until)
    blank = shipped.push(message(wang.openid, shipped.at.timestamp(), Content="空"))[0]
    assert "CDATA[第0号" in str(blank.xml), "no blank lines above it"
    heard = str(blank.text)
    for _ in range(10):
        said = wang.says("营业时间")
        assert said is not None
        assert len(said.encode()) <= LONGEST_TEXT
        heard += said
    assert [int(number) for number in re.findall(r"第(\d+)号", heard)] == list(range(30))
    assert not [json.loads(row[0]) for row in shipped.sql("SELECT payload FROM customer_message")]
