"""Menus in the chat: by number, by name, by tap, up and down, beside surveys, and what is wrong with one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import live
from app.config_file import BadConfig
from handlers import choices
from tests.conftest import Founded
from tests.people import Answer, Person, World, account

RULES = """
checkin: {rules: {points: 5}, replies: {done: 签到成功}}
surveys:
  - {key: s, title: 问卷, triggers: [问卷], questions: [{key: a, ask: 好吗？, choices: [好, 不好]}, {key: b, ask: 为什么？, text: true}]}
keywords:
  rules:
    - {name: 营业时间, when: {exact: [营业时间]}, reply: 九点开门}
    - name: 帮助
      when: {exact: [帮助]}
      reply:
        menu:
          title: "{name|朋友}，想了解什么？"
          choices:
            - {name: 营业时间, say: 营业时间}
            - {name: 我要签到, say: 签到}
            - {name: 会员, reply: "你有 {points} 分"}
            - name: 门店
              menu:
                title: 哪个区？
                choices:
                  - {name: 东区, menu: {title: 东区, choices: [{name: 一店, reply: 一店在东街}]}}
                  - {name: 西区, reply: {text: 西区只有二店}}
          left: 有事再叫我
    - {name: 数字, when: {exact: ["9"]}, reply: 九}
    - {name: 另一份, when: {exact: [另]}, reply: {menu: {title: 另一份, choices: [{name: 甲, reply: 是甲}], end: "", back: 退}}}
    - {name: 再问, when: {exact: [再问]}, reply: {menu: {title: 再问, choices: [{name: 填, say: 问卷}, {name: 菜单, reply: {menu: {title: 里面, choices: [{name: 乙, reply: 是乙}]}}}]}}}
  fallback: 没听懂
menu: {buttons: [{name: 帮助, reply: {menu: {title: 按钮的, choices: [{name: 丙, reply: 是丙}]}}}]}
"""


@pytest.fixture
def shop(found: Founded) -> World:
    return found(RULES)


def ids(text: str | None) -> dict[str, str]:
    """The ids behind what can be tapped, by the words it says."""
    links = re.findall(r'<a href="weixin://bizmsgmenu\?([^"]*)">', text or "")
    fields = [parse_qs(link) for link in links]
    return {one["msgmenucontent"][0]: one["msgmenuid"][0] for one in fields}


def tap(person: Person, text: str | None, words: str) -> Answer:
    """They tap what says these words in a text they got."""
    return person.sends("text", Content=words, bizmsgmenuid=ids(text)[words])


def plain(text: str | None) -> list[str]:
    """The lines as they are seen."""
    return re.sub(r"<[^>]*>", "", text or "").split("\n")


def test_a_menu_is_a_text_with_numbered_lines_to_tap(shop: World) -> None:
    text = shop.person("小王").says("帮助")
    assert plain(text) == ["朋友，想了解什么？", "1. 营业时间", "2. 我要签到", "3. 会员", "4. 门店", "回复数字或点一下"]
    assert list(ids(text)) == ["营业时间", "我要签到", "会员", "门店"]
    assert plain(shop.person("小王").says("另")) == ["另一份", "1. 甲"]


@pytest.mark.parametrize("said", ["3", "３", "3.", "３。", "③", " 3、", "会员", "3. 会员", "3.会员"])
def test_a_choice_is_taken_by_its_number_or_its_name(shop: World, said: str) -> None:
    person = shop.person("小王")
    person.says("帮助")
    assert person.says(said) == "你有 0 分"


@pytest.mark.parametrize(
    ("said", "reply"), [("5", "没听懂"), ("0", "没听懂"), ("9", "九"), ("33", "没听懂"), ("3 4", "没听懂"), ("签到", "签到成功")]
)
def test_what_is_no_choice_is_left_to_triggers_and_rules_and_the_menu_stays(shop: World, said: str, reply: str) -> None:
    person = shop.person("小王")
    person.says("帮助")
    assert person.says(said) == reply
    assert person.says("3") == f"你有 {person.points} 分"


def test_a_choice_leads_to_whatever_answers_its_words(shop: World) -> None:
    person = shop.person("小王")
    person.says("帮助")
    assert person.says("1") == "九点开门"
    assert person.says("2") == "签到成功"
    by = [row[0] for row in shop.sql("SELECT answered_by FROM inbox_entry ORDER BY id")]
    assert by == ["keywords:帮助", "keywords:营业时间", "checkin.triggers.0"]


def test_nested_menus_by_numbers_and_back(shop: World) -> None:
    person = shop.person("小王")
    top = person.says("帮助")
    middle = person.says("4")
    assert plain(middle) == ["哪个区？", "1. 东区", "2. 西区", "返回", "回复数字或点一下"]
    assert plain(person.says("1")) == ["东区", "1. 一店", "返回", "回复数字或点一下"]
    assert person.says("1") == "一店在东街"
    assert person.says("返回") == middle
    assert person.says("2") == "西区只有二店"
    assert person.says("返回") == top
    assert person.says("返回") == "有事再叫我"
    assert person.says("1") == "没听懂"


def test_nested_menus_by_taps_and_back(shop: World) -> None:
    person = shop.person("小王")
    top = person.says("帮助")
    middle = tap(person, top, "门店").text
    inner = tap(person, middle, "东区").text
    assert tap(person, inner, "一店").text == "一店在东街"
    assert tap(person, inner, "返回").text == middle
    assert tap(person, middle, "返回").text == top
    assert person.says("1") == "九点开门"


def test_a_tap_on_an_old_menu_works_while_it_stands_in_the_file_whatever_it_leads_to_now(shop: World) -> None:
    person = shop.person("小王")
    top = person.says("帮助")
    middle = person.says("4")
    person.says("另")
    shop.at += timedelta(days=30)
    shop.configure(RULES.replace("西区只有二店", "西区有二店和三店").replace("有事再叫我", "再见"))
    assert tap(person, middle, "西区").text == "西区有二店和三店"
    assert person.says("1") == tap(person, middle, "东区").text  # a tap makes its menu the current one
    shop.configure(RULES.replace("name: 西区", "name: 西边"))
    assert tap(person, middle, "西区").text == "没听懂"
    assert tap(person, top, "营业时间").text == "九点开门"  # the top of it looks as it did


def test_a_tap_with_an_id_that_was_made_up_is_a_text(shop: World) -> None:
    person = shop.person("小王")
    menu = ids(person.says("帮助"))["会员"].partition("-")[0]
    for made_up in (f"{menu}-9", f"{menu}-", "x", f"{'0' * 12}-1", "9" * 300):
        assert person.sends("text", Content="营业时间", bizmsgmenuid=made_up).text == "九点开门"


def test_ten_minutes_later_a_number_is_a_word_like_any_other(shop: World) -> None:
    person = shop.person("小王")
    person.says("帮助")
    shop.at += timedelta(minutes=9)
    assert person.says("3") == "你有 0 分"
    shop.at += timedelta(minutes=9, seconds=59)  # since it was last used
    assert person.says("3") == "你有 0 分"
    shop.at += timedelta(minutes=10)
    assert person.says("3") == "没听懂"
    shop.at -= timedelta(minutes=1)
    assert person.says("3") == "没听懂"


def test_a_picture_is_no_choice(shop: World) -> None:
    person = shop.person("小王")
    person.says("帮助")
    assert person.sends("image", PicUrl="http://p", MediaId="m").text == "没听懂"
    assert person.says("3") == "你有 0 分"


def test_numbers_belong_to_the_menu_that_was_shown_last(shop: World) -> None:
    person = shop.person("小王")
    person.says("帮助")
    person.says("另")
    assert person.says("1") == "是甲"
    assert person.says("退") == "好的"


def test_a_survey_that_waits_keeps_numbers_for_itself_and_a_tap_is_answered_all_the_same(shop: World) -> None:
    person = shop.person("小王")
    top = person.says("帮助")
    middle = person.says("4")
    assert "好吗？" in (person.says("问卷") or "")
    assert plain(tap(person, top, "门店").text) == plain(middle)
    assert tap(person, middle, "西区").text == "西区只有二店"
    assert tap(person, middle, "返回").text == top
    assert person.says("1") == "为什么？"
    assert plain(person.does("CLICK", EventKey="reply:帮助").text)[0] == "按钮的"
    assert "问卷已完成" in (person.says("3") or "")
    assert person.says("1") == "没听懂"
    assert tap(person, top, "会员").text == "你有 0 分"
    assert person.says("1") == "九点开门"


def test_a_choice_may_begin_a_survey_and_a_reply_may_be_another_menu(shop: World) -> None:
    person = shop.person("小王")
    person.says("再问")
    assert plain(person.says("菜单")) == ["里面", "1. 乙", "回复数字或点一下"]
    assert person.says("1") == "是乙"
    person.says("再问")
    assert "好吗？" in (person.says("1") or "")
    assert person.says("2") == "为什么？"


def test_a_menu_that_was_taken_out_of_the_file_listens_no_more(shop: World) -> None:
    person = shop.person("小王")
    person.says("另")
    shop.configure("keywords: {fallback: 没听懂}")
    assert person.says("1") == "没听懂"
    shop.configure(RULES)
    assert person.says("1") == "没听懂"


def test_a_menu_of_a_button_may_be_answered_with_a_number(shop: World) -> None:
    person = shop.person("小王")
    person.does("CLICK", EventKey="reply:帮助")
    assert person.says("1") == "是丙"


def test_the_rendering_is_there_for_others_and_fits_into_one_message() -> None:
    text = choices.shown("题" * 1000, [(f"faq-{n}", 'A&B "<1+1=2>" 100%') for n in range(3)], "末")
    assert len(text.encode()) <= 2048
    assert text.endswith("末")
    links = re.findall(r'href="([^"]*)"', text)
    assert [parse_qs(link.partition("?")[2]) for link in links] == [
        {"msgmenucontent": ['A&B "<1+1=2>" 100%'], "msgmenuid": [f"faq-{n}"]} for n in range(3)
    ]


@given(st.lists(st.text(st.characters(exclude_characters="<>\n\r", exclude_categories=["Cs"]), min_size=1, max_size=30), max_size=10))
def test_whatever_stands_on_a_choice_comes_back_as_it_is(names: list[str]) -> None:
    text = choices.shown("题", [(f"m-{n}", name) for n, name in enumerate(names, 1)])
    links = re.findall(r'<a href="weixin://bizmsgmenu\?([^"]*)">', text)
    assert [parse_qs(link, keep_blank_values=True) for link in links] == [
        {"msgmenucontent": [name], "msgmenuid": [f"m-{n}"]} for n, name in enumerate(names, 1)
    ]


def nested(depth: int) -> str:
    inner = "{title: 底, choices: [{name: 甲, reply: 甲}]}"
    for _ in range(depth - 1):
        inner = f"{{title: 上, choices: [{{name: 甲, menu: {inner}}}]}}"
    return inner


MANY = ", ".join(f"{{name: 第{n}家门店的地址和电话以及怎么走以及停车场, reply: a}}" for n in "一二三四五六七八九十")


@pytest.mark.parametrize(
    ("menu", "said"),
    [
        ("{title: a, choices: []}", "至少要有 1 项"),
        ("{title: a, choices: [" + ", ".join(f"{{name: n{n}, reply: a}}" for n in range(11)) + "]}", "最多 10 项"),
        ("{title: a, choices: [{name: 甲}]}", "选项“甲”要有且只有一种：say、reply、menu"),
        ("{title: a, choices: [{name: 甲, say: 你好, reply: b}]}", "要有且只有一种"),
        ("{title: a, choices: [{name: '2', reply: b}]}", "选项不能只是一个数字"),
        ("{title: a, choices: [{name: '<b>', reply: b}]}", "不能有 <、> 和换行"),
        ("{title: a, choices: [{name: 甲, reply: b}, {name: 甲, reply: c}]}", "选项“甲”写了两次"),
        ("{title: a, choices: [{name: 返回, reply: b}]}", "和返回的词一样"),
        (nested(6), "菜单最多 5 层"),
        ("{title: a, choices: [" + MANY + "], end: " + "长" * 200 + "}", "字节，最多 2048"),
        ("{title: a, choices: [{name: 甲, say: 营业时}]}", "没有规则会回答“营业时”，是不是想写“营业时间”？"),
        ("{title: 问, choices: [{name: 甲, reply: c}]}", "标题和选项与 keywords.rules.0.reply.menu 的一样"),
    ],
)
def test_what_is_wrong_with_a_menu_is_said_once_at_its_place(tmp_path: Path, menu: str, said: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
keywords:
  rules:
    - {{name: b, when: {{exact: [营业时间]}}, reply: {{menu: {{title: 问, choices: [{{name: 甲, reply: b}}]}}}}}}
    - {{name: a, when: {{exact: [x]}}, reply: {{menu: {menu}}}}}
{account()}""",
        "utf-8",
    )
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    assert said in bad.value.render()
    assert len(bad.value.complaints) == 1, bad.value.render()


def test_five_menus_deep_is_deep_enough_and_the_same_menu_may_stand_twice(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    rules = "".join(f"    - {{name: {n}, when: {{exact: [{n}]}}, reply: {{menu: {nested(5)}}}}}\n" for n in ("a", "b"))
    path.write_text(f"keywords:\n  rules:\n{rules}{account()}", "utf-8")
    live.read(path)
