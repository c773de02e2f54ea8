"""Check-ins: days made up for, ranks of the day, reminders that were asked for; every streak reckoned anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkin", sa.Column("made_up_at", Instant(), nullable=True))
    op.add_column("checkin", sa.Column("rank", sa.Integer(), nullable=True))
    op.drop_index("ix_checkin_day", "checkin")
    op.create_index("ix_checkin_day_id", "checkin", ["day", "id"])
    ranked = sa.text("rank IS NOT NULL")
    op.create_index("ix_checkin_day_rank", "checkin", ["day", "rank"], unique=True, sqlite_where=ranked, postgresql_where=ranked)
    _reckon_streaks()
    op.create_table(
        "checkin_day",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("ranked", sa.Integer(), nullable=False),
        sa.CheckConstraint("ranked > 0", name="positive"),
    )
    op.create_table(
        "checkin_reminder",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_checkin_reminder_follower_id"), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("stopped_at", Instant(), nullable=True),
        sa.Column("stopped_by", sa.String(200), nullable=True),
        sa.Column("looked_on", sa.Date(), nullable=False),
    )
    stands = sa.text("stopped_at IS NULL")
    op.create_index(
        "ix_checkin_reminder_stands", "checkin_reminder", ["follower_id"], unique=True, sqlite_where=stands, postgresql_where=stands
    )
    op.create_index("ix_checkin_reminder_looked_on", "checkin_reminder", ["looked_on"], sqlite_where=stands, postgresql_where=stands)


# Days in a row have one number less the place in their order: that names the run.
_RECKON = """
UPDATE checkin SET streak = rights.streak FROM (
    SELECT id, row_number() OVER (PARTITION BY follower_id, run ORDER BY day) AS streak FROM (
        SELECT id, follower_id, day, <number of the day> - row_number() OVER (PARTITION BY follower_id ORDER BY day) AS run FROM checkin
    ) AS runs
) AS rights
WHERE rights.id = checkin.id AND rights.streak <> checkin.streak
"""


def _reckon_streaks() -> None:
    """Until now a check-in that came late, after one of the next day, left the streaks of the days after it as they were."""
    number = "CAST(julianday(day) AS INTEGER)" if op.get_bind().dialect.name == "sqlite" else "(day - DATE '2000-01-01')"
    op.execute(_RECKON.replace("<number of the day>", number))


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
