"""Runs that a second operator has to approve, how runs stood when they were last counted, and the trail by its subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_approval",
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id", name="fk_run_approval_run_id"), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("asked_by", sa.String(100)),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("approved_by", sa.String(100)),
        sa.Column("approved_at", Instant()),
        sa.CheckConstraint("approved_by IS NULL OR asked_by IS NULL OR approved_by <> asked_by", name="ck_run_approval_second"),
    )
    op.create_table(
        "run_tally",
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id", name="fk_run_tally_run_id"), primary_key=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("cost", sa.Integer, nullable=False),
        sa.Column("samples", sa.Text, nullable=False),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "id"])


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
