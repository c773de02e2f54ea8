"""pace"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pace",
        sa.Column("bucket", sa.String(40), primary_key=True),
        sa.Column("free_from", Id, nullable=False),
        sa.Column("slowed_from", Id, nullable=False, server_default="0"),
        sa.Column("share", sa.Float, nullable=False, server_default="1"),
        sa.CheckConstraint("share > 0 AND share <= 1", name="share"),
    )


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
