"""Warnings: what a file says that may be meant differently, and the comments in it that silence them in place."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.complaint import Mark
from app.config_document import Document
from app.source import Source
from app.spelling import spelt
from app.yaml_source import SILENCE
from models.config import Location, Problem

_CODES = re.compile(r"YZ[0-9]{3}", re.IGNORECASE)


@dataclass(frozen=True)
class Doubt:
    """A warning that nothing has silenced yet. `lines`: those on which it, or a block that it is in, begins."""

    source: Source
    mark: Mark
    zh: str
    en: str
    code: str
    lines: frozenset[int]


@dataclass(frozen=True)
class _Silence:
    """A comment that takes a warning back for what begins on a line: itself, or the line below where it stands alone."""

    mark: Mark
    line: int
    code: str
    reason: str


def doubt(document: Document, problem: Problem) -> Doubt:
    """The warning at its place in a file."""
    found, _ = document.walk(problem.where)
    source, mark, _ = document.named(found)
    mark = source.find(problem.word, mark) if problem.word else mark
    return Doubt(source, mark, *words(document, problem), problem.code, _lines(source, document.home(found)[1]) | {mark[0]})


def words(document: Document, problem: Problem) -> tuple[str, str]:
    """What to say of it (Chinese, English), with file and line of the other place that it is about."""
    there = document.where(problem.there)
    return (f"{problem.zh}（{there}）", f"{problem.en} ({there})") if there else (problem.zh, problem.en)


def _lines(source: Source, location: Location) -> frozenset[int]:
    marks = (source.places.get(location[:end]) for end in range(1, len(location) + 1))
    return frozenset(key[0] for key, _ in filter(None, marks))


def warn(document: Document, doubts: Sequence[Doubt]) -> None:
    """The document has a warning for each doubt that no comment silences, and for each comment that silences nothing or says not why."""
    sure = not document.flawed()  # of a file with errors nobody knows all that could be said
    for source in document.sources:
        silences = list(_silences(source))
        used: set[_Silence] = set()
        for one in doubts:
            if one.source is source:
                silenced = [silence for silence in silences if silence.code == one.code and silence.line in one.lines]
                used.update(silenced)
                if not silenced:
                    source.warn(one.mark, one.zh, one.en, one.code)
        for silence in silences:
            _judge(source, silence, used=silence in used or not sure)


def _judge(source: Source, silence: _Silence, used: bool) -> None:
    if not silence.reason:
        zh = f"写上为什么忽略，例如 # 忽略 {silence.code}：两条故意重叠"
        source.warn(silence.mark, zh, f"say why, as in `# ignore {silence.code}: they overlap on purpose`", "YZ001")
    if not used:
        zh = f"这里没有 {silence.code} 可以忽略；请把它从这条注释里删掉"
        source.warn(silence.mark, zh, f"there is no {silence.code} here to ignore; take it out of this comment", "YZ002")


def _silences(source: Source) -> Iterator[_Silence]:
    if source.texts is None:
        return
    for row, line in enumerate(source.lines, 1):
        found = SILENCE.search(line)
        if found and not _within(source.texts, (row, found.start() + 1)):
            about = row if line[: found.start()].strip() else _next(source.lines, row)
            for code in dict.fromkeys(code.upper() for code in _CODES.findall(found["codes"])):
                yield _Silence((row, found.start() + 1), about, code, found["reason"].strip())


def _within(texts: Sequence[tuple[Mark, Mark]], mark: Mark) -> bool:
    """Whether the mark lies in one of the scalars, so that its `#` begins no comment."""
    number = bisect(texts, mark, key=lambda text: text[0])
    return number > 0 and mark < texts[number - 1][1]


def _next(lines: Sequence[str], row: int) -> int:
    """The line below that says something."""
    for number in range(row + 1, len(lines) + 1):
        if (said := lines[number - 1].strip()) and not said.startswith("#"):
            return number
    return row


def spelling(sources: Sequence[Source], known: Callable[[str], bool]) -> Iterator[Doubt]:
    """What the spelling of the files gives to think, before anybody knows what they mean. `known`: whether a key of that name exists."""
    for source in sources:
        for location, mark, zh, en, code in spelt(source, known):
            if not {mark, source.places[location][1]} & source.flawed:
                yield Doubt(source, mark, zh, en, code, _lines(source, location) | {mark[0]})
