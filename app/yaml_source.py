"""YAML 1.2 as plain values, with the place of every key and value, and every error of the file at once."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any

import yaml

from models.config import Location

Mark = tuple[int, int]  # line and column, both counted from 1; columns count characters

MOST_BYTES = 4 * 1024 * 1024
MOST_NODES = 400_000
DEEPEST = 20
_MOST_TOLD = 1000  # complaints of one file
_LONGEST_LINE = 1000  # that is shown below a complaint
_FIRST_FEW = 20  # of one kind of flaw: a binary file should not print a page of control characters

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
_PLAIN_NUMBER_OR_CLOCK = frozenset("+-.0123456789")
_LONGEST_NUMBER = 18  # digits: longer ones are ids, and Python itself gives up at 4,300
# What YAML forbids, and the three breaks that YAML 1.1 counts as lines and no editor does.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SECRET = re.compile(r"secret|token|passw|aes_?key|密钥|密码|口令|令牌", re.IGNORECASE)
_SECRET_NAMES = ("app_secret", "appsecret", "secret", "token", "encoding_aes_key", "encodingaeskey", "aes_key", "password")
_SECRET_LINE = re.compile(rf"((?:^|[{{,])[\s-]*[\"']?[\w.-]*(?:{_SECRET.pattern})[\w.-]*[\"']?\s*[:：=]).*$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"://\S*@")


@lru_cache(maxsize=4096)
def secret_name(key: object) -> bool:
    """Whether a key is named like something that must not stand in a file, misspelt names too."""
    if not isinstance(key, str) or len(key) > 40:
        return False
    return _SECRET.search(key) is not None or bool(get_close_matches(key.lower(), _SECRET_NAMES, 1, 0.8))


@dataclass(frozen=True, order=True)
class Complaint:
    """One thing to change in one file. Line 0: about the file (or the environment variable) as a whole."""

    file: str
    line: int
    column: int
    zh: str
    en: str
    line_text: str = ""

    def render(self, lang: str = "zh", caret: bool = False) -> str:
        """`config.yaml:42:7: what is wrong, and what to write`, below it the line and a caret where asked for."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        said = f"{where}: {self.en if lang == 'en' else self.zh}"
        if not (caret and self.line_text.strip()):
            return said
        before = self.line_text[: self.column - 1].ljust(self.column - 1)  # the line may have been cut short to hide a secret
        return f"{said}\n  {self.line_text}\n  {''.join(map(_blank, before))}^"


def _blank(character: str) -> str:
    """As wide as the character is on a terminal, so that the caret stands below Chinese text too."""
    if character == "\t":
        return "\t"
    return "" if unicodedata.combining(character) else "  " if unicodedata.east_asian_width(character) in "WF" else " "


@dataclass
class Source:
    """One file: its plain value, the place of every key and value in it, and what is wrong with it as YAML.

    `places` maps a location to (key mark, value mark); a list item has no key, both marks are its own. `parsed` is False where the
    file is no YAML at all: then `value` is None. Otherwise the value is there beside the complaints, for further checks.
    """

    name: str
    lines: list[str] = field(default_factory=list)
    value: Any = None
    places: dict[Location, tuple[Mark, Mark]] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    parsed: bool = False
    hidden: dict[int, int] = field(default_factory=dict)  # lines that hold a secret, and the column where it begins
    flawed: set[Mark] = field(default_factory=set)  # where there is a complaint already

    def complain(self, mark: Mark, zh: str, en: str) -> None:
        """The complaint is added. No secret may be in its words; its line is cleaned when it is sealed."""
        self.complaints.append(Complaint(self.name, *mark, zh, en))
        self.flawed.add(mark)

    def sealed(self) -> list[Complaint]:
        """The complaints in the order of the file, each with its line, no secret in any of them."""
        found = sorted(set(self.complaints))
        told = [replace(complaint, line_text=self._shown(complaint.line)) for complaint in found[:_MOST_TOLD]]
        if more := found[_MOST_TOLD:]:
            zh, en = f"从这里起还有 {len(more)} 处错误没有列出", f"{len(more)} more errors from here on are not listed"
            told.append(Complaint(self.name, more[0].line, more[0].column, zh, en))
        return told

    def hide(self, event: Any) -> None:
        """The lines of this scalar are never shown, from where it begins."""
        line, column = _mark(event)
        self.hidden[line] = min(column, self.hidden.get(line, column))
        self.hidden.update(dict.fromkeys(range(line + 1, event.end_mark.line + 2), 1))

    def _shown(self, line: int) -> str:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if len(text) > _LONGEST_LINE:
            return ""
        if line in self.hidden:
            text = text[: self.hidden[line] - 1] + "***"
        return _URL_PASSWORD.sub("://***@", _SECRET_LINE.sub(r"\1 ***", text))


def parse(data: bytes, name: str) -> Source:
    """The file as a Source, with every complaint that can be had at once. Raises nothing, whatever the bytes are."""
    source = Source(name)
    text = _text(data, source)
    if text is not None:
        source.lines = _LINE_END.split(text)
        _Reader(source, text).read()
    return source


def _text(data: bytes, source: Source) -> str | None:
    if len(data) > MOST_BYTES:
        source.complain((1, 1), "文件超过 4 MB；请拆成几个文件，用 include 引入", "the file is larger than 4 MB; split it and use include")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Bytes before the first bad one are sound, so its line and column can be told.
        good = _LINE_END.split(data[: error.start].decode("utf-8-sig", "replace"))
        source.complain(
            (len(good), len(good[-1]) + 1),
            "文件不是 UTF-8 编码（可能是 GBK 或“ANSI”）；请在编辑器里“另存为”，编码选 UTF-8",
            "the file is not UTF-8 (GBK perhaps); save it again with the encoding UTF-8",
        )
        return None
    return _printable(text, source)


def _printable(text: str, source: Source) -> str:
    for count, found in enumerate(_UNPRINTABLE.finditer(text)):
        if count == _FIRST_FEW:
            break
        before = _LINE_END.split(text[: found.start()])
        code = f"U+{ord(found[0]):04X}"
        zh = f"这里有一个看不见的控制字符（{code}）；请删掉它，重新输入这一行"
        source.complain((len(before), len(before[-1]) + 1), zh, f"there is an invisible control character ({code}) here; delete it")
    return _UNPRINTABLE.sub(" ", text)  # as wide as before: the other errors of the file keep their places


class _Stop(Exception):
    """Nothing after this place is worth reading."""


class _Reader:
    """Builds the value from the parser's events in one pass."""

    def __init__(self, source: Source, text: str) -> None:
        self.source, self.places = source, source.places
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.next = partial(next, self.events)
        self.nodes = 0
        self.last: Any = None  # the scalar read last: an unclosed quote shows itself only after it

    def read(self) -> None:
        source = self.source
        try:
            source.value = self._documents()
            source.parsed = True
        except _Stop:
            pass
        except yaml.MarkedYAMLError as error:
            source.complain(*explain(error, source.lines, self.last))
        except (yaml.YAMLError, ValueError) as error:  # the reader's own, which _text should have caught before
            source.complain((1, 1), f"不是有效的 YAML：{error}", f"not valid YAML: {error}")

    def _documents(self) -> Any:
        self.next()  # the stream begins
        if isinstance(self.next(), yaml.StreamEndEvent):
            self.source.complain((1, 1), "文件是空的；至少要写一个“键: 值”", "the file is empty; write at least one `key: value`")
            raise _Stop
        value = self._node(self.next(), (), 0)
        self.next()  # the document ends
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            zh, en = "一个文件里只能有一份配置；请删掉分隔线 ---", "one file holds one document; delete the line ---"
            self.source.complain(_mark(event), zh, en)
        return value

    def _node(self, event: Any, path: Location, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._stop(event, f"文件里的条目超过 {MOST_NODES} 个", f"the file has more than {MOST_NODES} entries")
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._scalar(event, path)
        if kind is yaml.AliasEvent:
            self._no_anchor(event, "*")
            return None
        self._no_extras(event)
        if depth >= DEEPEST:
            self._stop(event, f"嵌套超过 {DEEPEST} 层", f"nested deeper than {DEEPEST} levels")
        return self._mapping(path, depth) if kind is yaml.MappingStartEvent else self._sequence(path, depth)

    def _sequence(self, path: Location, depth: int) -> list[Any]:
        items: list[Any] = []
        while type(event := self.next()) is not yaml.SequenceEndEvent:
            here, mark = (*path, len(items)), _mark(event)
            self.places[here] = (mark, mark)
            items.append(self._node(event, here, depth + 1))
        return items

    def _mapping(self, path: Location, depth: int) -> dict[Any, Any]:
        value: dict[Any, Any] = {}
        lines: dict[str, int] = {}
        while type(event := self.next()) is not yaml.MappingEndEvent:
            mark, key = _mark(event), self._key(event, path, depth)
            event = self.next()
            if key is None:
                self._node(event, (*path, "?"), depth + 1)
                continue
            if first := lines.get(str(key)):  # 7 and "7" would be one key of a table of numbers
                name = _quoted(str(key), path)
                zh = f"“{name}” 写了两次（第 {first} 行和第 {mark[0]} 行）；请合并成一处"
                self.source.complain(mark, zh, f"duplicate key “{name}” (lines {first} and {mark[0]}); keep one of them")
            lines.setdefault(str(key), mark[0])
            here = (*path, key)
            self.places[here] = (mark, _mark(event))
            value[key] = self._node(event, here, depth + 1)
        return value

    def _key(self, event: Any, path: Location, depth: int) -> str | int | None:
        """The key; None where it cannot be one (which has been complained about)."""
        if type(event) is not yaml.ScalarEvent:
            self._node(event, (*path, "?"), depth + 1)
            zh = '键只能是文字；如果这是以 { 或 [ 开头的文字，请整句加引号，例如 reply: "{name}，你好"'
            self.source.complain(_mark(event), zh, "a key must be text; if this is text that begins with { or [, put all of it in quotes")
            return None
        if event.value == "<<" and _plain(event):
            zh, en = "不支持 << 合并；请把内容照写一遍", "merge keys << are not supported; write the keys out"
            self.source.complain(_mark(event), zh, en)
            return None
        key = self._scalar(event, path)
        if isinstance(key, bool | float) or key is None:
            name = _quoted(event.value, path)
            zh, en = f'键只能是文字；请加引号："{name}"', f'a key must be text; write it in quotes: "{name}"'
            self.source.complain(_mark(event), zh, en)
            return str(event.value) or None
        return key

    def _scalar(self, event: Any, path: Location) -> str | int | float | bool | None:
        self.last = event
        if event.anchor is not None or event.tag is not None:
            self._no_extras(event)
        text: str = event.value
        if _secret(path):
            self.source.hide(event)
        if _plain(event):
            return self._resolved(text, event, path)
        if event.style == '"' and _UNPRINTABLE.search(text):  # by an escape such as \0
            zh = "这段文字里有控制字符（双引号里的 \\ 有特殊含义）；要写反斜杠请写 \\\\"
            self.source.complain(_mark(event), zh, "this text has a control character in it; for a backslash write \\\\")
            return _UNPRINTABLE.sub(" ", text)
        return text

    def _resolved(self, text: str, event: Any, path: Location) -> str | int | float | bool | None:
        """A plain scalar by the core schema of YAML 1.2, and nothing that would silently become another value."""
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if text[0] not in _PLAIN_NUMBER_OR_CLOCK:
            return text
        shown = _quoted(text, path)
        if _CLOCK.fullmatch(text):
            zh, en = f'时间要写在引号里："{shown}"', f'a time must be written in quotes: "{shown}"'
        elif _LEADING_ZERO.match(text) and (_INT.fullmatch(text) or _FLOAT.fullmatch(text)):
            zh, en = f'以 0 开头的数字会丢掉 0；请加引号："{shown}"', f'this number would lose its zero; write it in quotes: "{shown}"'
        elif _INT.fullmatch(text):
            if len(text) <= _LONGEST_NUMBER:
                return int(text)
            zh, en = f'数字太长；如果是编号请加引号："{shown}"', f'too long for a number; if it is an id, quote it: "{shown}"'
        else:
            number = float(text) if _FLOAT.fullmatch(text) else math.inf
            return number if math.isfinite(number) else text
        self.source.complain(_mark(event), zh, en)
        return text  # what was meant: no second complaint about a wrong type

    def _no_extras(self, event: Any) -> None:
        if event.anchor is not None:
            self._no_anchor(event, "&")
        if event.tag is not None:
            zh = "不支持 ! 标签；如果这是文字，请整句加引号"
            self.source.complain(_mark(event), zh, "tags (!) are not supported; if this is text, put all of it in quotes")

    def _no_anchor(self, event: Any, sign: str) -> None:
        zh = f"不支持锚点和别名（& 和 *）；请把内容照写一遍，如果这是以 {sign} 开头的文字，请整句加引号"
        en = f"anchors and aliases (& and *) are not supported; write it out, or quote it if it is text that begins with {sign}"
        self.source.complain(_mark(event), zh, en)

    def _stop(self, event: Any, zh: str, en: str) -> None:
        self.source.complain(_mark(event), zh, en)
        raise _Stop


def _secret(path: Location) -> bool:
    """Whether a value or a key at this place is hidden: below a secret's name at the top, or anywhere in the account."""
    return bool(path) and any(map(secret_name, path if path[0] == "account" else path[:1]))


def _quoted(text: str, path: Location) -> str:
    return "…" if _secret(path) else text[:40]


def _plain(event: Any) -> bool:
    return not event.style  # the C parser says "", the other None


def _mark(event: Any) -> Mark:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


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
_BARE_KEY = re.compile(r"\s*(?:-\s+)*[^:]+")


def explain(error: yaml.MarkedYAMLError, lines: list[str], last: Any) -> _Said:
    """A syntax error in an operator's words: where to look, what is wrong and what to write (Chinese, English).

    The parser often notices an error far behind the place where it was made; the place told is the latter where it can be known.
    """
    at, began = _at(error.problem_mark, lines), _at(error.context_mark, lines)
    fault = _Fault(error.problem or "", error.context or "", at, began, lines, last)
    for case in (_tab, _quote, _sign, _no_colon, _colon, _bracket, _indent):
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


def _tab(fault: _Fault) -> _Said | None:
    if not fault.after(fault.at).startswith("\t") and "tab character" not in fault.problem:
        return None
    zh = "缩进不能用 Tab；请把 Tab 换成空格（每层两个空格）"
    return fault.at, zh, "a tab is used for indentation; write spaces (two for each level)"


def _quote(fault: _Fault) -> _Said | None:
    if "escape" in fault.problem or ("quoted" in fault.context and "hexdecimal" in fault.problem):
        zh = "双引号里的 \\ 有特殊含义；请写成 \\\\，或把双引号换成单引号"
        return fault.at, zh, "in double quotes \\ is special; write \\\\ or use single quotes"
    last = fault.last
    if "a quoted scalar" in fault.context:
        opened = fault.began
    elif last is not None and last.style in ('"', "'") and last.end_mark.line == fault.at[0] - 1 and "expected" in fault.problem:
        if last.start_mark.line == last.end_mark.line:
            return None
        opened = _mark(last)  # it was closed by the next quotation mark in the file, which belongs to another text
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
