"""The real matcher finds what the plain one finds, on rules and texts made up so that they nearly meet."""

from __future__ import annotations

from typing import Any

import pypinyin
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers.keyword import KeywordsSection, Matcher
from handlers.matching import Index, When
from handlers.matching.when import LOOSE
from tests.handlers import plain_matcher

HAN = "营業业时間间盈应银行长安西先"
LONG = "abcdef甲乙丙丁戊己庚辛壬癸子丑"
OTHERS = "abgnixＡｂ1 ，？'"
_TO_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

_words = st.text(st.sampled_from(HAN + "abn1"), min_size=1, max_size=9)
_listed = st.lists(_words, min_size=1, max_size=3)


@st.composite
def _whens(draw: st.DrawFn) -> When:
    keys = draw(st.sets(st.sampled_from(["exact", "prefix", "contains", "contains_all", "contains_none", "type"]), min_size=1, max_size=3))
    given_: dict[str, Any] = {key: draw(_listed) for key in keys if key != "type"}
    if "type" in keys or keys == {"contains_none"}:
        given_["type"] = ["text"]
    if keys & {"exact", "prefix", "contains"}:
        given_["fuzzy"] = draw(st.lists(st.sampled_from(LOOSE), unique=True) | st.just([*LOOSE]) | st.none())
    return When.model_validate(given_)


def _all_words(whens: list[When]) -> list[str]:
    return [
        word
        for when in whens
        for key in ("exact", "prefix", "contains", "contains_all", "contains_none")
        for word in getattr(when, key) or ()
    ]


@st.composite
def _mangled(draw: st.DrawFn, word: str) -> str:
    """The word, or what somebody made of it."""
    match draw(st.sampled_from(["as it is", "typo", "two typos", "pinyin", "spaced pinyin", "wide", "parted", "cut"])):
        case "typo":
            return draw(_slipped(word))
        case "two typos":
            return draw(_slipped(draw(_slipped(word))))
        case "pinyin":
            return "".join(pypinyin.lazy_pinyin(word))
        case "spaced pinyin":
            return draw(st.sampled_from([" ", "'", ""])).join(pypinyin.lazy_pinyin(word))
        case "wide":
            return word.translate(_TO_WIDE)
        case "parted":
            return draw(st.sampled_from([" ", "，", "1"])).join(word)
        case "cut":
            return word[draw(st.integers(0, 1)) :]
    return word


@st.composite
def _slipped(draw: st.DrawFn, word: str) -> str:
    at, other = draw(st.integers(0, max(0, len(word) - 1))), draw(st.sampled_from(HAN + OTHERS))
    how = draw(st.sampled_from(["less", "more", "other", "exchanged"]))
    if how == "exchanged":
        return word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :]
    return word[:at] + {"less": "", "more": other + word[at : at + 1], "other": other}[how] + word[at + 1 :]


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[When], str]:
    whens = draw(st.lists(_whens(), min_size=1, max_size=6))
    words = _all_words(whens) or [HAN]
    pieces = draw(st.lists(st.sampled_from(words).flatmap(_mangled) | st.text(st.sampled_from(HAN + OTHERS), max_size=3), max_size=4))
    return whens, "".join(pieces)


def _when(**words: Any) -> When:
    return When.model_validate(words)


@settings(max_examples=600, deadline=None)
@given(_cases())
@example(([_when(contains=["营业"]), _when(contains=["业时"])], "营业时间"))  # words that overlap are both found
@example(([_when(contains=[LONG], fuzzy="typo")], "abcde甲f乙丙丁戊庚己辛壬癸子丑"))  # neighbours exchanged over both borders of its thirds
@example(([_when(contains=[LONG], fuzzy="typo")], "abxdef甲乙丙丁戊庚己辛壬癸子丑"))
@example(([_when(contains=[LONG], fuzzy="typo")], "abcde甲f乙丙丁戊己庚辛x癸子丑"))
@example(([_when(contains=["一二三四"], fuzzy="typo")], "一二x三四"))
@example(([_when(contains=["西安"], fuzzy="pinyin")], "先"))  # xian, but one syllable
@example(([_when(contains=["西安"], fuzzy="pinyin")], "xian"))
@example(([_when(contains=["先先"], fuzzy="pinyin")], "西安西安"))
@example(([_when(contains=["安安"], fuzzy="pinyin")], "gananan"))
def test_the_rules_found_are_those_that_the_plain_matcher_finds(case: tuple[list[When], str]) -> None:
    whens, text = case
    if not text.strip():
        return
    assert list(Index(whens).find(text)) == plain_matcher.candidates(whens, text)


@settings(max_examples=150, deadline=None)
@given(_cases())
def test_to_be_fuzzy_loses_nothing(case: tuple[list[When], str]) -> None:
    whens, text = case
    strict = [when.model_copy(update={"fuzzy": None}) for when in whens]
    assert set(Index(strict).find(text)) <= set(Index(whens).find(text))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("请问盈业时间", True),
        ("yingye shijian", True),
        ("yingyeshijian是几点", True),
        ("營業時間", True),
        ("营 业 时 间", True),
        ("营业时问", True),
        ("营时业间", True),
        ("营业的时间", True),
        ("时间", False),
        ("营业", False),
        ("yingyeshi", False),
        ("xyingyeshijian", False),
    ],
)
def test_a_fuzzy_word_is_found_in_what_people_make_of_it(said: str, found: bool) -> None:
    assert Index([_when(contains=["营业时间"], fuzzy=True)]).find(said) == [0] * found


@pytest.mark.parametrize(
    ("said", "ways"),
    [
        ("营业，时间。表", {"width"}),
        ("營業時間表", {"script", "pinyin"}),
        ("盈业拾间表", {"pinyin"}),
        ("ying ye shijian biao", {"pinyin"}),
        ("营业时问表", {"typo"}),
    ],
)
def test_each_way_of_being_fuzzy_is_a_choice_of_its_own(said: str, ways: set[str]) -> None:
    assert {way for way in LOOSE if Index([_when(exact=["营业时间表"], fuzzy=way)]).find(said)} == ways


def test_short_words_and_numbers_are_not_taken_for_others() -> None:
    index = Index([_when(exact=["签到", "abc", "20261122"], fuzzy="typo")])
    for said in ("签道", "签", "abd", "20261123"):
        assert index.find(said) == [], said


def test_one_syllable_is_found_in_no_other() -> None:
    index = Index([_when(contains=["安"], fuzzy="pinyin"), _when(contains=["恩爱"], fuzzy="pinyin")])
    assert index.find("gan") == []
    assert index.find("genai") == []
    assert index.find("enai") == [1]


def test_every_number_of_candidates_is_in_the_order_of_the_file() -> None:
    rules = [{"name": str(number), "when": {"contains": ["营业", f"词{number}"]}, "reply": "x"} for number in range(300)]
    matcher = Matcher(KeywordsSection.model_validate({"rules": rules}))
    assert list(matcher.candidates("营业")) == list(range(300))
    assert list(matcher.candidates("词7")) == [7]
    assert list(matcher.candidates("词77")) == [7, 77]
