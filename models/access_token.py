"""The access token all processes share: one generation after another, never backwards, one refresh each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, bindparam, or_, select, update

from models.base import Instant, insert, metadata

access_tokens = Table(
    "access_token",
    metadata,
    Column("app_id", String(64), primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("value", String(1024), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("refreshing_until", Instant),  # somebody is fetching the next generation
)

_READ = select(access_tokens.c.generation, access_tokens.c.value, access_tokens.c.expires_at).where(
    access_tokens.c.app_id == bindparam("app")
)
_new = insert(access_tokens).values(
    app_id=bindparam("app"), generation=0, value="", expires_at=bindparam("until"), refreshing_until=bindparam("until")
)
_FIRST = _new.on_conflict_do_nothing().returning(access_tokens.c.generation)
_CLAIM = (
    update(access_tokens)
    .where(access_tokens.c.app_id == bindparam("app"), access_tokens.c.generation == bindparam("held"))
    .where(or_(access_tokens.c.refreshing_until.is_(None), access_tokens.c.refreshing_until <= bindparam("now")))
    .values(refreshing_until=bindparam("until"))
)
_SAVE = (
    update(access_tokens)
    .where(access_tokens.c.app_id == bindparam("app"), access_tokens.c.generation < bindparam("new"))
    .values(generation=bindparam("new"), value=bindparam("token"), expires_at=bindparam("expires"), refreshing_until=None)
)


def read(db: Connection, app_id: str) -> Any | None:
    """generation, value, expires_at of the newest token; None where there never was one."""
    row = db.execute(_READ, {"app": app_id}).one_or_none()
    return row if row is not None and row.generation > 0 else None


def claim_refresh(db: Connection, app_id: str, generation: int, now: datetime, until: datetime) -> bool:
    """True for exactly one caller of all processes, who may then fetch the generation after this one, until `until`."""
    if generation == 0 and db.execute(_FIRST, {"app": app_id, "until": until}).scalar() is not None:
        return True
    return db.execute(_CLAIM, {"app": app_id, "held": generation, "now": now, "until": until}).rowcount == 1


def save(db: Connection, app_id: str, generation: int, value: str, expires_at: datetime) -> bool:
    """Afterwards this is the token, unless a generation as new was saved before: a late writer never puts an older one back."""
    return db.execute(_SAVE, {"app": app_id, "new": generation, "token": value, "expires": expires_at}).rowcount == 1
