"""What the platform punishes: how much of it is seen in sentences that were labelled by hand, and how often harmless ones are accused."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from models.compliance import Medium, punished, tells_terms

HERE = Path(__file__).parent


class Sentence(NamedTuple):
    """A text as an operator would write it, and the codes that belong to it."""

    codes: frozenset[str]
    medium: Medium
    text: str


def sentences(name: str) -> list[Sentence]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    parts = [line.split(" ", 2) for line in lines if line and not line.startswith("#")]
    return [Sentence(frozenset(codes.split(",")) - {"-"}, cast(Medium, medium), text) for codes, medium, text in parts]


OWN = sentences("compliance_sentences.txt")
ELSEWHERE = sentences("compliance_elsewhere.txt")


def judged(given: Sequence[Sentence]) -> tuple[float, float]:
    """Precision and recall, counted by sentence and code."""
    hits = false = missed = 0
    for sentence in given:
        seen = {offence.code for offence in punished(sentence.text, sentence.medium)}
        hits += len(seen & sentence.codes)
        false += len(seen - sentence.codes)
        missed += len(sentence.codes - seen)
    return hits / (hits + false), hits / (hits + missed)


@pytest.mark.parametrize("given", [OWN[0::2], OWN[1::2], ELSEWHERE], ids=["tuned on", "held out", "elsewhere"])
def test_what_is_punished_is_seen_and_what_is_harmless_is_left_alone(given: list[Sentence]) -> None:
    precision, recall = judged(given)
    assert precision >= 0.95
    assert recall >= 0.9


def test_there_are_sentences_of_every_kind_in_both_halves() -> None:
    assert len(OWN) + len(ELSEWHERE) >= 250
    for half in (OWN[0::2], OWN[1::2]):
        assert {code for sentence in half for code in sentence.codes} == {"YZ501", "YZ502", "YZ503", "YZ504", "YZ505", "YZ507"}
        assert sum(not sentence.codes for sentence in half) >= 50


@pytest.mark.parametrize("sentence", [one for one in OWN if one.codes], ids=lambda one: one.text)
def test_each_offence_names_the_rule_and_what_to_write_instead(sentence: Sentence) -> None:
    for offence in punished(sentence.text, sentence.medium):
        assert offence.fragment
        assert re.search("《.+》", offence.rule_zh)
        assert re.search("《.+》|Developer Standards", offence.rule_en)
        assert offence.rewording_zh
        assert offence.rewording_en


@pytest.mark.parametrize("text", ["不转不是中国人！", "转发后一生平安", "是父母的都转起来", "转疯了，快看"])
def test_who_is_driven_to_share_needs_no_reward(text: str) -> None:
    assert [one.code for one in punished(text, "reply")] == ["YZ501"]


@pytest.mark.parametrize(
    "text", ["转发领红包的都是骗局", "谨防“关注领红包”，不要上当", "无需转发，到店即可领取", "本活动不要求转发、集赞，签到就有积分"]
)
def test_who_warns_of_it_does_not_do_it(text: str) -> None:
    assert list(punished(text, "reply")) == []


def test_what_is_suggested_is_not_punished_itself() -> None:
    for sentence in OWN:
        for offence in punished(sentence.text, sentence.medium):
            for example in re.findall("“([^”]+)”", offence.rewording_zh):
                assert list(punished(example, sentence.medium)) == [], example


def test_full_width_and_upper_case_make_no_difference() -> None:
    assert [one.code for one in punished("今晚直播间抽 ＩＰＨＯＮＥ", "reply")] == ["YZ504"]


def test_an_offer_is_an_offence_in_a_template_only() -> None:
    assert [one.code for one in punished("送您一张优惠券", "template")] == ["YZ503"]
    assert list(punished("送您一张优惠券", "reply")) == []


def test_a_discount_is_quoted_whole() -> None:
    assert [one.fragment for one in punished("今日全场88折", "template")] == ["88折"]
    assert [one.fragment for one in punished("全场八五折", "template")] == ["八五折"]


def test_a_list_of_words_to_say_asks_for_nothing_private() -> None:
    for menu in ("请回复：网点、贷款、理财、信用卡；人工请打 95588", "回复：余额、密码、挂失", "请回复：身份证、户口、护照"):
        assert list(punished(menu, "reply")) == []
    for question in ("请回复：姓名、身份证、手机号", "请回复身份证号", "请发送身份证、银行卡照片", "回复银行卡号"):
        assert [one.code for one in punished(question, "reply")] == ["YZ507"]


def test_terms_are_told_where_a_lottery_is_named_with_them() -> None:
    assert tells_terms("抽奖规则：12 月 1 日开奖，奖品 3 份")
    assert not tells_terms("快来抽奖")
    assert not tells_terms("12 月 1 日开业")


def test_a_hundred_thousand_texts_take_less_than_a_second_or_so() -> None:
    texts = [f"{number} 号门店每天 9:00–21:00 营业，节假日不休息，电话 400-{number}" for number in range(99_000)]
    texts += [sentence.text for sentence in OWN] * 5
    begun = time.perf_counter()
    found = sum(1 for text in texts for _ in punished(text, "reply"))
    assert found > 300
    assert time.perf_counter() - begun < 2  # 0.2 s on an idle core


@pytest.mark.parametrize(
    "text",
    ["分享" * 5000, "邀请" * 5000, "想要分享领" * 2000, "关注后" * 5000, "不" * 10_000 + "分享得", "最佳" * 5000, "回复" * 5000 + "密码"],
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    begun = time.perf_counter()
    list(punished(text, "reply"))
    assert time.perf_counter() - begun < 1


def examples(kind: str) -> list[tuple[str, str]]:
    """Code and text of every example in the handbook: 会提醒 or 不会."""
    page = (HERE.parents[1] / "docs" / "handbook" / "lint.md").read_text("utf-8")
    found = []
    for code, body in re.findall(r"^## (YZ50[1-57]) [^\n]*\n(.*?)(?=^<a |^# |\Z)", page, re.MULTILINE | re.DOTALL):
        for line in re.findall(rf"^\* {kind}：(.*)$", body, re.MULTILINE):
            found += [(code, text) for text in re.findall("`([^`]+)`", line)]
    return found


def test_the_examples_of_the_handbook_are_true() -> None:
    assert len(examples("会提醒")) >= 12
    for code, text in examples("会提醒"):
        assert code in {one.code for one in punished(text, "template" if code == "YZ503" else "reply")}, text
    for code, text in examples("不会"):
        assert code not in {one.code for one in punished(text, "template" if code == "YZ503" else "reply")}, text
