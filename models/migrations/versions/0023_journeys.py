"""Who is on which journey, and how far the acts that begin them were looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journey_entry",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_journey_entry_follower_id"), nullable=False),
        sa.Column("journey", sa.String(40), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("broadcast", sa.String(40), nullable=False),
        sa.Column("next_at", Instant()),
        sa.Column("ended_by", sa.String(20)),
        sa.UniqueConstraint("follower_id", "journey", name="uq_journey_entry_follower_id_journey"),
    )
    open_ = sa.text("next_at IS NOT NULL")
    op.create_index("ix_journey_entry_due", "journey_entry", ["next_at"], sqlite_where=open_, postgresql_where=open_)
    op.create_index("ix_journey_entry_journey", "journey_entry", ["journey", "step"])
    op.create_table(
        "journey_mark",
        sa.Column("journey", sa.String(40), primary_key=True),
        sa.Column("begin", sa.String(20), nullable=False),
        sa.Column("upto", Id, nullable=False),
        sa.Column("seen", Id, nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )
    finished = sa.text("finished_at IS NOT NULL")
    op.create_index("ix_response_finished", "response", ["finished_at"], sqlite_where=finished, postgresql_where=finished)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
