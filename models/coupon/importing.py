"""Codes that come from elsewhere, each to be given to one follower."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, select

from models.base import insert
from models.coupon import code as letters
from models.coupon.tables import codes, coupons

T = TypeVar("T")

_AT_ONCE = 500  # rows of one statement
LONGEST = 80  # characters of a code as it is written
_NEW = insert(codes).on_conflict_do_nothing(index_elements=[codes.c.code]).returning(codes.c.id)


class UnusableCodes(Exception):
    """Some lines hold no code that people can type and we can tell from the others: (line, what is wrong), the first of them."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        super().__init__("；".join(f"第 {line} 行{fault}" for line, fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Imported:
    """How many codes were new, and how many had been imported before."""

    new: int
    known: int


def import_codes(db: Connection, batch: str, lines: Iterable[str]) -> Imported:
    """Afterwards every line's code can be given, once, to a follower who claims from this batch; blank lines are none.

    Codes that were imported before stay what they are, so that it can be done again. Raises UnusableCodes, with nothing imported.
    """
    wanted = _read(lines)
    taken = _elsewhere(db, batch, wanted)
    if taken:
        raise UnusableCodes([(wanted[one][0], f"的券码已经在别的地方用了：{wanted[one][1]}") for one in taken][:10])
    rows = [{"batch": batch, "code": plain, "shown": shown} for plain, (_, shown) in wanted.items()]
    new = sum(len(db.execute(_NEW.values(part)).all()) for part in _parts(rows))
    return Imported(new, len(rows) - new)


def _read(lines: Iterable[str]) -> dict[str, tuple[int, str]]:
    """By what they are compared by: the line, and the code as it is written there."""
    found: dict[str, tuple[int, str]] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        shown, plain = line.strip().strip("\ufeff"), letters.plain(line)
        if not shown:
            continue
        if not plain or not shown.isprintable() or len(shown) > LONGEST or len(plain) > letters.LONGEST:
            faults.append((number, f"不是券码（最多 {letters.LONGEST} 个看得见的字）：{shown[:30]!r}"))
        elif plain in found:
            faults.append((number, f"和第 {found[plain][0]} 行一样（不分大小写和横线）：{shown}"))
        else:
            found[plain] = number, shown
    if faults:
        raise UnusableCodes(faults[:10])
    return found


def _elsewhere(db: Connection, batch: str, wanted: dict[str, tuple[int, str]]) -> list[str]:
    """Those that belong to another batch, or that we made ourselves."""
    which: BindParameter[Any] = bindparam("which", expanding=True)
    others = select(codes.c.code).where(codes.c.code.in_(which), codes.c.batch != batch)
    ours = select(coupons.c.code).where(coupons.c.code.in_(which), coupons.c.batch != batch)
    found = {one for part in _parts(list(wanted)) for look in (others, ours) for one in db.execute(look, {"which": part}).scalars()}
    return [one for one in wanted if one in found]


def _parts(things: list[T]) -> Iterable[list[T]]:
    return (things[begin : begin + _AT_ONCE] for begin in range(0, len(things), _AT_ONCE))
