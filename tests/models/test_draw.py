"""The numbers of draws: exact, spread as promised, and computed alike by a script that shares nothing with us."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import exp, factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import draw

ODDS = [Decimal(odds) for odds in ("0.0001", "0.001", "0.01", "0.03", "0.05", "0.1", "0.2", "0.25")]  # nine ends with "nothing"
MILLION = 1_000_000


def chi_square(counts: Sequence[int], expected: Sequence[float]) -> tuple[float, float]:
    """χ² and how likely one as large is: p = e^(-x/2)·Σ (x/2)^i/i!, exact where the degrees of freedom are even."""
    half, rest = divmod(len(counts) - 1, 2)
    assert rest == 0
    x = sum((got - want) ** 2 / want for got, want in zip(counts, expected, strict=True))
    return x, exp(-x / 2) * sum((x / 2) ** i / factorial(i) for i in range(half))


def drawn(seed: bytes, shares: tuple[int, ...], number_of: int = MILLION) -> list[int]:
    """How often each prize came, and nothing at last."""
    falls_on, number = draw.falls_on, draw.number
    found = Counter(falls_on(number(seed, "spring", n, "0123456789abcdef"), shares) for n in range(1, number_of + 1))
    return [found[place] for place in (*range(len(shares)), None)]


def expected(number_of: int = MILLION) -> list[float]:
    return [float(odds * number_of) for odds in (*ODDS, 1 - sum(ODDS))]


def test_a_million_draws_come_out_as_the_odds_say_and_crooked_odds_are_found_out() -> None:
    counts = drawn(hashlib.sha256(b"a fixed seed, for CI").digest(), draw.ends(ODDS))
    _, p = chi_square(counts, expected())
    assert p > 0.001
    # One draw in a thousand taken from the best prizes and given to nobody would be seen.
    crooked = [*counts]
    crooked[2], crooked[-1] = counts[2] - 1000, counts[-1] + 1000
    assert chi_square(crooked, expected())[1] < 0.001


@pytest.mark.prove
def test_twenty_seeds_by_chance_draw_a_million_times_each_as_the_odds_say() -> None:
    first = os.environ.get("SEED") or secrets.token_hex(16)
    print("SEED", first)
    likely = [chi_square(drawn(hashlib.sha256(f"{first}:{n}".encode()).digest(), draw.ends(ODDS)), expected())[1] for n in range(20)]
    assert min(likely) > 0.00005  # of twenty, one below 0.001 in fifty runs is chance
    assert sum(p < 0.5 for p in likely) in range(3, 18)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), st.data())
def test_the_shares_are_exact_to_the_last_bit(parts: list[int], data: st.DataObject) -> None:
    whole = max(sum(parts), 1)
    odds = [Decimal(part) / Decimal(10**10) for part in parts]
    shares, sums = draw.ends(odds), [Fraction(sum(parts[: n + 1]), 10**10) for n in range(len(parts))]
    assert whole <= 12 * 10**9
    place = data.draw(st.integers(0, len(parts) - 1))
    for number in (shares[place] - 1, shares[place]):
        if 0 <= number < draw.RANGE:
            plainly = next((n for n, end in enumerate(sums) if Fraction(number, draw.RANGE) < end), None)
            assert draw.falls_on(number, shares) == plainly


def test_odds_of_one_leave_nothing_and_a_number_is_what_the_handbook_says() -> None:
    assert draw.falls_on(draw.RANGE - 1, draw.ends([Decimal("0.3"), Decimal("0.7")])) == 1
    assert draw.falls_on(draw.RANGE - 1, draw.ends([Decimal("0.3"), Decimal("0.699999999999")])) is None
    seed = bytes(range(32))
    said = hmac.new(seed, b"spring|7|0123456789abcdef", "sha256").hexdigest()
    assert draw.number(seed, "spring", 7, "0123456789abcdef") == int(said[:16], 16)
    rules = draw.canonical({"b": "中", "a": [1]})
    assert rules == '{"a":[1],"b":"中"}'
    hashed = hashlib.sha256(rules.encode())
    assert draw.commitment(seed, hashed.hexdigest()) == hashlib.sha256(seed + hashed.digest()).hexdigest()
    assert len(draw.ticket("oABC", "message|1")) == 16
