"""Deliveries may stand outside the limits; the account's quotas are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("exempt", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("broadcast_run", sa.Column("priority", sa.String(10), nullable=False, server_default="normal"))
    op.drop_index("ix_delivery_run_state", "delivery")
    fresh = sa.text("state = 'pending' AND lease_until IS NULL AND (channel IS NULL OR channel <> 'mass')")
    op.create_index("ix_delivery_fresh", "delivery", ["run_id", "id"], sqlite_where=fresh, postgresql_where=fresh)
    begun = sa.text("(state = 'sending' OR (state = 'pending' AND lease_until IS NOT NULL))")
    op.create_index("ix_delivery_begun", "delivery", ["run_id", "state", "lease_until"], sqlite_where=begun, postgresql_where=begun)
    op.create_table(
        "quota",
        sa.Column("way", sa.String(20), primary_key=True),
        sa.Column("per", sa.String(10), primary_key=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("granted", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= most", name="used"),
    )


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
