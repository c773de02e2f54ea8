"""A ledger of double entries with assets and accounts, stock, and notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        _copy_on_sqlite()
    else:
        _alter_on_postgresql()
    # What was earned so far counts for levels: levels went by the balance, and nothing could be spent yet.
    op.execute(
        "INSERT INTO ledger_entry (follower_id, asset, account, amount, cause, at) "
        "SELECT follower_id, 'growth', account, amount, cause, at FROM ledger_entry WHERE amount > 0"
    )
    op.execute(
        "INSERT INTO balance (follower_id, asset, amount) "
        "SELECT follower_id, 'growth', SUM(amount) FROM ledger_entry WHERE asset = 'growth' GROUP BY follower_id"
    )
    some = sa.text("expires_at IS NOT NULL")
    op.create_index("ix_balance_expires_at", "balance", ["expires_at"], sqlite_where=some, postgresql_where=some)
    op.create_table(
        "stock",
        sa.Column("subject", sa.String(120), primary_key=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken >= 0 AND taken <= total", name="taken"),
    )
    op.create_table(
        "notice",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_notice_follower_id"), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("left_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("by_message", Instant(), nullable=True),
        sa.UniqueConstraint("follower_id", "key", name="uq_notice_follower_id_key"),
    )
    waits = sa.text("told_at IS NULL")
    op.create_index("ix_notice_waits", "notice", ["follower_id"], sqlite_where=waits, postgresql_where=waits)


# Until now every entry was of points, and the first word of its cause told where they came from.


def _copy_on_sqlite() -> None:
    op.create_table(
        "ledger_entry_new",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_ledger_entry_follower_id"), nullable=False),
        *_new_columns(),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_entry.id"], name="fk_ledger_entry_reverses_id"),
        sa.CheckConstraint("amount <> 0", name="ck_ledger_entry_not_zero"),
        sa.UniqueConstraint("follower_id", "asset", "cause", name="uq_ledger_entry_follower_id_asset_cause"),
        sa.UniqueConstraint("reverses_id", name="uq_ledger_entry_reverses_id"),
    )
    op.execute(
        "INSERT INTO ledger_entry_new (id, follower_id, account, amount, cause, at) "
        "SELECT id, follower_id, CASE WHEN instr(cause, ':') > 0 THEN substr(cause, 1, instr(cause, ':') - 1) ELSE cause END, "
        "amount, cause, at FROM ledger_entry ORDER BY id"
    )
    op.drop_table("ledger_entry")
    op.rename_table("ledger_entry_new", "ledger_entry")
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER ledger_entry_no_{what.lower()} BEFORE {what} ON ledger_entry "
            "BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END"
        )
    op.create_table(
        "balance_new",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_balance_follower_id"), primary_key=True),
        sa.Column("asset", sa.String(60), primary_key=True, server_default="points"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.CheckConstraint("amount >= 0", name="ck_balance_not_negative"),
    )
    op.execute("INSERT INTO balance_new (follower_id, amount) SELECT follower_id, amount FROM balance")
    op.drop_table("balance")
    op.rename_table("balance_new", "balance")


def _alter_on_postgresql() -> None:
    op.execute("DROP TRIGGER ledger_entry_append_only ON ledger_entry")
    for column in _new_columns(nullable=True):
        op.add_column("ledger_entry", column)
    op.execute("UPDATE ledger_entry SET account = split_part(cause, ':', 1)")
    op.alter_column("ledger_entry", "account", nullable=False)
    op.drop_constraint("uq_ledger_entry_follower_id_cause", "ledger_entry")
    op.create_unique_constraint("uq_ledger_entry_follower_id_asset_cause", "ledger_entry", ["follower_id", "asset", "cause"])
    op.create_unique_constraint("uq_ledger_entry_reverses_id", "ledger_entry", ["reverses_id"])
    op.create_foreign_key("fk_ledger_entry_reverses_id", "ledger_entry", "ledger_entry", ["reverses_id"], ["id"])
    op.execute(
        "CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry "
        "FOR EACH ROW EXECUTE FUNCTION ledger_entry_append_only()"
    )
    op.add_column("balance", sa.Column("asset", sa.String(60), nullable=False, server_default="points"))
    op.add_column("balance", sa.Column("expires_at", Instant(), nullable=True))
    op.drop_constraint("pk_balance", "balance")
    op.create_primary_key("pk_balance", "balance", ["follower_id", "asset"])


def _new_columns(*, nullable: bool = False) -> list[sa.Column[object]]:
    return [
        sa.Column("asset", sa.String(60), nullable=False, server_default="points"),
        sa.Column("account", sa.String(40), nullable=nullable),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("reverses_id", Id, nullable=True),
        sa.Column("by", sa.String(100), nullable=True),
        sa.Column("reason", sa.String(200), nullable=True),
    ]


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
