"""pydantic's errors as complaints: the wrong branches of unions left out, in the operator's words, at their places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.config_document import Document
from app.config_schema import item_types, like, names_at, schema
from app.nearest import not_one_of
from models.config import Location


@dataclass(frozen=True)
class _Fault:
    """One of pydantic's errors: its location as given, as the value has it, and the parts between."""

    loc: Location
    found: Location
    skipped: tuple[int, ...]
    error: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.error["type"])

    @property
    def ctx(self) -> dict[str, Any]:
        return dict(self.error.get("ctx") or {})


_TEXT, _WHOLE, _NUMBER = ("文字", "text"), ("整数", "a whole number"), ("数字", "a number")
_LIST, _TABLE, _YES_NO = ("列表", "a list"), ("“键: 值”", "`key: value`"), ("true 或 false", "true or false")
_KINDS = {
    **dict.fromkeys(("string_type", "string_sub_type"), _TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _YES_NO),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "dataclass_type", "mapping_type"), _TABLE),
    **dict.fromkeys(("time_type", "time_parsing"), ("时间，例如 \"22:30\"", 'a time, such as "22:30"')),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), ("日期，例如 2026-11-21", "a date, such as 2026-11-21")),
    "none_required": ("空", "nothing"),
}  # fmt: skip
_LIMITS = {
    "greater_than": ("要大于 {gt}", "must be greater than {gt}"),
    "greater_than_equal": ("不能小于 {ge}", "must be {ge} or more"),
    "less_than": ("要小于 {lt}", "must be less than {lt}"),
    "less_than_equal": ("不能大于 {le}", "must be {le} or less"),
    "multiple_of": ("要是 {multiple_of} 的倍数", "must be a multiple of {multiple_of}"),
    "too_short": ("至少要有 {min_length} 项，现在有 {actual_length} 项", "needs {min_length} items at least, has {actual_length}"),
    "too_long": ("最多 {max_length} 项，现在有 {actual_length} 项", "{max_length} items at most, has {actual_length}"),
    "string_too_short": ("至少要有 {min_length} 个字", "needs {min_length} characters at least"),
    "string_too_long": ("最多 {max_length} 个字", "{max_length} characters at most"),
    "string_pattern_mismatch": ("写法不对，要符合 {pattern}", "must match {pattern}"),
    "finite_number": ("要写成普通的数字", "must be a finite number"),
}

_SAYS_YES_OR_NO = ("yes", "no", "on", "off", "true", "false", "y", "n", "是", "否", "开", "关")
_MOST_NAMED = 24  # more names than these are no help on one line


class Faults:
    """pydantic's errors as complaints: the wrong branches of unions left out, in the operator's words, at their places."""

    def __init__(self, document: Document, sections: Sequence[type[Any]]) -> None:
        self.document, self.sections = document, sections

    @cached_property
    def schema(self) -> dict[str, Any]:
        return schema(self.sections)

    def complain(self, errors: Sequence[tuple[Location, dict[str, Any]]]) -> None:
        """The document has a complaint for each of these errors (location, error) that the operator can have meant."""
        faults = [_Fault(loc, *self.document.walk(loc), error) for loc, error in errors]
        kinds: dict[tuple[Location, bool], list[_Fault]] = {}
        missing: dict[Location, list[str]] = {}
        for fault in _likely(faults):
            if fault.type in _KINDS:
                kinds.setdefault((fault.found, "[key]" in fault.loc), []).append(fault)
            elif fault.type == "missing":
                missing.setdefault(fault.found, []).append(f"“{fault.loc[-1]}”")
            else:
                self._say(fault)
        for (found, of_key), same in kinds.items():
            self._say_kinds(found, of_key, same)
        for found, names in missing.items() if self.document.complete else ():
            are = "is" if len(names) == 1 else "are"
            self.document.complain(found, f"缺少 {'、'.join(names)}", f"{', '.join(names)} {are} missing", key=True)

    def _say(self, fault: _Fault) -> None:
        key = "[key]" in fault.loc
        if fault.type == "extra_forbidden":
            here = (*fault.found[:-1], fault.loc[-1])
            if said := self._elsewhere(fault.found[:-1], str(fault.loc[-1])):
                return self.document.complain(here, *said, key=True)
            return self.document.refuse_key(here, names_at(self.schema, fault.found[:-1]))
        here = (*fault.loc, *fault.ctx.get("at", ()))
        return self.document.complain(here, *_worded(fault), key=key, whole=True, word=str(fault.ctx.get("word", "")))

    def _elsewhere(self, table: Location, key: str) -> tuple[str, str] | None:
        """Words about a key that there is, one level further in or out than it stands (Chinese, English)."""
        inside = [name for name in names_at(self.schema, table) if key in names_at(self.schema, (*table, name))]
        if len(inside) == 1:
            return f"“{key}” 要写在 “{inside[0]}” 里面", f"“{key}” belongs inside of “{inside[0]}”"
        if len(table) > 1 and isinstance(table[-1], str) and key in names_at(self.schema, table[:-1]):
            zh = f"“{key}” 要写在外面一层，和 “{table[-1]}” 对齐"
            return zh, f"“{key}” belongs one level further out, beside “{table[-1]}”"
        return None

    def _say_kinds(self, found: Location, of_key: bool, same: Sequence[_Fault]) -> None:
        wanted = list(dict.fromkeys(_KINDS[fault.type] for fault in same))
        zh, en = " 或 ".join(kind[0] for kind in wanted), " or ".join(kind[1] for kind in wanted)
        if of_key:
            return self.document.complain(found, f"键要写成{zh}", f"the key must be {en}", key=True)
        hint = self._hint(found, wanted)
        space = " " if zh[0].isascii() else ""
        return self.document.complain(found, f"要写成{space}{zh}{hint[0]}", f"must be {en}{hint[1]}")

    def _hint(self, found: Location, wanted: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """What to write instead, where it can be guessed from what is there."""
        value = self.document.at(found)
        if value is None:
            return "，这里是空的；不需要就把这个键删掉", "; it is empty here: delete the key if it is not needed"
        raw = self._raw(found)
        if _TEXT in wanted and isinstance(value, bool | int | float):
            looks = like(self.schema, found)
            if looks and not any(re.search(pattern, raw) for pattern, _ in looks):
                return f'，例如 "{looks[0][1]}"', f', such as "{looks[0][1]}"'
            return f'，请加引号："{raw}"', f'; write it in quotes: "{raw}"'
        if _WHOLE in wanted and isinstance(value, float) and value.is_integer() and abs(value) < 1e12:
            return f"：{value:.0f}", f": {value:.0f}"
        if _TABLE in wanted and isinstance(value, str) and re.match(r"(?![0-9])[^\s:：]+(：|:(?!//)\S)", value):
            return "；冒号要用英文半角的 “:”，后面加一个空格", "; write an ASCII colon and a space after the key"
        if _TEXT in wanted and isinstance(value, dict) and value and all(v is None for v in value.values()):
            return '；以花括号开头的文字请整句加引号："{…}…"', '; put text that begins with a brace in quotes: "{…}…"'
        if _LIST in wanted and isinstance(value, dict):
            return "：每一项以 “- ” 开头", ": every item begins with `- `"
        if isinstance(value, str) and {_WHOLE, _NUMBER} & set(wanted) and re.fullmatch(r"-?[0-9.]{1,18}", value):
            return f"，不要加引号：{value}", f", without quotes: {value}"
        if _TABLE in wanted and not isinstance(value, dict) and 0 < len(known := names_at(self.schema, found)) <= _MOST_NAMED:
            return f"；这里可以写的键：{'、'.join(known)}", f"; the keys are {', '.join(known)}"
        if _LIST in wanted and isinstance(value, int) and "integer" in item_types(self.schema, found):
            return f"，放进方括号：[{raw}]", f", in brackets: [{raw}]"
        if _LIST in wanted and isinstance(value, bool | int | float):  # every other list that may be one value alone is one of texts
            return f'，请加引号："{raw}"', f'; write it in quotes: "{raw}"'
        if not isinstance(value, str):
            return "", ""
        if _YES_NO in wanted and value.lower() in _SAYS_YES_OR_NO:
            return "（不加引号）", " (without quotes)"
        if _LIST in wanted and "\n" not in value and len(value) <= 20:
            written = raw if raw[0] in "\"'" else value
            return f"，放进方括号：[{written}]", f", in brackets: [{written}]"
        return "", ""

    def _raw(self, found: Location) -> str:
        """The scalar as it is written, for 1.10 is not 1.1 when it is put in quotes."""
        source, _, (line, column) = self.document.place(found)
        written = re.match(r"\"[^\"]*\"|'[^']*'|[^\s,\]}#]+", source.lines[line - 1][column - 1 :])
        return written[0][:60] if written else str(self.document.at(found))


def _worded(fault: _Fault) -> tuple[str, str]:
    ctx, message = fault.ctx, str(fault.error["msg"])
    if fault.type == "yizhan":
        return str(ctx["zh"]), str(ctx["en"])
    if limit := _LIMITS.get(fault.type):
        return limit[0].format_map(_Anything(ctx)), limit[1].format_map(_Anything(ctx))
    if fault.type in ("literal_error", "enum", "union_tag_invalid"):
        expected = str(ctx.get("expected", ctx.get("expected_tags", "")))
        choices = re.findall(r"'([^']*)'", expected) or [expected]
        return not_one_of(ctx.get("tag", fault.error["input"]), choices)
    if fault.type == "value_error":
        message = message.removeprefix("Value error, ")
    return message, message


class _Anything(dict[str, Any]):
    """A context that lacks a number says so instead of failing; 1.0 is 1."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name) if name in self else "?"
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _likely(faults: Sequence[_Fault]) -> list[_Fault]:
    """The faults without those of the branches of a union that the operator will not have meant.

    Of each union stay the branches whose kind (text, list, table) fits what is there, of these the one with the fewest faults; where
    none fits, all stay: "text or a list".
    """
    unions: dict[Location, dict[str | int, list[_Fault]]] = {}
    for fault in faults:
        for position in fault.skipped:
            named_by_fault = position == len(fault.loc) - 1 and fault.type == "missing"
            if not named_by_fault and fault.loc[position] != "[key]":
                unions.setdefault(fault.loc[:position], {}).setdefault(fault.loc[position], []).append(fault)
    dropped: set[int] = set()
    for loc, branches in unions.items():
        dropped |= _unlikely(len(loc), branches)
    return [fault for fault in faults if id(fault) not in dropped]


def _unlikely(position: int, branches: Mapping[str | int, Sequence[_Fault]]) -> set[int]:
    fitting = {tag: faults for tag, faults in branches.items() if not any(_of_kind(fault, position) for fault in faults)}
    if not fitting:
        return set()
    best = min(fitting, key=lambda tag: len(fitting[tag]))
    return {id(fault) for tag, faults in branches.items() if tag != best for fault in faults}


def _of_kind(fault: _Fault, position: int) -> bool:
    """Whether the fault says that the value at the union itself, whose tag has this position, is of another kind."""
    above = position - sum(skipped < position for skipped in fault.skipped)
    return fault.type in _KINDS and "[key]" not in fault.loc and len(fault.found) == above
