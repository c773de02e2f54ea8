"""YAML 1.2 as plain values, with the place of every key and value, and every error of the file at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import yaml

from app.source import Source, mark_of, secret_name
from app.yaml_faults import explain
from models.config import Location

MOST_BYTES = 4 * 1024 * 1024
MOST_NODES = 400_000
DEEPEST = 20
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
            self.source.complain(mark_of(event), zh, en)
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
            here, mark = (*path, len(items)), mark_of(event)
            self.places[here] = (mark, mark)
            items.append(self._node(event, here, depth + 1))
        return items

    def _mapping(self, path: Location, depth: int) -> dict[Any, Any]:
        value: dict[Any, Any] = {}
        lines: dict[str, int] = {}
        while type(event := self.next()) is not yaml.MappingEndEvent:
            mark, key = mark_of(event), self._key(event, path, depth)
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
            self.places[here] = (mark, mark_of(event))
            value[key] = self._node(event, here, depth + 1)
        return value

    def _key(self, event: Any, path: Location, depth: int) -> str | int | None:
        """The key; None where it cannot be one (which has been complained about)."""
        if type(event) is not yaml.ScalarEvent:
            self._node(event, (*path, "?"), depth + 1)
            zh = '键只能是文字；如果这是以 { 或 [ 开头的文字，请整句加引号，例如 reply: "{name}，你好"'
            self.source.complain(mark_of(event), zh, "a key must be text; if this is text that begins with { or [, put all of it in quotes")
            return None
        if event.value == "<<" and _plain(event):
            zh, en = "不支持 << 合并；请把内容照写一遍", "merge keys << are not supported; write the keys out"
            self.source.complain(mark_of(event), zh, en)
            return None
        key = self._scalar(event, path)
        if isinstance(key, bool | float) or key is None:
            name = _quoted(event.value, path)
            zh, en = f'键只能是文字；请加引号："{name}"', f'a key must be text; write it in quotes: "{name}"'
            self.source.complain(mark_of(event), zh, en)
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
        if event.style == '"' and UNPRINTABLE.search(text):  # by an escape such as \0
            zh = "这段文字里有控制字符（双引号里的 \\ 有特殊含义）；要写反斜杠请写 \\\\"
            self.source.complain(mark_of(event), zh, "this text has a control character in it; for a backslash write \\\\")
            return UNPRINTABLE.sub(" ", text)
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


def _secret(path: Location) -> bool:
    """Whether a value or a key at this place is hidden: below a secret's name at the top, or anywhere in the account."""
    return bool(path) and any(map(secret_name, path if path[0] == "account" else path[:1]))


def _quoted(text: str, path: Location) -> str:
    return "…" if _secret(path) else text[:40]


def _plain(event: Any) -> bool:
    return not event.style  # the C parser says "", the other None
