"""Keyword rules, welcome and fallback, through the webhook."""

from __future__ import annotations

import pytest

from tests.conftest import Founded
from tests.people import World

RULES = """
points: {levels: {银卡: 100}}
checkin: {rules: {points: 100}}
keywords:
  rules:
    - {name: 整句, when: {exact: [你好, Hello]}, reply: 整句回复}
    - {name: 开头, when: {prefix: [活动]}, reply: 开头回复}
    - {name: 正则, when: {regex: ['订单\\s*(\\d{6})']}, reply: 正则回复}
    - {name: 几种, when: {exact: [甲], contains: [乙乙], prefix: [丙]}, reply: 几种回复}
    - {name: 包含一, when: {contains: [营业]}, reply: 第一条}
    - {name: 包含二, when: {contains: [营业时间]}, reply: 第二条}
    - {name: 白天, when: {exact: [客服], from: "09:00", to: "18:00"}, reply: 在}
    - {name: 夜里, when: {exact: [客服], from: "22:00", to: "06:00"}, reply: 值夜班的在}
    - {name: 周末, when: {exact: [周末], days: [sat, sun]}, reply: 是周末}
    - {name: 会员, when: {exact: [会员日], level: 银卡}, reply: 银卡专享}
    - {name: 图文, when: {exact: [图文]}, reply: {news: {title: 标题, description: 说明, picture: "http://p", url: "http://u"}}}
    - {name: 转人工, when: {exact: [人工]}, reply: {handoff: true}}
    - {name: 怪字符, when: {exact: [怪]}, reply: "a]]>b <a href=\\"x\\">&amp; {{name}} 🎉 %s {0} {}"}
    - {name: 余额, when: {exact: [余额]}, reply: "{name}有{points}分，{date}"}
  fallback: 没听懂
"""


@pytest.fixture
def rules(found: Founded) -> World:
    return found(RULES)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("你好", "整句回复"),
        (" hello ", "整句回复"),
        ("你好呀", "没听懂"),
        ("活动规则", "开头回复"),
        ("有活动吗", "没听懂"),
        ("查订单 123456 谢谢", "正则回复"),
        ("甲", "几种回复"),
        ("x乙乙x", "几种回复"),
        ("丙丁", "几种回复"),
        ("甲甲", "没听懂"),
        ("营业时间", "第一条"),
        ("客服", "在"),
        ("周末", "是周末"),
        ("会员日", "没听懂"),
        ("怪", 'a]]>b <a href="x">&amp; {name} 🎉 %s {0} {}'),
    ],
)
def test_the_first_rule_of_the_file_that_matches_answers(rules: World, said: str, reply: str) -> None:
    assert rules.person("小王").says(said) == reply


def test_time_windows_hold_overnight(rules: World) -> None:
    wang = rules.person("小王")
    for at, reply in (("18:00:00", "没听懂"), ("22:00:00", "值夜班的在"), ("05:59:59", "值夜班的在"), ("06:00:00", "没听懂")):
        rules.moment(f"2026-11-22 {at}")
        assert wang.says("客服") == reply, at


def test_a_level_opens_a_rule(rules: World) -> None:
    wang = rules.person("小王")
    wang.says("签到")
    assert wang.says("会员日") == "银卡专享"


def test_variables_are_filled(rules: World) -> None:
    wang = rules.person("小王")
    wang.says("签到")
    said = wang.says("余额")
    assert said is not None
    assert said.endswith("有100分，11月21日")


def test_what_a_follower_says_is_never_expanded(found: Founded) -> None:
    world = found('keywords: {rules: [], fallback: "{name}"}')
    said = world.person("小王").says("{points} {name.__class__}")
    assert said is not None
    assert said.startswith("会员")


def test_news_and_handoff_have_the_platforms_shape(rules: World) -> None:
    wang = rules.person("小王")
    from tests.people import message

    news = rules.push(message(wang.openid, rules.at.timestamp(), Content="图文"))[0].fields
    assert news["MsgType"] == "news"
    assert news["Articles"]["item"]["Title"] == "标题"
    handoff = rules.push(message(wang.openid, rules.at.timestamp(), Content="人工"))[0].fields
    assert handoff["MsgType"] == "transfer_customer_service"


def test_a_menu_button_says_its_key(rules: World) -> None:
    assert rules.person("小王").does("CLICK", EventKey="你好").text == "整句回复"


def test_welcome_returning_and_scene(found: Founded) -> None:
    world = found("welcome: {reply: 欢迎, returning: 欢迎回来, scenes: {store_01: 一号店}}")
    wang, li = world.person("小王"), world.person("小李")
    assert wang.does("subscribe", EventKey="").text == "欢迎"
    world.moment("2026-11-21 10:01:00")
    assert wang.does("unsubscribe").text is None
    world.moment("2026-11-21 10:02:00")
    assert wang.does("subscribe").text == "欢迎回来"
    assert li.does("subscribe", EventKey="qrscene_store_01", Ticket="t").text == "一号店"
    assert wang.does("SCAN", EventKey="store_01", Ticket="t").text == "一号店"


def test_who_says_enough_is_not_pushed_to(world: World) -> None:
    wang = world.person("小王")
    said = wang.says("退订")
    assert said is not None
    assert "恢复订阅" in said
    assert world.sql("SELECT refused_at IS NOT NULL FROM follower")[0][0]
    wang.says("恢复订阅")
    assert not world.sql("SELECT refused_at IS NOT NULL FROM follower")[0][0]


def test_who_says_enough_in_the_middle_of_a_survey_is_heard_and_the_survey_goes_on(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    wang.says("不满意")
    said = wang.says("退订")
    assert said is not None
    assert "恢复订阅" in said
    assert world.sql("SELECT refused_at IS NOT NULL FROM follower")[0][0]
    assert wang.says("太慢") == "愿意推荐吗？"


def test_events_out_of_order_leave_the_newest_state(world: World) -> None:
    import itertools

    from tests.people import event, openid

    start = int(world.at.timestamp())
    history = [("subscribe", 0), ("unsubscribe", 10), ("subscribe", 20), ("unsubscribe", 20), ("unsubscribe", 15)]
    for number, order in enumerate(itertools.permutations(history)):
        who = openid(f"p{number}")
        for name, offset in order:
            world.push(event(who, start + offset, name))
    states = world.sql("SELECT DISTINCT subscribed FROM follower")
    assert [bool(row[0]) for row in states] == [True]
