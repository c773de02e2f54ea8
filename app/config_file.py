"""config.yaml and what it includes, read, merged and checked: Settings, or BadConfig with every error at its place."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pydantic_core
from pydantic import BaseModel, RootModel, ValidationError

from app.config_schema import Account, Root, names_at, schema
from app.yaml_source import MOST_BYTES, Complaint, Mark, Source, parse, secret_name
from models.config import Config, Location, Problem

__all__ = ["Account", "BadConfig", "Complaint", "Root", "Secrets", "Settings", "read", "secrets", "signature"]


class BadConfig(Exception):
    """The operator's input is wrong. `complaints` are all of them, in the order of files and lines.

    `files` and `globs` are what was read on the way to them: what a watcher must look at to see the repair.
    """

    def __init__(self, complaints: Iterable[Complaint], files: Sequence[Path] = (), globs: Sequence[str] = ()) -> None:
        self.complaints = sorted(set(complaints))
        self.files, self.globs = tuple(files), tuple(globs)
        super().__init__("\n".join(complaint.render() for complaint in self.complaints))

    def render(self, lang: str = "zh", caret: bool = False) -> str:
        """All complaints in one language, one a line (three with carets)."""
        return "\n".join(complaint.render(lang, caret) for complaint in self.complaints)


@dataclass(frozen=True)
class Settings:
    """One good version of everything config.yaml and its includes say. `database` is a URL whose SQLite path is absolute."""

    account: Account
    zone: ZoneInfo
    database: str
    config: Config
    files: tuple[Path, ...]
    globs: tuple[str, ...]


def read(path: Path, sections: Sequence[type[Any]], *, checks: Sequence[Callable[[Config], Iterable[Problem]]] = ()) -> Settings:
    """The settings of the file and all it includes, from one reading of each. Raises BadConfig with every error of every file.

    Each section is validated on its own; `checks` see the whole configuration, and run only where all sections are good.
    """
    document = _Document(path)
    document.include()
    keys = {section: str(section.key) for section in sections}
    document.refuse_secrets(keys.values())
    document.refuse_unknown_keys([*Root.model_fields, *keys.values()])
    valid = _validated(document, keys)
    document.refuse_to_go_on()
    root: Root = valid.pop(Root)
    zone = ZoneInfo(root.timezone)
    config = Config(zone=zone, version=document.version(), sections=valid)
    for check in checks:
        for problem in check(config):
            document.complain(problem.where, problem.zh, problem.en, whole=True)
    document.refuse_to_go_on()
    return Settings(root.account, zone, _at_home(root.database, path), config, tuple(document.files), tuple(document.globs))


def _at_home(database: str, path: Path) -> str:
    scheme, _, file = database.partition(":///")
    if scheme != "sqlite":
        return database
    return f"sqlite:///{Path(os.path.abspath(path.parent / file)).as_posix()}"


class _Document:
    """The files as one value, and the way back from a location in it to a file, a line and a column."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.parent
        self.files: list[Path] = []
        self.globs: list[str] = []
        self.sources: list[Source] = []
        self.hash = hashlib.sha256()
        self.complaints: list[tuple[Source, Mark, str, str]] = []
        main = self._read(path, str(path), path.name)
        self.value: dict[Any, Any] = main.value if main.parsed else {}
        # Where a part of the value came from, if not from the same location in the main file.
        self.grafts: dict[Location, tuple[Source, Location]] = {(): (main, ())}
        if not self.complete:
            self.refuse_to_go_on()

    def _read(self, path: Path, name: str, hashed_name: str) -> Source:
        self.files.append(path)
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            source = Source(name)
            zh = "找不到这个文件" if isinstance(error, FileNotFoundError) else f"读不了这个文件：{error.strerror}"
            source.complain((1, 1), zh, f"cannot read this file: {error.strerror}")
        else:
            source = parse(data, name)
            self.hash.update(f"{len(hashed_name)}:{hashed_name}:{len(data)}:".encode() + data)
        self.sources.append(source)
        if source.parsed and not isinstance(source.value, dict):
            zh = "文件的最外层要写成“键: 值”，冒号后面有一个空格"
            source.complain((1, 1), zh, "the file must be made of `key: value`, with a space after the colon")
            source.parsed = False
        return source

    @property
    def complete(self) -> bool:
        """Whether every file could be read: otherwise nothing can be said of what is missing."""
        return all(source.parsed for source in self.sources)

    def version(self) -> str:
        """The same on every machine that has the same files under the same names."""
        return self.hash.hexdigest()[:12]

    def refuse_to_go_on(self) -> None:
        """Raises BadConfig if anything was wrong so far."""
        for source, mark, zh, en in self.complaints:
            source.complain(mark, zh, en)
        found = [complaint for source in self.sources for complaint in source.sealed()]
        if found:
            raise BadConfig(found, self.files, self.globs)

    # Places

    def walk(self, location: Iterable[str | int]) -> tuple[Location, tuple[int, ...]]:
        """A location as far as the value has it, and the positions of the parts that it does not have.

        pydantic puts tags of unions and names of validators between the keys, and numbers that are keys as text.
        """
        at: Any = self.value
        found: list[str | int] = []
        skipped: list[int] = []
        for position, part in enumerate(location):
            key = _step(at, part)
            if key is None:
                skipped.append(position)
            else:
                found.append(key)
                at = at[key]
        return tuple(found), tuple(skipped)

    def at(self, location: Location) -> Any:
        """The value there; the location must be one that `walk` found."""
        value: Any = self.value
        for part in location:
            value = value[part]
        return value

    def place(self, location: Location) -> tuple[Source, Mark, Mark]:
        """File, key mark and value mark of the deepest known part of the location."""
        for end in range(len(location), -1, -1):
            if grafted := self.grafts.get(location[:end]):
                source, old = grafted
                rest = location[end:]
                for last in range(len(rest), -1, -1):
                    if marks := source.places.get(old + rest[:last]):
                        return (source, *marks)
                return source, (1, 1), (1, 1)
        raise AssertionError("the root is always grafted")

    def complain(self, location: Iterable[str | int], zh: str, en: str, *, key: bool = False, whole: bool = False) -> None:
        """A complaint about a key, about the value behind it, or about a value as a whole (a block is named by its key)."""
        found, _ = self.walk(location)
        source, key_mark, value_mark = self.place(found)
        below = value_mark[0] > key_mark[0] and isinstance(self.at(found), dict | list)
        if key or (whole and below):
            self.complaints.append((source, key_mark, zh, en))
        elif value_mark not in source.flawed:
            # What YAML said of a value explains whatever its section would say of it.
            self.complaints.append((source, value_mark, zh, en))

    # Includes

    def include(self) -> None:
        """The files that `include` names are merged in, in the order of the globs and of their names."""
        patterns = self.value.get("include")
        for number, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
            if isinstance(pattern, str):
                self._include_glob(("include", number), pattern)

    def _include_glob(self, location: Location, pattern: str) -> None:
        if "**" in pattern:
            zh, en = "include 不支持 **；请逐层写，例如 rules/*.yaml", "`**` is not supported in include; write rules/*.yaml"
            return self.complain(location, zh, en)
        absolute = os.path.join(glob.escape(str(self.folder)), pattern)
        self.globs.append(absolute)
        matches = [match for match in _matches(absolute) if not _same_file(match, self.path)]
        if not matches:
            zh = f"没有文件与 “{pattern}” 相符；路径从配置文件所在的文件夹算起"
            return self.complain(location, zh, f"no file matches “{pattern}”; paths begin at the folder of the configuration file")
        for match in matches:
            if match not in self.files:
                self._merge_file(match)
        return None

    def _merge_file(self, path: Path) -> None:
        name = Path(os.path.relpath(path, self.folder)).as_posix()
        source = self._read(path, name, name)
        if not source.parsed:
            return
        extra = dict(source.value)
        if extra.pop("include", None) is not None:
            zh = "被引入的文件里不能再写 include；请写到主配置文件里"
            source.complain(source.places[("include",)][0], zh, "an included file may not include others; write it in the main file")
        self._merge(self.value, extra, (), (), source)

    def _merge(self, into: dict[Any, Any], extra: dict[Any, Any], new: Location, old: Location, source: Source) -> None:
        for key, value in extra.items():
            there, here = (*new, key), (*old, key)
            present = into.get(key)
            if present is None:
                into[key] = value
                self.grafts[there] = (source, here)
            elif isinstance(present, dict) and isinstance(value, dict):
                self._merge(present, value, there, here, source)
            elif isinstance(present, list) and isinstance(value, list):
                for number, item in enumerate(value):
                    self.grafts[*there, len(present)] = (source, (*here, number))
                    present.append(item)
            elif value is not None:
                self._written_twice(there, key, source, source.places[here][0])

    def _written_twice(self, location: Location, key: object, source: Source, mark: Mark) -> None:
        first, (line, column), _ = self.place(location)
        zh = f"“{key}” 在 {first.name}:{line}:{column} 已经写过；一个键只能写在一个文件里"
        source.complain(mark, zh, f"“{key}” is already written at {first.name}:{line}:{column}; a key belongs into one file")

    # Keys at the top

    def refuse_secrets(self, keys: Collection[str]) -> None:
        """Every key named like a secret, at the top (but for sections) or anywhere in the account, is complained about and taken out."""
        self._take_secrets(self.value, (), keys)
        self._take_secrets(self.value.get("account"), ("account",), ())

    def _take_secrets(self, value: Any, where: Location, allowed: Collection[str]) -> None:
        children = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        for key, child in list(children):
            if secret_name(key) and key not in allowed:
                variable = _variable(key)
                zh = f"密钥不能写在配置文件里；请删掉这一行，改用环境变量 {variable}（或 {variable}_FILE）"
                en = f"secrets do not belong into this file; delete the line and set the environment variable {variable} (or {variable}_FILE)"
                self.complain((*where, key), zh, en, key=True)
                del value[key]
            elif where:
                self._take_secrets(child, (*where, key), ())

    def refuse_unknown_keys(self, known: Sequence[str]) -> None:
        """Every key at the top that is neither ours nor a section's is complained about, with the nearest name there is."""
        for key in self.value:
            if key not in known:
                self.complain((key,), *_unknown(key, known), key=True)


def _step(at: Any, part: str | int) -> str | int | None:
    if isinstance(at, dict):
        if part in at:
            return part
        if isinstance(part, str) and re.fullmatch(r"-?[0-9]{1,18}", part) and int(part) in at:
            return int(part)
    elif isinstance(at, list) and isinstance(part, int) and 0 <= part < len(at):
        return part
    return None


def _variable(key: str) -> str:
    name = key.lower()
    if "aes" in name:
        return "YIZHAN_ENCODING_AES_KEY"
    if "passw" in name or "密码" in name:
        return "YIZHAN_DATABASE_URL"
    return "YIZHAN_TOKEN" if "tok" in name or "令牌" in name else "YIZHAN_APP_SECRET"


def _matches(pattern: str) -> list[Path]:
    try:
        return [Path(match) for match in sorted(glob.glob(pattern)) if os.path.isfile(match)]
    except (ValueError, OSError, re.error):  # a pattern that is no pattern, such as one with a NUL
        return []


def _same_file(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _unknown(key: object, known: Sequence[str]) -> tuple[str, str]:
    key = str(key)[:60]
    near = get_close_matches(key, known, 1, 0.6)
    if near:
        return f"没有 “{key}” 这个键；你是不是想写 “{near[0]}”？", f"unknown key “{key}”; did you mean “{near[0]}”?"
    zh, en = f"没有 “{key}” 这个键", f"unknown key “{key}”"
    if 0 < len(known) <= 20:
        return f"{zh}；这里可以写：{'、'.join(known)}", f"{en}; here you may write: {', '.join(known)}"
    return zh, en


# Sections


def _validated(document: _Document, keys: Mapping[type[Any], str]) -> dict[type, Any]:
    """What is good of the value, each section under its type; what is not is complained about."""
    faults = _Faults(document, tuple(keys))
    root = {key: value for key, value in document.value.items() if key in Root.model_fields}
    good: dict[type, Any] = {Root: _one(faults, Root, root, ())}
    for section, key in keys.items():
        if key in document.value:
            good[section] = _one(faults, section, document.value[key], (key,))
        elif issubclass(section, RootModel):
            good[section] = _one(faults, section, [], (key,))
    return good


def _one(faults: _Faults, model: type[BaseModel], value: Any, where: Location) -> Any:
    try:
        # By way of JSON: strict about types and yet able to read dates, times, tuples and tables of numbers as written in YAML.
        return model.model_validate_json(pydantic_core.to_json(value))
    except ValidationError as error:
        found = error.errors(include_url=False)[:_MOST_FAULTS]
        faults.complain([((*where, *fault["loc"]), dict(fault)) for fault in found])
        return None


_MOST_FAULTS = 5000  # of one section: more are no typing errors, and every one of them takes its time


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


class _Faults:
    """pydantic's errors as complaints: the wrong branches of unions left out, in the operator's words, at their places."""

    def __init__(self, document: _Document, sections: Sequence[type[Any]]) -> None:
        self.document, self.sections = document, sections

    @cached_property
    def schema(self) -> dict[str, Any]:
        return schema(self.sections)

    def complain(self, errors: Sequence[tuple[Location, dict[str, Any]]]) -> None:
        faults = [_Fault(loc, *self.document.walk(loc), error) for loc, error in errors]
        kinds: dict[tuple[Location, bool], list[_Fault]] = {}
        for fault in _likely(faults):
            if fault.type in _KINDS:
                kinds.setdefault((fault.found, "[key]" in fault.loc), []).append(fault)
            else:
                self._say(fault)
        for (found, of_key), same in kinds.items():
            self._say_kinds(found, of_key, same)

    def _say(self, fault: _Fault) -> None:
        key = "[key]" in fault.loc
        if fault.type == "missing":
            name = fault.loc[-1]
            if self.document.complete:
                self.document.complain(fault.found, f"缺少 “{name}”", f"“{name}” is missing", key=True)
            return None
        if fault.type == "extra_forbidden":
            known = names_at(self.schema, fault.found[:-1])
            return self.document.complain(fault.found, *_unknown(fault.loc[-1], known), key=True)
        return self.document.complain(fault.found, *_worded(fault), key=key, whole=True)

    def _say_kinds(self, found: Location, of_key: bool, same: Sequence[_Fault]) -> None:
        wanted = list(dict.fromkeys(_KINDS[fault.type] for fault in same))
        zh, en = " 或 ".join(kind[0] for kind in wanted), " or ".join(kind[1] for kind in wanted)
        if of_key:
            return self.document.complain(found, f"键要写成{zh}", f"the key must be {en}", key=True)
        hint = self._hint(found, wanted)
        return self.document.complain(found, f"要写成{zh}{hint[0]}", f"must be {en}{hint[1]}")

    def _hint(self, found: Location, wanted: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """What to write instead, where it can be guessed from what is there."""
        value = self.document.at(found)
        if value is None:
            return "，这里是空的；不需要就把这个键删掉", "; it is empty here: delete the key if it is not needed"
        raw = self._raw(found)
        if _TEXT in wanted and isinstance(value, bool | int | float):
            return f'，请加引号："{raw}"', f'; write it in quotes: "{raw}"'
        if _TEXT in wanted and isinstance(value, dict) and value and all(v is None for v in value.values()):
            return '；以花括号开头的文字请整句加引号："{…}…"', '; put text that begins with a brace in quotes: "{…}…"'
        if not isinstance(value, str):
            return "", ""
        if (_WHOLE in wanted or _NUMBER in wanted) and re.fullmatch(r"-?[0-9.]{1,18}", value):
            return f"，不要加引号：{value}", f", without quotes: {value}"
        if _YES_NO in wanted:
            return "（不加引号）", " (without quotes)"
        if _TABLE in wanted and re.match(r"[^\s:：]+(：|:\S)", value):
            return "；冒号要用英文半角的 “:”，后面加一个空格", "; write an ASCII colon and a space after the key"
        if _LIST in wanted and "\n" not in value and len(value) <= 20:
            return f"，放进方括号：[{raw}]", f", in brackets: [{raw}]"
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
        given = ctx.get("tag", fault.error["input"])
        near = get_close_matches(str(given), choices, 1, 0.6) if isinstance(given, str) else []
        zh = f"；你是不是想写 {near[0]}？" if near else ""
        en = f"; did you mean {near[0]}?" if near else ""
        return f"只能写 {'、'.join(choices)}{zh}", f"must be one of {', '.join(choices)}{en}"
    if fault.type == "value_error":
        message = message.removeprefix("Value error, ")
    return message, message


class _Anything(dict[str, Any]):
    """A context that lacks a number says so instead of failing."""

    def __missing__(self, key: str) -> str:
        return "?"


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


# The environment


@dataclass(frozen=True, repr=False)
class Secrets:
    """What the environment holds and no file may: None where it is not set. Its repr shows only which are set."""

    app_secret: str | None = None
    token: str | None = None
    encoding_aes_key: str | None = None
    database_url: str | None = None

    def __repr__(self) -> str:
        known = (f"{field.name}={'***' if getattr(self, field.name) else None}" for field in fields(self))
        return f"Secrets({', '.join(known)})"


def secrets(environ: Mapping[str, str]) -> Secrets:
    """The secrets of the environment, each from NAME or from the file that NAME_FILE names. Raises BadConfig with every error."""
    complaints: list[Complaint] = []
    names = ("YIZHAN_APP_SECRET", "YIZHAN_TOKEN", "YIZHAN_ENCODING_AES_KEY", "YIZHAN_DATABASE_URL")
    found = [_secret(environ, name, complaints) for name in names]
    if complaints:
        raise BadConfig(complaints)
    return Secrets(*found)


def _secret(environ: Mapping[str, str], name: str, complaints: list[Complaint]) -> str | None:
    # Compose files set what is not given to "": that is not set.
    value, file = environ.get(name) or None, environ.get(f"{name}_FILE") or None
    if file is None:
        return value
    if value is not None:
        zh, en = f"{name} 和 {name}_FILE 只能设置一个", f"set either {name} or {name}_FILE, not both"
    else:
        try:
            if text := Path(file).read_text("utf-8").rstrip("\r\n"):
                return text
            zh, en = "文件是空的", "the file is empty"
        except (OSError, ValueError):
            zh, en = f"读不了文件 {file}", f"cannot read the file {file}"
    complaints.append(Complaint(f"{name}_FILE", 0, 0, zh, en))
    return None


def signature(of: Settings | BadConfig) -> tuple[object, ...]:
    """Changes whenever a file that was read, or a file that an include would find now, was changed: a few stat calls, no reading."""
    paths = dict.fromkeys([*of.files, *(match for pattern in of.globs for match in _matches(pattern))])
    return tuple((str(path), _stat(path)) for path in paths)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
