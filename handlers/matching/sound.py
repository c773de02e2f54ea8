"""Words that somebody wrote as they sound: with other characters of the same sound, or in pinyin. Whole syllables, tones aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import ahocorasick_rs

from handlers.matching.typo import EXACT, PREFIX, Wanted
from models.wording import SYLLABLES, is_syllable, simplified, skipped, syllables

FEWEST = 2  # Han characters: one syllable alone is in every other sentence
_LONGEST_SYLLABLE = 6
_INSIDE, _SOFT, _HARD = range(3)  # of a Han character's syllable; between two letters that were typed; between everything else


class Heard(NamedTuple):
    """A text as it sounds: its letters, and for every place between two of them whether a word may begin or end there."""

    letters: str
    edges: list[int]
    begins: set[int]
    ends: set[int]
    sounds: int  # Han characters in it


def heard(text: str, loose: bool) -> Heard:
    """How the text sounds. Spaces and apostrophes part syllables and are nothing else; so does punctuation, if that is `loose`."""
    plain = simplified(text)
    letters, edges, runs, sounds = "", [_HARD], [], 0
    run = -1  # where the Latin letters began that are being read
    for syllable, character in zip(syllables(plain), plain, strict=True):
        if ("a" <= character <= "z") or character == "ü":
            run = len(letters) if run < 0 else run
            letters += "v" if character == "ü" else character
            edges.append(_SOFT)
            continue
        if run >= 0:
            runs.append((run, len(letters)))
            run = -1
        edges[-1] = _HARD
        if is_syllable(syllable, character):
            letters += syllable
            edges += [_INSIDE] * (len(syllable) - 1) + [_HARD]
            sounds += 1
        elif not (skipped(character) if loose else character.isspace() or character in "'’"):
            letters += character
            edges.append(_HARD)
    if run >= 0:
        runs.append((run, len(letters)))
    edges[-1] = _HARD
    begins = {at for at, edge in enumerate(edges) if edge == _HARD}
    ends = set(begins)
    for start, end in runs:
        begins |= _reached(letters, start, end)
        ends |= _left(letters, start, end)
    return Heard(letters, edges, begins, ends, sounds)


def _reached(letters: str, start: int, end: int) -> set[int]:
    """Where one gets to from the start by whole syllables."""
    reached = {start}
    for at in range(start + 1, end):
        if any(at - size in reached and letters[at - size : at] in SYLLABLES for size in range(1, min(_LONGEST_SYLLABLE, at - start) + 1)):
            reached.add(at)
    return reached


def _left(letters: str, start: int, end: int) -> set[int]:
    """From where one gets to the end by whole syllables."""
    left = {end}
    for at in range(end - 1, start, -1):
        if any(at + size in left and letters[at : at + size] in SYLLABLES for size in range(1, min(_LONGEST_SYLLABLE, end - at) + 1)):
            left.add(at)
    return left


class Sounds:
    """Finds the rules of words that sound like a part of the text."""

    def __init__(self, wanted: Iterable[Wanted], loose: bool) -> None:
        self._loose = loose
        words: dict[str, list[tuple[frozenset[int], int, int]]] = {}  # letters → (edges of its syllables, rule, how)
        for one in wanted:
            sound = heard(one.word, loose)
            if sound.sounds >= FEWEST:
                edges = frozenset(at for at, edge in enumerate(sound.edges) if edge == _HARD)
                words.setdefault(sound.letters, []).append((edges, one.rule, one.how))
        self._words = list(map(tuple, words.values()))
        self._automaton = ahocorasick_rs.AhoCorasick(list(words)) if words else None

    def find(self, text: str) -> set[int]:
        """The rules one of whose words sounds like a part of the text."""
        if self._automaton is None:
            return set()
        found: set[int] = set()
        sound = heard(text, self._loose)
        size = len(sound.letters)
        for word, start, end in self._automaton.find_matches_as_indexes(sound.letters, overlapping=True):
            if start not in sound.begins or end not in sound.ends:
                continue
            for edges, rule, how in self._words[word]:
                whole = start == 0 and (how == PREFIX or end == size)
                if rule not in found and (whole or how not in (EXACT, PREFIX)) and _fits(sound.edges, start, end, edges):
                    found.add(rule)
        return found


def _fits(edges: list[int], start: int, end: int, wanted: frozenset[int]) -> bool:
    """Whether the syllables of the text and those of the word have their edges in the same places, as far as the text's are known."""
    for at in range(start + 1, end):
        edge, one_ends = edges[at], at - start in wanted
        if (edge == _HARD and not one_ends) or (edge == _INSIDE and one_ends):
            return False
    return True
