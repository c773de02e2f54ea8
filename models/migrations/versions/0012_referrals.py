"""Followers' own QR codes, and who brought whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "referral_code",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_referral_code_follower_id"), nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("ticket", sa.String(200), nullable=True),
        sa.Column("url", sa.String(200), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("media_id", sa.String(200), nullable=True),
        sa.Column("media_until", Instant(), nullable=True),
        sa.Column("wanted_at", Instant(), nullable=True),
        sa.Column("creating_until", Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("month", sa.String(7), nullable=True),
        sa.Column("counted", sa.Integer(), nullable=False, server_default="0"),
        sa.UniqueConstraint("follower_id", name="uq_referral_code_follower_id"),
        sa.UniqueConstraint("scene", name="uq_referral_code_scene"),
    )
    wanted = sa.text("wanted_at IS NOT NULL")
    op.create_index("ix_referral_code_wanted_at", "referral_code", ["wanted_at"], sqlite_where=wanted, postgresql_where=wanted)
    op.create_table(
        "referral",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_referral_follower_id"), nullable=False),
        sa.Column("code_id", Id, sa.ForeignKey("referral_code.id", name="fk_referral_code_id", ondelete="SET NULL"), nullable=True),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False, server_default=""),
        sa.Column("look_at", Instant(), nullable=True),
        sa.Column("left_at", Instant(), nullable=True),
        sa.Column("paid_at", Instant(), nullable=True),
        sa.Column("safe_at", Instant(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("settled_by", sa.String(100), nullable=True),
        sa.UniqueConstraint("follower_id", name="uq_referral_follower_id"),
        sa.CheckConstraint("state IN ('pending', 'held', 'paid', 'refused', 'clawed_back')", name="state"),
        sa.CheckConstraint("(state IN ('paid', 'clawed_back')) = (paid_at IS NOT NULL)", name="paid"),
    )
    op.create_index("ix_referral_code_id", "referral", ["code_id"])
    op.create_index("ix_referral_state", "referral", ["state", "id"])
    due = sa.text("look_at IS NOT NULL")
    op.create_index("ix_referral_look_at", "referral", ["look_at"], sqlite_where=due, postgresql_where=due)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
