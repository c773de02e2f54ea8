"""Forbidden words, through the webhook: what followers say, and what we would say to them."""

from __future__ import annotations

import json
import time

import pytest

from tests.conftest import Founded
from tests.people import BASIC, World, event, message

LISTS = """
sensitive:
  lists:
    - {name: 辱骂, words: [傻瓜, 上访, sm], allow: [网上访问], heard: block}
    - {name: 要人看, words: [投诉], heard: queue}
    - {name: 记一下, words: [对手], heard: log}
    - {name: 不能说, words: [红包雨], said: block}
    - {name: 想一想, words: [内幕], said: queue}
    - {name: 数字, words: ["64"], said: block}
    - {name: 留个底, words: [涨价], said: log}
    - {name: 音, words: [毒品], heard: block, variants: [width, separators, script, pinyin]}
    - {name: 原样, words: [赌博], heard: block, variants: []}
  replies: {blocked: 请文明用语, withheld: 换个说法}
"""
RULES = """
keywords:
  rules:
    - {name: 名字, when: {regex: ['我叫(.+)']}, reply: "你好，{match.1}"}
    - {name: 图文, when: {regex: ['看(.+)']}, reply: {news: {title: "{match.1}", url: "https://example.com"}}}
    - {name: 上网, when: {contains: [网上访问]}, reply: 请点链接}
    - {name: 以后, when: {regex: ['等(.+)']}, reply: {text: 稍等, then: {after: 5s, reply: "说说{match.1}"}}}
    - {name: 链接, when: {regex: ['查(.+)']}, reply: '<a href="https://example.com/%E6%64">{match.1}</a>'}
    - {name: 按钮, when: {exact: [傻瓜相机]}, reply: 拍照}
  fallback: 没听懂
"""
QUIET = LISTS.replace("blocked: 请文明用语, withheld: 换个说法", 'blocked: "", withheld: ""')


@pytest.fixture
def guarded(found: Founded) -> World:
    return found(RULES + LISTS)


def noted(world: World) -> list[tuple[str, str, str, str]]:
    """Direction, word, action and state of every finding."""
    return [tuple(row) for row in world.sql("SELECT direction, word, action, state FROM finding ORDER BY id")]


def test_a_blocked_message_is_heard_by_no_feature_and_its_sender_is_told(guarded: World) -> None:
    assert guarded.person("小王").says("我叫傻瓜") == "请文明用语"
    assert noted(guarded) == [("heard", "傻瓜", "block", "noted")]
    assert guarded.sql("SELECT answered_by FROM inbox_entry")[0][0] == "sensitive:辱骂"


def test_an_empty_text_for_blocked_messages_is_no_answer(found: Founded) -> None:
    world = found(RULES + QUIET)
    assert world.person("小王").says("傻瓜") is None
    assert world.person("小王").says("我叫红包雨") is None
    assert [row[0] for row in noted(world)] == ["heard", "said"]


def test_a_queued_message_is_answered_as_ever_and_waits_for_an_operator(guarded: World) -> None:
    assert guarded.person("小王").says("我叫投诉") == "你好，投诉"
    assert noted(guarded) == [("heard", "投诉", "queue", "open")]


def test_a_logged_message_is_answered_as_ever_and_kept(guarded: World) -> None:
    assert guarded.person("小王").says("我叫对手") == "你好，对手"
    assert noted(guarded) == [("heard", "对手", "log", "noted")]
    assert guarded.sql("SELECT text FROM finding")[0][0] == "我叫对手"


@pytest.mark.parametrize(
    ("word", "reply", "finding"),
    [
        ("红包雨", "换个说法", ("said", "红包雨", "block", "noted")),
        ("内幕", "换个说法", ("said", "内幕", "queue", "open")),
        ("涨价", "你好，涨价", ("said", "涨价", "log", "noted")),
    ],
)
def test_a_word_that_a_variable_brought_into_a_reply_is_dealt_with_as_its_list_says(
    guarded: World, word: str, reply: str, finding: tuple[str, ...]
) -> None:
    assert guarded.person("小王").says(f"我叫{word}") == reply
    assert noted(guarded) == [finding]
    assert guarded.sql("SELECT text FROM finding")[0][0] == f"你好，{word}"


def test_what_follows_later_is_looked_at_too(guarded: World) -> None:
    assert guarded.person("小王").says("等内幕") == "稍等"
    assert json.loads(guarded.sql("SELECT payload FROM customer_message")[0][0])["text"]["content"] == "换个说法"
    assert noted(guarded) == [("said", "内幕", "queue", "open")]


def test_the_address_of_a_link_is_not_read(guarded: World) -> None:
    assert guarded.person("小王").says("查天气") == '<a href="https://example.com/%E6%64">天气</a>'
    assert guarded.person("小王").says("查 64 号") == "换个说法"


def test_a_withheld_card_is_replaced_whole(guarded: World) -> None:
    assert guarded.person("小王").says("看内幕") == "换个说法"
    assert guarded.sql("SELECT text FROM finding")[0][0] == "内幕"


@pytest.mark.parametrize(
    "said",
    ["傻 瓜", "傻*瓜", "傻\u200b瓜", "傻。瓜", "傻😀瓜", "傻\u3164瓜", "ＳＭ吧", "s.m", "上訪", "du pin", "毒\u200d品", "独品", "賣DUPIN"],
)
def test_a_word_is_known_in_disguise(guarded: World, said: str) -> None:
    assert guarded.person("小王").says(said) == "请文明用语"


@pytest.mark.parametrize("said", ["网上访问", "small", "赌 博", "賭博", "都拼", "好的"])
def test_what_only_looks_like_a_word_is_none(guarded: World, said: str) -> None:
    assert guarded.person("小王").says(said) in ("没听懂", "请点链接")
    assert noted(guarded) == []


def test_an_allowed_word_excuses_itself_and_nothing_beside_it(guarded: World) -> None:
    assert guarded.person("小王").says("网上访问不了就上访") == "请文明用语"


def test_copies_of_a_message_note_its_words_once(guarded: World) -> None:
    wang = guarded.person("小王")
    inner = message(wang.openid, guarded.at.timestamp(), Content="投诉你们这些对手", msg_id="7")
    for _ in range(3):
        assert {answer.text for answer in guarded.push(inner, copies=3)} == {"没听懂"}
    assert sorted(noted(guarded)) == [("heard", "对手", "log", "noted"), ("heard", "投诉", "queue", "open")]


def test_of_several_words_the_strictest_decides(guarded: World) -> None:
    assert guarded.person("小王").says("投诉你这个傻瓜对手") == "请文明用语"
    assert [(word, action) for _, word, action, _ in noted(guarded)] == [("傻瓜", "block"), ("投诉", "queue"), ("对手", "log")]


def test_who_wants_no_pushes_is_heard_even_if_the_word_is_forbidden(found: Founded) -> None:
    world = found(RULES + "sensitive: {lists: [{name: 退, words: [退订, 退], heard: block}]}\n")
    said = world.person("小王").says(" 退订 ")
    assert said is not None
    assert "恢复订阅" in said
    assert world.sql("SELECT refused_at IS NOT NULL FROM follower")[0][0]
    assert noted(world) == []
    assert world.person("小王").says("我要退订") == "这条消息里有不能出现的内容，请换个说法"


def test_a_button_speaks_with_the_operators_voice(guarded: World) -> None:
    wang = guarded.person("小王")
    assert wang.does("CLICK", EventKey="傻瓜相机").text == "拍照"
    assert guarded.push(event(wang.openid, guarded.at.timestamp(), "unsubscribe"))[0].status == 200
    tapped = message(wang.openid, guarded.at.timestamp(), Content="傻瓜相机", bizmsgmenuid="x")
    assert guarded.push(tapped)[0].text == "拍照"
    assert wang.says("傻瓜相机") == "请文明用语"


def test_a_blocked_answer_does_not_move_a_survey(found: Founded) -> None:
    world = found(BASIC + LISTS)
    wang = world.person("小王")
    wang.says("问卷")
    wang.says("不满意")
    assert wang.says("你们是傻瓜") == "请文明用语"
    assert wang.says("太慢") == "愿意推荐吗？"


def test_pictures_pass(guarded: World) -> None:
    assert guarded.person("小王").sends("image", PicUrl="http://p", MediaId="m").text == "没听懂"


@pytest.mark.parametrize(
    "flood", ["傻\u200b" * 1024, "傻瓜" * 1024, "\u0301" * 2048, "网上访问" * 512, "上" * 2048, "a.b " * 512, "dupin" * 400]
)
def test_a_flood_is_read_in_no_time(guarded: World, flood: str) -> None:
    wang = guarded.person("小王")
    wang.says("热身")
    begun = time.perf_counter()
    wang.says(flood[:2048])
    assert time.perf_counter() - begun < 0.5
