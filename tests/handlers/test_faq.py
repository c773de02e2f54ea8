"""Questions and answers, through the webhook."""

from __future__ import annotations

import re

import pytest

from app import live
from app.config_file import BadConfig
from handlers import routing
from models.relevance import Index
from tests.conftest import Founded
from tests.people import BASIC, Person, World, account, message
from wechat.inbound import parse

FAQ = """
keywords:
  rules:
    - {name: 发票, when: {exact: [怎么开发票]}, reply: 关键词回答发票}
  fallback: 没听懂
faq:
  entries:
    - {ask: 怎么退货, variants: [退货流程, 想退掉怎么办], answer: "七天内可以退，{name}"}
    - {ask: 退款多久到账, variants: [退款什么时候到], answer: 三天到账}
    - {ask: 怎么开发票, answer: 问答回答发票}
    - {ask: 退货运费谁出, answer: {news: {title: 运费说明, url: "https://example.com"}}}
    - {ask: 在吗, answer: 在的}
"""
SURVEY = BASIC[BASIC.index("surveys:") :]


@pytest.fixture
def shop(found: Founded) -> World:
    return found(FAQ)


def answered_by(world: World) -> str | None:
    """What answered the newest message."""
    by: str | None = world.sql("SELECT answered_by FROM inbox_entry ORDER BY id DESC LIMIT 1")[0][0]
    return by


def taps(person: Person, line: str, shown: str) -> str | None:
    """They tap the line of this question in what they were shown."""
    found = re.search(rf"msgmenucontent=([^&]*)&msgmenuid=([^\"]*)\">\d\. {line}</a>", shown)
    assert found, shown
    return person.sends("text", Content=line, bizmsgmenuid=found[2]).text


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("退款多久到账", "三天到账"),
        ("退款多久到賬？", "三天到账"),
        ("退款　多久到账！！", "三天到账"),
        ("请问一下退款什么时候到呢", "三天到账"),
        ("在吗", "在的"),
        ("在吗？", "在的"),
    ],
)
def test_a_question_is_answered_however_it_is_put(shop: World, said: str, reply: str) -> None:
    assert shop.person("小王").says(said) == reply


@pytest.mark.parametrize("said", ["今天天气怎么样", "哈哈", "你好", "？？？", "1", "x" * 2000, "👍"])
def test_what_is_like_no_question_is_left_to_the_fallback(shop: World, said: str) -> None:
    assert shop.person("小王").says(said) == "没听懂"
    assert answered_by(shop) == "keywords:fallback"


def test_an_answer_is_whatever_a_keyword_rule_may_reply(shop: World) -> None:
    wang = shop.person("小王")
    assert wang.says("退货流程") == f"七天内可以退，会员{(wang.says('退货流程') or '')[-4:]}"
    news = wang.sends("text", Content="退货运费谁出").fields
    assert news["Articles"]["item"]["Title"] == "运费说明"
    assert answered_by(shop) == "faq:退货运费谁出"


def test_keyword_rules_come_before_questions(shop: World) -> None:
    wang = shop.person("小王")
    assert wang.says("怎么开发票") == "关键词回答发票"
    assert wang.says("发票怎么开") == "问答回答发票"


def test_pictures_and_other_things_that_are_no_words_are_no_questions(shop: World) -> None:
    assert shop.person("小王").sends("image", PicUrl="http://p", MediaId="m").text == "没听懂"


def offered(world: World, person: Person, said: str = "退货运费") -> str:
    """They are asked which of two questions they mean."""
    shown = person.says(said)
    assert shown is not None
    assert shown.startswith("你是不是想问：\n<a "), shown
    assert answered_by(world) == "faq?"
    return shown


def test_a_question_that_may_mean_two_is_asked_back_and_a_number_chooses(shop: World) -> None:
    wang = shop.person("小王")
    shown = offered(shop, wang, "我要退")
    assert re.findall(r"\d\. [^<]*", shown) == ["1. 怎么退货"]
    assert (wang.says("1") or "").startswith("七天内")
    assert answered_by(shop) == "faq:怎么退货"
    assert wang.says("1") == "没听懂", "the number chooses once"


@pytest.mark.parametrize("said", ["１", "①", "1.", " 1 ", "怎么退货", "1. 怎么退货"])
def test_a_choice_is_made_in_any_way_it_is_shown(shop: World, said: str) -> None:
    wang = shop.person("小王")
    offered(shop, wang, "我要退")
    assert (wang.says(said) or "").startswith("七天内")


def test_a_line_can_be_tapped_even_later_and_leads_where_it_says(shop: World) -> None:
    wang = shop.person("小王")
    shown = offered(shop, wang, "我要退")
    wang.says("哈哈")
    assert (taps(wang, "怎么退货", shown) or "").startswith("七天内")
    assert answered_by(shop) == "faq:怎么退货"


def test_a_tap_never_leads_to_another_question_than_was_shown(shop: World) -> None:
    wang = shop.person("小王")
    shown = offered(shop, wang, "我要退")
    shop.configure(
        FAQ.replace("- {ask: 怎么退货,", "- {ask: 怎么换货, answer: 换}\n    - {ask: 怎么退货,").replace("七天内可以退", "改成十天")
    )
    assert (taps(wang, "怎么退货", shown) or "").startswith("改成十天")
    shop.configure(FAQ.replace("怎么退货", "如何改地址").replace("退货流程, 想退掉怎么办", "改地址, 改收货地址"))
    assert not (taps(wang, "怎么退货", shown) or "").startswith("七天内"), "this is the answer of another question now"


def test_a_number_never_leads_to_another_question_than_was_shown(shop: World) -> None:
    wang = shop.person("小王")
    offered(shop, wang, "我要退")
    shop.configure(FAQ.replace("怎么退货", "如何改地址").replace("退货流程, 想退掉怎么办", "改地址, 改收货地址"))
    assert wang.says("1") == "没听懂"


def test_whoever_says_something_else_is_answered_as_ever(shop: World) -> None:
    wang = shop.person("小王")
    offered(shop, wang, "我要退")
    assert wang.says("怎么开发票") == "关键词回答发票"
    assert wang.says("1") == "没听懂"


def test_after_ten_minutes_a_number_is_a_word_like_any_other(shop: World) -> None:
    wang = shop.person("小王")
    offered(shop, wang, "我要退")
    shop.moment("2026-11-21 10:10:01")
    assert wang.says("1") == "没听懂"


def test_a_retried_question_gets_the_same_choices(shop: World) -> None:
    assert (shop.person("小王").says("我要退", copies=3) or "").startswith("你是不是想问")


def test_a_survey_keeps_the_floor_when_a_button_asks_back(found: Founded) -> None:
    menu = "menu: {buttons: [{name: 退货, say: 退货运费谁出}]}\n"
    world = found(FAQ + menu + SURVEY)
    wang = world.person("小王")
    wang.says("问卷")
    assert (wang.does("CLICK", EventKey="我要退").text or "").startswith("你是不是想问")
    assert (wang.says("1") or "").startswith("愿意推荐吗"), "the number is the survey's"


def test_the_words_around_the_choices_are_the_operators(found: Founded) -> None:
    world = found(FAQ + "  replies: {perhaps: 猜你想问, end: 都不是就回复「人工」}\n  perhaps: 0.2\n  most: 2\n")
    shown = world.person("小王").says("我要退") or ""
    assert shown.splitlines()[0] == "猜你想问"
    assert shown.splitlines()[-1] == "都不是就回复「人工」"


def test_the_thresholds_are_the_operators(found: Founded) -> None:
    strict = found(FAQ + "  sure: 1\n  perhaps: 1\n")
    wang = strict.person("小王")
    assert wang.says("退款多久能到账") == "没听懂"
    assert wang.says("退款多久到账") == "三天到账"


def test_a_question_that_two_entries_claim_is_asked_back(found: Founded) -> None:
    world = found("faq: {entries: [{ask: 怎么退货, variants: [退], answer: a}, {ask: 怎么退款, variants: [退], answer: b}]}\n")
    shown = world.person("小王").says("退") or ""
    assert re.findall(r"\d\. [^<]*", shown) == ["1. 怎么退货", "2. 怎么退款"]


def test_buttons_and_menus_may_lead_to_questions_but_not_to_guesses(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(account() + FAQ + "menu: {buttons: [{name: 退, say: 退货流程}]}\n", "utf-8")
    live.read(path)
    path.write_text(account() + FAQ + "menu: {buttons: [{name: 退, say: 我要退}]}\n", "utf-8")
    with pytest.raises(BadConfig, match="没有规则会回答“我要退”"):
        live.read(path)


def test_without_entries_nobody_is_asked_anything(found: Founded) -> None:
    assert found("keywords: {fallback: 没听懂}\nfaq: {}\n").person("小王").says("怎么退货") == "没听懂"


@pytest.mark.parametrize(
    ("faq", "line", "said"),
    [
        ("{entries: [{ask: 怎么退货, answer: （请填写）}]}", 3, "回答还没有写"),
        ("{entries: [{ask: ？？, answer: x}]}", 3, "没有字"),
        ("{sure: 0.2, perhaps: 0.5}", 3, "perhaps 不能比 sure 大"),
        ("{most: 9}", 3, "5"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path_factory: pytest.TempPathFactory, faq: str, line: int, said: str) -> None:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(account() + f"faq: {faq}\n", "utf-8")
    with pytest.raises(BadConfig, match=said) as bad:
        live.read(path)
    assert [complaint.line for complaint in bad.value.complaints] == [line]


def test_a_question_costs_a_message_nothing_that_a_keyword_took(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wang = shop.person("小王")
    wang.says("怎么开发票")
    monkeypatch.delattr(Index, "ask")
    assert wang.says("怎么开发票") == "关键词回答发票"
    assert answered_by(shop) == "keywords:发票"


def test_a_message_is_explained_with_scores_and_thresholds(shop: World) -> None:
    routes, xml = shop.service.live.current.routes, message("o" * 28, shop.at.timestamp(), Content="我要退")
    with shop.service.database.rehearsal() as db:
        ctx, _ = routing.hear(db, routes, parse(xml.encode()), shop.at, explaining=True)
    steps = [step.text for step in ctx.trace or ()]
    assert any(re.fullmatch(r"问答“怎么退货”：0\.\d\d(，像它的“想退掉怎么办”)?", step) for step in steps), steps
    assert any(re.search(r"在 perhaps 0\.25 和 sure 0\.45 之间", step) for step in steps), steps
