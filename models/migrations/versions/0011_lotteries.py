"""Lotteries, their draws, whose turn it was how often, and the prizes that were handed over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant
from models.migrations.append_only import append_only

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lottery",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.String(64), nullable=False),
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("announced_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=True),
        sa.Column("begins_at", Instant(), nullable=True),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("draws", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("first_draw_at", Instant(), nullable=True),
        sa.Column("revealed_at", Instant(), nullable=True),
        sa.Column("revealed_by", sa.String(100), nullable=True),
        sa.CheckConstraint("draws >= 0", name="draws"),
    )
    op.create_table(
        "lottery_draw",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("lottery", sa.String(40), sa.ForeignKey("lottery.key", name="fk_lottery_draw_lottery"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_lottery_draw_follower_id"), nullable=False),
        sa.Column("ticket", sa.String(16), nullable=False),
        sa.Column("proof", sa.String(12), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("fell_on", sa.String(40), nullable=True),
        sa.Column("prize", sa.String(40), nullable=True),
        sa.Column("paid", sa.String(10), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("lottery", "number", name="uq_lottery_draw_lottery_number"),
        sa.UniqueConstraint("lottery", "ticket", name="uq_lottery_draw_lottery_ticket"),
        sa.CheckConstraint("number > 0", name="number"),
        sa.CheckConstraint("prize IS NULL OR prize = fell_on", name="prize"),
    )
    won = sa.text("prize IS NOT NULL")
    op.create_index("ix_lottery_draw_won", "lottery_draw", ["follower_id"], sqlite_where=won, postgresql_where=won)
    op.create_index("ix_lottery_draw_prize", "lottery_draw", ["lottery", "prize"], sqlite_where=won, postgresql_where=won)
    op.create_table(
        "lottery_turn",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_lottery_turn_follower_id"), primary_key=True),
        sa.Column("lottery", sa.String(40), primary_key=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("today", sa.Integer(), nullable=False),
        sa.CheckConstraint("today > 0 AND today <= total", name="today"),
    )
    op.create_table(
        "lottery_claim",
        sa.Column("draw_id", Id, sa.ForeignKey("lottery_draw.id", name="fk_lottery_claim_draw_id"), primary_key=True, autoincrement=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()
    append_only("lottery_draw")


# What makes a lottery verifiable holds against our own mistakes too: the seed never changes, nor do the rules once somebody drew; draws
# are numbered without gaps, never altered, and there is none after the seed was told.

_CHANGED_RULES = (
    "OLD.draws > 0 AND (NEW.rules <> OLD.rules OR NEW.rules_hash <> OLD.rules_hash OR NEW.commitment <> OLD.commitment "
    "OR NEW.ends_at <> OLD.ends_at OR {differ}(NEW.begins_at, OLD.begins_at))"
)
_LOTTERY = (
    ("NEW.seed <> OLD.seed OR NEW.key <> OLD.key", "the seed of a lottery never changes"),
    (_CHANGED_RULES, "the rules of a lottery stand from its first draw on"),
    (
        "NEW.draws <> OLD.draws AND (NEW.draws <> OLD.draws + 1 OR OLD.revealed_at IS NOT NULL)",
        "draws are counted one by one until the end",
    ),
    ("OLD.revealed_at IS NOT NULL", "a seed that was told ends the lottery for good"),
)
_DRAW = "EXISTS (SELECT 1 FROM lottery WHERE key = NEW.lottery AND (revealed_at IS NOT NULL OR draws <> NEW.number))"
_NO_DRAW = "a draw has the number that was counted last, and none is made after the seed was told"


def _guard_on_sqlite() -> None:
    for number, (wrong, why) in enumerate(_LOTTERY, 1):
        condition = wrong.replace("{differ}(NEW.begins_at, OLD.begins_at)", "NEW.begins_at IS NOT OLD.begins_at")
        op.execute(
            f"CREATE TRIGGER lottery_stands_{number} BEFORE UPDATE ON lottery WHEN {condition} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
    op.execute(
        f"CREATE TRIGGER lottery_draw_in_order BEFORE INSERT ON lottery_draw WHEN {_DRAW} BEGIN SELECT RAISE(ABORT, '{_NO_DRAW}'); END"
    )
    op.execute("CREATE TRIGGER lottery_no_delete BEFORE DELETE ON lottery BEGIN SELECT RAISE(ABORT, 'lottery is append-only'); END")


def _guard_on_postgresql() -> None:
    tests = "".join(f"IF {wrong} THEN RAISE EXCEPTION '{why}'; END IF; " for wrong, why in _LOTTERY)
    tests = tests.replace("{differ}(NEW.begins_at, OLD.begins_at)", "NEW.begins_at IS DISTINCT FROM OLD.begins_at")
    _function("lottery_stands", f"{tests}RETURN NEW;", "lottery", "UPDATE")
    _function("lottery_draw_in_order", f"IF {_DRAW} THEN RAISE EXCEPTION '{_NO_DRAW}'; END IF; RETURN NEW;", "lottery_draw", "INSERT")
    _function("lottery_no_delete", "RAISE EXCEPTION 'lottery is append-only';", "lottery", "DELETE")


def _function(name: str, body: str, table: str, acts: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(f"CREATE TRIGGER {name} BEFORE {acts} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
