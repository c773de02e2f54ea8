"""Every text of config.yaml that a follower may read, found by walking the checked models: sections that come later are in it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from inspect import isclass
from typing import Any, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, RootModel
from pydantic.fields import FieldInfo

from handlers.replies.variables import check_variables
from handlers.replies.written import ReplyWith
from models.condition import Conditions
from models.config import Config, Location, says

Kind = Literal["text", "title", "description", "url", "name", "template"]


class Spoken(NamedTuple):
    """A text that a follower may read: where it stands, and as what they see it."""

    where: Location
    text: str
    kind: Kind


# What a field of this name holds is read by followers, whatever model it is in.
_BY_NAME: Mapping[str, Kind] = {
    "title": "title",
    "description": "description",
    "url": "url",
    "hq_url": "url",
    "picture": "url",
    "data": "template",
    "ask": "text",
    "choices": "text",
    "sorry": "text",
}
_NAMED = ("Item", "Button", "Choice")  # models whose name stands on something that is tapped
_SAYS = says().func.__code__


def every(config: Config) -> Iterator[Spoken]:
    """Every text that a follower may read, in the order of the sections."""
    for where, value, kind in _parts(config):
        if kind is not None:
            yield Spoken(where, value, kind)


def held(config: Config) -> Iterator[tuple[Location, ReplyWith]]:
    """Every reply that is more than a text, those inside of others too."""
    return ((where, value) for where, value, kind in _parts(config) if kind is None and isinstance(value, ReplyWith))


_Part = tuple[Location, Any, Kind | None]


def _parts(config: Config) -> list[_Part]:
    found: list[_Part] = []
    for section, value in config.sections.items():
        _gather(value, (getattr(section, "key", ""),), None, found)
    return found


def _gather(value: Any, where: Location, kind: Kind | None, found: list[_Part]) -> None:
    """Afterwards the texts in the value are among those found, each with its kind, and the models in it, with none."""
    if isinstance(value, str):
        if kind is not None and value:
            found.append((where, value, kind))
    elif isinstance(value, BaseModel):
        found.append((where, value, None))
        for attribute, key, of_field in _fields(type(value)):
            part = getattr(value, attribute)
            if part is not None:
                _gather(part, (*where, key) if key else where, of_field, found)
    elif isinstance(value, Mapping | list | tuple):
        for step, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            _gather(item, (*where, step), kind, found)


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, Kind | None], ...]:
    """The fields that can hold a text for followers: attribute, key in the file, and the kind of the texts that stand in it."""
    found = []
    for name, field in model.model_fields.items():
        kind = _kind(model, name, field)
        if kind is not None or any(_goes_on(part) for part in _types(field.annotation)):
            found.append((name, "" if issubclass(model, RootModel) else field.alias or name, kind))
    return tuple(found)


def _kind(model: type[BaseModel], name: str, field: FieldInfo) -> Kind | None:
    if name == "name" and model.__name__ in _NAMED:
        return "name"
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name == "say":  # the follower's words
        return None
    marked = any(_is_mark(part) for part in (*field.metadata, *_types(field.annotation)))
    return "text" if marked or model.__name__.endswith("Wording") else None


def _is_mark(part: Any) -> bool:
    return isinstance(part, AfterValidator) and getattr(part.func, "__code__", None) in (_SAYS, check_variables.__code__)


def _goes_on(part: Any) -> bool:
    return isclass(part) and issubclass(part, BaseModel) and not issubclass(part, Conditions)


def _types(annotation: Any) -> Iterator[Any]:
    """The annotation and everything inside its brackets, validators too."""
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)
