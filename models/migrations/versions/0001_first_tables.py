"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_token",
        sa.Column("app_id", sa.String(64), primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(1024), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("refreshing_until", Instant(), nullable=True),
    )
    op.create_table(
        "broadcast_run",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("broadcast", sa.String(40), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("request", sa.String(100), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("nonce", sa.String(16), nullable=False),
        sa.Column("cursor", Id, nullable=False, server_default="0"),
        sa.Column("bound", Id, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.CheckConstraint("state IN ('planning', 'sending', 'paused', 'asked', 'missed', 'done', 'cancelled')", name="state"),
        sa.UniqueConstraint("broadcast", "due_at"),
        sa.UniqueConstraint("request"),
    )
    op.create_table(
        "follower",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("openid", sa.String(64), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("state_at", Instant(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=True),
        sa.Column("muted_at", Instant(), nullable=True),
        sa.Column("blocked_at", Instant(), nullable=True),
        sa.Column("refused_at", Instant(), nullable=True),
        sa.Column("scene", sa.String(64), nullable=True),
        sa.Column("remark", sa.String(64), nullable=True),
        sa.Column("synced_at", Instant(), nullable=True),
        sa.UniqueConstraint("openid"),
    )
    op.create_table(
        "quota_stop",
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("errcode", sa.Integer(), nullable=False),
    )
    op.create_table(
        "receipt",
        sa.Column("msgid", sa.String(32), primary_key=True),
        sa.Column("openid", sa.String(64), nullable=False),
        sa.Column("status", sa.String(60), nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_table(
        "schedule",
        sa.Column("broadcast", sa.String(40), primary_key=True),
        sa.Column("checked_until", Instant(), nullable=False),
    )
    op.create_table(
        "survey_version",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.UniqueConstraint("survey", "digest"),
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(64), nullable=False),
    )
    op.create_table(
        "balance",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), primary_key=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name="not_negative"),
    )
    op.create_table(
        "checkin",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.Column("earned", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.UniqueConstraint("follower_id", "day"),
    )
    op.create_index("ix_checkin_day", "checkin", ["day"])
    op.create_table(
        "conversation",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), primary_key=True),
        sa.Column("feature", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("since", Instant(), nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("run_id", Id, sa.ForeignKey("broadcast_run.id"), nullable=False),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("first_attempt_at", Instant(), nullable=True),
        sa.Column("charged_at", Instant(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("msgid", sa.String(32), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'delivered', 'failed', 'skipped', 'unknown', 'cancelled')", name="state"
        ),
        sa.UniqueConstraint("run_id", "follower_id"),
    )
    op.create_index(
        "ix_delivery_charged",
        "delivery",
        ["follower_id", "charged_at"],
        sqlite_where=sa.text("charged_at IS NOT NULL"),
        postgresql_where=sa.text("charged_at IS NOT NULL"),
    )
    op.create_index(
        "ix_delivery_msgid", "delivery", ["msgid"], sqlite_where=sa.text("msgid IS NOT NULL"), postgresql_where=sa.text("msgid IS NOT NULL")
    )
    op.create_index("ix_delivery_run_state", "delivery", ["run_id", "state", "id"])
    op.create_table(
        "follower_tag",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), primary_key=True),
        sa.Column("tag_id", sa.Integer(), sa.ForeignKey("tag.id"), primary_key=True),
    )
    op.create_index("ix_follower_tag_tag_id", "follower_tag", ["tag_id"])
    op.create_table(
        "inbox_entry",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), nullable=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("said_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("answered_by", sa.String(200), nullable=True),
        sa.Column("rules_version", sa.String(64), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_inbox_entry_follower_id", "inbox_entry", ["follower_id"])
    op.create_index("ix_inbox_entry_received_at", "inbox_entry", ["received_at"])
    op.create_table(
        "ledger_entry",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="not_zero"),
        sa.UniqueConstraint("follower_id", "cause"),
    )
    op.create_table(
        "response",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id"), nullable=False),
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("survey_version_id", Id, sa.ForeignKey("survey_version.id"), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.UniqueConstraint("follower_id", "survey"),
    )
    op.create_table(
        "answer",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("response_id", Id, sa.ForeignKey("response.id"), nullable=False),
        sa.Column("question", sa.String(40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.UniqueConstraint("response_id", "question"),
    )

    _append_only("ledger_entry")


def _append_only(table: str) -> None:
    """The database itself refuses to change or delete an entry: a mistake is mended by another entry."""
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
    """There is nothing before the first version."""
    raise RuntimeError("the first version has none before it")
