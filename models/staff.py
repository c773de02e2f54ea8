"""Staff: followers who may redeem coupons at a counter, and the one-time codes by which they become so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, String, Table, bindparam, select, update

from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.follower import followers
from models.refusal import Refusal

CODE_LIVES = timedelta(hours=24)
LONGEST_NAME, LONGEST_STORE = 30, 30  # characters

staff = Table(
    "staff",
    metadata,
    identity(),
    follower_id(nullable=False, unique=True),
    Column("name", String(60), nullable=False),
    Column("store", String(60), nullable=False),
    Column("added_by", String(100), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

invitations = Table(
    "staff_invitation",
    metadata,
    Column("code", String(64), primary_key=True),  # SHA-256 of what they say
    Column("name", String(60), nullable=False),
    Column("store", String(60), nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    follower_id(),  # who used it
)


class NotStaff(Refusal):
    """They may not redeem, or may no longer."""


class UnknownInvitation(Refusal):
    """No such code, or it was used, or its day is over."""


@dataclass(frozen=True, slots=True)
class Staff:
    """One of the staff who may redeem now."""

    id: int
    name: str
    store: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One of the staff as a list shows them."""

    id: int
    openid: str
    name: str
    store: str
    added_by: str
    added_at: datetime
    disabled_at: datetime | None


_FIND = Hot(
    select(staff.c.id, staff.c.name, staff.c.store).where(staff.c.follower_id == bindparam("follower"), staff.c.disabled_at.is_(None))
)
_new = insert(staff).values({name: bindparam(name) for name in ("follower_id", "name", "store", "added_by", "added_at")})
_ADD = _new.on_conflict_do_update(
    index_elements=[staff.c.follower_id],
    set_={**{name: _new.excluded[name] for name in ("name", "store", "added_by", "added_at")}, "disabled_at": None},
).returning(staff.c.id)
_REMOVE = (
    update(staff)
    .where(staff.c.follower_id == bindparam("follower"), staff.c.disabled_at.is_(None))
    .values(disabled_at=bindparam("now", type_=Instant))
)
_USE = (
    update(invitations)
    .where(invitations.c.code == bindparam("said"), invitations.c.used_at.is_(None))
    .where(invitations.c.expires_at > bindparam("now", type_=Instant))
    .values(used_at=bindparam("now", type_=Instant), follower_id=bindparam("follower"))
    .returning(invitations.c.name, invitations.c.store, invitations.c.made_by)
)


def find(db: Connection, follower: int) -> Staff | None:
    """This follower as one of the staff; None where they are not, or no longer."""
    row = _FIND.row(db, follower=follower)
    return Staff(*row) if row else None


def known(db: Connection, follower: int) -> Staff:
    """As `find`. Raises NotStaff."""
    one = find(db, follower)
    if one is None:
        raise NotStaff
    return one


def add(db: Connection, follower: int, name: str, store: str, by: str, now: datetime) -> Staff:
    """Afterwards they are one of the staff, by this name and in this store. Raises ValueError for a name that is none."""
    name, store = _named(name, store)
    values = {"follower_id": follower, "name": name, "store": store, "added_by": by[:100], "added_at": now}
    return Staff(db.execute(_ADD, values).scalar_one(), name, store)


def remove(db: Connection, follower: int, now: datetime) -> None:
    """Afterwards they may redeem no more; what they did stays theirs. Raises NotStaff."""
    if not db.execute(_REMOVE, {"follower": follower, "now": now}).rowcount:
        raise NotStaff


def invite(db: Connection, code: str, name: str, store: str, by: str, now: datetime) -> datetime:
    """Whoever says this code first within a day becomes one of the staff. Returns until when. Only the code's digest is kept."""
    name, store = _named(name, store)
    until = now + CODE_LIVES
    values = {"code": _digest(code), "name": name, "store": store, "made_by": by[:100], "made_at": now, "expires_at": until}
    db.execute(insert(invitations).values(values))
    return until


def accept(db: Connection, follower: int, code: str, now: datetime) -> Staff:
    """Afterwards they are one of the staff and the code is used up. Raises UnknownInvitation, with nothing changed."""
    invited = db.execute(_USE, {"said": _digest(code), "now": now, "follower": follower}).one_or_none()
    if invited is None:
        raise UnknownInvitation
    return add(db, follower, invited.name, invited.store, invited.made_by, now)


def listed(db: Connection) -> list[Listed]:
    """Everybody who ever was, in the order they came."""
    columns = [staff.c[name] for name in ("name", "store", "added_by", "added_at", "disabled_at")]
    rows = db.execute(select(staff.c.id, followers.c.openid, *columns).join_from(staff, followers).order_by(staff.c.id))
    return [Listed(*row) for row in rows]


def _named(name: str, store: str) -> tuple[str, str]:
    name, store = name.strip(), store.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"店员的名字要 1 到 {LONGEST_NAME} 个字 / a name of 1 to {LONGEST_NAME} characters")
    if len(store) > LONGEST_STORE or not store.isprintable():
        raise ValueError(f"门店的名字最多 {LONGEST_STORE} 个字 / a store of {LONGEST_STORE} characters at most")
    return name, store


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
