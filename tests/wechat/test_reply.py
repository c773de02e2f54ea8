"""What may be said: characters and lengths."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wechat.reply import clean, cut


def test_a_text_within_the_limit_is_unchanged() -> None:
    assert cut("签" * 682) == "签" * 682  # 2,046 bytes


def test_a_text_over_the_limit_ends_with_an_ellipsis_at_a_whole_character() -> None:
    assert cut("签" * 683) == "签" * 681 + "…"
    assert len(cut("签" * 683).encode()) <= 2048


@pytest.mark.parametrize("cluster", ["e\u0301", "👨‍👩‍👧‍👦", "👍🏽", "🇨🇳", "🏴\U000e0067\U000e0062\U000e007f", "각", "❤️", "क्"])
def test_no_visible_character_is_torn(cluster: str) -> None:
    for pad in range(len(cluster.encode())):
        kept = cut("a" * pad + cluster * 800).removesuffix("…").lstrip("a")
        assert kept == cluster * (len(kept) // len(cluster))
        assert kept


def test_a_pile_of_marks_does_not_swallow_the_text() -> None:
    assert len(cut("z" + "\u0301" * 3000).encode()) > 2000


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.integers(3, 60))
def test_a_cut_text_is_a_beginning_that_fits(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert len(result.encode("utf-8", "surrogatepass")) <= limit
    assert result == text or (result.endswith("…") and text.startswith(result[:-1]))


def test_a_limit_too_small_for_the_ellipsis_leaves_nothing() -> None:
    assert cut("签到", 2) == ""


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_a_clean_text_is_encodable_and_cleaning_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert not {c for c in cleaned if unicodedata.category(c) == "Cs" or (c < " " and c not in "\t\n") or c in "\ufffe\uffff"}


def test_ordinary_text_stays_as_it_is() -> None:
    assert clean("签到\t成功\n👨‍👩‍👧 ]]> <a href='x'>&amp;</a>") == "签到\t成功\n👨‍👩‍👧 ]]> <a href='x'>&amp;</a>"
    assert clean("a\r\nb\rc\x00\ud800\uffff") == "a\nb\nc"
