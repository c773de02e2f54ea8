"""Codes: fifteen letters that nobody guesses, of which the last tells a slip of typing; and what codes are compared by."""

from __future__ import annotations

import secrets
import unicodedata

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that looks like another (0 O, 1 I L); 31 of them, which is a prime
LENGTH, _GROUP = 15, 5  # of these 14 are random: 69 bits
LONGEST = 64  # characters of an imported code, as it is compared
_VALUE = {letter: value for value, letter in enumerate(LETTERS)}
_NEAR = 3  # so many letters too few or too many still look like a slip
_UNSEEN = ("Cc", "Cf", "Pd")


def fresh() -> str:
    """A new code, as it is compared: `ABCDEFGHJKMNPQR`."""
    begin = "".join(secrets.choice(LETTERS) for _ in range(LENGTH - 1))
    return begin + LETTERS[-_weighed(begin) * pow(LENGTH, -1, len(LETTERS)) % len(LETTERS)]


def shown(code: str) -> str:
    """A code of ours as people read it: `ABCDE-FGHJK-MNPQR`."""
    return "-".join(code[begin : begin + _GROUP] for begin in range(0, len(code), _GROUP))


def plain(text: str) -> str:
    """What codes are compared by: upper and lower case, full and half width alike, without blanks and dashes."""
    wide = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in wide if not c.isspace() and c != "\u2212" and unicodedata.category(c) not in _UNSEEN)


def right(code: str) -> bool:
    """Whether a code, as it is compared, is one that we may have made.

    The letters are weighed by their places, 1 to 15, and the sum is divisible by 31: as that is a prime, one wrong letter, or two that
    changed places, always change the remainder. (The principle of ISBN-10's check digit, which has eleven instead.)
    """
    return len(code) == LENGTH and all(letter in _VALUE for letter in code) and _weighed(code) % len(LETTERS) == 0


def slip(code: str) -> bool:
    """Whether this looks like a code of ours with a slip of typing in it."""
    return not right(code) and code.isascii() and code.isalnum() and abs(len(code) - LENGTH) <= _NEAR


def _weighed(letters: str) -> int:
    return sum(place * _VALUE[letter] for place, letter in enumerate(letters, 1))
