"""Coupons, codes that were imported, what was done with them at the counter, and the staff who did it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant
from models.migrations.append_only import append_only

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def _to(table: str, column: str, there: str, **more: bool) -> sa.Column[int]:
    return sa.Column(column, Id, sa.ForeignKey(f"{there}.id", name=f"fk_{table}_{column}"), **more)  # type: ignore[arg-type]


def upgrade() -> None:
    _staff()
    _coupons()
    op.create_table(
        "coupon_code",
        _id(),
        sa.Column("batch", sa.String(40), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("shown", sa.String(80), nullable=False),
        _to("coupon_code", "coupon_id", "coupon", nullable=True),
        sa.UniqueConstraint("code", name="uq_coupon_code_code"),
        sa.UniqueConstraint("coupon_id", name="uq_coupon_code_coupon_id"),
    )
    free = sa.text("coupon_id IS NULL")
    op.create_index("ix_coupon_code_free", "coupon_code", ["batch", "id"], sqlite_where=free, postgresql_where=free)
    op.create_table(
        "coupon_event",
        _id(),
        _to("coupon_event", "coupon_id", "coupon", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("act", sa.String(10), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("store", sa.String(60), nullable=False),
        _to("coupon_event", "staff_id", "staff", nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.CheckConstraint("act IN ('redeemed', 'undone', 'voided')", name="act"),
    )
    op.create_index("ix_coupon_event_coupon_id", "coupon_event", ["coupon_id"])
    append_only("coupon_event")
    op.create_table(
        "coupon_owed",
        _id(),
        _to("coupon_owed", "follower_id", "follower", nullable=False),
        sa.Column("batch", sa.String(40), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.UniqueConstraint("follower_id", "cause", name="uq_coupon_owed_follower_id_cause"),
    )
    op.create_index("ix_coupon_owed_batch", "coupon_owed", ["batch"])


def _staff() -> None:
    op.create_table(
        "staff",
        _id(),
        _to("staff", "follower_id", "follower", nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("store", sa.String(60), nullable=False),
        sa.Column("added_by", sa.String(100), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.UniqueConstraint("follower_id", name="uq_staff_follower_id"),
    )
    op.create_table(
        "staff_invitation",
        sa.Column("code", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("store", sa.String(60), nullable=False),
        sa.Column("made_by", sa.String(100), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        _to("staff_invitation", "follower_id", "follower", nullable=True),
    )


def _coupons() -> None:
    op.create_table(
        "coupon",
        _id(),
        _to("coupon", "follower_id", "follower", nullable=False),
        sa.Column("batch", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("shown", sa.String(80), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.Column("begins_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("remind_at", Instant(), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("redeemed_at", Instant(), nullable=True),
        sa.Column("redeemed_by", sa.String(100), nullable=True),
        _to("coupon", "staff_id", "staff", nullable=True),
        sa.UniqueConstraint("code", name="uq_coupon_code"),
        sa.UniqueConstraint("follower_id", "cause", name="uq_coupon_follower_id_cause"),
        sa.CheckConstraint("state IN ('claimed', 'redeemed', 'void')", name="state"),
        sa.CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed"),
        sa.CheckConstraint("expires_at > begins_at", name="validity"),
    )
    op.create_index("ix_coupon_batch", "coupon", ["batch", "state", "expires_at"])
    by_staff = sa.text("staff_id IS NOT NULL")
    op.create_index("ix_coupon_staff_id", "coupon", ["staff_id", "redeemed_at"], sqlite_where=by_staff, postgresql_where=by_staff)
    waits = sa.text("remind_at IS NOT NULL AND state = 'claimed'")
    op.create_index("ix_coupon_remind_at", "coupon", ["remind_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_table(
        "coupon_holding",
        _to("coupon_holding", "follower_id", "follower", primary_key=True),
        sa.Column("batch", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("number > 0", name="some"),
    )


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
