"""Inference on populations whose truth is known: intervals cover it as often as they say, and nothing is found where nothing is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inference import FALSE_ALARMS, Group, Interval, always, needed, verdict, wilson

EXPERIMENTS = 2_000
SEED = 20261122


@settings(deadline=None)
@given(st.integers(1, 100_000), st.floats(0, 1))
def test_wilsons_interval_is_scipys(size: int, share: float) -> None:
    from scipy.stats import binomtest  # a second of every worker's time, and only one comes here

    did = round(size * share)
    theirs = binomtest(did, size).proportion_ci(0.95, method="wilson")
    ours = wilson(did, size)
    assert math.isclose(ours.low, theirs.low, abs_tol=1e-9)
    assert math.isclose(ours.high, theirs.high, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("treated", "held", "base", "lift"), [(9_500, 500, 0.10, 0.03), (950, 50, 0.05, 0.0), (19_000, 1_000, 0.01, 0.005)]
)
def test_a_single_look_covers_the_truth_at_least_95_times_in_100(treated: int, held: int, base: float, lift: float) -> None:
    dice = np.random.default_rng(SEED)
    did, did_other = dice.binomial(treated, base + lift, EXPERIMENTS), dice.binomial(held, base, EXPERIMENTS)
    seen = [always(Group.counted(treated, int(a)), Group.counted(held, int(b))) for a, b in zip(did, did_other, strict=True)]
    assert sum(_covers(found, lift) for found in seen) / EXPERIMENTS >= 0.95


@pytest.mark.parametrize("base", [0.005, 0.02, 0.3])
def test_of_a_hundred_a_a_tests_looked_at_every_day_five_at_most_find_something(base: float) -> None:
    dice = np.random.default_rng(SEED)
    looks, daily, daily_held = 30, 900, 100
    did = dice.binomial(daily, base, (EXPERIMENTS, looks)).cumsum(axis=1)
    did_other = dice.binomial(daily_held, base, (EXPERIMENTS, looks)).cumsum(axis=1)
    peeking = alarms = 0
    for one, other in zip(did.tolist(), did_other.tolist(), strict=True):
        seen = [(one[day - 1], daily * day, other[day - 1], daily_held * day) for day in range(1, looks + 1)]
        alarms += any(verdict(always(Group.counted(n, k), Group.counted(m, held))) in ("better", "worse") for k, n, held, m in seen)
        peeking += any(not _covers(_made_for_one_look(*look), 0) for look in seen)
    assert alarms / EXPERIMENTS <= FALSE_ALARMS
    assert peeking / EXPERIMENTS > 3 * FALSE_ALARMS, "whoever peeks with an interval made for one look finds what is not there"


def test_a_real_effect_is_found_and_its_interval_covers_it_at_every_look() -> None:
    dice = np.random.default_rng(SEED)
    lift, looks = 0.05, 40
    did = dice.binomial(950, 0.10 + lift, (EXPERIMENTS // 4, looks)).cumsum(axis=1).tolist()
    did_other = dice.binomial(50, 0.10, (EXPERIMENTS // 4, looks)).cumsum(axis=1).tolist()
    found = covered = 0
    for one, other in zip(did, did_other, strict=True):
        seen = [always(Group.counted(950 * n, one[n - 1]), Group.counted(50 * n, other[n - 1])) for n in range(1, looks + 1)]
        covered += all(_covers(interval, lift) for interval in seen)
        found += verdict(seen[-1]) == "better"
    assert covered / len(did) >= 0.95
    assert found / len(did) > 0.9


def test_too_few_followers_say_nothing_and_many_without_a_difference_say_so() -> None:
    assert verdict(always(Group.counted(20, 6), Group.counted(20, 0))) == "unknown"
    assert verdict(always(Group.counted(500, 25), Group.counted(25, 1))) == "unknown"
    assert verdict(always(Group.counted(950_000, 95_000), Group.counted(50_000, 5_000))) == "same"
    assert verdict(always(Group.counted(50_000, 9_000), Group.counted(50_000, 10_000))) == "worse"
    assert 100_000 > needed(0.10, 0.01, 0.5) > 10_000 > needed(0.10, 0.05, 0.5)  # 29k and 1.4k: the textbook's sizes
    assert needed(0.10, 0.03, 0.05) > needed(0.10, 0.03, 0.5)


def _made_for_one_look(did: int, size: int, did_other: int, size_other: int) -> Interval:
    """The textbook's interval (Wald): right 95 times in 100, once."""
    one, other = did / size, did_other / size_other
    half = 1.96 * math.sqrt(one * (1 - one) / size + other * (1 - other) / size_other)
    return Interval(one - other, one - other - half, one - other + half)


def _covers(found: Interval, truth: float) -> bool:
    return found.low <= truth <= found.high
