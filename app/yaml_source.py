"""YAML 1.2 as plain values, with the place of every key and value, and every error of the file at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import yaml

from app.complaint import Mark
from app.places import Branch, Leaf, branch_of
from app.source import Source, mark_of, secret_name
from app.yaml_faults import explain

MOST_BYTES = 4 * 1024 * 1024
MOST_NODES = 400_000
DEEPEST = 30
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
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n|\r|\n")
# A comment that takes a warning back: `# 忽略 YZ104：早晚两条故意重叠`.
SILENCE = re.compile(
    r"(?:(?<=\s)|^)#\s*(?:忽略|ignore)[:：\s]*(?P<codes>YZ[0-9]{3}(?:[\s,，、]+YZ[0-9]{3})*)[\s:：,，]*(?P<reason>[^#]*)", re.IGNORECASE
)


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
    for count, found in enumerate(UNPRINTABLE.finditer(text)):
        if count == _FIRST_FEW:
            break
        before = _LINE_END.split(text[: found.start()])
        code = f"U+{ord(found[0]):04X}"
        zh = f"这里有一个看不见的控制字符（{code}）；请删掉它，重新输入这一行"
        source.complain((len(before), len(before[-1]) + 1), zh, f"there is an invisible control character ({code}) here; delete it")
    return UNPRINTABLE.sub(" ", text)  # as wide as before: the other errors of the file keep their places


_TOP, _PLAIN, _ACCOUNT, _HIDDEN = range(4)  # where in the file something is, as far as secrets go


class _Stop(Exception):
    """Nothing after this place is worth reading."""


class _Reader:
    """Builds the value from the parser's events in one pass."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.branch: Branch | None = None  # the places in the container that was read last
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.next = partial(next, self.events)
        self.nodes = 0
        self.keys: dict[str, str] = {}  # plain ones that were read before: most keys are written again and again
        if SILENCE.search(text):
            source.texts = []
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
        value = self._node(self.next(), _TOP, 0)
        self.source.places.root = self.branch or []
        self.next()  # the document ends
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            zh, en = "一个文件里只能有一份配置；请删掉分隔线 ---", "one file holds one document; delete the line ---"
            self.source.complain(mark_of(event), zh, en)
            self.source.whole = False
        return value

    def _node(self, event: Any, within: int, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._stop(event, f"文件里的条目超过 {MOST_NODES} 个", f"the file has more than {MOST_NODES} entries")
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self.branch = None
            return self._scalar(event, within)
        if kind is yaml.AliasEvent:
            self._no_anchor(event, "*")
            self.branch = None
            return None
        self._no_extras(event)
        if depth >= DEEPEST:
            self._stop(event, f"嵌套超过 {DEEPEST} 层", f"nested deeper than {DEEPEST} levels")
        return self._mapping(within, depth) if kind is yaml.MappingStartEvent else self._sequence(within, depth)

    def _sequence(self, within: int, depth: int) -> list[Any]:
        items: list[Any] = []
        leaves: list[Leaf] = []
        while type(event := self.next()) is not yaml.SequenceEndEvent:
            mark = event.start_mark
            line, column = mark.line, mark.column
            item = self._node(event, within or _PLAIN, depth + 1)
            leaves.append((len(items), line, column, line, column, self.branch))
            items.append(item)
        self.branch = leaves
        return items

    def _mapping(self, within: int, depth: int) -> dict[Any, Any]:
        value: dict[Any, Any] = {}
        lines: dict[str, int] = {}
        leaves: list[Leaf] = []
        while type(event := self.next()) is not yaml.MappingEndEvent:
            begins, key = event.start_mark, self._key(event, within, depth)
            event = self.next()
            if key is None:
                self._node(event, within or _PLAIN, depth + 1)
                continue
            row, name = begins.line, key if type(key) is str else str(key)
            if name in lines:  # 7 and "7" would be one key of a table of numbers
                self._twice(name, within, lines[name] + 1, (row + 1, begins.column + 1))
            else:
                lines[name] = row
            mark = event.start_mark
            line, column = mark.line, mark.column
            if depth == 0:  # should its value be no YAML, its place is known
                self.source.places.root = [*leaves, (key, row, begins.column, line, column, None)]
            value[key] = self._node(event, within if within == _PLAIN else _inside(within, key), depth + 1)
            leaves.append((key, row, begins.column, line, column, self.branch))
        self.branch = branch_of(leaves)
        return value

    def _twice(self, name: str, within: int, first: int, mark: Mark) -> None:
        shown = _quoted(name, within)
        zh = f"“{shown}” 写了两次（第 {first} 行和第 {mark[0]} 行）；请合并成一处"
        self.source.complain(mark, zh, f"duplicate key “{shown}” (lines {first} and {mark[0]}); keep one of them")

    def _key(self, event: Any, within: int, depth: int) -> str | int | None:
        """The key; None where it cannot be one (which has been complained about)."""
        if (known := self.keys.get(event.value) if type(event) is yaml.ScalarEvent and within == _PLAIN else None) and _bare(event):
            self.last = event
            if self.source.texts is not None:
                self.source.texts.append(_extent(event))
            return known
        if type(event) is not yaml.ScalarEvent:
            self._node(event, within or _PLAIN, depth + 1)
            zh = '键只能是文字；如果这是以 { 或 [ 开头的文字，请整句加引号，例如 reply: "{name}，你好"'
            self.source.complain(mark_of(event), zh, "a key must be text; if this is text that begins with { or [, put all of it in quotes")
            return None
        if event.value == "<<" and _plain(event):
            zh, en = "不支持 << 合并；请把内容照写一遍", "merge keys << are not supported; write the keys out"
            self.source.complain(mark_of(event), zh, en)
            return None
        key = self._scalar(event, within)
        if isinstance(key, bool | float) or key is None:
            name = _quoted(event.value, within)
            zh, en = f'键只能是文字；请加引号："{name}"', f'a key must be text; write it in quotes: "{name}"'
            self.source.complain(mark_of(event), zh, en)
            return str(event.value) or None
        if type(key) is str and within == _PLAIN and _bare(event):
            self.keys[key] = key
        return key

    def _scalar(self, event: Any, within: int) -> str | int | float | bool | None:
        self.last = event
        if event.anchor is not None or event.tag is not None:
            self._no_extras(event)
        text: str = event.value
        if self.source.texts is not None:
            self.source.texts.append(_extent(event))
        if within == _HIDDEN:
            self.source.hide(event)
        if _plain(event):
            return self._resolved(text, event, within)
        if event.style == '"' and UNPRINTABLE.search(text):  # by an escape such as \0
            zh = "这段文字里有控制字符（双引号里的 \\ 有特殊含义）；要写反斜杠请写 \\\\"
            self.source.complain(mark_of(event), zh, "this text has a control character in it; for a backslash write \\\\")
            return UNPRINTABLE.sub(" ", text)
        return text

    def _resolved(self, text: str, event: Any, within: int) -> str | int | float | bool | None:
        """A plain scalar by the core schema of YAML 1.2, and nothing that would silently become another value."""
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if text[0] not in _PLAIN_NUMBER_OR_CLOCK:
            return text
        shown = _quoted(text, within)
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
        self.source.complain(mark_of(event), zh, en)
        return text  # what was meant: no second complaint about a wrong type

    def _no_extras(self, event: Any) -> None:
        if event.anchor is not None:
            self._no_anchor(event, "&")
        if event.tag is not None:
            zh = "不支持 ! 标签；如果这是文字，请整句加引号"
            self.source.complain(mark_of(event), zh, "tags (!) are not supported; if this is text, put all of it in quotes")

    def _no_anchor(self, event: Any, sign: str) -> None:
        zh = f"不支持锚点和别名（& 和 *）；请把内容照写一遍，如果这是以 {sign} 开头的文字，请整句加引号"
        en = f"anchors and aliases (& and *) are not supported; write it out, or quote it if it is text that begins with {sign}"
        self.source.complain(mark_of(event), zh, en)

    def _stop(self, event: Any, zh: str, en: str) -> None:
        self.source.complain(mark_of(event), zh, en)
        raise _Stop


def _extent(event: Any) -> tuple[Mark, Mark]:
    """From where to where a scalar goes; behind the sign of a block scalar there may be a comment."""
    end = event.end_mark
    begin = (event.start_mark.line + 2, 1) if event.style in ("|", ">") else mark_of(event)
    return begin, (end.line + 1, end.column + 1)


def _inside(within: int, key: object) -> int:
    """Where a value is whose key is there: hidden is all that is below a secret's name at the top, or anywhere in the account."""
    if within == _TOP and key == "account":
        return _ACCOUNT
    if within in (_TOP, _ACCOUNT):
        return _HIDDEN if secret_name(key) else within or _PLAIN
    return within


def _quoted(text: str, within: int) -> str:
    return "…" if within == _HIDDEN else text[:40]


def _bare(event: Any) -> bool:
    return not event.style and event.anchor is None and event.tag is None


def _plain(event: Any) -> bool:
    return not event.style  # the C parser says "", the other None
