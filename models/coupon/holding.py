"""What there is of coupons: a follower's own, and the counts of a batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, select

from models import stock
from models.base import Instant
from models.coupon.giving import COLUMNS, Coupon
from models.coupon.rules import BatchRules
from models.coupon.tables import FREE, codes, coupons, owed
from models.follower import followers

MOST_SHOWN = 200  # of one follower's: who has more sees those that expire first


@dataclass(frozen=True, slots=True)
class Mine:
    """A follower's coupons that can be used or soon can, those that expire first in front, and how many are used and expired."""

    coupons: tuple[Coupon, ...]
    redeemed: int
    expired: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How many coupons of a batch there are, by what became of them, how many imported codes nobody has, and how many are owed."""

    claimed: int = 0  # all that ever were, but the void ones
    redeemed: int = 0
    expired: int = 0
    void: int = 0
    free: int = 0
    owed: int = 0


_over = and_(coupons.c.state == "claimed", coupons.c.expires_at <= bindparam("now", type_=Instant))
_GOOD = (
    select(*COLUMNS)
    .where(coupons.c.follower_id == bindparam("follower"), coupons.c.state == "claimed")
    .where(coupons.c.expires_at > bindparam("now", type_=Instant))
    .order_by(coupons.c.expires_at, coupons.c.id)
    .limit(MOST_SHOWN)
)
_REDEEMED = func.sum(case((coupons.c.state == "redeemed", 1), else_=0))
_EXPIRED, _VOIDED = func.sum(case((_over, 1), else_=0)), func.sum(case((coupons.c.state == "void", 1), else_=0))
_PAST = select(_REDEEMED, _EXPIRED).where(coupons.c.follower_id == bindparam("follower"))
_BY_BATCH = select(coupons.c.batch, func.count(), _REDEEMED, _EXPIRED, _VOIDED).group_by(coupons.c.batch)
_FREE = select(codes.c.batch, func.count()).where(FREE).group_by(codes.c.batch)
_OWED = select(owed.c.batch, func.count()).group_by(owed.c.batch)


def mine(db: Connection, follower: int, now: datetime) -> Mine:
    """What this follower has."""
    values = {"follower": follower, "now": now}
    good = tuple(Coupon(*row) for row in db.execute(_GOOD, values))
    redeemed, expired = db.execute(_PAST, values).one()
    return Mine(good, int(redeemed or 0), int(expired or 0))


_USABLE = (
    select(coupons.c.follower_id, func.count())
    .where(coupons.c.follower_id.in_(bindparam("people", expanding=True)), coupons.c.state == "claimed")
    .where(coupons.c.begins_at <= bindparam("now", type_=Instant), coupons.c.expires_at > bindparam("now", type_=Instant))
    .group_by(coupons.c.follower_id)
)


def usable_of(db: Connection, people: Collection[int], now: datetime) -> dict[int, int]:
    """How many coupons each of these followers can use now; who has none is left out."""
    return dict(db.execute(_USABLE, {"people": list(people), "now": now}).all())


def counted(db: Connection, now: datetime) -> Mapping[str, Counted]:
    """The counts of every batch that ever had a coupon, a code or a debt."""
    free: dict[str, int] = dict(db.execute(_FREE).all())
    debts: dict[str, int] = dict(db.execute(_OWED).all())
    known = {batch: tuple(map(int, numbers)) for batch, *numbers in db.execute(_BY_BATCH, {"now": now})}
    found = {}
    for batch in {*known, *free, *debts}:
        every, redeemed, expired, void = known.get(batch, (0, 0, 0, 0))
        found[batch] = Counted(every - void, redeemed, expired, void, free.get(batch, 0), debts.get(batch, 0))
    return found


def every(db: Connection, batch: str, at_once: int = 1000) -> Iterator[Any]:
    """All coupons of a batch by their number, with their holders' openids, read so many at a time."""
    columns = [coupons.c[name] for name in ("id", "shown", "state", "cause", "claimed_at", "expires_at", "redeemed_at", "redeemed_by")]
    wanted = select(*columns, followers.c.openid).join_from(coupons, followers).where(coupons.c.batch == batch).order_by(coupons.c.id)
    last = 0
    while rows := db.execute(wanted.where(coupons.c.id > last).limit(at_once)).all():
        yield from rows
        last = rows[-1].id


def left(db: Connection, batch: BatchRules, counts: Counted) -> int:
    """How many of the batch can still be given."""
    by_stock = [stock.left(db, batch.subject, batch.stock)] if batch.stock is not None else []
    return min([*by_stock, *([counts.free] if batch.codes == "imported" else [])])


@dataclass(frozen=True, slots=True)
class Debt:
    """A coupon of a reward that there was none of."""

    follower_id: int
    openid: str
    batch: str
    cause: str
    at: datetime


def debts(db: Connection) -> list[Debt]:
    """What is owed, the oldest first."""
    wanted = select(owed.c.follower_id, followers.c.openid, owed.c.batch, owed.c.cause, owed.c.at).join_from(owed, followers)
    return [Debt(*row) for row in db.execute(wanted.order_by(owed.c.id))]
