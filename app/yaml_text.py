"""Values as YAML that our reader (YAML 1.2, times and leading zeros in quotes) reads as the same values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.yaml_source import UNPRINTABLE


class Dumper(yaml.SafeDumper):
    """Writes every text so that it stays text, and nothing by reference."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML quotes what YAML 1.1 takes for something else than text; numbers and times are not the same there.
    # A block that begins with space says how deep it stands, and PyYAML says it wrong in a list.
    # One that ends with empty lines leaves the document open, and PyYAML closes it in the middle of ours.
    quoted = text[:1] in tuple("+-.0123456789 \n") or text.endswith("\n\n")
    style = '"' if quoted else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


Dumper.add_representer(str, _written)


@dataclass
class Piece:
    """A part of a file, and what a person should know of it: remarks stand above it as comments. A value of None is remarks alone."""

    value: Any
    remarks: list[str] = field(default_factory=list)


def remarks_of(value: Any) -> Iterator[str]:
    """Every remark in a value, in the order of the file."""
    if isinstance(value, Piece):
        yield from value.remarks
        value = value.value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from remarks_of(item)


def section(key: str, value: Any) -> str:
    """A key with its value, in blocks; the remarks of the pieces below stand where the pieces stand."""
    if isinstance(value, Piece):
        return comments(value.remarks, "") + (section(key, value.value) if value.value is not None else "")
    return f"{_scalar(key)}:{_below(value)}"


def _below(value: Any) -> str:
    """What comes after the colon of a key."""
    if isinstance(value, dict) and _has_pieces(value):
        return "\n" + "".join(_indented(section(key, item)) for key, item in value.items())
    if isinstance(value, list) and _has_pieces(value):
        return "\n" + "".join(_item(item) for item in value)
    return _plain(value)


def _item(value: Any) -> str:
    """One item of a list, two columns in, below its remarks."""
    remarks, value = (value.remarks, value.value) if isinstance(value, Piece) else ([], value)
    above = comments(remarks, "  ")
    if value is None:
        return above
    body = "".join(section(key, part) for key, part in value.items())
    return above + "  - " + _indented(body, "    ").lstrip(" ")


def _plain(value: Any) -> str:
    """A value without pieces, dumped below a key, so that it is indented as PyYAML thinks right."""
    text = yaml.dump({"k": value}, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False)
    return str(text).removeprefix("k:")


def _scalar(key: str) -> str:
    text = yaml.dump({key: 1}, Dumper=Dumper, allow_unicode=True, width=10_000)
    return str(text).removesuffix(": 1\n")


def _has_pieces(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(item, Piece) or _has_pieces(item) for item in inside)


def _indented(text: str, by: str = "  ") -> str:
    return "".join(line if line == "\n" else by + line for line in text.splitlines(keepends=True))


def comments(remarks: Iterable[str], indent: str) -> str:
    """The remarks as lines of comment."""
    lines = (line for remark in remarks for line in re.split(r"\r\n|\r|\n", printable(remark)))
    return "".join(f"{indent}# {line}".rstrip() + "\n" for line in lines)


def printable(text: str) -> str:
    """The text without the characters that no YAML file may have, and with the line ends of one."""
    return UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
