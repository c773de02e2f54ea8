"""Runs say who began them and how often they were edited, deliveries which way they went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcast_run", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("broadcast_run", sa.Column("by", sa.String(100)))
    op.add_column("broadcast_run", sa.Column("test", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "run_revision",
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id", name="fk_run_revision_run_id"), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("replaced_at", Instant(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
    )
    op.add_column("delivery", sa.Column("channel", sa.String(20)))
    op.add_column("delivery", sa.Column("variant", sa.String(40)))
    op.add_column("delivery", sa.Column("revision", sa.Integer))
    op.add_column("delivery", sa.Column("mass_list_id", Id))
    op.execute("UPDATE delivery SET channel = 'template'")


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
