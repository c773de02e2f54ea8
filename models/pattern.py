"""Regular expressions in RE2's syntax: whether any text that a follower can send could match, and what every match must contain.

They are read with Python's own parser, which knows the same syntax but for a few spellings; a pattern with one of these is not judged.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 2048  # characters of a text that the platform delivers
_MOST_GROUPS = 150  # deeper ones would need a deeper stack than ours
# What RE2 and Python read differently, or what Python warns of: {,5}, [[:alpha:]], sets that may become operators.
_ELSEWHERE = re.compile(r"\{,|\[\[|\[:|&&|\|\||~~|--")

Ranges = list[tuple[int, int]]  # code points, both ends included
_LAST = 0x10FFFF
_WORD: Ranges = [(48, 57), (65, 90), (95, 95), (97, 122)]
_DIGIT: Ranges = [(48, 57)]
_BLANK: Ranges = [(9, 10), (12, 13), (32, 32)]  # RE2's \s
_NEWLINE: Ranges = [(10, 10)]
# What str.strip takes away but for the newline: no text begins or ends with it.
_SPACE: Ranges = [
    *((9, 9), (11, 13), (28, 32), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680)),
    *((0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
]
_CATEGORY = {op.CATEGORY_DIGIT: _DIGIT, op.CATEGORY_SPACE: _BLANK, op.CATEGORY_WORD: _WORD}
_NOT_CATEGORY = {op.CATEGORY_NOT_DIGIT: _DIGIT, op.CATEGORY_NOT_SPACE: _BLANK, op.CATEGORY_NOT_WORD: _WORD}

# Kinds of characters that assertions can tell apart, and the two ends of a text.
WORD, NEWLINE, SPACE, OTHER, BEGIN, END = 1, 2, 4, 8, 16, 32
_ANY = WORD | NEWLINE | SPACE | OTHER
_INNER = WORD | OTHER  # what a text begins and ends with


def _complement(ranges: Ranges) -> Ranges:
    left, found = 0, []
    for low, high in sorted(ranges):
        if low > left:
            found.append((left, low - 1))
        left = max(left, high + 1)
    return [*found, (left, _LAST)] if left <= _LAST else found


_OTHER = _complement([*_WORD, *_NEWLINE, *_SPACE])
_KINDS = ((WORD, _WORD), (NEWLINE, _NEWLINE), (SPACE, _SPACE), (OTHER, _OTHER))


def _touches(ranges: Ranges, others: Ranges) -> bool:
    starts = [low for low, _ in others]
    for low, high in ranges:
        before = bisect_right(starts, high) - 1
        if before >= 0 and others[before][1] >= low:
            return True
    return False


def _kinds(ranges: Ranges, flags: int) -> int:
    found = sum(kind for kind, members in _KINDS if _touches(ranges, members))
    # Upper and lower case may lie in two kinds: K is a k too.
    return found | _INNER if flags & re.IGNORECASE and found & _INNER else found


def _set(items: Sequence[tuple[Any, Any]], flags: int) -> int:
    """The kinds of a [set]."""
    ranges: Ranges = []
    for code, value in items:
        if code is op.LITERAL:
            ranges.append((value, value))
        elif code is op.RANGE:
            ranges.append(value)
        elif code is op.CATEGORY:
            ranges += _CATEGORY[value] if value in _CATEGORY else _complement(_NOT_CATEGORY[value])
    return _kinds(_complement(ranges) if items[0][0] is op.NEGATE else ranges, flags)


def parsed(pattern: str) -> Any | None:
    """The pattern as a tree of Python's parser; None where the two dialects may differ."""
    if _ELSEWHERE.search(pattern) or pattern.count("(") > _MOST_GROUPS:
        return None
    try:
        return _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def impossible(pattern: str) -> bool:
    """Whether no text can match: texts are not empty, have no space around them, and at most LONGEST characters."""
    tree = parsed(pattern)
    if tree is None:
        return False
    if tree.getwidth()[0] > LONGEST:
        return True
    machine = _Machine()
    end = machine.sequence(0, tree, tree.state.flags)
    return not machine.leads_to(end)


class _Machine:
    """A Thompson automaton over kinds of characters: it takes at least the texts that the pattern takes, by kinds."""

    def __init__(self) -> None:
        self.moves: list[list[tuple[int, int]]] = [[]]  # (kinds that may come, next state)
        self.skips: list[list[tuple[Callable[[int], int] | None, int]]] = [[]]  # (what must come, given what came before, next state)

    def state(self) -> int:
        self.moves.append([])
        self.skips.append([])
        return len(self.moves) - 1

    def skip(self, start: int, end: int, needs: Callable[[int], int] | None = None) -> None:
        self.skips[start].append((needs, end))

    def sequence(self, start: int, tree: Any, flags: int) -> int:
        for code, value in tree:
            start = self.node(start, code, value, flags)
        return start

    def node(self, start: int, code: Any, value: Any, flags: int) -> int:
        """Adds one part of the pattern. Returns the state behind it."""
        end = self.state()
        if code is op.SUBPATTERN:
            _, on, off, inner = value
            self.skip(self.sequence(start, inner, (flags | on) & ~off), end)
        elif code is op.BRANCH:
            for branch in value[1]:
                self.skip(self.sequence(start, branch, flags), end)
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT):
            self._repeat(start, end, value, flags)
        elif code is op.AT:
            self.skip(start, end, _assertion(value, flags))
        else:
            self.moves[start].append((_character(code, value, flags), end))
        return end

    def _repeat(self, start: int, end: int, value: Any, flags: int) -> None:
        """Once or more, and not at all where that is allowed: more texts than the counts would take, never fewer."""
        least, most, inner = value
        if least == 0:
            self.skip(start, end)
        if most:
            first = self.state()
            self.skip(start, first)
            last = self.sequence(first, inner, flags)
            self.skip(last, end)
            if most > 1:
                self.skip(last, first)

    def leads_to(self, end: int) -> bool:
        """Whether some text gets there."""
        everything = _ANY | END
        todo = [(0, BEGIN, _INNER), *((0, kind, everything) for kind in (WORD, NEWLINE, SPACE, OTHER))]  # a match may begin anywhere
        seen = set(todo)
        while todo:
            state, before, coming = todo.pop()
            if state == end and _may_go_on(before, coming):
                return True
            for after in self._after(state, before, coming):
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return False

    def _after(self, state: int, before: int, coming: int) -> Iterator[tuple[int, int, int]]:
        for needs, following in self.skips[state]:
            left = coming & needs(before) if needs else coming
            if left:
                yield following, before, left
        for kinds, following in self.moves[state]:
            for kind in (WORD, NEWLINE, SPACE, OTHER):
                if kinds & kind & coming:
                    yield following, kind, _ANY | END


def _may_go_on(before: int, coming: int) -> bool:
    """Whether a text may end here, or go on in some way."""
    return bool(coming & _ANY) or before in (WORD, OTHER)


def _character(code: Any, value: Any, flags: int) -> int:
    if code is op.ANY:
        return _ANY if flags & re.DOTALL else _ANY & ~NEWLINE
    if code is op.LITERAL:
        return _kinds([(value, value)], flags)
    if code is op.NOT_LITERAL:
        return _kinds(_complement([(value, value)]), flags)
    return _set(value, flags) if code is op.IN else _ANY


def _assertion(at: Any, flags: int) -> Callable[[int], int] | None:
    """What may come next, given what came before."""
    lines = flags & re.MULTILINE
    if at in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
        begins = BEGIN | NEWLINE if lines and at is op.AT_BEGINNING else BEGIN
        return lambda before: _ANY | END if before & begins else 0
    if at in (op.AT_END, op.AT_END_STRING):
        return lambda before: END | NEWLINE if lines and at is op.AT_END else END
    if at is op.AT_BOUNDARY:
        return lambda before: (_ANY | END) & ~WORD if before == WORD else WORD
    return lambda before: WORD if before == WORD else (_ANY | END) & ~WORD


def certain(pattern: str) -> tuple[str, list[str]]:
    """What every text that matches begins with ('' where that is open), and pieces that stand in each of them."""
    tree = parsed(pattern)
    if tree is None or tree.state.flags & re.IGNORECASE:
        return "", []
    runs: list[str] = [""]
    anchored = len(tree) > 0 and tree[0][0] is op.AT and tree[0][1] in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
    lines = tree.state.flags & re.MULTILINE and anchored and tree[0][1] is op.AT_BEGINNING
    _collect(tree[1:] if anchored else tree, runs)
    return (runs[0] if anchored and not lines else ""), [run for run in runs if run]


def _collect(tree: Any, runs: list[str]) -> None:
    """Appends to the last run while the characters are certain; begins a new one where they are not."""
    for code, value in tree:
        if code is op.LITERAL:
            runs[-1] += chr(value)
        elif code is op.SUBPATTERN and not value[1] & re.IGNORECASE:
            _collect(value[3], runs)
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT) and value[0] >= 1:
            _collect(value[2], runs)
            runs.append("")
        elif code is not op.AT:
            runs.append("")
