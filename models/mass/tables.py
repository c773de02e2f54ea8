"""Mass lists: up to 10,000 deliveries of a run that the platform is called for at once, and the reports about them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from models.base import Id, Instant, identity, metadata

LIST_STATES = ("sending", "sent", "finished", "failed", "refused", "unknown")
LONGEST_MSG_ID = 32  # characters; the platform counts in 64 bits

mass_lists = Table(
    "mass_list",
    metadata,
    identity(),
    Column("run_id", Id, ForeignKey("broadcast_run.id"), nullable=False, index=True),
    Column("clientmsgid", String(32), nullable=False, unique=True),  # the same at every attempt
    Column("state", String(10), nullable=False),
    Column("reason", String(200)),
    Column("errcode", Integer),  # of the refusal
    Column("revision", Integer, nullable=False),  # of the run's plan that its content is from
    Column("size", Integer, nullable=False, server_default="0"),  # followers in it when it was formed
    Column("draft", String(200)),  # the copy of the plan's draft that was made for this list
    Column("attempts", Integer, nullable=False, server_default="1"),
    Column("fence", Integer, nullable=False, server_default="1"),
    Column("unsettled", Integer, nullable=False, server_default="1"),  # attempts in a row that ended with their process
    Column("first_attempt_at", Instant, nullable=False),
    Column("lease_until", Instant),  # until then nobody else touches a sending one
    Column("settled_at", Instant),
    Column("msg_id", String(LONGEST_MSG_ID)),  # the platform's number of the job
    # What MASSSENDJOBFINISH reported: near the end of the job, and approximate.
    Column("status", String(60)),
    Column("total_count", Integer),
    Column("filter_count", Integer),  # who was left after the platform's filter
    Column("sent_count", Integer),
    Column("error_count", Integer),
    Column("reported_at", Instant),
    CheckConstraint(f"state IN {LIST_STATES}", name="state"),
)
Index("ix_mass_list_state", mass_lists.c.state, mass_lists.c.lease_until)
Index(
    "ix_mass_list_msg_id",
    mass_lists.c.msg_id,
    sqlite_where=mass_lists.c.msg_id.is_not(None),
    postgresql_where=mass_lists.c.msg_id.is_not(None),
)

mass_reports = Table(
    "mass_report",
    metadata,
    Column("msg_id", String(LONGEST_MSG_ID), primary_key=True),
    Column("status", String(60), nullable=False),
    Column("total_count", Integer),
    Column("filter_count", Integer),
    Column("sent_count", Integer),
    Column("error_count", Integer),
    Column("at", Instant, nullable=False),
)  # only those whose list is not known yet: the table stays small
