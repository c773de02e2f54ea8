"""Inference: what a difference between two groups of followers may be, and whether that is known yet.

Whoever looks every day until something shows needs intervals that hold at all looks at once: these are from the mixture sequential
probability ratio test with a normal mixture (Robbins 1970; Johari, Pekelis & Walsh, Always valid inference, Operations Research 70, 2022).
The share of a single group has Wilson's interval (1927). tests/models/test_inference.py checks both on populations whose truth is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

FALSE_ALARMS = 0.05
# The standard deviation of effects one expects before looking: pushes move a share of followers by a few per cent. It tunes how soon an
# effect shows and not whether the interval holds.
EXPECTED_EFFECT = 0.03
SMALL = 0.01  # a difference below one per cent of the followers is none for the purpose of a push
FEWEST = 5  # followers to be expected on either side in the smaller group: below, the normal approximation says nothing

Verdict = Literal["better", "worse", "same", "unknown"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and from where to where the truth may lie."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """A group's size, and the mean and variance (per follower) of what is measured."""

    size: int
    mean: float
    variance: float

    @classmethod
    def counted(cls, size: int, did: int) -> Group:
        """A group of which `did` of `size` did something."""
        share = did / size if size else 0.0
        return cls(size, share, share * (1 - share))


def wilson(did: int, size: int, level: float = 0.95) -> Interval:
    """The share of a group that does something: Wilson's score interval. Of nobody, anything is possible."""
    if not size:
        return Interval(0.0, 0.0, 1.0)
    z, share = NormalDist().inv_cdf((1 + level) / 2), did / size
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def always(one: Group, other: Group, false_alarms: float = FALSE_ALARMS) -> Interval:
    """How much larger the first group's mean is: an interval that covers the truth at all looks together with 1 - false_alarms.

    Of too few followers it is the whole range of a share.
    """
    estimate = one.mean - other.mean
    pooled = (one.mean * one.size + other.mean * other.size) / max(1, one.size + other.size)
    if min(one.size, other.size) * min(pooled, 1 - pooled) < FEWEST:
        return Interval(estimate, -1.0, 1.0)
    # One more in each group than was seen (Agresti & Caffo 2000): where nobody did it yet, somebody may.
    v = sum((group.variance + 1 / group.size) / group.size for group in (one, other))
    t = EXPECTED_EFFECT**2
    half = math.sqrt(v * (v + t) / t * (2 * math.log(1 / false_alarms) + math.log((v + t) / v)))
    return Interval(estimate, max(-1.0, estimate - half), min(1.0, estimate + half))


def verdict(found: Interval) -> Verdict:
    """What an interval that holds at all looks says: an effect, none that matters, or not enough data yet."""
    if found.low > 0:
        return "better"
    if found.high < 0:
        return "worse"
    return "same" if found.high - found.low <= 2 * SMALL else "unknown"


def needed(share: float, effect: float, part: float, power: float = 0.8) -> int:
    """So many followers in all, `part` of them held out, show an effect of this size with this chance, at one look.

    The usual formula for two proportions (Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions, 2003, 4.2).
    """
    normal = NormalDist()
    z = normal.inv_cdf(1 - FALSE_ALARMS / 2) + normal.inv_cdf(power)
    treated = min(max(share + effect, 0.0), 1.0)
    per_follower = treated * (1 - treated) / (1 - part) + share * (1 - share) / part
    return math.ceil(z * z * per_follower / effect**2)
