"""What a section of config.yaml is, and the checked configuration that everything below app is given as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError


class Rules(BaseModel):
    """A part of config.yaml: strict types, no unknown keys, never changed after it was read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Section(Protocol):
    """A top-level key of config.yaml. A `Rules` model, or a pydantic `RootModel` where the section is a list."""

    key: ClassVar[str]


S = TypeVar("S")
M = TypeVar("M", bound=BaseModel)
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something the operator must change: where (keys and list positions from the root) and what to write instead.

    With a code it is a warning: the file is taken all the same, and the code can be silenced in place (docs/handbook/lint.md).
    `there` is the other place that a warning is about, if any; its file and line are told.
    """

    where: Location
    zh: str
    en: str
    code: str = ""
    there: Location = ()
    word: str = ""  # what is wrong in the text that stands at `where`


def wrong(zh: str, en: str, *at: str | int, word: str = "") -> PydanticCustomError:
    """The error a validator raises; both languages travel to the reader of the file, which knows the line.

    `at` leads from what is validated to what is wrong in it; `word` is what is wrong in a text.
    """
    return PydanticCustomError("yizhan", "{en}", {"zh": zh, "en": en, "at": at, "word": word})


@dataclass(frozen=True)
class Looks:
    """Annotates a text with what an editor can know of its form: a pattern, or all the words there are, and how one looks."""

    pattern: str = ""
    examples: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the text, and what is known of it beside."""
        known = {"pattern": self.pattern, "examples": list(self.examples), "enum": list(self.words)}
        return handler(schema) | {key: value for key, value in known.items() if value}


class Unread(Exception):
    """A section was asked for that could not be read: whoever asks has nothing more to say of this file."""


@dataclass(frozen=True)
class Config:
    """One checked version of config.yaml. A missing section is a feature that is off."""

    zone: ZoneInfo
    version: str = ""
    sections: Mapping[type, Any] = field(default_factory=dict)
    _of_kind: dict[type, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # found before: sections stay

    def get(self, section: type[S]) -> S | None:
        """The section, or None where the file does not have it."""
        return cast("S | None", self.sections.get(section))

    def __getitem__(self, section: type[S]) -> S:
        """The section; KeyError where the file does not have it."""
        return cast(S, self.sections[section])

    def of_kind(self, kind: type[S]) -> S | None:
        """The section that is one of these, by whatever name; None where the file has none."""
        if kind not in self._of_kind:
            self._of_kind[kind] = next((section for section in self.sections.values() if isinstance(section, kind)), None)
        return cast("S | None", self._of_kind[kind])

    def every(self, kind: type[M]) -> Iterator[tuple[Location, M]]:
        """Each model of this class in the file with its place, whatever section it stands in; not those inside of one another."""
        for of, section in self.sections.items():
            yield from _within(section, (str(getattr(of, "key", "")),), kind)


def _within(value: Any, where: Location, kind: type[M]) -> Iterator[tuple[Location, M]]:
    if isinstance(value, kind):
        yield where, value
    elif isinstance(value, BaseModel):
        for name, key in _ways(type(value), kind):
            yield from _within(getattr(value, name), (*where, key) if key else where, kind)
    elif isinstance(value, Mapping | list | tuple):
        for step, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _within(item, (*where, step), kind)


@cache
def _ways(model: type[BaseModel], kind: type[BaseModel]) -> list[tuple[str, str]]:
    """The fields in which there can be one of these, and their keys in the file: ten thousand rules are not walked for nothing."""
    root = issubclass(model, RootModel)
    fields = model.model_fields.items()
    return [(name, "" if root else field.alias or name) for name, field in fields if _leads(field.annotation, kind, set())]


def _leads(annotation: Any, kind: type[BaseModel], seen: set[Any]) -> bool:
    if not isinstance(annotation, type) or get_args(annotation):
        return any(_leads(part, kind, seen) for part in get_args(annotation))
    if issubclass(annotation, kind):
        return True
    if not issubclass(annotation, BaseModel) or annotation in seen:
        return False
    seen.add(annotation)
    return any(_leads(field.annotation, kind, seen) for field in annotation.model_fields.values())


_NAME = r"(?:match\.\w+|[^\W\d]\w*)"
_NAMED = re.compile(rf"\{{{_NAME}(?:\|[^{{}}]*)?\}}")
_PLACEHOLDER = re.compile(rf"\{{\{{({_NAME}(?:\|[^{{}}]*)?)\}}\}}|\{{({_NAME})(?:\|([^{{}}]*))?\}}")


def placeholders(text: str) -> Iterator[str]:
    """The names that `{name}` or `{name|default}` stands for in an operator's text; `{{name}}` is the literal text `{name}`."""
    return (found[2] for found in _PLACEHOLDER.finditer(text) if found[2])


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with its placeholders replaced in one pass: what is put in is never looked at again (nor are attributes, nor formats).

    A value that is None or empty gives way to the default, where `{name|default}` has one.
    """

    def put(found: re.Match[str]) -> str:
        if found[1]:
            return "{" + found[1] + "}"
        value = values[found[2]]
        return (found[3] or "") if value is None or value == "" else str(value)

    return _PLACEHOLDER.sub(put, text)


def literal(text: str) -> str:
    """The operator's text that `fill` makes this text of, braces and all."""
    return _NAMED.sub(lambda found: "{" + found[0] + "}", text)


def says(*names: str) -> AfterValidator:
    """Annotates an operator's text with the placeholders that may stand in it: `done: Annotated[str, says("streak")]`."""

    def check(text: str) -> str:
        check_placeholders(text, names)
        return text

    return AfterValidator(check)


def check_placeholders(text: str, names: Iterable[str]) -> None:
    """Raises the operator's error where the text has a placeholder that is not one of the names."""
    known = list(names)
    for name in placeholders(text):
        if name not in known:
            may = "、".join(f"{{{k}}}" for k in known) or "（无）"
            may_en = ", ".join(f"{{{k}}}" for k in known) or "none"
            near = get_close_matches(name, known, 1)
            zh, en = (f"；你是不是想写 {{{near[0]}}}？", f"; did you mean {{{near[0]}}}?") if near else ("；", ";")
            raise wrong(
                f"没有变量 {{{name}}}{zh}这里可用：{may}。要原样显示花括号请写 {{{{{name}}}}}",
                f"unknown placeholder {{{name}}}{en} here you may use: {may_en}. For literal braces write {{{{{name}}}}}",
                word=f"{{{name}",
            )
