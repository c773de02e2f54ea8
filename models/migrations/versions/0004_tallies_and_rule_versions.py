"""Tallies, the versions of the rules, and findings of words that must not appear."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_tally_follower_id"), primary_key=True),
        sa.Column("subject", sa.String(100), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name="positive"),
    )
    op.create_table(
        "rule_version",
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
    )
    op.create_table(
        "rule_version_in_force",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("process", sa.String(100), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
    )
    op.create_index("ix_rule_version_in_force_process", "rule_version_in_force", ["process", "seen_at"])
    op.create_table(
        "finding",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(220), nullable=False),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_finding_follower_id"), nullable=True),
        sa.Column("word", sa.String(200), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("settled_by", sa.String(100), nullable=True),
        sa.UniqueConstraint("key", "direction", "word", name="uq_finding_key_direction_word"),
        sa.CheckConstraint("direction IN ('heard', 'said')", name="direction"),
        sa.CheckConstraint("state IN ('noted', 'open', 'passed', 'dismissed')", name="state"),
    )
    still_open = sa.text("state = 'open'")
    op.create_index("ix_finding_open", "finding", ["id"], sqlite_where=still_open, postgresql_where=still_open)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
