"""Forbidden words: the operator's lists of them, and finding them in a text however they are written."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Annotated, Any, Literal, NamedTuple, Self

import ahocorasick_rs
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models import wording
from models.config import Rules, wrong

Variant = Literal["width", "separators", "script", "pinyin"]
Action = Literal["block", "queue", "log"]
LONGEST_WORD = 200  # characters: as many as models.finding keeps


def _shows(word: str) -> str:
    if not word.translate(_SIGNS).strip():
        raise wrong("词里没有能看见的字", "there is nothing to see in this word")
    return word


_Some = Annotated[str, Field(min_length=1, max_length=LONGEST_WORD), AfterValidator(_shows)]


def _lines(value: Any) -> Any:
    """A text has a word on each line: how lists of words usually come, and read much faster than a list of YAML's."""
    if not isinstance(value, str):
        return value
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


_Words = Annotated[list[_Some], BeforeValidator(_lines, json_schema_input_type=list[str] | str)]


class WordList(Rules):
    """Words of one kind, and what is done about them."""

    name: str = Field(min_length=1, max_length=40, description="词表名称，给运营自己看")
    words: Annotated[_Words, Field(min_length=1)] = Field(description="不能出现的词：列表，或者用 | 一行一个（# 开头的行不算）")
    allow: _Words = Field(default_factory=list, description="含有上面的词、但没有问题的长词，例如“上访”在“网上访问”里")
    heard: Action | None = Field(None, description="粉丝说了怎么办：block 不处理、queue 照常回复并等运营看、log 只记下；不写就不管")
    said: Action | None = Field(
        None, description="要发出去的话里有怎么办：block 换成别的话、queue 换成别的话并等运营看、log 照发并记下；不写就不管"
    )
    variants: list[Variant] = Field(
        ["width", "separators", "script"],
        description="哪些变形也算：width 全角半角、separators 中间夹符号空格、script 繁体、pinyin 拼音和同音字（中间夹符号、写繁体也算；容易误伤，默认不算）",
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.heard is None and self.said is None:
            raise wrong("词表里至少要写 heard 或 said 之一，否则什么也不做", "a list needs heard or said, or it does nothing")
        return self


class Found(NamedTuple):
    """A word of a list, as it stands there, and where in the text it was found."""

    list: int
    word: str
    start: int
    end: int


# Letters that nobody sees or that are drawn as strokes: they stand between characters to hide a word.
_LIKE_SEPARATORS = frozenset("\u115f\u1160丨丶ー")
_IN_NAMES = frozenset("·•・‧")  # 买买提·艾力 is the same name without it
_REMEMBERED = 70_000  # characters; whoever sends all of Unicode does not fill our memory with it


class _Fold(dict[int, str]):
    """For str.translate: one form for all ways to write a character, nothing for separators; filled as characters are met."""

    def __init__(self, dropped: str) -> None:
        super().__init__()
        self._dropped = dropped  # Unicode's major categories

    def __missing__(self, code: int) -> str:
        folded = "".join(filter(self._stays, _plain(chr(code))))
        if len(self) < _REMEMBERED:
            self[code] = folded
        return folded

    def _stays(self, character: str) -> bool:
        return unicodedata.category(character)[0] not in self._dropped and character not in _LIKE_SEPARATORS


def _plain(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return ""
    return wording.simplified(wording.folded(character))


_LETTERS = _Fold("PSZCM")  # 敏 感*词 is 敏感词
_SIGNS = _Fold("CM")  # for words with signs in them: c++ is not c


class _Entry(NamedTuple):
    list: int
    word: str
    allowed: bool
    ends: frozenset[int]  # pinyin: where its syllables end


class _Folded(NamedTuple):
    """A text in its folded form, and for each of its characters where in the text it comes from."""

    text: str
    origins: Sequence[int]


class _Automaton:
    """Finds entries in folded texts, all of them in one pass."""

    def __init__(self, entries: dict[str, list[_Entry]]) -> None:
        self._entries = list(entries.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(entries)) if entries else None

    def __bool__(self) -> bool:
        return bool(self._entries)

    def hits(self, folded: str) -> list[tuple[int, int, int]]:
        """Pattern, start and end of all there are."""
        return self._automaton.find_matches_as_indexes(folded, overlapping=True) if self._automaton else []

    def entries(self, pattern: int) -> Sequence[_Entry]:
        """Whose this pattern is."""
        return self._entries[pattern]


class Finder:
    """Finds the words of all lists, in time that grows with the text and not with the lists."""

    def __init__(self, lists: Sequence[WordList]) -> None:
        self._lists = lists
        self._loose = [{"width", "separators", "script"} <= {*one.variants} for one in lists]
        letters: dict[str, list[_Entry]] = {}
        signs: dict[str, list[_Entry]] = {}
        sounds: dict[str, list[_Entry]] = {}
        for number, one in enumerate(lists):
            for word, allowed in [(word, False) for word in one.words] + [(word, True) for word in one.allow]:
                entry = _Entry(number, word, allowed, frozenset())
                table, fold = (letters, _LETTERS) if "separators" in one.variants and _only_letters(word) else (signs, _SIGNS)
                if key := word.translate(fold):
                    table.setdefault(key, []).append(entry)
            for word in one.words if "pinyin" in one.variants else ():
                for key, ends in _sounds(word.translate(_LETTERS)):
                    sounds.setdefault(key, []).append(_Entry(number, word, False, ends))
        self._letters, self._signs, self._sounds = _Automaton(letters), _Automaton(signs), _Automaton(sounds)

    def find(self, text: str) -> list[Found]:
        """Each forbidden word of each list that is in the text and not inside an allowed one, once, in the order of the text."""
        spans = [*self._spelt(self._letters, _LETTERS, text), *self._spelt(self._signs, _SIGNS, text), *self._sounding(text)]
        if not spans:
            return []
        allowed: dict[int, list[tuple[int, int]]] = {}
        for entry, start, end in spans:
            if entry.allowed:
                allowed.setdefault(entry.list, []).append((start, end))
        covers = {number: _Cover(stretches) for number, stretches in allowed.items()}
        first: dict[tuple[int, str], Found] = {}
        for entry, start, end in sorted(spans, key=lambda span: span[1:]):
            if not entry.allowed and not (entry.list in covers and covers[entry.list].has(start, end)):
                first.setdefault((entry.list, entry.word), Found(entry.list, entry.word, start, end))
        return list(first.values())

    def _spelt(self, automaton: _Automaton, fold: _Fold, text: str) -> Iterator[tuple[_Entry, int, int]]:
        if not automaton:
            return
        plain = text.translate(fold)
        hits = automaton.hits(plain)
        if not hits:
            return
        folded = _Folded(plain, _origins(text, fold))
        for pattern, start, end in hits:
            if not _cut_out(folded, start, end):
                here, there = folded.origins[start], folded.origins[end - 1] + 1
                for entry in automaton.entries(pattern):
                    if self._loose[entry.list] or self._as_written(entry, text[here:there]):
                        yield entry, here, there

    def _as_written(self, entry: _Entry, part: str) -> bool:
        """Whether this part of the text is the word in a form that its list looks for."""
        variants = self._lists[entry.list].variants
        return _narrow(part, variants) == _narrow(entry.word, variants)

    def _sounding(self, text: str) -> Iterator[tuple[_Entry, int, int]]:
        if not self._sounds:  # no list wants pinyin: its tables are never loaded
            return
        plain = text.translate(_LETTERS)
        spoken = _spoken(_Folded(plain, _origins(text, _LETTERS)))
        for pattern, start, end in self._sounds.hits(spoken.text):
            inside = spoken.breaks[bisect_left(spoken.breaks, start) : bisect_right(spoken.breaks, end)]
            breaks = {at - start for at in inside}
            for entry in self._sounds.entries(pattern):
                if {0, end - start} <= breaks <= entry.ends and not any(start + at in spoken.inside for at in entry.ends):
                    yield entry, spoken.origins[start], spoken.origins[end - 1] + 1


class _Cover:
    """Stretches of a text, asked whether one of them covers another."""

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        in_order = sorted(stretches)
        self._starts = [start for start, _ in in_order]
        self._farthest = list(accumulate((end for _, end in in_order), max))

    def has(self, start: int, end: int) -> bool:
        """Whether one of them begins there or before, and ends there or later."""
        before = bisect_right(self._starts, start)
        return before > 0 and self._farthest[before - 1] >= end


def _only_letters(word: str) -> bool:
    """Whether the word is the same without what separators are made of, but for spaces and the dots of foreign names."""
    plain = word.translate(_LETTERS)
    if len(plain) == len(word):
        return True
    dropped = [character for character in word if not _LETTERS[ord(character)]]
    return bool(plain) and all(character in _IN_NAMES or unicodedata.category(character)[0] in "ZCM" for character in dropped)


def _origins(text: str, fold: _Fold) -> list[int]:
    return [at for at, character in enumerate(text) for _ in fold[ord(character)]]


def _cut_out(folded: _Folded, start: int, end: int) -> bool:
    """Whether the match is a piece of a longer word in Latin letters, or of a longer number: sm in small, 64 in 1964."""
    return _goes_on(folded, start) or _goes_on(folded, end)


def _goes_on(folded: _Folded, at: int) -> bool:
    text, origins = folded
    if not 0 < at < len(text) or origins[at] - origins[at - 1] > 1:
        return False
    one, other = text[at - 1], text[at]
    return (one.isdecimal() and other.isdecimal()) or (one.isascii() and other.isascii() and one.isalpha() and other.isalpha())


def _narrow(text: str, variants: Sequence[Variant]) -> str:
    form = wording.folded(text) if "width" in variants else text.casefold()
    if "script" in variants:
        form = "".join(map(wording.simplified, form))
    return "".join(character for character in form if _LETTERS[ord(character)]) if "separators" in variants else form


class _Spoken(NamedTuple):
    text: str
    origins: Sequence[int]
    breaks: Sequence[int]  # where a syllable, or a word in Latin letters, begins or ends
    inside: frozenset[int]  # a syllable of one character: no other ends there


def _spoken(folded: _Folded) -> _Spoken:
    """The text in toneless pinyin; what is written in Latin letters already stays as it is."""
    said: list[str] = []
    origins: list[int] = []
    breaks = [0]
    inside: set[int] = set()
    for at, (character, syllable) in enumerate(zip(folded.text, wording.syllables(folded.text), strict=True)):
        if not (character.isascii() and _goes_on(folded, at)) and breaks[-1] != len(origins):
            breaks.append(len(origins))
        said.append(syllable)
        inside.update(range(len(origins) + 1, len(origins) + len(syllable)))
        origins += [folded.origins[at]] * len(syllable)
    return _Spoken("".join(said), origins, [*breaks, len(origins)], frozenset(inside))


def _sounds(word: str) -> Iterator[tuple[str, frozenset[int]]]:
    """The ways the word may sound, with the places where its syllables end. One syllable alone sounds like too many others."""
    if len(word) > 1:
        for syllables in {wording.syllables(word), tuple(one for character in word for one in wording.syllables(character))}:
            yield "".join(syllables), frozenset(accumulate(map(len, syllables), initial=0))
