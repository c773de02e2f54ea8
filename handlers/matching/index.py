"""The words of all rules in automata: a text passes them once, however many rules there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import ahocorasick_rs
import re2

from handlers.matching.sound import Sounds
from handlers.matching.typo import CONTAINS, EXACT, PREFIX, Typos, Wanted
from handlers.matching.when import RE2, When
from handlers.routing import normal
from models.wording import folded, simplified, width

ALL, NONE = CONTAINS + 1, CONTAINS + 2
_HOW = 3  # bits
LONGEST = 2048  # characters that are looked at loosely; the platform delivers no more, but ﷺ is eighteen of them when it is folded

Form = Callable[[str], str]


class Finder(Protocol):
    """Something that finds rules by a text in its form."""

    def find(self, text: str) -> set[int]:
        """The rules whose words are in the text."""


class Literal:
    """Words as they stand: a table of whole texts, and an automaton of the parts."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._whole: dict[str, list[int]] = {}
        parts: dict[str, list[int]] = {}  # word → rules, each with how it wants the word
        self._many: Counter[int] = Counter()  # how many words a rule wants all of
        for word, how, rule in wanted:
            if how == EXACT:
                self._whole.setdefault(word, []).append(rule)
            else:
                uses = parts.setdefault(word, [])
                use = rule << _HOW | how
                if how == ALL and use not in uses:
                    self._many[rule] += 1
                uses.append(use)
        self._uses = list(parts.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(parts)) if parts else None

    def find(self, text: str) -> set[int]:
        """The rules whose words are in the text, but for those one of whose forbidden words is."""
        found, forbidden = self.sorted_out(text)
        return found - forbidden if forbidden else found

    def sorted_out(self, text: str) -> tuple[set[int], set[int]]:
        """The rules whose words are in the text; the rules one of whose forbidden words is."""
        found = set(self._whole.get(text, ()))
        forbidden: set[int] = set()
        matches = self._automaton.find_matches_as_indexes(text, overlapping=True) if self._automaton else ()
        if not matches:
            return found, forbidden
        hits = {(word, start == 0) for word, start, _ in matches}
        some: dict[int, set[int]] = {}
        for word, at_start in hits:
            for use in self._uses[word]:
                rule, how = use >> _HOW, use & 7
                if how == CONTAINS or (how == PREFIX and at_start):
                    found.add(rule)
                elif how == NONE:
                    forbidden.add(rule)
                elif how == ALL:
                    some.setdefault(rule, set()).add(word)
        if some:
            found.update(rule for rule, words in some.items() if len(words) == self._many[rule])
        return found, forbidden


class Index:
    """The rules' words, worked out once."""

    def __init__(self, whens: Sequence[When]) -> None:
        self._plain = Literal(_plainly(whens))
        self._patterns: list[tuple[int, Any]] = [
            (number, re2.compile(pattern, RE2)) for number, when in enumerate(whens) for pattern in when.regex or ()
        ]
        self._any: dict[str, list[int]] = {}  # rules for every message of a type
        for number, when in enumerate(whens):
            if when.type and not when.words:
                for kind in when.type:
                    self._any.setdefault(kind, []).append(number)
        self._loose = list(_loosely(whens))

    def find(self, text: str) -> list[int]:
        """The rules that words, by themselves, make answer this text, in the order of the file."""
        plain = normal(text)
        found, forbidden = self._plain.sorted_out(plain)
        for form, finder in self._loose:
            found |= finder.find(form(plain[:LONGEST])[:LONGEST])
        if self._patterns:
            found.update(number for number, pattern in self._patterns if number not in found and pattern.search(text))
        if self._any:
            found.update(self._any.get("text", ()))
        return sorted(found - forbidden if forbidden else found)

    def of_type(self, kind: str) -> Sequence[int]:
        """The rules for every message of this type."""
        return self._any.get(kind, ())


def _plainly(whens: Sequence[When]) -> Iterator[Wanted]:
    for number, when in enumerate(whens):
        yield from _wanted(when, number, normal, str.casefold)
        for word in when.contains_all or ():
            yield Wanted(word.casefold(), ALL, number)
        for word in when.contains_none or ():
            yield Wanted(word.casefold(), NONE, number)


def _wanted(when: When, number: int, whole: Form, part: Form) -> Iterator[Wanted]:
    """The words as texts in this form are searched for them; a word of which the form leaves nothing is left out."""
    for words, how, form in ((when.exact, EXACT, whole), (when.prefix, PREFIX, part), (when.contains, CONTAINS, part)):
        for word in words or ():
            formed = form(word)
            if formed:
                yield Wanted(formed, how, number)


def _loosely(whens: Sequence[When]) -> Iterator[tuple[Form, Finder]]:
    """For every form that some rule wants compared: how a text gets it, and the rules' words in it."""
    by_ways: dict[frozenset[str], list[int]] = {}
    for number, when in enumerate(whens):
        if when.fuzzy:
            by_ways.setdefault(frozenset(when.fuzzy), []).append(number)
    forms: dict[tuple[bool, bool], list[int]] = {}
    for ways, numbers in by_ways.items():
        forms.setdefault(("width" in ways, "script" in ways), []).extend(numbers)
    for (wide, scripts), numbers in forms.items():
        form: Form = partial(_formed, wide=wide, scripts=scripts)
        wanted = [one for number in numbers for one in _wanted(whens[number], number, form, form)]
        if wide or scripts:
            yield form, Literal(wanted)
        typed = [one for one in wanted if "typo" in (whens[one.rule].fuzzy or ())]
        if typed:
            yield form, Typos(typed)
    for wide in (True, False):
        spoken = [number for ways, numbers in by_ways.items() if "pinyin" in ways and ("width" in ways) == wide for number in numbers]
        if spoken:
            form = folded if wide else normal
            yield form, Sounds([one for number in spoken for one in _wanted(whens[number], number, form, form)], wide)


def _formed(text: str, *, wide: bool, scripts: bool) -> str:
    """The text as rules compare it that do not care for width, or script, or both."""
    plain = width(text) if wide else normal(text)
    return simplified(plain) if scripts else plain
