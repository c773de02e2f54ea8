"""Copies of media on the platform, QR codes with a parameter, and the code that each follower first came by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "media_copy",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("media_id", sa.String(200), nullable=True),
        sa.Column("uploaded_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("uploading_until", Instant(), nullable=True),
        sa.Column("failed_at", Instant(), nullable=True),
        sa.Column("error", sa.String(200), nullable=True),
    )
    op.create_table(
        "channel_code",
        sa.Column("scene", sa.String(64), primary_key=True),
        sa.Column("permanent", sa.Boolean(), primary_key=True),
        sa.Column("ticket", sa.String(200), nullable=True),
        sa.Column("url", sa.String(200), nullable=True),
        sa.Column("created_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("creating_until", Instant(), nullable=True),
    )
    op.add_column("follower", sa.Column("channel", sa.String(64), nullable=True))
    op.add_column("follower", sa.Column("channel_at", Instant(), nullable=True))
    op.create_index("ix_follower_channel", "follower", ["channel"])
    _part_channel_from_scene()


def _part_channel_from_scene() -> None:
    """Until now `scene` held the code of the first follow, if no sync had put the platform's word over it since."""
    op.execute(
        "UPDATE follower SET channel = scene, channel_at = first_seen_at "
        "WHERE scene NOT LIKE 'ADD!_SCENE!_%' ESCAPE '!' AND scene NOT LIKE 'last!_trade!_no!_%' ESCAPE '!'"
    )
    op.execute("UPDATE follower SET scene = NULL WHERE scene NOT LIKE 'ADD!_SCENE!_%' ESCAPE '!'")
    op.execute("UPDATE follower SET channel_at = first_seen_at WHERE channel IS NULL AND last_seen_at IS NULL")


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
