"""Warnings about how a file is spelt: full-width signs and blanks that YAML takes for text, though they were not meant as such."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.complaint import Mark
from app.source import Source
from models.config import Location

# Keys whose values are words that followers say, or that name something: none of them is a sentence.
_LISTS = ("triggers", "exact", "contains", "contains_all", "contains_none", "prefix", "tags", "without_tags", "days", "holiday")
_WORDS = frozenset((*_LISTS, "words", "allow", "refuse"))
_TYPED = frozenset(("triggers", "exact", "refuse"))  # what a follower must say to the letter
_NO_SENTENCES = _WORDS | _TYPED | {"choices"}
_SUSPECT = re.compile("[，、,：“‘＂！!。．.；;~～…?？　\xa0\u200b-\u200f\u2060]|^ | $|^(?:yes|no|on|off|是|否)$", re.IGNORECASE)
_ODD = re.compile("[a-z_]：|^[“‘＂]|^(?:yes|no|on|off|是|否)$", re.IGNORECASE)  # of a text that is no word: sentences have commas
_COMMA = re.compile("，|、|, ")
_COLON = re.compile("(?:^| )([a-z_]{2,30})(：)")
_QUOTES = {"“": "”", "‘": "’", "＂": "＂"}
_AT_THE_END = "！!。．.，,；;~～…?？"
_INVISIBLE = re.compile("[\xa0\u200b-\u200f\u2060]")
_BOOL = {"yes": "true", "on": "true", "是": "true", "no": "false", "off": "false", "否": "false"}
_CUT = re.compile(r" #(?=[0-9]|[^\s#]+#)")

_Suspect = tuple[Location, str, str, Sequence[Any]]  # a text, its key, and the list that it is in
_Told = tuple[int | Mark, str, str, str]  # the place (or how many characters behind the beginning it is), Chinese, English, code


class _Text:
    """One text of the file: its value, how it is written and under which key."""

    def __init__(self, source: Source, suspect: _Suspect, known: Callable[[str], bool]) -> None:
        self.location, self.key, self.value, self.beside = suspect
        self.known, location, value = known, suspect[0], suspect[2]
        _, (self.row, self.column) = source.places[location]
        line = source.lines[self.row - 1]
        self.rest = line[self.column - 1 :]
        self.plain = self.rest[:1] not in ('"', "'", "|", ">")
        self.one_line = self.plain and self.rest.startswith(value)  # then the value's characters are the line's
        self._lines = source.lines

    def find(self, words: str, behind: int) -> Mark | int:
        """The place so many characters behind where these words stand in a text of several lines."""
        for row, line in enumerate(self._lines[self.row - 1 :], self.row):
            column = line.find(words, self.column - 1 if row == self.row else 0)
            if column >= 0:
                return row, column + behind + 1
        return 0


def spelt(source: Source, known: Callable[[str], bool]) -> Iterator[tuple[Location, Mark, str, str, str]]:
    """Location, mark, Chinese, English and code of each warning. `known`: whether a key of that name exists."""
    if not source.parsed:
        return
    cut = {row for row, line in enumerate(source.lines, 1) if " #" in line and _CUT.search(line)}
    for suspect in _suspects(source, cut):
        text = _Text(source, suspect, known)
        for case in _CASES:
            if told := case(text):
                place, *said = told
                yield suspect[0], place if isinstance(place, tuple) else (text.row, text.column + place), said[0], said[1], said[2]
                break


def _suspects(source: Source, cut: set[int]) -> list[_Suspect]:
    """The texts that are worth a look: most are not."""
    found: list[_Suspect] = []

    def walk(value: Any, location: Location, key: str, beside: Sequence[Any] = ()) -> None:
        if isinstance(value, str):
            odd = (_SUSPECT if key in _NO_SENTENCES else _ODD).search(value) is not None
            place = source.places.get(location) if cut or odd else None  # none: included from another file
            if place and (odd or place[1][0] in cut):
                found.append((location, key, value, beside))
        elif isinstance(value, dict):
            for name, child in value.items():
                walk(child, (*location, name), str(name))
        elif isinstance(value, list):
            for number, child in enumerate(value):
                walk(child, (*location, number), key, value)

    walk(source.value, (), "")
    return found


def _comma(text: _Text) -> _Told | None:
    alone = text.key == "choices" and len(text.beside) == 1  # a question with one choice
    found = _COMMA.search(text.value) if (alone or text.key in _WORDS) and text.one_line else None
    if found is None or not (text.value[: found.start()] and text.value[found.end() :].strip()):
        return None
    words = ", ".join(filter(None, (word.strip() for word in re.split("[，、,]", text.value))))
    zh = f"“{text.value[:40]}”是一个词，不是几个：分开要用方括号和英文逗号，写成 [{words[:60]}]；确实是一个词就加引号"
    en = f"{text.value[:40]!r} is one word: for several write [{words[:60]}] with ASCII commas; put it in quotes if it is one"
    return found.start(), zh, en, "YZ601"


def _colon(text: _Text) -> _Told | None:
    found = _COLON.search(text.value) if text.plain else None
    if found is None or not text.known(found[1]):
        return None
    zh = f"“{found[1]}：”在这里是文字的一部分；如果是键，请另起一行，写成 “{found[1]}: ”；如果就是文字，请加引号"
    en = f"“{found[1]}：” is part of the text here; if it is a key, write `{found[1]}: ` on a line of its own, else put the text in quotes"
    return found.start(2) if text.one_line else text.find(found[1] + found[2], len(found[1])), zh, en, "YZ602"


def _cut_short(text: _Text) -> _Told | None:
    found = _CUT.match(text.rest, len(text.value)) if text.one_line else None
    if found is None:
        return None
    zh = "从 # 起都算注释，粉丝看不到；# 是文字的话，请整句加引号"
    return found.start() + 1, zh, "what follows the # is a comment and not part of the text; put all of it in quotes if it is", "YZ603"


def _punctuated(text: _Text) -> _Told | None:
    bare = text.value.rstrip(_AT_THE_END + " ")
    if text.key not in _TYPED or not bare or bare == text.value or bare in text.beside:
        return None
    zh = f"粉丝多半不会打“{text.value[len(bare) :]}”，说“{bare}”就不算；请去掉标点，或者把两种都写上"
    en = f"few followers will type the {text.value[len(bare) :]!r}, and {bare!r} is another word; leave it out or write both"
    return 0, zh, en, "YZ604"


def _quoted(text: _Text) -> _Told | None:
    if not text.plain or len(text.value) < 2 or _QUOTES.get(text.value[0]) != text.value[-1]:
        return None
    zh = '中文引号是文字的一部分，粉丝会看到；YAML 的引号是英文半角的 "…"'
    return 0, zh, 'these quotation marks are part of the text; those of YAML are ASCII: "…"', "YZ605"


def _blank(text: _Text) -> _Told | None:
    if text.key not in _WORDS or text.rest[:1] in ("|", ">"):
        return None
    if text.value != text.value.strip():
        zh = "这个词的前面或后面有空格，粉丝说的话里多半没有；请删掉空格"
        return 0, zh, "there is a blank before or behind this word, which few followers will type; delete it", "YZ606"
    if found := _INVISIBLE.search(text.value):
        code = f"U+{ord(found[0]):04X}"
        zh = f"这个词里有一个看不见的字符（{code}）；请删掉这个词，重新输入"
        return found.start() if text.one_line else 0, zh, f"there is an invisible character ({code}) in this word; type it anew", "YZ606"
    return None


def _yes_or_no(text: _Text) -> _Told | None:
    meant = _BOOL.get(text.value.lower())
    if meant is None or not text.plain or text.key in _WORDS or not isinstance(text.location[-1], str):
        return None
    zh = f"{text.value} 在这里是文字，不是“是”或“否”；要开关请写 {meant}，要文字请加引号"
    return 0, zh, f"{text.value} is a text here; write {meant}, or put it in quotes if it is meant as a text", "YZ607"


_CASES: tuple[Callable[[_Text], _Told | None], ...] = (_quoted, _comma, _colon, _cut_short, _blank, _punctuated, _yes_or_no)
