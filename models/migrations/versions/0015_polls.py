"""Ballots of polls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ballot",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_ballot_follower_id"), nullable=False),
        sa.Column("poll", sa.String(40), nullable=False),
        sa.Column("choice", sa.String(100), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.UniqueConstraint("follower_id", "poll", name="uq_ballot_follower_id_poll"),
    )
    op.create_index("ix_ballot_poll", "ballot", ["poll", "choice"])


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
