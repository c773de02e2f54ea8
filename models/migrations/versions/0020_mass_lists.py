"""Mass messages go in lists, and the platform reports on each; a delivery remembers how many processes died over it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATES = ("sending", "sent", "finished", "failed", "refused", "unknown")


def upgrade() -> None:
    op.create_table(
        "mass_list",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id", name="fk_mass_list_run_id"), nullable=False),
        sa.Column("clientmsgid", sa.String(32), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("errcode", sa.Integer),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False, server_default="0"),
        sa.Column("draft", sa.String(200)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="1"),
        sa.Column("fence", sa.Integer, nullable=False, server_default="1"),
        sa.Column("unsettled", sa.Integer, nullable=False, server_default="1"),
        sa.Column("first_attempt_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant()),
        sa.Column("settled_at", Instant()),
        sa.Column("msg_id", sa.String(32)),
        sa.Column("status", sa.String(60)),
        sa.Column("total_count", sa.Integer),
        sa.Column("filter_count", sa.Integer),
        sa.Column("sent_count", sa.Integer),
        sa.Column("error_count", sa.Integer),
        sa.Column("reported_at", Instant()),
        sa.UniqueConstraint("clientmsgid", name="uq_mass_list_clientmsgid"),
        sa.CheckConstraint(f"state IN {STATES}", name="ck_mass_list_state"),
    )
    op.create_index("ix_mass_list_run_id", "mass_list", ["run_id"])
    op.create_index("ix_mass_list_state", "mass_list", ["state", "lease_until"])
    named = sa.text("msg_id IS NOT NULL")
    op.create_index("ix_mass_list_msg_id", "mass_list", ["msg_id"], sqlite_where=named, postgresql_where=named)
    op.create_table(
        "mass_report",
        sa.Column("msg_id", sa.String(32), primary_key=True),
        sa.Column("status", sa.String(60), nullable=False),
        sa.Column("total_count", sa.Integer),
        sa.Column("filter_count", sa.Integer),
        sa.Column("sent_count", sa.Integer),
        sa.Column("error_count", sa.Integer),
        sa.Column("at", Instant(), nullable=False),
    )
    op.add_column("delivery", sa.Column("unsettled", sa.Integer, nullable=False, server_default="0"))
    waiting = sa.text("channel = 'mass' AND state = 'pending'")
    op.create_index("ix_delivery_mass", "delivery", ["run_id", "lease_until", "id"], sqlite_where=waiting, postgresql_where=waiting)
    listed = sa.text("mass_list_id IS NOT NULL")
    op.create_index("ix_delivery_mass_list", "delivery", ["mass_list_id"], sqlite_where=listed, postgresql_where=listed)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
