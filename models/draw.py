"""Draws that anybody can check: a seed promised by its hash, a number for every draw made of it, and the prize the number falls on.

Nothing here knows a database, a clock or chance. docs/handbook/lottery.md says in words what it computes, app/draws/verify.py computes it
a second time without a line of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil

RANGE = 1 << 64  # numbers are 0 … 2^64-1
SEED_BYTES = 32


def canonical(rules: Mapping[str, object]) -> str:
    """The one way to write these rules as JSON: keys sorted, no spaces, UTF-8 as it is."""
    return json.dumps(rules, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of(text: str) -> str:
    """SHA-256 of canonical rules, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def commitment(seed: bytes, rules_hash: str) -> str:
    """SHA-256(seed ‖ SHA-256(rules)), in hex: told before the first draw, it leaves no other seed and no other rules to tell afterwards."""
    return hashlib.sha256(seed + bytes.fromhex(rules_hash)).hexdigest()


def ticket(openid: str, act: str) -> str:
    """What a draw is called in public: 16 hex digits of SHA-256 over who drew and the platform's key of the message.

    64 bits that nobody can trace back who does not know the openid: of a tap on the menu, which has no number of its own, the rest can be
    guessed. Every copy of one message has the same ticket.
    """
    return hashlib.sha256(f"{openid}|{act}".encode()).hexdigest()[:16]


def proof(seed: bytes, openid: str, act: str) -> str:
    """What only the winner of a draw can show: 12 hex digits made of the seed and the message. Tickets are public, and prove nothing."""
    return hmac.digest(seed, f"claim|{openid}|{act}".encode(), "sha256")[:6].hex()


def number(seed: bytes, key: str, draw: int, called: str) -> int:
    """The number of a draw, 0 … 2^64-1: the first 64 bits of HMAC-SHA256(seed, "key|draw|ticket")."""
    return int.from_bytes(hmac.digest(seed, f"{key}|{draw}|{called}".encode(), "sha256")[:8], "big")


def at(share: float) -> int:
    """The number that lies at this share of all numbers, as it is written: 0.6 is behind odds of 60%, not in them."""
    return ceil(Fraction(repr(share)) * RANGE)


def ends(odds: Iterable[Decimal]) -> tuple[int, ...]:
    """Where each prize's share of the numbers ends, exactly: the first number that is no longer in it, in the order of the prizes."""
    total, found = Fraction(), []
    for share in odds:
        total += Fraction(share)
        found.append(ceil(total * RANGE))
    return tuple(found)


def falls_on(drawn: int, shares: tuple[int, ...]) -> int | None:
    """Which prize, from 0, the number falls on; None behind the last one. `shares` are their ends."""
    place = bisect_right(shares, drawn)
    return place if place < len(shares) else None
