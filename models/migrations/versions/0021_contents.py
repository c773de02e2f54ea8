"""Links under names of ours, who opened them, and who does not want that noted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("follower", sa.Column("untracked_at", Instant()))
    op.create_table(
        "link",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id", name="fk_link_run_id"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.UniqueConstraint("code", name="uq_link_code"),
        sa.UniqueConstraint("run_id", "digest", name="uq_link_run_id_digest"),
    )
    op.create_table(
        "click",
        sa.Column("link_id", Id, sa.ForeignKey("link.id", name="fk_click_link_id"), primary_key=True),
        sa.Column("delivery_id", Id, sa.ForeignKey("delivery.id", name="fk_click_delivery_id"), primary_key=True),
        sa.Column("hour", Instant(), primary_key=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_click_follower_id"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_index("ix_click_follower_id", "click", ["follower_id"])
    op.create_table(
        "nameless_click",
        sa.Column("link_id", Id, sa.ForeignKey("link.id", name="fk_nameless_click_link_id"), primary_key=True),
        sa.Column("hour", Instant(), primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.CheckConstraint("times > 0", name="ck_nameless_click_positive"),
    )


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
