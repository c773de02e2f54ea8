"""A delivery's run and follower are no foreign keys any more: docs/decisions/0021-deliveries-have-no-foreign-keys.md."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

STATES = ("pending", "sending", "sent", "delivered", "failed", "skipped", "unknown", "cancelled")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _copy_on_sqlite()
        return
    for name in ("fk_delivery_run_id", "fk_delivery_follower_id"):
        op.drop_constraint(name, "delivery")


def _copy_on_sqlite() -> None:
    """SQLite cannot drop a constraint. Clicks refer to deliveries: they step aside meanwhile, or dropping the table would be refused."""
    db = op.get_bind()
    indexes = db.execute(sa.text("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'delivery' AND sql IS NOT NULL"))
    made = [sql for (sql,) in indexes]
    columns = _columns()
    names = ", ".join(column.name for column in columns)
    op.create_table(
        "delivery_new",
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("run_id", "follower_id", name=op.f("uq_delivery_run_id_follower_id")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_delivery_state")),
    )
    op.execute(f"INSERT INTO delivery_new ({names}) SELECT {names} FROM delivery ORDER BY id")  # noqa: S608 (the names are above)
    op.execute("CREATE TEMPORARY TABLE click_aside AS SELECT * FROM click")
    op.execute("DELETE FROM click")
    op.drop_table("delivery")
    op.rename_table("delivery_new", "delivery")
    op.execute("INSERT INTO click SELECT * FROM click_aside")
    op.execute("DROP TABLE click_aside")
    for sql in made:
        op.execute(sa.text(sql.replace(":", "\\:")))


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", Id, nullable=False),
        sa.Column("run_id", Id, nullable=False),
        sa.Column("follower_id", Id, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("first_attempt_at", Instant()),
        sa.Column("charged_at", Instant()),
        sa.Column("exempt", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("lease_until", Instant()),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("msgid", sa.String(32)),
        sa.Column("settled_at", Instant()),
        sa.Column("channel", sa.String(20)),
        sa.Column("variant", sa.String(40)),
        sa.Column("revision", sa.Integer),
        sa.Column("mass_list_id", Id),
        sa.Column("unsettled", sa.Integer, nullable=False, server_default="0"),
    ]


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
