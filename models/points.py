"""Points, and whatever else followers own: an append-only ledger of double entries, one per cause, and balances that cannot go below zero.

Every entry moves something between a follower and an account of ours: `checkin` gives, `shop` takes. So the followers' balances and the
accounts together are zero at every instant. Besides points the ledger holds growth, make-up cards and draws: each is an asset.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
from models.follower import hold
from models.lot import NEVER, Lot, expired_of, lots
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
    Column("look_at", Instant),  # when the clock looks at it next: to warn, or to let expire; NULL: as soon as that is near
    CheckConstraint("amount >= 0", name="not_negative"),
)
_EXPIRING = balances.c.expires_at.is_not(None)
Index("ix_balance_look_at_expires_at", balances.c.look_at, balances.c.expires_at, sqlite_where=_EXPIRING, postgresql_where=_EXPIRING)

MOST = 1_000_000_000  # in one entry; far below what a 64-bit balance holds

Amount = Annotated[int, Field(ge=0, le=MOST)]


class NotEnoughPoints(Refusal):
    """The balance does not cover it. Details: balance, needed."""


class RequestUsed(Refusal):
    """This request was made before, for another amount: nothing was changed now. Details: amount (of then), balance."""


class UnknownEntry(Refusal):
    """There is no such entry, or it is itself one that took another back. Details: entry."""


_new = insert(ledger).values(
    {
        name: bindparam(name)
        for name in ("follower_id", "asset", "account", "amount", "cause", "at", "expires_at", "reverses_id", "by", "reason")
    }
)
_POST = Hot(_new.on_conflict_do_nothing(index_elements=[ledger.c.follower_id, ledger.c.asset, ledger.c.cause]).returning(ledger.c.id))
_first = insert(balances).values({name: bindparam(name) for name in ("follower_id", "asset", "amount", "expires_at")})
_ends = _first.excluded.expires_at
_sooner = and_(_ends.is_not(None), or_(balances.c.expires_at.is_(None), balances.c.expires_at > _ends))
_GAIN = Hot(
    _first.on_conflict_do_update(
        index_elements=[balances.c.follower_id, balances.c.asset],
        set_={
            "amount": balances.c.amount + _first.excluded.amount,
            "expires_at": case((_sooner, _ends), else_=balances.c.expires_at),
            "look_at": case((_sooner, None), else_=balances.c.look_at),
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
_HOLDING = Hot(select(balances.c.amount, balances.c.expires_at).where(*_mine))
_LOCK = Hot(select(balances.c.amount).where(*_mine).with_for_update())
_HAS_EXPIRED = Hot(select(balances.c.amount).where(*_mine, balances.c.expires_at <= bindparam("now", type_=Instant)))
_EXPIRES = Hot(update(balances).where(*_mine).values(expires_at=bindparam("next", type_=Instant), look_at=bindparam("look", type_=Instant)))
_OF_ONE = (ledger.c.follower_id == bindparam("follower"), ledger.c.asset == bindparam("what"))
_GOES = (
    select(ledger.c.id, ledger.c.account, ledger.c.amount, ledger.c.expires_at, ledger.c.reverses_id).where(*_OF_ONE).order_by(ledger.c.id)
)
_ENTRY = select(ledger).where(ledger.c.id == bindparam("entry"))
_AMOUNT = select(ledger.c.amount).where(*_OF_ONE, ledger.c.cause == bindparam("cause"))
_TAKEN_BACK = Hot(select(ledger.c.id).where(ledger.c.reverses_id == bindparam("entry")))
_GROWN = Hot(select(ledger.c.id).where(*_OF_ONE, ledger.c.cause == bindparam("cause"), ledger.c.amount > 0))


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

    A negative amount spends, and what has expired by `now` is gone before. The account is the one given, else the first word of the
    cause. Raises NotEnoughPoints where the balance does not cover it, ValueError for zero or an absurd amount.
    """
    if not 0 < abs(amount) <= MOST:
        raise ValueError(f"an entry of {amount} {asset}")
    if amount < 0 and _HAS_EXPIRED.value(db, follower=follower, what=asset, now=now) is not None:
        settle(db, follower, asset, now)
    return _enter(db, follower, amount, cause, now, account, asset, expires_at, reverses, by, reason)


def _enter(
    db: Connection,
    follower: int,
    amount: int,
    cause: str,
    now: datetime,
    account: str,
    asset: str,
    expires_at: datetime | None = None,
    reverses: int | None = None,
    by: str | None = None,
    reason: str | None = None,
) -> Posted:
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


_BALANCES = select(balances.c.follower_id, balances.c.amount).where(
    balances.c.follower_id.in_(bindparam("people", expanding=True)), balances.c.asset == bindparam("what")
)


def balances_of(db: Connection, people: Collection[int], asset: str = POINTS) -> dict[int, int]:
    """`balance` of all of these followers at once; who never had any is left out."""
    return dict(db.execute(_BALANCES, {"people": list(people), "what": asset}).all())


def holding(db: Connection, follower: int, asset: str = POINTS) -> tuple[int, datetime | None]:
    """How much of it the follower has, and the instant before which nothing of it expires; None where nothing ever does."""
    return _HOLDING.row(db, follower=follower, what=asset) or (0, None)


def lots_of(db: Connection, follower: int, asset: str = POINTS) -> list[Lot]:
    """What is left of each gain, what is spent first coming first."""
    return lots(db.execute(_GOES, {"follower": follower, "what": asset}))


def settle(
    db: Connection, follower: int, asset: str, now: datetime, look: Callable[[list[Lot]], datetime | None] | None = None
) -> list[Lot]:
    """Afterwards what has expired by `now` is gone from the balance, with an entry per instant; returns what is left.

    The balance's own `expires_at` is what is left expires at first, and `look_at` what `look` makes of it. Raises NotEnoughPoints where
    the balance is not the sum of its entries: somebody has altered the books.
    """
    _LOCK.value(db, follower=follower, what=asset)
    held = lots_of(db, follower, asset)
    gone: dict[datetime, list[Lot]] = {}
    for lot in held:
        if lot.expires_at <= now:
            gone.setdefault(lot.expires_at, []).append(lot)
    for instant, expired in gone.items():
        cause, amount = f"expiry:{instant:%Y-%m-%dT%H:%MZ}", -sum(lot.left for lot in expired)
        if not _enter(db, follower, amount, cause, now, "expiry", asset).new:  # something that was gained late, with an old date
            _enter(db, follower, amount, f"{cause}:{expired[0].id}", now, "expiry", asset)
    left = [lot for lot in held if lot.expires_at > now]
    ends = left[0].expires_at if left else NEVER
    _EXPIRES.count(db, follower=follower, what=asset, next=None if ends == NEVER else ends, look=look(left) if look else None)
    return left


def adjust(
    db: Connection,
    follower: int,
    amount: int,
    by: str,
    reason: str,
    now: datetime,
    request_id: str,
    *,
    asset: str = POINTS,
    expires_at: datetime | None = None,
) -> Posted:
    """Afterwards an operator has given so much, or taken it where it is negative, once per request id; the follower can read the reason.

    Raises NotEnoughPoints, RequestUsed, and ValueError without a name or a reason.
    """
    _signed(by, reason)
    hold(db, follower)
    cause = f"operator:{request_id}"
    posted = post(db, follower, amount, cause, now, asset=asset, expires_at=expires_at, by=by, reason=reason)
    if not posted.new:
        before = db.execute(_AMOUNT, {"follower": follower, "what": asset, "cause": cause}).scalar_one()
        if before != amount:
            raise RequestUsed(amount=before, balance=posted.balance)
    return posted


def reverse(
    db: Connection, entry_id: int, now: datetime, *, by: str, reason: str, at_most: bool = False, expires_at: datetime | None = None
) -> Posted:
    """Afterwards the entry is taken back by one of its own, once, in favour of the same account; growth of the same cause with it.

    What was gained and has not expired is taken from the balance: raises NotEnoughPoints where that does not cover it, or with `at_most`
    takes what is there (nothing is entered where that is nothing). What was spent comes back as a new gain, which expires at `expires_at`. Raises
    UnknownEntry; ValueError without a name or a reason.
    """
    _signed(by, reason)
    entry = db.execute(_ENTRY, {"entry": entry_id}).one_or_none()
    if entry is None or entry.reverses_id is not None:
        raise UnknownEntry(entry=entry_id)
    hold(db, entry.follower_id)
    done = _take_back(db, entry, now, by, reason, at_most, expires_at)
    if entry.asset == POINTS and entry.amount > 0:
        grown = _GROWN.value(db, follower=entry.follower_id, what=GROWTH, cause=entry.cause)
        if grown is not None:
            _take_back(db, db.execute(_ENTRY, {"entry": grown}).one(), now, by, reason, True, None)
    return done


def owner(db: Connection, entry_id: int) -> int | None:
    """Whose entry it is; None where there is no such entry."""
    entry = db.execute(_ENTRY, {"entry": entry_id}).one_or_none()
    return int(entry.follower_id) if entry is not None else None


def is_taken_back(db: Connection, entry_id: int) -> bool:
    """Whether an entry takes this one back: a reversal, or the refund of an order."""
    return _TAKEN_BACK.value(db, entry=entry_id) is not None


def _take_back(db: Connection, entry: Row[Any], now: datetime, by: str, reason: str, at_most: bool, expires_at: datetime | None) -> Posted:
    follower, asset, cause, amount = entry.follower_id, entry.asset, f"reversal:{entry.id}", -entry.amount
    there: int = _LOCK.value(db, follower=follower, what=asset) or 0  # of two at once the second finds the entry of the first
    if is_taken_back(db, entry.id):
        return Posted(there, new=False)
    if amount < 0 and _HAS_EXPIRED.value(db, follower=follower, what=asset, now=now) is not None:
        there = sum(lot.left for lot in settle(db, follower, asset, now))
    if entry.expires_at is not None and entry.expires_at <= now:
        amount += expired_of(db.execute(_GOES, {"follower": follower, "what": asset}), entry.id)
    if at_most and amount < 0:
        amount = -min(-amount, there)
    if not amount:
        return Posted(there, new=False)
    more = {"account": entry.account, "asset": asset, "reverses": entry.id, "by": by, "reason": reason}
    return post(db, follower, amount, cause, now, expires_at=expires_at if amount > 0 and asset == POINTS else None, **more)


def _signed(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise ValueError("改动积分要有名字和理由 / a change of points needs a name and a reason")


_running = func.sum(ledger.c.amount).over(order_by=ledger.c.id).label("balance")
_STATEMENT = select(ledger, _running).where(*_OF_ONE).order_by(ledger.c.id.desc()).limit(bindparam("most")).offset(bindparam("skip"))


def statement(db: Connection, follower: int, most: int, asset: str = POINTS, skip: int = 0) -> Sequence[Row[Any]]:
    """The newest entries first, after so many that are skipped: the columns of the ledger, and the `balance` after each."""
    return db.execute(_STATEMENT, {"follower": follower, "what": asset, "most": most, "skip": skip}).all()


_COUNT = Hot(select(func.count()).select_from(ledger).where(*_OF_ONE))


def count(db: Connection, follower: int, asset: str = POINTS) -> int:
    """How many entries the follower has."""
    return _COUNT.value(db, follower=follower, what=asset) or 0


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
