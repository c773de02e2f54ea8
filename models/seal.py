"""Seals: hashes over ranges of the ledger, each chained with the one before, so that nobody alters what was entered and goes unnoticed.

A trigger refuses changes of entries, but whoever owns the database can drop it, and make entry and balance agree again. A seal over
the range would not agree with them. Who can also compute all seals anew is caught by comparing the newest digest with one noted
elsewhere (`yizhan ledger audit --anchor`).

A range may be sealed when no entry can still appear in it. On SQLite there is one writer at a time, and ids ascend. On PostgreSQL ids
are given out before the commit: an entry of a transaction that is still open may have a lower id than others that are seen already. So a
seal also notes a mark: the highest id that is seen now, and the first transaction number that was not given out yet. Ids up to the mark
are sealed by later seals, at least MARGIN after, when every transaction below that number has ended: what they entered is seen by then,
and whatever begins later gets higher ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    select,
    text,
)

from models.base import Hot, Instant, insert, metadata
from models.config import Config
from models.points import ledger

seals = Table(
    "ledger_seal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 …
    Column("first_id", BigInteger, nullable=False),  # of the range, one above the range before
    Column("last_id", BigInteger, nullable=False),  # first_id - 1 where nothing is sealed but a mark is set
    Column("entries", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 over the digest before, the range, and its entries in canonical text
    Column("sealed_at", Instant, nullable=False),
    Column("mark", BigInteger, nullable=False),  # up to here ids had been given out at `marked_at`
    Column("marked_at", Instant, nullable=False),
    Column("horizon", BigInteger, nullable=False),  # the first transaction number of PostgreSQL's not given out then; 0 on SQLite
    UniqueConstraint("digest"),
    CheckConstraint("first_id <= last_id + 1 AND last_id <= mark AND entries >= 0", name="range"),
)

MARGIN = timedelta(minutes=5)
PIECE = 5000  # entries under one seal, at most: some 15 ms
_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Broken:
    """A seal that its range no longer agrees with, in both languages."""

    number: int
    first_id: int
    last_id: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """The seals, recomputed."""

    seals: int
    entries: int  # under a seal
    last_id: int
    digest: str  # the newest: note it elsewhere
    broken: tuple[Broken, ...]


_LAST = select(seals).order_by(seals.c.number.desc()).limit(1)
_ALL = select(seals).order_by(seals.c.number)
_HIGHEST = Hot(select(func.max(ledger.c.id)))
_new = insert(seals).values({column.name: bindparam(column.name) for column in seals.c})
_SEAL = Hot(_new.on_conflict_do_nothing())  # of two at once one is first

# The canonical text of an entry, the same on both databases: instants in UTC with microseconds, texts behind their length.
_INSTANT = {"sqlite": "{0}", "postgresql": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"}
_TEXT = "COALESCE(length({0}) || ':' || {0}, '-')"


def _lines(dialect: str) -> str:
    at, ends = (_INSTANT[dialect].format(column) for column in ("at", "expires_at"))
    asset, account, cause, by, reason = (_TEXT.format(column) for column in ("asset", "account", "cause", '"by"', "reason"))
    rest = (asset, account, "amount", cause, at, f"COALESCE({ends}, '-')", "COALESCE(CAST(reverses_id AS TEXT), '-')", by, reason)
    line = " || '|' || ".join(("id", "follower_id", *rest))
    return f"SELECT id, {line} FROM ledger_entry WHERE id >= :first AND id <= :last ORDER BY id"  # noqa: S608 (constants of this file)


def _entries(db: Connection, first: int, last: int) -> Iterator[tuple[int, str]]:
    """Id and canonical text of each entry of the range, by ascending id."""
    found = db.execute(text(_lines(db.dialect.name)), {"first": first, "last": last}, execution_options={"yield_per": PIECE})
    for row in found:
        yield row[0], row[1]


def _digest(before: str, number: int, first: int, last: int, lines: list[str]) -> str:
    return hashlib.sha256("\n".join([before, f"{number}|{first}|{last}|{len(lines)}", *lines]).encode()).hexdigest()


def seal(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 5000 more entries are under a seal; returns how many, 0 where there are none that may be sealed yet."""
    last = db.execute(_LAST).one_or_none()
    if last is None:
        _mark(db, None, 0, 0, _digest(_START, 1, 1, 0, []), now)
        return 0
    if last.last_id == last.mark:
        if (_HIGHEST.value(db) or 0) > last.mark:
            number, first = last.number + 1, last.last_id + 1
            _mark(db, last, last.last_id, 0, _digest(last.digest, number, first, last.last_id, []), now)
        return 0
    if now < last.marked_at + MARGIN or _oldest(db) < last.horizon:
        return 0
    first = last.last_id + 1
    lines = list(islice(_entries(db, first, last.mark), PIECE))
    upto = lines[-1][0] if len(lines) == PIECE else last.mark
    digest = _digest(last.digest, last.number + 1, first, upto, [line for _, line in lines])
    if upto == last.mark:
        _mark(db, last, upto, len(lines), digest, now)
    else:
        _put(db, last, upto, len(lines), digest, now, last.mark, last.marked_at, last.horizon)
    return len(lines)


def _mark(db: Connection, before: Any, upto: int, entries: int, digest: str, now: datetime) -> None:
    mark, horizon = max(_HIGHEST.value(db) or 0, upto), 0
    if db.dialect.name == "postgresql":  # asked after the highest id was: whoever was given a lower one is below the horizon
        horizon = int(db.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")).scalar_one())
    _put(db, before, upto, entries, digest, now, mark, now, horizon)


def _put(
    db: Connection, before: Any, upto: int, entries: int, digest: str, now: datetime, mark: int, marked_at: datetime, horizon: int
) -> None:
    number, first = (before.number + 1, before.last_id + 1) if before is not None else (1, 1)
    made = {"digest": digest, "sealed_at": now, "mark": mark, "marked_at": marked_at, "horizon": horizon}
    _SEAL.count(db, number=number, first_id=first, last_id=upto, entries=entries, **made)


def _oldest(db: Connection) -> int:
    """Every transaction below this number has ended."""
    if db.dialect.name != "postgresql":
        return 0
    return int(db.execute(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")).scalar_one())


def verify(db: Connection) -> Sealed:
    """Recomputes every seal from the entries as they are now, in one pass over them."""
    made = db.execute(_ALL).all()
    broken: list[Broken] = []
    before, expected, total = _START, 1, 0
    upto = made[-1].last_id if made else 0
    entries = _entries(db, -(1 << 62), upto)  # from below 1: nothing hides in front of the first range
    waiting = next(entries, None)
    following = 1
    for one in made:
        if one.number != following or one.first_id != expected:
            broken.append(Broken(one.number, expected, one.first_id - 1, "前面的封条不见了", "seals before it are missing"))
        lines = []
        while waiting is not None and waiting[0] <= one.last_id:
            if waiting[0] >= one.first_id or one.first_id == expected:
                lines.append(waiting[1])
            waiting = next(entries, None)
        total += one.entries
        if (fault := _fault(one, before, lines)) is not None:
            broken.append(Broken(one.number, one.first_id, one.last_id, *fault))
        before, expected, following = one.digest, one.last_id + 1, one.number + 1
    return Sealed(len(made), total, upto, before if made else "", tuple(broken))


def _fault(one: Any, before: str, lines: list[str]) -> tuple[str, str] | None:
    if len(lines) != one.entries:
        more, less = len(lines) - one.entries, one.entries - len(lines)
        return (f"多了 {more} 条", f"{more} too many") if more > 0 else (f"少了 {less} 条", f"{less} missing")
    if _digest(before, one.number, one.first_id, one.last_id, lines) != one.digest:
        return "有流水被改过，或者封条被改过", "an entry was altered, or the seal was"
    return None


def is_anchored(db: Connection, digest: str) -> bool:
    """Whether a digest that was noted elsewhere is still that of a seal; a prefix of 12 characters or more will do."""
    return len(digest) >= 12 and any(one.digest.startswith(digest.lower()) for one in db.execute(_ALL))
