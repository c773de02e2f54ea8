"""Seals over ranges of the ledger, and when a balance is looked at for what expires."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Instant
from models.migrations.append_only import append_only

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_seal",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed_at", Instant(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("marked_at", Instant(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("digest", name="uq_ledger_seal_digest"),
        sa.CheckConstraint("first_id <= last_id + 1 AND last_id <= mark AND entries >= 0", name="range"),
    )
    append_only("ledger_seal")
    op.add_column("balance", sa.Column("look_at", Instant(), nullable=True))
    op.drop_index("ix_balance_expires_at", "balance")
    some = sa.text("expires_at IS NOT NULL")
    op.create_index("ix_balance_look_at_expires_at", "balance", ["look_at", "expires_at"], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
