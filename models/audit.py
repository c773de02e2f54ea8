"""The audit trail: who signed in and who changed what; written once, changed by nobody (a trigger in the database refuses)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, Connection, Index, String, Table, Text, bindparam, desc, insert, select

from models.base import Instant, identity, metadata

audit_entries = Table(
    "audit_entry",
    metadata,
    identity(),
    Column("at", Instant, nullable=False),
    Column("by", String(100), nullable=False),  # an operator's name as it was then, or `cli:` and the login name
    Column("action", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("detail", Text, nullable=False),
    Column("address", String(64), nullable=False),  # where it came from; empty for commands
    Index("ix_audit_entry_subject", "subject", "id"),
)

_NOTE = insert(audit_entries)
_columns = [audit_entries.c[name] for name in ("id", "at", "by", "action", "subject", "detail", "address")]
_LATEST = select(*_columns).order_by(desc(audit_entries.c.id)).limit(bindparam("most"))
_ABOUT = _LATEST.where(audit_entries.c.subject == bindparam("what"))


class Entry(NamedTuple):
    """One line of the trail."""

    id: int
    at: datetime
    by: str
    action: str
    subject: str
    detail: str
    address: str


def note(db: Connection, by: str, action: str, now: datetime, *, subject: str = "", detail: str = "", address: str = "") -> None:
    """The trail holds this from now on. It belongs into the transaction of the change itself: either both are there or neither."""
    values = {"at": now, "by": by[:100], "action": action, "subject": subject[:200], "detail": detail[:2000], "address": address[:64]}
    db.execute(_NOTE, values)


def latest(db: Connection, most: int) -> list[Entry]:
    """The newest entries, newest first."""
    return [Entry(*row) for row in db.execute(_LATEST, {"most": most})]


def about(db: Connection, subject: str, most: int) -> list[Entry]:
    """The newest entries about one subject, newest first."""
    return [Entry(*row) for row in db.execute(_ABOUT, {"what": subject, "most": most})]
