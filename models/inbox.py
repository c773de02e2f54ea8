"""The inbox: every inbound message once, with the reply it got, so that every repeat gets the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, bindparam, select, update

from models.base import Hot, Instant, follower_id, identity, insert, metadata

inbox_entries = Table(
    "inbox_entry",
    metadata,
    identity(),
    Column("key", String(200), nullable=False, unique=True),
    follower_id(index=True),
    Column("kind", String(64), nullable=False),
    Column("text", Text),
    Column("said_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("answered_by", String(200)),  # the trigger or rule that answered, for "why did it say that?"
    Column("rules_version", String(64)),
    Column("reply", Text),  # the passive reply in clear XML; NULL: `success`
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The message is new; its effects belong into this transaction."""

    id: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """The message had come before, and this is the reply it got."""

    reply: str | None


_ADMIT = Hot(
    insert(inbox_entries)
    .values({name: bindparam(name) for name in ("key", "kind", "text", "said_at", "received_at")})
    .on_conflict_do_nothing(index_elements=[inbox_entries.c.key])
    .returning(inbox_entries.c.id)
)
_REPLY_OF = Hot(select(inbox_entries.c.reply).where(inbox_entries.c.key == bindparam("key")))
_ANSWERED = Hot(
    update(inbox_entries)
    .where(inbox_entries.c.id == bindparam("entry"))
    .values({name: bindparam(name) for name in ("follower_id", "answered_by", "rules_version", "reply")})
)


def admit(db: Connection, key: str, kind: str, text: str | None, said_at: datetime, now: datetime) -> Admitted | Repeated:
    """Insert first: of any number of copies, in any number of processes, exactly one is admitted, and the others wait for its commit."""
    new = _ADMIT.value(db, key=key, kind=kind, text=text, said_at=said_at, received_at=now)
    if new is not None:
        return Admitted(new)
    return Repeated(_REPLY_OF.value(db, key=key))


def answered(db: Connection, entry: int, follower: int, answered_by: str | None, rules_version: str, reply: str | None) -> None:
    """Afterwards the entry holds the reply that every repeat will get."""
    _ANSWERED.count(db, entry=entry, follower_id=follower, answered_by=answered_by, rules_version=rules_version, reply=reply)
