"""Customer-service messages and their allowances; what the inbox keeps of a push that is more than a plain text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox_entry", sa.Column("fields", sa.Text(), nullable=True))
    op.add_column("inbox_entry", sa.Column("repeats", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("inbox_entry", sa.Column("newest_at", Instant(), nullable=True))
    op.add_column("inbox_entry", sa.Column("followed_up_at", Instant(), nullable=True))
    op.drop_index("ix_inbox_entry_follower_id", "inbox_entry")
    op.create_index("ix_inbox_entry_follower_said", "inbox_entry", ["follower_id", "said_at"])
    op.create_table(
        "allowance",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), primary_key=True),
        sa.Column("trigger", sa.String(10), primary_key=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= 5", name="used"),
    )
    op.create_table(
        "customer_message",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(220), nullable=False),  # longer than an inbox key: it may hold one
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("queued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'sending', 'sent', 'unknown', 'refused', 'expired')", name="state"),
        sa.UniqueConstraint("key"),
    )
    for name, columns in (("due", ["due_at"]), ("in_turn", ["follower_id", "id"])):
        op.create_index(
            f"ix_customer_message_{name}",
            "customer_message",
            columns,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
