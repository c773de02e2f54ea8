"""Findings: words that must not appear, found in what a follower said or in what we were about to say."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, String, Table, Text, UniqueConstraint

from models.base import Instant, follower_id, identity, metadata

DIRECTIONS = ("heard", "said")
STATES = ("noted", "open", "passed", "dismissed")

findings = Table(
    "finding",
    metadata,
    identity(),
    Column("key", String(220), nullable=False),  # the inbound message's key: of all its copies, one is counted
    Column("direction", String(10), nullable=False),
    follower_id(),
    Column("word", String(200), nullable=False),  # as it stands in the list
    Column("action", String(10), nullable=False),  # block | queue | log
    Column("text", Text, nullable=False),  # the whole of what was said
    Column("state", String(10), nullable=False),  # open: waits for an operator
    Column("at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", String(100)),
    UniqueConstraint("key", "direction", "word"),
    CheckConstraint(f"direction IN {DIRECTIONS}", name="direction"),
    CheckConstraint(f"state IN {STATES}", name="state"),
)
Index("ix_finding_open", findings.c.id, sqlite_where=findings.c.state == "open", postgresql_where=findings.c.state == "open")
