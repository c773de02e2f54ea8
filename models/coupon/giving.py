"""How a coupon comes to a follower: once per cause, never one more than there are, never one code to two of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, bindparam, delete, func, select, update

from models import notice, stock
from models.base import Hot, insert
from models.clock import business_day
from models.config import Config, fill
from models.coupon import code
from models.coupon.rules import BatchRules, rules_of
from models.coupon.tables import FREE, codes, coupons, holdings, owed
from models.database import undone_on_error
from models.refusal import Refusal
from models.stock import SoldOut


class UnknownBatch(Refusal):
    """The file has no such batch. Details: batch."""


class AlreadyClaimed(Refusal):
    """They have as many of this batch as one follower may claim. Details: name, limit."""


class ClaimOver(Refusal):
    """It is too late: such a coupon would not be good any more. Details: name."""


class _Repeated(Exception):
    """The cause has its coupon already."""


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon of a follower's. `code` is what its holder reads; `new` is False where this cause had it before."""

    id: int
    follower_id: int
    batch: str
    name: str
    code: str
    begins_at: datetime
    expires_at: datetime
    state: str
    new: bool = False


COLUMNS = [coupons.c[name] for name in ("id", "follower_id", "batch", "name", "shown", "begins_at", "expires_at", "state")]
_OF_CAUSE = Hot(select(*COLUMNS).where(coupons.c.follower_id == bindparam("follower"), coupons.c.cause == bindparam("what")))
_first = insert(holdings).values(follower_id=bindparam("follower_id"), batch=bindparam("batch"), number=1)
_COUNT = Hot(
    _first.on_conflict_do_update(
        index_elements=[holdings.c.follower_id, holdings.c.batch],
        set_={"number": holdings.c.number + 1},
        where=holdings.c.number < bindparam("most", type_=Integer),
    ).returning(holdings.c.number)
)
_HOLDS = Hot(select(holdings.c.number).where(holdings.c.follower_id == bindparam("follower"), holdings.c.batch == bindparam("which")))
_next_code = select(codes.c.id, codes.c.code, codes.c.shown).where(codes.c.batch == bindparam("which"), FREE).order_by(codes.c.id).limit(1)
# First whatever nobody else is about to take; where that is nothing, what they may yet leave.
_TAKE = (Hot(_next_code.with_for_update(skip_locked=True)), Hot(_next_code.with_for_update()))
_TAKEN = Hot(update(codes).where(codes.c.id == bindparam("which"), FREE).values(coupon_id=bindparam("coupon")))
_VALUES = ("follower_id", "batch", "name", "code", "shown", "cause", "claimed_at", "begins_at", "expires_at", "remind_at", "state")
_new = insert(coupons).values({name: bindparam(name) for name in _VALUES})
_ISSUE = Hot(_new.on_conflict_do_nothing(index_elements=[coupons.c.follower_id, coupons.c.cause]).returning(coupons.c.id))
_OWE = (
    insert(owed)
    .values({name: bindparam(name) for name in ("follower_id", "batch", "cause", "at")})
    .on_conflict_do_nothing(index_elements=[owed.c.follower_id, owed.c.cause])
)
_PAID = delete(owed).where(owed.c.follower_id == bindparam("follower"), owed.c.cause == bindparam("what"))

_UNLIMITED = 1 << 30  # more than anybody ever gets

# One transaction may issue coupons of several batches, in whatever order its rewards come: on PostgreSQL one issues at a time
# (0015-locks-in-one-order.md). Those of one batch wait for one another's commit anyway.
_GATE = Hot(select(func.pg_advisory_xact_lock(0x636F75706F6E)))


def give(db: Connection, config: Config, follower: int, batch: str, cause: str, at: datetime) -> Coupon:
    """Afterwards the follower has one coupon for this cause, and is told of it once.

    What is given is not limited per follower, but counts when they claim; a debt for this cause is paid by it. Raises UnknownBatch, SoldOut, ClaimOver, with nothing changed.
    """
    known = of_cause(db, follower, cause)
    if known is not None:
        return known
    rules = rules_of(config).batch(batch)
    if rules is None:
        raise UnknownBatch(batch=batch)
    with suppress(_Repeated), undone_on_error(db):
        given = _issue(db, config, rules, follower, cause, at, _UNLIMITED)
        text = fill(rules_of(config).notices.given, facts(config, given))
        notice.leave(db, config, follower, f"coupon:{given.id}", text, at, given.expires_at)
        db.execute(_PAID, {"follower": follower, "what": cause})
        return given
    known = of_cause(db, follower, cause)
    assert known is not None  # or nothing would have been repeated
    return known


def claim_one(db: Connection, config: Config, follower: int, batch: BatchRules, at: datetime) -> Coupon:
    """Afterwards the follower has one coupon more of this batch. Raises AlreadyClaimed, SoldOut, ClaimOver, with nothing changed."""
    with undone_on_error(db):
        return _issue(db, config, batch, follower, "", at, batch.per_follower)


def owe(db: Connection, follower: int, batch: str, cause: str, at: datetime) -> None:
    """It is written down that this cause's coupon could not be given: operators see it."""
    db.execute(_OWE, {"follower_id": follower, "batch": batch, "cause": cause, "at": at})


def of_cause(db: Connection, follower: int, cause: str) -> Coupon | None:
    """The coupon that the follower has for this cause."""
    row = _OF_CAUSE.row(db, follower=follower, what=cause)
    return Coupon(*row) if row else None


def facts(config: Config, one: Coupon, store: str = "") -> dict[str, object]:
    """What an operator's text may say of a coupon."""
    return {"name": one.name, "code": one.code, "until": until(config, one), "store": store}


def until(config: Config, one: Coupon) -> str:
    """The last day on which it is good, `2026-12-31`."""
    return business_day(one.expires_at - timedelta(seconds=1), config.zone).isoformat()


def _issue(db: Connection, config: Config, batch: BatchRules, follower: int, cause: str, at: datetime, most: int) -> Coupon:
    """The row that says how many this follower has is locked first: what they do at once comes one after the other."""
    valid = batch.validity(at, config.zone)
    if valid.end <= valid.begin:
        raise ClaimOver(name=batch.name)
    if db.dialect.name == "postgresql":
        _GATE.value(db)
    number = _COUNT.value(db, follower_id=follower, batch=batch.key, most=most)
    if number is None:
        raise AlreadyClaimed(name=batch.name, limit=batch.per_follower)
    place, found, shown = _code(db, batch)
    cause = cause or f"claim:{batch.key}:{number}"
    values = {"name": batch.name, "code": found, "shown": shown, "cause": cause, "claimed_at": at, "state": "claimed"}
    spans = {"begins_at": valid.begin, "expires_at": valid.end, "remind_at": valid.remind_at}
    issued = _ISSUE.value(db, follower_id=follower, batch=batch.key, **values, **spans)
    if issued is None:
        raise _Repeated
    if place is not None and not _TAKEN.count(db, which=place, coupon=issued):
        raise RuntimeError("a locked code was taken")  # no database does that
    return Coupon(issued, follower, batch.key, batch.name, shown, valid.begin, valid.end, "claimed", new=True)


def _code(db: Connection, batch: BatchRules) -> tuple[int | None, str, str]:
    """A code that nobody has, and the place it was imported to. Raises SoldOut where stock or codes are at an end."""
    if batch.stock is not None:
        try:
            stock.take(db, batch.subject, batch.stock)
        except SoldOut:
            raise SoldOut(name=batch.name, left=0) from None
    if batch.codes == "generated":
        fresh = code.fresh()
        return None, fresh, code.shown(fresh)
    row = next((row for take in _TAKE if (row := take.row(db, which=batch.key)) is not None), None)
    if row is None:
        raise SoldOut(name=batch.name, left=0)
    return row[0], row[1], row[2]


def held(db: Connection, follower: int, batch: str) -> int:
    """How many of this batch the follower ever got."""
    return _HOLDS.value(db, follower=follower, which=batch) or 0
