"""Levels that are told once, kept and lost; boards, their frozen periods and awards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant
from models.migrations.append_only import append_only

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "membership",
        _follower("membership"),
        sa.Column("level", sa.String(64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("growth_at", sa.BigInteger(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("warned_at", Instant(), nullable=True),
        sa.Column("lost", sa.String(64), nullable=True),
    )
    judged = sa.text("until IS NOT NULL")
    op.create_index("ix_membership_until", "membership", ["until"], sqlite_where=judged, postgresql_where=judged)
    op.create_table(
        "level_review",
        sa.Column("rules", sa.String(64), primary_key=True),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
    )
    _boards()
    gains = sa.text("asset = 'points' AND amount > 0")
    op.create_index("ix_ledger_entry_gained_at", "ledger_entry", ["at"], sqlite_where=gains, postgresql_where=gains)


def _boards() -> None:
    op.create_table("board_hidden", _follower("board_hidden"), sa.Column("since", Instant(), nullable=False))
    op.create_table(
        "board_cache",
        sa.Column("subject", sa.String(120), primary_key=True),
        sa.Column("computed_at", Instant(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
    )
    op.create_table(
        "board",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("per", sa.String(6), primary_key=True),
        sa.Column("open_from", sa.Date(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
    )
    op.create_table(
        "board_closing",
        *_of_period(),
        sa.Column("closed_at", Instant(), nullable=False),
        sa.Column("formula", sa.String(500), nullable=False),
    )
    op.create_table(
        "board_place",
        *_of_period(),
        _follower("board_place"),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("board", "period", "place", name="uq_board_place_board_period_place"),
    )
    op.create_table(
        "board_award",
        *_of_period(),
        _follower("board_award"),
        sa.Column("award", sa.String(200), nullable=False),
    )
    for table in ("board_closing", "board_place", "board_award"):
        append_only(table)


def _of_period() -> list[sa.Column[str]]:
    return [sa.Column("board", sa.String(40), primary_key=True), sa.Column("period", sa.String(10), primary_key=True)]


def _follower(table: str) -> sa.Column[int]:
    return sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name=f"fk_{table}_follower_id"), primary_key=True)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
