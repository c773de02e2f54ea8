"""What was earned under caps, code words that were claimed, and birthdays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "earning_window",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_earning_window_follower_id"), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("span", sa.String(5), primary_key=True),
        sa.Column("begins", sa.Date(), primary_key=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("points >= 0 AND last >= 0", name="not_negative"),
    )
    op.create_index("ix_earning_window_begins", "earning_window", ["begins"])
    op.create_table(
        "code_word_claim",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_code_word_claim_follower_id"), nullable=False),
        sa.Column("word", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.UniqueConstraint("follower_id", "word", "number", name="uq_code_word_claim_follower_id_word_number"),
        sa.CheckConstraint("number > 0", name="number"),
    )
    op.create_table(
        "birthday",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_birthday_follower_id"), primary_key=True),
        sa.Column("calendar", sa.String(5), nullable=True),
        sa.Column("month", sa.Integer(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("told_at", Instant(), nullable=False),
        sa.Column("told_by", sa.String(200), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.CheckConstraint("month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31", name="day"),
    )
    op.create_index("ix_birthday_month_day_paid_on", "birthday", ["month", "day", "paid_on"])


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
