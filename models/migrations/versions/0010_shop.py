"""Orders of the gift shop: their states, addresses with consent, drafts, and how many of each goods a follower has had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, Instant
from models.migrations.append_only import append_only

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATES = "('unaddressed', 'placed', 'shipped', 'delivered', 'cancelled', 'returned')"
_STEPS = "('confirm', 'agree', 'address', 'name', 'phone', 'place', 'final')"


def upgrade() -> None:
    op.create_table(
        "shop_order",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("number", sa.String(20), nullable=False),
        _follower_id("shop_order"),
        sa.Column("goods", sa.String(40), nullable=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("carrier", sa.String(30), nullable=True),
        sa.Column("shipment", sa.String(40), nullable=True),
        sa.UniqueConstraint("number", name="uq_shop_order_number"),
        sa.UniqueConstraint("follower_id", "cause", name="uq_shop_order_follower_id_cause"),
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.CheckConstraint("price >= 0", name="not_negative"),
    )
    op.create_index("ix_shop_order_follower_id", "shop_order", ["follower_id"])
    op.create_index("ix_shop_order_state", "shop_order", ["state", "changed_at"])
    op.create_table(
        "order_event",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("order_id", Id, sa.ForeignKey("shop_order.id", name="fk_order_event_order_id"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("was", sa.String(12), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
    )
    op.create_index("ix_order_event_order_id", "order_event", ["order_id"])
    append_only("order_event")
    _addresses()
    _before_an_order()


def _addresses() -> None:
    op.create_table(
        "order_address",
        sa.Column("order_id", Id, sa.ForeignKey("shop_order.id", name="fk_order_address_order_id"), primary_key=True),
        _follower_id("order_address"),
        sa.Column("name", sa.String(30), nullable=True),
        sa.Column("phone", sa.String(20), nullable=True),
        sa.Column("address", sa.String(200), nullable=True),
        sa.Column("messages", sa.Text(), nullable=True),
        sa.Column("consent", sa.String(64), nullable=False),
        sa.Column("consent_message", sa.String(200), nullable=False),
        sa.Column("consent_at", Instant(), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("erase_at", Instant(), nullable=True),
        sa.Column("erased_at", Instant(), nullable=True),
    )
    op.create_index("ix_order_address_follower_id", "order_address", ["follower_id"])
    there = sa.text("erased_at IS NULL")
    op.create_index("ix_order_address_erase_at", "order_address", ["erase_at"], sqlite_where=there, postgresql_where=there)
    op.create_table(
        "address_consent",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
    )
    append_only("address_consent")


def _before_an_order() -> None:
    op.create_table(
        "order_draft",
        sa.Column(
            "follower_id", Id, sa.ForeignKey("follower.id", name="fk_order_draft_follower_id"), primary_key=True, autoincrement=False
        ),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("goods", sa.String(40), nullable=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(10), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("consent", sa.String(64), nullable=True),
        sa.Column("consent_message", sa.String(200), nullable=True),
        sa.Column("consent_at", Instant(), nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=True),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.CheckConstraint(f"step IN {_STEPS}", name="step"),
    )
    op.create_index("ix_order_draft_at", "order_draft", ["at"])
    op.create_table(
        "goods_had",
        sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name="fk_goods_had_follower_id"), primary_key=True),
        sa.Column("goods", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("number >= 0", name="not_negative"),
    )


def _follower_id(table: str) -> sa.Column[int]:
    return sa.Column("follower_id", Id, sa.ForeignKey("follower.id", name=f"fk_{table}_follower_id"), nullable=False)


def downgrade() -> None:
    """Nobody goes back: a backup is restored instead."""
    raise RuntimeError("restore the backup from before the migration instead")
