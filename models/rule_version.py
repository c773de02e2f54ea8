"""Rule versions: every version of config.yaml that was in force, whole, and when, so that one can go back to it."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from models.base import Instant, identity, metadata

rule_versions = Table(
    "rule_version",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("files", Text, nullable=False),  # JSON: [[name relative to the folder, text], …], the main file first
    Column("first_at", Instant, nullable=False),
)

in_force = Table(
    "rule_version_in_force",
    metadata,
    identity(),
    Column("version", String(64), nullable=False),
    Column("process", String(100), nullable=False),  # host:pid
    Column("since", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # the process was alive and under this version
)
Index("ix_rule_version_in_force_process", in_force.c.process, in_force.c.seen_at)
