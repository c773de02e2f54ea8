"""A file that is edited in the middle of a conversation: what was shown, what was promised and who has the floor."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.conftest import Founded
from tests.handlers.test_choices import ids, tap

MENU = "{menu: {title: 问, choices: [{name: 甲, reply: 是甲}, {name: 乙, say: 问卷}]}}"
SURVEY = "surveys: [{key: s, title: 问卷, triggers: [问卷], questions: [{key: a, ask: 好吗？, choices: [好, 不好]}]}]\n"
FAQ = "faq: {entries: [{ask: 怎么退货, answer: 七天内}, {ask: 怎么退款, answer: 三天到账}]}\n"
KEYWORDS = "keywords: {rules: [{name: 帮助, when: {exact: [帮助]}, reply: %s}, {name: 等, when: {exact: [等]}, reply: {text: 稍等, then: {after: 5s, reply: 好了}}}], fallback: 没听懂}\n"
FULL, LITTLE = KEYWORDS % MENU + SURVEY + FAQ, "keywords: {rules: [], fallback: 没听懂}\n"


def test_a_menu_that_went_away_answers_neither_numbers_nor_taps_and_comes_back_alive(found: Founded) -> None:
    world = found(FULL)
    wang, li = world.person("小王"), world.person("小李")
    text = wang.says("帮助")
    assert li.says("1") == "没听懂"  # nobody showed them a menu
    world.configure(LITTLE)
    assert tap(wang, text, "甲").text == "没听懂"
    assert wang.says("1") == "没听懂"
    world.configure(FULL)
    assert wang.says("1") == "没听懂"  # the floor is gone
    assert tap(wang, text, "甲").text == "是甲"
    assert wang.says("1") == "是甲"


def test_a_survey_that_went_away_is_still_answered_by_whoever_is_in_it_and_by_nobody_else(found: Founded) -> None:
    world = found(FULL)
    wang = world.person("小王")
    wang.says("问卷")
    world.configure(KEYWORDS % "好的")
    assert wang.says("1") == "谢谢，问卷已完成！"
    assert wang.says("问卷") == world.person("小李").says("问卷") == "没听懂"


def test_questions_that_went_away_let_go_of_the_floor(found: Founded) -> None:
    world = found(FULL)
    wang = world.person("小王")
    text = wang.says("退")
    assert len(ids(text)) == 2
    world.configure(LITTLE)
    assert wang.says("1") == "没听懂"
    assert tap(wang, text, "怎么退货").text == "没听懂"


def test_what_was_promised_comes_although_its_rule_is_gone(found: Founded) -> None:
    world = found(FULL)
    wang = world.person("小王")
    assert wang.says("等") == "稍等"
    world.configure(LITTLE)
    world.at += timedelta(seconds=6)
    assert [json.loads(row[0])["text"]["content"] for row in world.sql("SELECT payload FROM customer_message")] == ["好了"]


def test_a_tap_into_a_survey_that_another_waits_for_is_told_and_neither_is_lost(found: Founded) -> None:
    world = found(FULL + "checkin: {}\n")
    wang = world.person("小王")
    text = wang.says("帮助")
    assert "好吗" in (tap(wang, text, "乙").text or "")
    assert tap(wang, text, "甲").text == "是甲"  # past the survey
    assert "谢谢" in (wang.says("1") or "")  # and the number is the survey's
