"""Links: nobody makes up an address of ours, reads in one who it was sent to, or is led elsewhere by it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.link import Forged, Link, Links

HERE = Link(1, "https://example.com/a", "a" * 12, "11" * 32)
OTHER = Link(2, "https://example.com/b", "b" * 12, "22" * 32)
_SIGNS = string.ascii_letters + string.digits + "-_"


def person(link: Link, delivery: int) -> str:
    """The part of the token that tells of the delivery."""
    return link.token(delivery).removeprefix(link.code)


@given(delivery=st.integers(0, 2**63 - 1))
def test_a_token_tells_its_delivery_to_its_own_link_only(delivery: int) -> None:
    assert HERE.delivery(person(HERE, delivery)) == delivery
    with pytest.raises(Forged):
        OTHER.delivery(person(HERE, delivery))


@given(delivery=st.integers(1, 2**40), place=st.integers(0, 21), sign=st.sampled_from(_SIGNS + "=+/ é{"))
def test_a_token_that_was_altered_anywhere_is_forged(delivery: int, place: int, sign: str) -> None:
    good = person(HERE, delivery)
    altered = good[:place] + sign + good[place + 1 :]
    if altered != good:
        with pytest.raises(Forged):
            HERE.delivery(altered)


@given(made_up=st.text(_SIGNS, min_size=1, max_size=30))
def test_a_made_up_token_is_forged(made_up: str) -> None:
    with pytest.raises(Forged):
        HERE.delivery(made_up)


def test_tokens_of_neighbours_have_nothing_in_common() -> None:
    tokens = [person(HERE, delivery) for delivery in range(1, 200)]
    assert len({token[:8] for token in tokens}) == len({token[-8:] for token in tokens}) == 199


def test_an_address_stands_in_a_header_whatever_is_in_it() -> None:
    odd = Link(3, "https://example.com/活动?q=a b\r\nset-cookie: x=1&p=50%25", "c" * 12, "33" * 32).ascii_url
    assert odd.isascii()
    assert not set("\r\n ") & set(odd)
    assert odd.endswith("&p=50%25")


BASES = [
    "http://wx.example.com",
    "wx.example.com",
    "javascript:alert(1)",
    "https://",
    "https://wx.example.com/?q=1",
    "ftp://wx.example.com",
]


@pytest.mark.parametrize("base", BASES)
def test_a_base_that_phones_cannot_open_safely_is_refused(base: str) -> None:
    with pytest.raises(ValidationError, match="base is an https address"):
        Links.model_validate({"base": base})
    assert Links.model_validate({"base": "https://wx.example.com/y/"}).base == "https://wx.example.com/y"
