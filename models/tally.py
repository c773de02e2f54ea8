"""Tallies: how often something has happened with a follower, counted so that the next one knows its number."""

from __future__ import annotations

import hashlib

from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, bindparam

from models.base import Hot, follower_id, insert, metadata

tallies = Table(
    "tally",
    metadata,
    follower_id(primary_key=True),
    Column("subject", String(100), primary_key=True),  # `rule:营业时间`, `turn:4f1c…`: whose and what
    Column("count", Integer, nullable=False),
    CheckConstraint("count > 0", name="positive"),
)

_LONGEST = 100

_first = insert(tallies).values(follower_id=bindparam("follower_id"), subject=bindparam("subject"), count=1)
_COUNT = Hot(
    _first.on_conflict_do_update(index_elements=[tallies.c.follower_id, tallies.c.subject], set_={"count": tallies.c.count + 1}).returning(
        tallies.c.count
    )
)


def subject(kind: str, name: str) -> str:
    """The name under which something is counted; one that is too long is hashed."""
    whole = f"{kind}:{name}"
    return whole if len(whole) <= _LONGEST else f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def count(db: Connection, follower: int, what: str) -> int:
    """It has happened once more; returns for the how manieth time, from 1. Two at once get two numbers."""
    number: int = _COUNT.value(db, follower_id=follower, subject=what)
    return number
