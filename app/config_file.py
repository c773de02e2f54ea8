"""config.yaml and what it includes, read, merged and checked: Settings, or BadConfig with every error at its place."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_origin
from zoneinfo import ZoneInfo

import pydantic_core
from pydantic import BaseModel, RootModel, ValidationError

from app import lint, media_files
from app.complaint import BadConfig, Complaint, Seen
from app.config_document import Document, look
from app.config_faults import Faults
from app.config_schema import Account, Root, names
from app.secrets import Secrets, secrets
from models.config import Config, Location, Problem, Unread

__all__ = ["Account", "BadConfig", "Complaint", "Root", "Secrets", "Settings", "read", "secrets", "signature"]

_MOST_FAULTS = 5000  # of one section: more are no typing errors, and every one of them takes its time


Check = Callable[[Config], Iterable[Problem]]
S = TypeVar("S")


@dataclass(frozen=True)
class Settings:
    """One good version of everything config.yaml and its includes say. `database` is a URL whose SQLite path is absolute."""

    account: Account
    zone: ZoneInfo
    database: str
    config: Config
    files: tuple[Path, ...]
    globs: tuple[str, ...]
    seen: Seen  # the signature that the files had when they were read
    where: Callable[[Location], str | None] = field(repr=False, compare=False)  # a location's `config.yaml:12`; None: in no file
    refuse: Callable[[Iterable[Problem]], None] = field(repr=False, compare=False)  # raises BadConfig where there is one, at its place
    warnings: tuple[Complaint, ...] = ()  # what may be meant differently; each has a code
    texts: tuple[tuple[str, bytes], ...] = field(default=(), repr=False, compare=False)  # each file's name in the folder, and what it held


def read(path: Path, sections: Sequence[type[Any]], *, checks: Sequence[Check] = ()) -> Settings:
    """The settings of the file and all it includes, from one reading of each. Raises BadConfig with every error of every file.

    Each section is validated on its own. `checks` see all sections that are good, and say nothing from where they ask for another.
    """
    document = Document(path)
    document.include()
    keys = {section: str(section.key) for section in sections}
    document.refuse_secrets(keys.values())
    meant = document.refuse_unknown_keys([*Root.model_fields, *keys.values()])
    media_files.understand(document)
    valid = _validated(document, keys)
    root: Root | None = valid.pop(Root)
    config = _config(document, root, valid, {section for section, key in keys.items() if key in document.flawed() | meant})
    doubts = list(lint.spelling(document.sources, lambda name: name in names(tuple(sections))))
    if document.complete and "include" not in document.flawed():
        doubts += _ask(checks, config, document)
    lint.warn(document, doubts)
    document.refuse_to_go_on()
    assert root is not None  # or there would have been a complaint
    database = at_home(root.database, path)
    files, globs, texts = tuple(document.files), tuple(document.globs), tuple(document.texts)
    seen, warnings = document.looked(), document.warned()
    return Settings(root.account, config.zone, database, config, files, globs, seen, document.where, document.refuse, warnings, texts)


@dataclass(frozen=True)
class _PartOfConfig(Config):
    """What is good of a file that has errors."""

    unread: frozenset[type] = frozenset()

    def get(self, section: type[S]) -> S | None:
        if section in self.unread:
            raise Unread
        return super().get(section)

    def __getitem__(self, section: type[S]) -> S:
        if section in self.unread:
            raise Unread
        return super().__getitem__(section)

    def of_kind(self, kind: type[S]) -> S | None:
        if any(issubclass(section, kind) for section in self.unread):
            raise Unread
        return super().of_kind(kind)


def _config(document: Document, root: Root | None, valid: Mapping[type, Any], unread: Collection[type]) -> Config:
    zone = ZoneInfo(root.timezone if root else Root.model_fields["timezone"].default)
    good = {section: value for section, value in valid.items() if section not in unread}
    if not unread:
        return Config(zone, document.version(), good)
    return _PartOfConfig(zone, document.version(), good, frozenset(unread))


def _ask(checks: Sequence[Check], config: Config, document: Document) -> Iterator[lint.Doubt]:
    """The document has a complaint for each problem; those that are warnings are returned."""
    for check in checks:
        with suppress(Unread):
            for problem in check(config):
                if problem.code:
                    yield lint.doubt(document, problem)
                else:
                    document.complain(problem.where, *lint.words(document, problem), whole=True, word=problem.word)


def signature(of: Settings | BadConfig) -> Seen:
    """Differs from `of.seen` as soon as a file that was read, or one that an include would find now, was changed."""
    return look(of.files, of.globs)


def at_home(database: str, path: Path) -> str:
    """The URL that this file gives, its SQLite path absolute: relative ones begin at the file's folder."""
    scheme, _, file = database.partition(":///")
    if scheme != "sqlite":
        return database
    return f"sqlite:///{Path(os.path.abspath(path.parent / file)).as_posix()}"


def _validated(document: Document, keys: Mapping[type[Any], str]) -> dict[type, Any]:
    """What is good of the value, each section under its type; what is not is complained about."""
    faults = Faults(document, tuple(keys))
    root = {key: value for key, value in document.value.items() if key in Root.model_fields}
    good: dict[type, Any] = {Root: _one(faults, Root, root, ())}
    for section, key in keys.items():
        if key in document.value:
            good[section] = _one(faults, section, document.value[key], (key,))
        elif issubclass(section, RootModel):
            empty = get_origin(section.model_fields["root"].annotation) or list
            good[section] = _one(faults, section, empty(), (key,))
    return good


def _one(faults: Faults, model: type[BaseModel], value: Any, where: Location) -> Any:
    try:
        return _valid(model, value)
    except ValidationError as error:
        found = _all_errors(model, value, error)[:_MOST_FAULTS]
        faults.complain([((*where, *fault["loc"]), dict(fault)) for fault in found])
        return None


def _valid(model: type[BaseModel], value: Any) -> Any:
    # By way of JSON: strict about types and yet able to read dates, times, tuples and tables of numbers as written in YAML.
    return model.model_validate_json(pydantic_core.to_json(value))


def _all_errors(model: type[BaseModel], value: Any, error: ValidationError) -> list[Any]:
    """The errors, and those among the items of lists that are too long: pydantic does not look at these until the list is short enough."""
    found = error.errors(include_url=False)
    long = [fault for fault in found if fault["type"] == "too_long"]
    if not long:
        return found
    cut = copy.deepcopy(value)
    for fault in long:
        del _at(cut, fault["loc"])[fault["ctx"]["max_length"] :]
    try:
        _valid(model, cut)
    except ValidationError as more:
        seen = {(fault["loc"], fault["type"]) for fault in found}
        found += [fault for fault in _all_errors(model, cut, more) if (fault["loc"], fault["type"]) not in seen]
    return found


def _at(value: Any, location: Location) -> list[Any]:
    """The list at this location. Parts of it that are no key of the value name a member of a union."""
    here: Any = value
    for part in location:
        known = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int) and part < len(here)
        here = here[part] if known else here
    return here if isinstance(here, list) else []
