"""The words of a keyword rule one by one: each a way in which a text can match it, and what is certain of such a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from handlers.matching.when import KEYED, When
from handlers.routing import normal
from models import pattern
from models.config import Location


class Way(NamedTuple):
    """One way in which a text matches a rule's words, and what is certain of every text that does.

    Texts are meant as rules compare them: without the space around and without upper case.
    """

    key: str  # of `when`
    number: int  # in its list; -1 where it is not of one item
    shown: str  # the word as it is written
    whole: str | None  # the text
    begin: str  # what it begins with
    pieces: tuple[str, ...]  # what is in it
    loose: frozenset[str]  # ways in which the word may be written differently; then nothing else here is certain

    def place(self, rule: int) -> Location:
        """Where the word stands in the file."""
        return ("keywords", "rules", rule, "when", self.key, *(() if self.number < 0 else (self.number,)))

    def has(self, word: str) -> bool:
        """Whether this word (without upper case) is in every such text."""
        return any(word in piece for piece in self.pieces)


def ways(when: When) -> Iterator[Way]:
    """Each way in which a text can match the words of this rule."""
    loose = frozenset(when.fuzzy or ())
    for number, word in enumerate(when.exact or ()):
        plain = normal(word)
        yield Way("exact", number, word, plain, plain, (plain,), loose)
    for number, word in enumerate(when.prefix or ()):
        plain = word.casefold()
        yield Way("prefix", number, word, None, plain, (plain,), loose)
    for number, word in enumerate(when.contains or ()):
        yield Way("contains", number, word, None, "", (word.casefold(),), loose)
    if when.contains_all:
        every = tuple(word.casefold() for word in when.contains_all)
        yield Way("contains_all", -1, "+".join(when.contains_all), None, "", every, frozenset())
    for number, regex in enumerate(when.regex or ()):
        begin, pieces = pattern.certain(regex)
        yield Way("regex", number, regex, None, begin.casefold(), tuple(piece.casefold() for piece in pieces), frozenset())
    yield from _wordless(when)


def _wordless(when: When) -> Iterator[Way]:
    """The events that a rule answers, each with its menu key if it has one; the types of messages, where it has no words."""
    if when.event or when.menu_key:
        for event in when.event or KEYED:
            for key in when.menu_key or ("",):
                yield Way("event" if when.event else "menu_key", -1, f"{event} {key}".strip(), None, "", (), frozenset())
    elif not when.words:
        for number, kind in enumerate(when.type or ()):
            yield Way("type", number, kind, None, "", (), frozenset())


def caseless(text: str) -> bool:
    """Whether no other text is the same as this one but for upper and lower case.

    Every character that folds to others has a letter with two cases among them (Unicode 15, all of CaseFolding.txt looked at).
    """
    return text.lower() == text.upper()
