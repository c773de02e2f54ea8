"""Points, and whatever else followers own: an append-only ledger of double entries, one per cause, and balances that cannot go below zero.

Every entry moves something between a follower and an account of ours: `checkin` gives, `shop` takes. So the followers' balances and the
accounts together are zero at every instant. Besides points the ledger holds growth, make-up cards and draws: each is an asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from models.base import Hot, Id, Instant, follower_id, identity, insert, metadata
from models.refusal import Refusal

POINTS, GROWTH, CARD = "points", "growth", "card"  # assets: spendable points, the growth of levels, make-up cards

ledger = Table(
    "ledger_entry",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("asset", String(60), nullable=False, server_default=POINTS),
    Column("account", String(40), nullable=False),  # where it comes from (amount > 0) or goes to: checkin, survey, shop, expiry …
    Column("amount", BigInteger, nullable=False),  # the follower's side; the account's is the negative of it
    Column("cause", String(200), nullable=False),  # a sentence that names the one thing this entry is for: `checkin:2026-11-21`
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant),  # when what was gained and is not spent by then is gone; NULL: never
    Column("reverses_id", Id, ForeignKey("ledger_entry.id"), unique=True),  # the entry this one takes back; at most one does
    Column("by", String(100)),  # the operator who made it, where one did
    Column("reason", String(200)),  # and why
    UniqueConstraint("follower_id", "asset", "cause"),
    CheckConstraint("amount <> 0", name="not_zero"),
)

balances = Table(
    "balance",
    metadata,
    follower_id(primary_key=True),
    Column("asset", String(60), primary_key=True, server_default=POINTS),
    Column("amount", BigInteger, nullable=False),
    Column("expires_at", Instant),  # before this instant nothing of it expires; NULL: nothing ever does
    CheckConstraint("amount >= 0", name="not_negative"),
)
_EXPIRING = balances.c.expires_at.is_not(None)
Index("ix_balance_expires_at", balances.c.expires_at, sqlite_where=_EXPIRING, postgresql_where=_EXPIRING)

MOST = 1_000_000_000  # in one entry; far below what a 64-bit balance holds

Amount = Annotated[int, Field(ge=0, le=MOST)]


class NotEnoughPoints(Refusal):
    """The balance does not cover it. Details: balance, needed."""


_new = insert(ledger).values(
    {
        name: bindparam(name)
        for name in ("follower_id", "asset", "account", "amount", "cause", "at", "expires_at", "reverses_id", "by", "reason")
    }
)
_POST = Hot(_new.on_conflict_do_nothing(index_elements=[ledger.c.follower_id, ledger.c.asset, ledger.c.cause]).returning(ledger.c.id))
_first = insert(balances).values({name: bindparam(name) for name in ("follower_id", "asset", "amount", "expires_at")})
_sooner = or_(balances.c.expires_at.is_(None), balances.c.expires_at > _first.excluded.expires_at)
_GAIN = Hot(
    _first.on_conflict_do_update(
        index_elements=[balances.c.follower_id, balances.c.asset],
        set_={
            "amount": balances.c.amount + _first.excluded.amount,
            "expires_at": case(
                (and_(_first.excluded.expires_at.is_not(None), _sooner), _first.excluded.expires_at), else_=balances.c.expires_at
            ),
        },
    ).returning(balances.c.amount)
)
_mine = (balances.c.follower_id == bindparam("follower"), balances.c.asset == bindparam("what"))
_SPEND = Hot(
    update(balances)
    .where(*_mine, balances.c.amount >= bindparam("price"))
    .values(amount=balances.c.amount - bindparam("price"))
    .returning(balances.c.amount)
)
_BALANCE = Hot(select(balances.c.amount).where(*_mine))


@dataclass(frozen=True, slots=True)
class Posted:
    """What the ledger says now. `new` is False where this cause had been posted before and nothing changed."""

    balance: int
    new: bool


def post(
    db: Connection,
    follower: int,
    amount: int,
    cause: str,
    now: datetime,
    *,
    account: str = "",
    asset: str = POINTS,
    expires_at: datetime | None = None,
    reverses: int | None = None,
    by: str | None = None,
    reason: str | None = None,
) -> Posted:
    """Afterwards the ledger has exactly one entry for the cause, and the balance is the sum of the entries.

    A negative amount spends. The account is the one given, else the first word of the cause. Raises NotEnoughPoints where the balance
    does not cover it, ValueError for zero or an absurd amount.
    """
    if not 0 < abs(amount) <= MOST:
        raise ValueError(f"an entry of {amount} {asset}")
    new = _POST.value(
        db,
        follower_id=follower,
        asset=asset,
        account=account or cause.partition(":")[0],
        amount=amount,
        cause=cause,
        at=now,
        expires_at=expires_at,
        reverses_id=reverses,
        by=by,
        reason=reason,
    )
    if new is None:
        return Posted(balance(db, follower, asset), new=False)
    if amount > 0:
        return Posted(_GAIN.value(db, follower_id=follower, asset=asset, amount=amount, expires_at=expires_at), new=True)
    left = _SPEND.value(db, follower=follower, what=asset, price=-amount)
    if left is None:
        raise NotEnoughPoints(balance=balance(db, follower, asset), needed=-amount)
    return Posted(left, new=True)


def balance(db: Connection, follower: int, asset: str = POINTS) -> int:
    """How much of it the follower has."""
    return _BALANCE.value(db, follower=follower, what=asset) or 0


_STATEMENT = (
    select(ledger)
    .where(ledger.c.follower_id == bindparam("follower"), ledger.c.asset == bindparam("what"))
    .order_by(ledger.c.id.desc())
    .limit(bindparam("most"))
)


def statement(db: Connection, follower: int, most: int, asset: str = POINTS) -> Sequence[Row[Any]]:
    """The newest entries first: the columns of the ledger."""
    return db.execute(_STATEMENT, {"follower": follower, "what": asset, "most": most}).all()


@dataclass(frozen=True, slots=True)
class Difference:
    """A balance that is not the sum of its entries."""

    follower_id: int
    asset: str
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
    """Compares every balance with the sum of its ledger, in one pass of the database over both. Entries and total are those of points."""
    key = (ledger.c.follower_id, ledger.c.asset)
    sums = select(*key, func.sum(ledger.c.amount).label("total")).group_by(*key).cte("sums")
    kept, summed = func.coalesce(balances.c.amount, 0).label("balance"), func.coalesce(sums.c.total, 0).label("entries")
    same = and_(sums.c.follower_id == balances.c.follower_id, sums.c.asset == balances.c.asset)
    off = select(balances.c.follower_id, balances.c.asset, kept, summed).select_from(balances.outerjoin(sums, same)).where(kept != summed)
    orphans = (
        select(sums.c.follower_id, sums.c.asset, kept, summed)
        .select_from(sums.outerjoin(balances, same))
        .where(balances.c.follower_id.is_(None), summed != 0)
    )
    differences = tuple(Difference(int(who), what, int(has), int(total)) for who, what, has, total in db.execute(off.union_all(orphans)))
    of_points = ledger.c.asset == POINTS
    entries, total = db.execute(select(func.count(), func.coalesce(func.sum(ledger.c.amount), 0)).where(of_points)).one()
    people = db.execute(select(func.count()).select_from(balances).where(balances.c.asset == POINTS)).scalar_one()
    return Audited(int(entries), int(people), int(total), differences)
