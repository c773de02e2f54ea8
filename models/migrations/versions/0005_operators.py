"""Operators of the console, their sessions and browsers, attempts at signing in, and the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def _operator_id(table: str) -> sa.Column[int]:
    return sa.Column("operator_id", Id, sa.ForeignKey("operator.id", name=f"fk_{table}_operator_id"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "operator",
        _id(),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("password", sa.String(200), nullable=True),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("code_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("signed_in_at", Instant(), nullable=True),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.UniqueConstraint("key", name="uq_operator_key"),
        sa.CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role"),
    )
    op.create_table(
        "operator_session",
        sa.Column("token", sa.String(64), primary_key=True),
        _operator_id("operator_session"),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("must_set_password", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_operator_session_operator_id", "operator_session", ["operator_id"])
    op.create_table(
        "operator_browser",
        sa.Column("token", sa.String(64), primary_key=True),
        _operator_id("operator_browser"),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_index("ix_operator_browser_operator_id", "operator_browser", ["operator_id"])
    op.create_table(
        "attempt",
        sa.Column("subject", sa.String(120), primary_key=True),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("count >= 0", name="not_negative"),
    )
    op.create_index("ix_attempt_began_at", "attempt", ["began_at"])
    op.create_table(
        "audit_entry",
        _id(),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
    )
    _append_only("audit_entry")


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_append_only()")


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
