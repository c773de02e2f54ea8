"""Permissions for subscription notices, topics with the evidence of consent, and who sent what the rules warn of all the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscription_grant",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_subscription_grant_follower_id"), primary_key=True),
        sa.Column("template", sa.String(100), primary_key=True),
        sa.Column("unused", sa.Integer, nullable=False),
        sa.Column("refused_at", Instant()),
        sa.CheckConstraint("unused >= 0", name="ck_subscription_grant_unused"),
    )
    op.create_table(
        "topic_subscription",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_topic_subscription_follower_id"), primary_key=True),
        sa.Column("topic", sa.String(40), primary_key=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("said", sa.String(60), nullable=False),
        sa.Column("until", Instant()),
    )
    op.create_index("ix_topic_subscription_topic", "topic_subscription", ["topic"])
    passive, unreported = sa.text("channel = 'passive' AND state = 'pending'"), sa.text("channel = 'subscription' AND msgid IS NULL")
    op.create_index("ix_delivery_passive", "delivery", ["follower_id"], sqlite_where=passive, postgresql_where=passive)
    op.create_index("ix_delivery_unreported", "delivery", ["follower_id"], sqlite_where=unreported, postgresql_where=unreported)
    op.create_table(
        "run_override",
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id", name="fk_run_override_run_id"), primary_key=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(100)),
        sa.Column("because", sa.String(200)),
        sa.Column("offence", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
