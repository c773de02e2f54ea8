"""Stock: things of which there are so many, taken one by one by any number of processes, never one too many."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, bindparam, select, update

from models.base import Hot, insert, metadata
from models.refusal import Refusal

stocks = Table(
    "stock",
    metadata,
    Column("subject", String(120), primary_key=True),  # `coupon:new_member`, `prize:spring:first`, `goods:cup`
    Column("total", Integer, nullable=False),  # as the file had it when one was taken last; never less than what was taken
    Column("taken", Integer, nullable=False),
    CheckConstraint("taken >= 0 AND taken <= total", name="taken"),
)


class SoldOut(Refusal):
    """Nothing is left of it. Details: left (how many there are, less than were asked for)."""


_many = bindparam("number", type_=Integer)
_first = insert(stocks).values(subject=bindparam("subject"), total=bindparam("total", type_=Integer), taken=_many)
_TAKE = Hot(
    _first.on_conflict_do_update(
        index_elements=[stocks.c.subject],
        set_={"taken": stocks.c.taken + _many, "total": _first.excluded.total},
        where=stocks.c.taken + _many <= _first.excluded.total,
    ).returning(stocks.c.taken)
)
_PUT_BACK = Hot(
    update(stocks)
    .where(stocks.c.subject == bindparam("which"), stocks.c.taken >= bindparam("number", type_=Integer))
    .values(taken=stocks.c.taken - bindparam("number", type_=Integer))
)
_TAKEN = Hot(select(stocks.c.taken).where(stocks.c.subject == bindparam("which")))


def take(db: Connection, subject: str, total: int, number: int = 1) -> int:
    """Afterwards so many more of the `total` that the file has are taken. Returns how many are taken now. Raises SoldOut."""
    taken: int | None = _TAKE.value(db, subject=subject, total=total, number=number) if 0 < number <= total else None
    if taken is None:
        raise SoldOut(left=left(db, subject, total))
    return taken


def put_back(db: Connection, subject: str, number: int = 1) -> None:
    """Afterwards so many can be taken again. Raises ValueError where that many were never taken: a bug of the caller's."""
    if not _PUT_BACK.count(db, which=subject, number=number):
        raise ValueError(f"{number} of {subject} were never taken")


def taken(db: Connection, subject: str) -> int:
    """How many are taken."""
    return _TAKEN.value(db, which=subject) or 0


def left(db: Connection, subject: str, total: int) -> int:
    """How many of the total that the file has can still be taken; 0 where the file has less than were taken already."""
    return max(total - taken(db, subject), 0)
