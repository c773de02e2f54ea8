"""What is done with a coupon at the counter: it is looked up, redeemed once, perhaps un-redeemed, or declared void."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from models import notice, stock
from models.base import Instant
from models.config import Config, fill
from models.coupon import code as letters
from models.coupon.giving import COLUMNS, Coupon, facts
from models.coupon.rules import rules_of
from models.coupon.tables import codes, coupons, events
from models.follower import Follower, followers
from models.refusal import Refusal
from models.staff import Staff

_TOLD_FOR = timedelta(days=7)  # whoever has not written by then need not be told that a coupon of theirs was used


class MistypedCode(Refusal):
    """It looks like a code of ours, but a letter of it is wrong."""


class UnknownCode(Refusal):
    """Nobody has a coupon with this code."""


class AlreadyRedeemed(Refusal):
    """It is used. Details: name, by, at (an instant)."""


class CouponExpired(Refusal):
    """It is good no more. Details: name, until."""


class CouponNotYetValid(Refusal):
    """It is not good yet. Details: name, begin (an instant)."""


class CouponVoid(Refusal):
    """An operator declared it void. Details: name."""


class NotRedeemed(Refusal):
    """There is nothing to take back, or no longer. Details: name."""


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Who redeems: by what others are told, where, and which of the staff it is, if any."""

    by: str
    store: str = ""
    staff_id: int | None = None

    @classmethod
    def of(cls, one: Staff) -> Redeemer:
        """One of the staff, at their counter."""
        return cls(f"{one.store} {one.name}".strip(), one.store, one.id)


@dataclass(frozen=True, slots=True)
class Found:
    """A coupon with its code, who holds it, and by whom it was redeemed and when."""

    coupon: Coupon
    holder: Follower
    redeemed_by: str | None
    redeemed_at: datetime | None


_LOOK = select(
    *COLUMNS, coupons.c.redeemed_by, coupons.c.redeemed_at, followers.c.openid, followers.c.subscribed, followers.c.remark
).join_from(coupons, followers)
_BY_CODE = _LOOK.where(coupons.c.code == bindparam("said"))
_BY_ID = _LOOK.where(coupons.c.id == bindparam("which"))
_good = (coupons.c.id == bindparam("which"), coupons.c.state == "claimed")
_REDEEM = (
    update(coupons)
    .where(*_good, coupons.c.begins_at <= bindparam("now", type_=Instant), coupons.c.expires_at > bindparam("now", type_=Instant))
    .values(state="redeemed", redeemed_at=bindparam("now", type_=Instant), redeemed_by=bindparam("who"), staff_id=bindparam("whose"))
)
_used = (coupons.c.id == bindparam("which"), coupons.c.state == "redeemed")
_as_new = {"state": "claimed", "redeemed_at": None, "redeemed_by": None, "staff_id": None}
_UNDO = update(coupons).where(*_used).values(_as_new)
_UNDO_OWN = (
    update(coupons)
    .where(*_used, coupons.c.staff_id == bindparam("whose"), coupons.c.redeemed_at > bindparam("since", type_=Instant))
    .values(_as_new)
)
_LAST = (
    select(coupons.c.id)
    .where(coupons.c.staff_id == bindparam("whose"), coupons.c.redeemed_at > bindparam("since", type_=Instant))
    .order_by(coupons.c.redeemed_at.desc(), coupons.c.id.desc())
    .limit(1)
)
_VOID = update(coupons).where(*_good).values(state="void")
_NOTE = insert(events).returning(events.c.id)
_IMPORTED = select(codes.c.id).where(codes.c.coupon_id == bindparam("which"))


def look_up(db: Connection, said: str) -> Found:
    """The coupon with this code, however it is typed. Raises MistypedCode, UnknownCode."""
    plain = letters.plain(said)
    row = db.execute(_BY_CODE, {"said": plain}).one_or_none() if len(plain) <= letters.LONGEST else None
    if row is None:
        raise MistypedCode if letters.slip(plain) else UnknownCode
    return _read(row)


def see(db: Connection, coupon_id: int) -> Found:
    """The coupon with this number. Raises UnknownCode."""
    row = db.execute(_BY_ID, {"which": coupon_id}).one_or_none()
    if row is None:
        raise UnknownCode
    return _read(row)


def usable(config: Config, found: Found, now: datetime) -> None:
    """Raises AlreadyRedeemed, CouponVoid, CouponNotYetValid or CouponExpired where it cannot be redeemed now."""
    one = found.coupon
    if one.state == "redeemed":
        raise AlreadyRedeemed(name=one.name, by=found.redeemed_by, at=found.redeemed_at)
    if one.state == "void":
        raise CouponVoid(name=one.name)
    if now < one.begins_at:
        raise CouponNotYetValid(name=one.name, begin=one.begins_at)
    if now >= one.expires_at:
        raise CouponExpired(name=one.name, until=facts(config, one)["until"])


def redeem(db: Connection, config: Config, coupon_id: int, who: Redeemer, now: datetime) -> Found:
    """Afterwards the coupon is used, by exactly one of those who try, and its holder is told. Raises what `usable` does, UnknownCode."""
    values = {"which": coupon_id, "now": now, "who": who.by[:100], "whose": who.staff_id}
    done = db.execute(_REDEEM, values).rowcount
    found = see(db, coupon_id)
    if not done:
        usable(config, found, now)
        raise UnknownCode  # it was usable again before we could look: whoever asks anew gets it
    event = _note(db, coupon_id, "redeemed", who, now)
    _tell(db, config, found, rules_of(config).notices.used, f"coupon_used:{event}", who, now)
    return found


def undo(db: Connection, config: Config, coupon_id: int, who: Redeemer, now: datetime) -> Found:
    """Afterwards the coupon is as if it had not been used; the history keeps both. Raises NotRedeemed, UnknownCode."""
    return _undone(db, config, coupon_id, who, now, db.execute(_UNDO, {"which": coupon_id}).rowcount)


def undo_last(db: Connection, config: Config, who: Redeemer, within: timedelta, now: datetime) -> Found:
    """As `undo`, for the last coupon that this one of the staff redeemed, if that is not longer ago. Raises NotRedeemed."""
    values = {"whose": who.staff_id, "since": now - within}
    last = db.execute(_LAST, values).scalar()
    if last is None:
        raise NotRedeemed(name="")
    return _undone(db, config, last, who, now, db.execute(_UNDO_OWN, {**values, "which": last}).rowcount)


def void(db: Connection, coupon_id: int, by: str, reason: str, now: datetime) -> Found:
    """Afterwards nobody can use it. What was generated can be claimed by another; an imported code is used up.

    Raises UnknownCode, AlreadyRedeemed, CouponVoid.
    """
    done = db.execute(_VOID, {"which": coupon_id}).rowcount
    found = see(db, coupon_id)
    if not done:
        one = found.coupon
        raise (
            CouponVoid(name=one.name) if one.state == "void" else AlreadyRedeemed(name=one.name, by=found.redeemed_by, at=found.redeemed_at)
        )
    if db.execute(_IMPORTED, {"which": coupon_id}).scalar() is None:
        stock.put_back(db, f"coupon:{found.coupon.batch}")
    _note(db, coupon_id, "voided", Redeemer(by), now, reason)
    return found


def history(db: Connection, coupon_id: int) -> list[tuple[datetime, str, str, str]]:
    """What was done with it, in order: when, what, by whom, why."""
    wanted = select(events.c.at, events.c.act, events.c.by, events.c.reason).where(events.c.coupon_id == coupon_id).order_by(events.c.id)
    return [(at, act, by, reason) for at, act, by, reason in db.execute(wanted)]


def _undone(db: Connection, config: Config, coupon_id: int, who: Redeemer, now: datetime, done: int) -> Found:
    found = see(db, coupon_id)
    if not done:
        raise NotRedeemed(name=found.coupon.name)
    event = _note(db, coupon_id, "undone", who, now)
    _tell(db, config, found, rules_of(config).notices.undone, f"coupon_undone:{event}", who, now)
    return found


def _note(db: Connection, coupon_id: int, act: str, who: Redeemer, now: datetime, reason: str = "") -> int:
    values = {"at": now, "act": act, "by": who.by[:100], "store": who.store, "staff_id": who.staff_id, "reason": reason[:200]}
    event: int = db.execute(_NOTE, {"coupon_id": coupon_id, **values}).scalar_one()
    return event


def _tell(db: Connection, config: Config, found: Found, text: str, key: str, who: Redeemer, now: datetime) -> None:
    said = fill(text, facts(config, found.coupon, who.store))
    notice.leave(db, config, found.holder.id, key, said, now, now + _TOLD_FOR)


def _read(row: Any) -> Found:
    coupon = Coupon(*row[: len(COLUMNS)])
    holder = Follower(coupon.follower_id, row.openid, row.subscribed, True, row.remark)
    return Found(coupon, holder, row.redeemed_by, row.redeemed_at)
