"""Finding forbidden words: against a plain reference, in disguise, and where they are none."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.forbidden import Finder, WordList

LETTERS = "甲乙丙丁"
BETWEEN = ["", " ", "*", "\u200b", "。", "😀", "\ufe0f", "\u3164", "—", "\u0301", "丨", "\n"]


def words(*given: str, **more: Any) -> WordList:
    return WordList.model_validate({"name": "表", "heard": "block", "words": list(given), **more})


def found(lists: WordList | list[WordList], text: str) -> set[str]:
    return {one.word for one in Finder(lists if isinstance(lists, list) else [lists]).find(text)}


some = st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=8)


@settings(deadline=None)
@given(some, some, st.text(LETTERS, max_size=20))
def test_what_is_found_is_what_a_plain_search_finds(listed: list[str], allowed: list[str], text: str) -> None:
    spans = [(at, at + len(word)) for word in allowed for at in range(len(text)) if text.startswith(word, at)]
    expected = {
        word
        for word in listed
        for at in range(len(text))
        if text.startswith(word, at) and not any(start <= at and at + len(word) <= end for start, end in spans)
    }
    assert found(words(*listed, allow=allowed), text) == expected


@settings(deadline=None)
@given(some, st.text(LETTERS, max_size=8), st.data())
def test_a_word_is_found_with_anything_between_its_letters(listed: list[str], around: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(listed))
    hidden = "".join(letter + data.draw(st.sampled_from(BETWEEN)) for letter in word)
    assert word in found(words(*listed), f"{around}{hidden}{around}")


@settings(deadline=None)
@given(
    st.text(max_size=60),
    st.lists(
        st.text(st.characters(categories=["L"], exclude_characters="\u115f\u1160\u3164\uffa0"), min_size=1, max_size=6),
        min_size=1,
        max_size=5,
    ),
)
def test_any_text_is_read_and_places_are_places_in_it(text: str, listed: list[str]) -> None:
    for one in Finder([words(*listed, variants=["width", "separators", "script", "pinyin"])]).find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert one.word in listed


@pytest.mark.parametrize(
    ("word", "text", "is_there"),
    [
        ("敏感词", "敏 感*词", True),
        ("敏感詞", "敏感词", True),
        ("ABC", "ａｂｃ", True),
        ("vx", "加VX12345", True),
        ("sm", "small", False),
        ("64", "1964", False),
        ("64", "64 年", True),
        ("free money", "FREE  Money!", True),
        ("C++", "c", False),
        ("C++", "学Ｃ＋＋", True),
        ("法*功", "书法功底", False),
        ("买买提·艾力", "买买提艾力", True),
        ("💊", "吃💊吗", True),
        ("一号", "①号", False),
        ("1号", "①号", True),
    ],
)
def test_a_word_in_another_dress(word: str, text: str, is_there: bool) -> None:
    assert bool(found(words(word), text)) is is_there


@pytest.mark.parametrize(
    ("variants", "seen"),
    [
        ([], {"赌博"}),
        (["width"], {"赌博"}),
        (["separators"], {"赌博", "赌 博"}),
        (["script"], {"赌博", "賭博"}),
        (["width", "separators", "script"], {"赌博", "赌 博", "賭博", "賭*博"}),
        (["pinyin"], {"赌博", "赌 博", "賭博", "賭*博", "堵博", "dubo", "du博"}),
    ],
)
def test_only_the_variants_of_its_list_count(variants: list[str], seen: set[str]) -> None:
    texts = ["赌博", "赌 博", "賭博", "賭*博", "堵博", "dubo", "du博", "都不", "赌"]
    finder = words("赌博", variants=variants)
    assert {text for text in texts if found(finder, text)} == seen


def test_pinyin_counts_whole_syllables_only() -> None:
    listed = words("先生", "西安", variants=["separators", "pinyin"])
    assert found(listed, "我是xian sheng的") == {"先生", "西安"}
    assert found(listed, "仙声") == {"先生"}
    assert found(listed, "xi an生") == {"西安"}
    assert found(listed, "西岸") == {"西安"}
    assert found(listed, "先") == set()
    assert found(listed, "axian shengb") == set()


def test_the_place_is_where_the_word_stands_in_the_text_as_it_was_written() -> None:
    [one] = Finder([words("敏感")]).find("㍿里敏\u200b感的")
    assert (one.start, one.end) == (2, 5)


def test_a_text_has_a_word_on_each_line() -> None:
    given = WordList.model_validate({"name": "表", "said": "log", "words": "甲乙\n# 说明\n\n  丙丁  \n"})
    assert given.words == ["甲乙", "丙丁"]


@pytest.mark.parametrize(
    "wrong", [{"words": ["\u200b"]}, {"words": [" "]}, {"words": []}, {"words": ["x" * 201]}, {"heard": None}, {"variants": ["x"]}]
)
def test_a_list_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WordList.model_validate({"name": "表", "heard": "block", "words": ["甲"], **wrong})


def test_a_hundred_thousand_words_load_in_seconds_and_are_looked_for_in_microseconds() -> None:
    listed = [f"{chr(0x4E00 + number % 9973)}{chr(0x5E00 + number % 7919)}{chr(0x6E00 + number % 6007)}" for number in range(100_000)]
    begun = time.perf_counter()
    finder = Finder([words(*listed)])
    loaded = time.perf_counter()
    for _ in range(1000):
        finder.find("你们周六几点开门呀？想去看看")
    assert loaded - begun < 8  # 0.7 s on an idle core
    assert time.perf_counter() - loaded < 0.2  # 4 µs a message
