"""Conversations: which feature has the floor with a follower, so that what they say next is an answer to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, bindparam, delete, select

from models.base import Hot, Instant, follower_id, insert, metadata

floors = Table(
    "conversation",
    metadata,
    follower_id(primary_key=True),
    Column("feature", String(40), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("since", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Floor:
    """Who has the floor, and about what (a survey's key)."""

    feature: str
    subject: str


_CURRENT = Hot(select(floors.c.feature, floors.c.subject).where(floors.c.follower_id == bindparam("follower")))
_SINCE = Hot(select(floors.c.since).where(floors.c.follower_id == bindparam("follower")))
_new = insert(floors).values({name: bindparam(name) for name in ("follower_id", "feature", "subject", "since")})
_TAKE = _new.on_conflict_do_update(
    index_elements=[floors.c.follower_id], set_={name: _new.excluded[name] for name in ("feature", "subject", "since")}
)
_LEAVE = delete(floors).where(floors.c.follower_id == bindparam("follower"))


def floor(db: Connection, follower: int) -> Floor | None:
    """Who has the floor with this follower now."""
    row = _CURRENT.row(db, follower=follower)
    return Floor(*row) if row else None


def since(db: Connection, follower: int) -> datetime | None:
    """When whoever has the floor with this follower took it last; None where nobody has."""
    row = _SINCE.row(db, follower=follower)
    return row[0] if row else None


def take_floor(db: Connection, follower: int, feature: str, subject: str, now: datetime) -> None:
    """Afterwards this feature has the floor, whoever had it before."""
    db.execute(_TAKE, {"follower_id": follower, "feature": feature, "subject": subject, "since": now})


def leave_floor(db: Connection, follower: int) -> None:
    """Afterwards nobody has the floor."""
    db.execute(_LEAVE, {"follower": follower})
