"""Cohorts: which part of the followers somebody belongs to, the same whenever asked, for one purpose independent of another.

A quadratic polynomial of the follower's number over a prime field, its coefficients drawn from the purpose's name (SHA-256): two numbers
fall together no more often than by chance (Wegman & Carter 1981, universal hashing), and every database can compute it in a statement.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from sqlalchemy import ColumnElement

PARTS = 10_000
_PRIME = 2**31 - 1

_Number = TypeVar("_Number", int, ColumnElement[int])


def of(follower: _Number, purpose: str) -> _Number:
    """The part, 0 to PARTS - 1, that the follower of this number (below 2³¹) belongs to for this purpose; a column gives an expression."""
    digest = hashlib.sha256(purpose.encode()).digest()
    a, b, c, d = (int.from_bytes(digest[at : at + 4], "big") % (_PRIME - 1) + 1 for at in (0, 4, 8, 12))
    left, right = (follower * a + b) % _PRIME, (follower * c + d) % _PRIME
    return (left * right) % _PRIME % PARTS


CONTROL = "总对照组 control"


def within(follower: Any, purpose: str, share: float) -> Any:
    """Whether the follower belongs to the first of the parts that make up this share; a column gives a condition."""
    return of(follower, purpose) < round(share * PARTS)


def in_control(follower: Any, share: float) -> Any:
    """Whether the follower is in the control group of this share that gets no marketing at all; a column gives a condition."""
    return within(follower, "control", share)
