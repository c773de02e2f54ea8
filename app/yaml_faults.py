"""What the parser says of a syntax error, in an operator's words: where it was made and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from app.complaint import Mark
from app.nearest import NO_BLANK, odd_blank
from app.source import mark_of


@dataclass(frozen=True)
class _Fault:
    """What the parser said of a syntax error: where it noticed, where the thing it was reading began, what it had read before."""

    problem: str
    context: str
    at: Mark
    began: Mark
    lines: list[str]
    last: Any

    def after(self, mark: Mark) -> str:
        return self.lines[mark[0] - 1][mark[1] - 1 :]

    def before(self) -> str:
        return self.lines[self.at[0] - 1][: self.at[1] - 1]


_Said = tuple[Mark, str, str]
_GLUED = re.compile(r"""\s*(?:-\s+)*[^\s:："'{}\[\],#&*!|>@`%]+(?:(：)|(:)(?!//)\S)""")
_ODDLY_INDENTED = re.compile(rf" *({NO_BLANK.pattern})\s*(?:- +)?[a-z_]+:(?:\s|$)")
_BARE_KEY = re.compile(r"\s*(?:-\s+)*[^:]+")


def explain(error: yaml.MarkedYAMLError, lines: list[str], last: Any) -> _Said:
    """A syntax error in an operator's words: where to look, what is wrong and what to write (Chinese, English).

    The parser often notices an error far behind the place where it was made; the place told is the latter where it can be known.
    """
    at, began = _at(error.problem_mark, lines), _at(error.context_mark, lines)
    fault = _Fault(error.problem or "", error.context or "", at, began, lines, last)
    for case in (_odd_blank, _tab, _quote, _sign, _no_colon, _colon, _bracket, _indent):
        if said := case(fault):
            return said
    zh = f"YAML 语法错误（{fault.problem}）；请检查这一行和上一行的引号、缩进和冒号，文字可以整句加引号"
    return at, zh, f"YAML syntax error ({fault.problem}); look at quotes, indentation and colons of this line and the one above"


def _at(mark: Any, lines: list[str]) -> Mark:
    """A parser's mark as ours; the end of the file is the end of its last line that says something."""
    row = min(mark.line, len(lines) - 1) if mark else 0
    column = mark.column if mark else 0
    if row == len(lines) - 1 and not lines[row].strip():
        while row and not lines[row].strip():
            row -= 1
        column = len(lines[row])
    return row + 1, min(column, len(lines[row])) + 1


def _odd_blank(fault: _Fault) -> _Said | None:
    """The first key in front of which stands a blank that is none: the lines below it no longer fit together."""
    for row, line in enumerate(fault.lines[: fault.at[0]], 1):
        if NO_BLANK.search(line) and (found := _ODDLY_INDENTED.match(line)):
            return (row, found.start(1) + 1), *odd_blank(f"U+{ord(found[1]):04X}", in_front=True)
    return None


def _tab(fault: _Fault) -> _Said | None:
    if not fault.after(fault.at).startswith("\t") and "tab character" not in fault.problem:
        return None
    zh = "缩进不能用 Tab；请把 Tab 换成空格（每层两个空格）"
    return fault.at, zh, "a tab is used for indentation; write spaces (two for each level)"


def _quote(fault: _Fault) -> _Said | None:
    if fault.at[0] == fault.began[0] and ("escape" in fault.problem or ("quoted" in fault.context and "hexdecimal" in fault.problem)):
        zh = "双引号里的 \\ 有特殊含义；请写成 \\\\，或把双引号换成单引号"
        return fault.at, zh, "in double quotes \\ is special; write \\\\ or use single quotes"
    last = fault.last
    if "a quoted scalar" in fault.context:
        opened = fault.began
    elif last is not None and last.style in ('"', "'") and last.end_mark.line == fault.at[0] - 1 and "expected" in fault.problem:
        if last.start_mark.line == last.end_mark.line and not ("',' or" in fault.problem and fault.after(fault.at).count(last.style) % 2):
            return None
        opened = mark_of(last)  # it was closed by the next quotation mark in the file, which belongs to another text
    else:
        return None
    zh = "引号没有成对：从这里开始的引号没有结束；请在这段文字的末尾补上引号"
    return opened, zh, "this quotation mark is never closed; put one at the end of the text"


def _sign(fault: _Fault) -> _Said | None:
    if "any token" in fault.problem:
        place = fault.at
    elif any(name in fault.context for name in ("an alias", "an anchor", "a tag", "a directive", "a block scalar")):
        place = fault.began
    elif "undefined tag" in fault.problem or "incompatible" in fault.problem or "directive" in fault.problem:
        place = fault.at
    else:
        return None
    sign = fault.after(place)[:1]
    zh, en = f'文字不能以 {sign} 开头；请整句加引号："{sign}…"', f'text cannot begin with {sign}; put all of it in quotes: "{sign}…"'
    return place, zh, en


def _glued(fault: _Fault, row: int) -> _Said | None:
    """The line's colon, where it is full-width or has no space behind it."""
    found = _GLUED.match(fault.lines[row - 1])
    if found is None:
        return None
    if found[1]:
        zh = "冒号要用英文半角的 “:”，后面加一个空格，例如 name: 示例"
        return (row, found.start(1) + 1), zh, "this is a full-width colon; write an ASCII colon and a space, as in `name: example`"
    zh = "冒号后面要有一个空格，例如 name: 示例"
    return (row, found.start(2) + 1), zh, "a space is missing after the colon, as in `name: example`"


def _bare(place: Mark) -> _Said:
    zh = "这一行没有“键: 值”的冒号；请写成 name: 示例，长文字请整段加引号"
    return place, zh, "this line has no colon; write `key: value`, or put a long text in quotes"


def _no_colon(fault: _Fault) -> _Said | None:
    if "could not find expected ':'" not in fault.problem:
        return None
    return _glued(fault, fault.began[0]) or _bare(fault.began)


def _colon(fault: _Fault) -> _Said | None:
    if "block sequence entries" in fault.problem:
        zh = "列表的 “- ” 要另起一行；如果这是文字，请整句加引号"
        return fault.at, zh, "a list item (`- `) begins on a line of its own; if this is text, put all of it in quotes"
    if "mapping values" not in fault.problem:
        return None
    row = fault.at[0]
    if not _BARE_KEY.fullmatch(fault.before()):
        zh = '文字里有“冒号加空格”；请整句加引号，例如 reply: "电话: 123"'
        return fault.at, zh, 'there is a colon and a space inside the text; put all of it in quotes, as in `reply: "tel: 123"`'
    above = row - 1
    while above and not fault.lines[above - 1].split("#")[0].strip():
        above -= 1
    if above and (said := _glued(fault, above)):
        return said
    indent, indent_above = _indent_of(fault.lines[row - 1]), _indent_of(fault.lines[above - 1]) if above else 0
    if above and indent <= indent_above:
        return _bare((above, indent_above + 1))
    zh = f"缩进不对：上一行（第 {above} 行）已经有值，这一行不能缩进得更深；请与同一层的键对齐"
    return (
        (row, indent + 1),
        zh,
        f"wrong indentation: line {above} has a value already, this line may not be deeper; align it with its level",
    )


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _bracket(fault: _Fault) -> _Said | None:
    if "node content" in fault.problem:
        sign = fault.after(fault.at)[:1]
        zh = f"这里多了 {sign} 或者少了内容；如果这是文字，请整句加引号"
        return fault.at, zh, f"{sign} is one too many here, or something is missing before it; if this is text, put all of it in quotes"
    if "',' or" not in fault.problem:
        return None
    opening = fault.after(fault.began)[:1]
    closing = "]" if opening == "[" else "}"
    place = fault.at if fault.at[0] == fault.began[0] else fault.began
    zh = f"括号没有成对：{opening} 要有 {closing}，中间用英文逗号隔开；如果这是文字，请整句加引号"
    return place, zh, f"{opening} needs {closing}, and commas between the items; if this is text, put all of it in quotes"


def _indent(fault: _Fault) -> _Said | None:
    if "did not find expected" not in fault.problem:
        return None
    before = fault.before()
    if before.strip():
        zh = '引号或括号结束后还有文字；请整句加引号，里面的引号换成「」，例如 reply: "他说「你好」"'
        return fault.at, zh, "there is text behind the closing quote or bracket; put all of it in quotes, other quotes inside"
    spaces = len(before)
    if "'-' indicator" in fault.problem and spaces == fault.began[1] - 1:
        zh = f"这里是列表（从第 {fault.began[0]} 行起），每一项都要以 “- ” 开头；如果是别的键，请检查缩进"
        return (
            fault.at,
            zh,
            f"this is a list (from line {fault.began[0]}): every item begins with `- `; for another key, correct the indentation",
        )
    zh = f"缩进不对：这一行前面有 {spaces} 个空格，上面没有对得上的一层；请与同一层的键对齐"
    return fault.at, zh, f"wrong indentation: {spaces} spaces, which no level above has; align it with the keys of its level"
