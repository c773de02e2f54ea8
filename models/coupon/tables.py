"""The tables of coupons: who holds which, the codes that were imported, what was done at the counter, and what is owed."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, and_

from models.base import Id, Instant, follower_id, identity, metadata
from models.staff import staff  # coupons name whoever redeemed them

STATES = ("claimed", "redeemed", "void")
ACTS = ("redeemed", "undone", "voided")

coupons = Table(
    "coupon",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("batch", String(40), nullable=False),
    Column("name", String(60), nullable=False),  # as the batch was called then: it may be gone from the file
    Column("code", String(64), nullable=False, unique=True),  # as it is compared
    Column("shown", String(80), nullable=False),  # as its holder reads it
    Column("cause", String(200), nullable=False),  # `claim:new_member:1`, `survey:satisfaction`
    Column("claimed_at", Instant, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("remind_at", Instant),  # NULL: never, or it was done
    Column("state", String(10), nullable=False),
    Column("redeemed_at", Instant),
    Column("redeemed_by", String(100)),  # as others are told
    Column("staff_id", Id, ForeignKey(staff.c.id)),  # where it was one of the staff
    UniqueConstraint("follower_id", "cause"),
    CheckConstraint(f"state IN {STATES}", name="state"),
    CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed"),
    CheckConstraint("expires_at > begins_at", name="validity"),
)
Index("ix_coupon_batch", coupons.c.batch, coupons.c.state, coupons.c.expires_at)
_BY_STAFF = coupons.c.staff_id.is_not(None)
Index("ix_coupon_staff_id", coupons.c.staff_id, coupons.c.redeemed_at, sqlite_where=_BY_STAFF, postgresql_where=_BY_STAFF)
WAITS = and_(coupons.c.remind_at.is_not(None), coupons.c.state == "claimed")
Index("ix_coupon_remind_at", coupons.c.remind_at, sqlite_where=WAITS, postgresql_where=WAITS)

# How many of a batch a follower ever got: never less.
holdings = Table(
    "coupon_holding",
    metadata,
    follower_id(primary_key=True),
    Column("batch", String(40), primary_key=True),
    Column("number", Integer, nullable=False),
    CheckConstraint("number > 0", name="some"),
)

codes = Table(
    "coupon_code",
    metadata,
    identity(),
    Column("batch", String(40), nullable=False),
    Column("code", String(64), nullable=False, unique=True),
    Column("shown", String(80), nullable=False),
    Column("coupon_id", Id, ForeignKey("coupon.id"), unique=True),  # NULL: nobody has it yet
)
FREE = codes.c.coupon_id.is_(None)
Index("ix_coupon_code_free", codes.c.batch, codes.c.id, sqlite_where=FREE, postgresql_where=FREE)

# Append-only: who did what at the counter, and took it back.
events = Table(
    "coupon_event",
    metadata,
    identity(),
    Column("coupon_id", Id, ForeignKey("coupon.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("act", String(10), nullable=False),
    Column("by", String(100), nullable=False),
    Column("store", String(60), nullable=False),
    Column("staff_id", Id, ForeignKey(staff.c.id)),
    Column("reason", String(200), nullable=False),
    CheckConstraint(f"act IN {ACTS}", name="act"),
)

# Coupons of rewards that could not be given, for an operator to see.
owed = Table(
    "coupon_owed",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("batch", String(40), nullable=False, index=True),
    Column("cause", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("follower_id", "cause"),
)
