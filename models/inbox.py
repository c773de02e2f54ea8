"""The inbox: every inbound message once, with the reply it got, so that every repeat gets the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Integer, String, Table, Text, bindparam, case, func, update

from models.base import Hot, Instant, follower_id, identity, insert, metadata

inbox_entries = Table(
    "inbox_entry",
    metadata,
    identity(),
    Column("key", String(200), nullable=False, unique=True),
    follower_id(),
    Column("kind", String(64), nullable=False),
    Column("text", Text),
    Column("fields", Text),  # JSON of what was pushed; NULL for a plain text, which `text` tells
    Column("said_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("answered_by", String(200)),  # the trigger or rule that answered, for "why did it say that?"
    Column("rules_version", String(64)),
    Column("reply", Text),  # the passive reply in clear XML; NULL: `success`
    Column("repeats", Integer, nullable=False, server_default="0"),  # copies that were looked up here and were newer than all before them
    Column("newest_at", Instant),  # when the newest of those arrived; NULL: the first, at `received_at`, is the newest
    Column("followed_up_at", Instant),  # the reply left as a customer-service message: every later copy is answered `success`
    Index("ix_inbox_entry_follower_said", "follower_id", "said_at"),
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The message is new; its effects belong into this transaction."""

    id: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """The message had come before: the reply that this copy, the `copy`-th after the first, gets; OVERTAKEN where a newer one came sooner."""

    reply: str | None
    copy: int


OVERTAKEN = -1


_ADMIT = Hot(
    insert(inbox_entries)
    .values({name: bindparam(name) for name in ("key", "kind", "text", "fields", "said_at", "received_at")})
    .on_conflict_do_nothing(index_elements=[inbox_entries.c.key])
    .returning(inbox_entries.c.id)
)
_arrived = bindparam("arrived", type_=Instant)
_overtaken = _arrived < func.coalesce(inbox_entries.c.newest_at, inbox_entries.c.received_at)
_REPEAT = Hot(
    update(inbox_entries)
    .where(inbox_entries.c.key == bindparam("entry_key"))
    .values(
        repeats=case((_overtaken, inbox_entries.c.repeats), else_=inbox_entries.c.repeats + 1),
        newest_at=case((_overtaken, inbox_entries.c.newest_at), else_=_arrived),
    )
    .returning(inbox_entries.c.reply, inbox_entries.c.repeats, inbox_entries.c.followed_up_at, inbox_entries.c.newest_at)
)
_ANSWERED = Hot(
    update(inbox_entries)
    .where(inbox_entries.c.id == bindparam("entry"))
    .values({name: bindparam(name) for name in ("follower_id", "answered_by", "rules_version", "reply")})
)
_FOLLOW_UP = (
    update(inbox_entries)
    .where(inbox_entries.c.key == bindparam("entry_key"), inbox_entries.c.repeats == bindparam("copy"))
    .where(inbox_entries.c.followed_up_at.is_(None), inbox_entries.c.follower_id.is_not(None))
    .values(followed_up_at=bindparam("now"))
    .returning(inbox_entries.c.id, inbox_entries.c.follower_id)
)


def admit(
    db: Connection, key: str, kind: str, text: str | None, said_at: datetime, now: datetime, *, fields: str | None = None
) -> Admitted | Repeated:
    """Insert first: of any number of copies, in any number of processes, exactly one is admitted, and the others wait for its commit."""
    new = _ADMIT.value(db, key=key, kind=kind, text=text, fields=fields, said_at=said_at, received_at=now)
    if new is not None:
        return Admitted(new)
    found = _REPEAT.row(db, entry_key=key, arrived=now)
    assert found is not None  # the key was taken a moment ago, and entries with a young key are not deleted
    reply, copy, followed_up_at, newest_at = found
    return Repeated(None if followed_up_at else reply, copy if newest_at == now else OVERTAKEN)


def answered(db: Connection, entry: int, follower: int | None, answered_by: str | None, rules_version: str, reply: str | None) -> None:
    """Afterwards the entry holds the reply that every repeat will get."""
    _ANSWERED.count(db, entry=entry, follower_id=follower, answered_by=answered_by, rules_version=rules_version, reply=reply)


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """The reply of this entry goes to this follower as a customer-service message."""

    id: int
    follower_id: int


def follow_up(db: Connection, key: str, copy: int, now: datetime) -> FollowedUp | None:
    """The `copy`-th copy of a push could not be answered in time: may its reply follow as a customer-service message?

    Yes, once, and only to the newest copy. The platform sends a further copy when it has given up on the one before, so the newest is the
    one it listens to: it answers for itself, and an older one that is still on its way here must not say the same a second time. The
    newest is the one that arrived last: two processes that waited for a locked database are let in in any order.
    Afterwards, where the answer is yes, every copy yet to come is answered `success`.
    """
    row = db.execute(_FOLLOW_UP, {"entry_key": key, "copy": copy, "now": now}).one_or_none()
    return FollowedUp(row.id, row.follower_id) if row else None
