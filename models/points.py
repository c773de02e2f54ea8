"""Points: an append-only ledger with one entry per cause, and a balance that cannot go below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    select,
    update,
)

from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.config import Config, Rules
from models.refusal import Refusal

ledger = Table(
    "ledger_entry",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("cause", String(200), nullable=False),  # a sentence that names the one thing this entry is for: `checkin:2026-11-21`
    Column("at", Instant, nullable=False),
    UniqueConstraint("follower_id", "cause"),
    CheckConstraint("amount <> 0", name="not_zero"),
)

balances = Table(
    "balance",
    metadata,
    follower_id(primary_key=True),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount >= 0", name="not_negative"),
)

MOST = 1_000_000_000  # in one entry; far below what a 64-bit balance holds

Amount = Annotated[int, Field(ge=0, le=MOST)]


class LevelRules(Rules):
    """How many points make a level."""

    levels: Mapping[str, int] = Field(default_factory=dict, description="等级名称 → 需要的积分")

    def level(self, balance: int) -> str:
        """The highest level the balance reaches, '' where it reaches none."""
        reached = [(needed, name) for name, needed in self.levels.items() if balance >= needed]
        return max(reached)[1] if reached else ""


def level_rules(config: Config) -> LevelRules:
    """The levels of this configuration, whichever section holds them."""
    return config.of_kind(LevelRules) or LevelRules()


class NotEnoughPoints(Refusal):
    """The balance does not cover it. Details: balance, needed."""


_new = insert(ledger).values({name: bindparam(name) for name in ("follower_id", "amount", "cause", "at")})
_POST = Hot(_new.on_conflict_do_nothing(index_elements=[ledger.c.follower_id, ledger.c.cause]).returning(ledger.c.id))
_first = insert(balances).values(follower_id=bindparam("follower_id"), amount=bindparam("amount"))
_GAIN = Hot(
    _first.on_conflict_do_update(
        index_elements=[balances.c.follower_id], set_={"amount": balances.c.amount + _first.excluded.amount}
    ).returning(balances.c.amount)
)
_SPEND = Hot(
    update(balances)
    .where(balances.c.follower_id == bindparam("follower"), balances.c.amount >= bindparam("price"))
    .values(amount=balances.c.amount - bindparam("price"))
    .returning(balances.c.amount)
)
_BALANCE = Hot(select(balances.c.amount).where(balances.c.follower_id == bindparam("follower")))


@dataclass(frozen=True, slots=True)
class Posted:
    """What the ledger says now. `new` is False where this cause had been posted before and nothing changed."""

    balance: int
    new: bool


def post(db: Connection, follower: int, amount: int, cause: str, now: datetime) -> Posted:
    """Afterwards the ledger has exactly one entry for the cause, and the balance is the sum of the entries.

    A negative amount spends. Raises NotEnoughPoints where the balance does not cover it, ValueError for zero or an absurd amount.
    """
    if not 0 < abs(amount) <= MOST:
        raise ValueError(f"an entry of {amount} points")
    if _POST.value(db, follower_id=follower, amount=amount, cause=cause, at=now) is None:
        return Posted(balance(db, follower), new=False)
    if amount > 0:
        return Posted(_GAIN.value(db, follower_id=follower, amount=amount), new=True)
    left = _SPEND.value(db, follower=follower, price=-amount)
    if left is None:
        raise NotEnoughPoints(balance=balance(db, follower), needed=-amount)
    return Posted(left, new=True)


def balance(db: Connection, follower: int) -> int:
    """The follower's points."""
    return _BALANCE.value(db, follower=follower) or 0


_STATEMENT = select(ledger).where(ledger.c.follower_id == bindparam("follower")).order_by(ledger.c.id.desc()).limit(bindparam("most"))


def statement(db: Connection, follower: int, most: int) -> Sequence[Row[Any]]:
    """The newest entries first: id, follower_id, amount, cause, at."""
    return db.execute(_STATEMENT, {"follower": follower, "most": most}).all()


@dataclass(frozen=True, slots=True)
class Difference:
    """A balance that is not the sum of its entries."""

    follower_id: int
    balance: int
    entries: int


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found; the books are right where `differences` is empty."""

    entries: int
    followers: int
    total: int
    differences: tuple[Difference, ...]


def audit(db: Connection) -> Audited:
    """Compares every balance with the sum of its ledger, in one pass of the database over both."""
    sums = select(ledger.c.follower_id, func.sum(ledger.c.amount).label("total"), func.count().label("entries")).group_by(
        ledger.c.follower_id
    )
    sums_ = sums.cte("sums")
    balance_ = func.coalesce(balances.c.amount, 0)
    total_ = func.coalesce(sums_.c.total, 0)
    pairs = balances.outerjoin(sums_, sums_.c.follower_id == balances.c.follower_id)
    off = select(balances.c.follower_id, balance_.label("balance"), total_.label("entries")).select_from(pairs).where(balance_ != total_)
    orphans = (
        select(sums_.c.follower_id, balance_.label("balance"), total_.label("entries"))
        .select_from(sums_.outerjoin(balances, balances.c.follower_id == sums_.c.follower_id))
        .where(balances.c.follower_id.is_(None), total_ != 0)
    )
    differences = tuple(Difference(int(key), int(kept), int(summed)) for key, kept, summed in db.execute(off.union_all(orphans)))
    entries, total = db.execute(select(func.count(), func.coalesce(func.sum(ledger.c.amount), 0)).select_from(ledger)).one()
    people = db.execute(select(func.count()).select_from(balances)).scalar_one()
    return Audited(int(entries), int(people), int(total), differences)
