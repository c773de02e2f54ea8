"""Words that somebody mistyped: near misses by Damerau and Levenshtein, found with one automaton however many words there are.

The distance is that of optimal string alignment: a character more, less or another, or two neighbours exchanged. One such slip is let
pass in words of three to six characters (in Latin letters from four), two in longer ones, none in shorter ones and in numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import ahocorasick_rs
from rapidfuzz.distance import OSA

SHORTEST, SHORTEST_LATIN, LONGEST_WITH_ONE = 3, 4, 6
_SIDE = LONGEST_WITH_ONE - 2  # how far a pattern of a short word can reach beyond a character that is left out
_WINDOW = 2 * _SIDE + 1
_MOST_MEASURED = 1_000  # places in a text where a word may be: more are in texts that repeat themselves, and would take longer than 5 ms
_PAD = "\0" * _SIDE

EXACT, PREFIX, CONTAINS = range(3)


class Wanted(NamedTuple):
    """A word of a rule, in the form that texts are compared in."""

    word: str
    how: int
    rule: int


def slips(word: str) -> int:
    """How many slips of the finger are let pass in this word."""
    shortest = SHORTEST_LATIN if word.isascii() else SHORTEST
    if len(word) < shortest or not any(map(str.isalpha, word)):
        return 0
    return 1 if len(word) <= LONGEST_WITH_ONE else 2


class Typos:
    """Finds the rules of mistyped words.

    One slip: whatever it was, word and text are the same after one character is taken out of each (Mor and Fraenkel 1982), so the
    words are in the automaton without each of their characters, and the text runs past it whole and without each of its own.
    Two slips: one of three parts of the word is unharmed, or two slips exchanged neighbours over the borders of parts, and
    these are in the automaton exchanged. What is found so is measured.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._words: list[tuple[str, int, tuple[tuple[int, int], ...]]] = []  # word, slips, its (rule, how)
        uses: dict[str, list[tuple[int, int]]] = {}
        for one in wanted:
            if slips(one.word):
                uses.setdefault(one.word, []).append((one.rule, one.how))
        patterns: dict[str, list[tuple[int, int]]] = {}  # pattern → (word, where in the word it begins)
        for number, (word, its) in enumerate(uses.items()):
            self._words.append((word, slips(word), tuple(its)))
            for pattern, begins in _short(word) if slips(word) == 1 else _long(word):
                patterns.setdefault(pattern, []).append((number, begins))
        self._patterns = list(map(tuple, patterns.values()))
        self._automaton: Any = ahocorasick_rs.AhoCorasick(list(patterns)) if patterns else None

    def find(self, text: str) -> set[int]:
        """The rules one of whose words is in the text, but for its slips."""
        if self._automaton is None:
            return set()
        found: set[int] = set()
        known = frozenset(text)
        left = _MOST_MEASURED
        for word, start in self._near(text):
            spelt, allowed, uses = self._words[word]
            if all(rule in found for rule, _ in uses) or sum(character not in known for character in spelt) > allowed:
                continue
            left -= 1
            if left < 0:
                break
            found.update(rule for rule, how in uses if rule not in found and _holds(text, spelt, allowed, how, start))
        return found

    def _near(self, text: str) -> set[tuple[int, int]]:
        """Words that may be in the text, and about where."""
        size, padded = len(text), _PAD + text + _PAD
        windows = [padded[at : at + _SIDE] + padded[at + _SIDE + 1 : at + _WINDOW] for at in range(size)]
        near: set[tuple[int, int]] = set()
        for pattern, start, end in self._automaton.find_matches_as_indexes("\0".join((text, *windows)), overlapping=True):
            at = start
            if start > size:
                window, offset = divmod(start - size - 1, _WINDOW)
                if not offset < _SIDE < offset + end - start:
                    continue  # on one side of what was left out: the whole text has it too
                at = window - _SIDE + offset
            near.update((word, at - begins) for word, begins in self._patterns[pattern])
        return near


def _holds(text: str, word: str, allowed: int, how: int, start: int) -> bool:
    if how == EXACT:
        return OSA.distance(text, word, score_cutoff=allowed) <= allowed
    if how == PREFIX:
        return _measured(text, word, allowed, 0, 0)
    return _measured(text, word, allowed, max(0, start - allowed), start + allowed)


def _measured(text: str, word: str, allowed: int, first: int, last: int) -> bool:
    """Whether a piece of the text that begins between these is the word, but for the slips."""
    size = len(word)
    for start in range(first, last + 1):
        for length in range(size - allowed, size + allowed + 1):
            if OSA.distance(text[start : start + length], word, score_cutoff=allowed) <= allowed:
                return True
    return False


def _short(word: str) -> Iterator[tuple[str, int]]:
    for without in range(len(word)):
        yield word[:without] + word[without + 1 :], 0


def _long(word: str) -> Iterator[tuple[str, int]]:
    third = len(word) // 3
    borders = (0, third, 2 * third, len(word))
    first, second = _exchanged(word, third), _exchanged(word, 2 * third)
    for begins, ends in pairwise(borders):
        yield word[begins:ends], begins
    yield first[: 2 * third], 0
    yield second[third:], third
    yield _exchanged(first, 2 * third), 0


def _exchanged(word: str, border: int) -> str:
    """The word with the two characters beside the border exchanged."""
    return word[: border - 1] + word[border] + word[border - 1] + word[border + 1 :]
