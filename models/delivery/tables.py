"""The tables of deliveries, and the conditions by which their indexes find the few that something is to be done about."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    text,
)

from models.base import Id, Instant, identity, metadata

STATES = ("pending", "sending", "sent", "delivered", "failed", "skipped", "unknown", "cancelled")
LONGEST_MSGID = 32  # characters; the platform counts in 64 bits

deliveries = Table(
    "delivery",
    metadata,
    identity(),
    # No foreign keys: checking two of them is what most of a million rows takes (docs/decisions/0021-deliveries-have-no-foreign-keys.md).
    Column("run_id", Id, nullable=False),
    Column("follower_id", Id, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(200)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_at", Instant),
    Column("charged_at", Instant),  # counts against the follower's limits from here on; NULL where nothing was sent
    Column("exempt", Boolean, nullable=False, server_default=false()),  # it counts against the platform's limits only
    Column("lease_until", Instant),  # until then nobody else touches a sending one; and nobody at all a pending one
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("msgid", String(LONGEST_MSGID)),
    Column("settled_at", Instant),
    Column("channel", String(20)),  # the way it goes: one of broadcast.WAYS or "passive"; NULL: not chosen yet
    Column("variant", String(40)),  # the content they got
    Column("revision", Integer),  # of the run's plan that it was first called with
    Column("mass_list_id", Id),  # the list of a mass message it went in
    Column("unsettled", Integer, nullable=False, server_default="0"),  # attempts in a row that ended with their process
    UniqueConstraint("run_id", "follower_id"),
    CheckConstraint(f"state IN {STATES}", name="state"),
)
# What nobody has looked at yet; and what is being called for, or waits for an instant. Whoever looks for work passes nothing else, however
# many wait or are over. Literals and no parameters: only so does a database see that a query asks for no more than such an index holds.
# Named by their table: a follower has a channel too.
FRESH = text("delivery.state = 'pending' AND delivery.lease_until IS NULL AND (delivery.channel IS NULL OR delivery.channel <> 'mass')")
BEGUN = text("(state = 'sending' OR (state = 'pending' AND lease_until IS NOT NULL))")
Index("ix_delivery_fresh", deliveries.c.run_id, deliveries.c.id, sqlite_where=FRESH, postgresql_where=FRESH)
Index(
    "ix_delivery_begun",
    *(deliveries.c.run_id, deliveries.c.state, deliveries.c.lease_until),
    sqlite_where=BEGUN,
    postgresql_where=BEGUN,
)
Index(
    "ix_delivery_charged",
    deliveries.c.follower_id,
    deliveries.c.charged_at,
    sqlite_where=deliveries.c.charged_at.is_not(None),
    postgresql_where=deliveries.c.charged_at.is_not(None),
)
Index(
    "ix_delivery_msgid", deliveries.c.msgid, sqlite_where=deliveries.c.msgid.is_not(None), postgresql_where=deliveries.c.msgid.is_not(None)
)
# What goes by mass waits for scheduler/mass.py: those that never waited first, then by the time they wait for.
BY_MASS = text("channel = 'mass' AND state = 'pending'")
_BY_TIME = (deliveries.c.run_id, deliveries.c.lease_until, deliveries.c.id)
Index("ix_delivery_mass", *_BY_TIME, sqlite_where=BY_MASS, postgresql_where=BY_MASS)
_LISTED = deliveries.c.mass_list_id.is_not(None)
Index("ix_delivery_mass_list", deliveries.c.mass_list_id, sqlite_where=_LISTED, postgresql_where=_LISTED)
# What a follower's next message, or a report on a subscription notice, is looked up by.
PASSIVE_WAITS = and_(deliveries.c.channel == literal_column("'passive'"), deliveries.c.state == literal_column("'pending'"))
UNREPORTED = and_(deliveries.c.channel == literal_column("'subscription'"), deliveries.c.msgid.is_(None))
Index("ix_delivery_passive", deliveries.c.follower_id, sqlite_where=PASSIVE_WAITS, postgresql_where=PASSIVE_WAITS)
Index("ix_delivery_unreported", deliveries.c.follower_id, sqlite_where=UNREPORTED, postgresql_where=UNREPORTED)

receipts = Table(
    "receipt",
    metadata,
    Column("msgid", String(LONGEST_MSGID), primary_key=True),
    Column("openid", String(64), nullable=False),
    Column("status", String(60), nullable=False),
    Column("at", Instant, nullable=False),
)  # only those whose delivery is not known yet: the table stays small
