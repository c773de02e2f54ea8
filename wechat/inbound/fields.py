"""Reads fields as tolerantly as the platform is loose with them: nothing here raises.

One rule for all: a field that is missing, doubled, nested or not what it should be is as if it had not come. A text is then "", a
number None, a list (). Names are tried in the spellings that were seen; text is given as it came, numbers without the blanks around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Fields = Mapping[str, object]


class Content:
    """What one push says, by its type."""

    __slots__ = ()


_NOTHING: Fields = {}
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}")  # ids have 64 bits; Python's int holds them exactly
_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,30})?")


def text(fields: Fields, *names: str) -> str:
    """The first of these that holds any text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def number(fields: Fields, name: str) -> int | None:
    """The whole number, exactly."""
    found = text(fields, name).strip()
    return int(found) if _NUMBER.fullmatch(found) else None


def decimal(fields: Fields, name: str) -> float | None:
    """The decimal number: degrees, metres."""
    found = text(fields, name).strip()
    return float(found) if _DECIMAL.fullmatch(found) else None


def part(fields: Fields, *path: str) -> Fields:
    """The fields of the nested element at the end of this path."""
    for name in path:
        value = fields.get(name)
        fields = value if isinstance(value, Mapping) else _NOTHING
    return fields


def parts(fields: Fields, name: str) -> tuple[Fields, ...]:
    """The nested elements of this name: repeated ones come as a list, a single one alone."""
    value = fields.get(name)
    values = value if isinstance(value, list) else [value]
    return tuple(one for one in values if isinstance(one, Mapping))


def numbers(fields: Fields, name: str) -> tuple[int, ...]:
    """The whole numbers of this name, repeated or alone."""
    value = fields.get(name)
    found = (number({name: one}, name) for one in (value if isinstance(value, list) else [value]))
    return tuple(one for one in found if one is not None)
