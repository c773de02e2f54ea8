"""Approvals: which runs a second operator has to look at before anything goes out, and who did."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    String,
    Table,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from models.base import Id, Instant, insert, metadata
from models.config import Rules
from models.operator import key_of, operators
from models.refusal import Refusal
from models.share import Share

approvals = Table(
    "run_approval",
    metadata,
    Column("run_id", Id, ForeignKey("broadcast_run.id"), primary_key=True),
    Column("digest", String(64), nullable=False),  # of what is to be approved: the plan and the audience
    Column("reason", String(200), nullable=False),  # why it needs one
    Column("asked_by", String(100)),  # who may not be the one that approves it; NULL: the clock began it, anybody may
    Column("asked_at", Instant, nullable=False),
    Column("approved_by", String(100)),
    Column("approved_at", Instant),
    CheckConstraint("approved_by IS NULL OR asked_by IS NULL OR approved_by <> asked_by", name="second"),
)


class ApprovalRules(Rules):
    """From which size on a second operator has to agree."""

    above: Share = Field(0.1, description="人数超过粉丝的多少要另一位运营批准，例如 10%；100% 就是都不用。账号不到两个编辑时不起作用")


class NotApproved(Refusal):
    """The run waits for somebody's approval. Details: run, reason."""


class NotYours(Refusal):
    """Whoever began a run cannot approve it. Details: run, by."""


class ContentChanged(Refusal):
    """The run is not what they saw any more, or somebody else was faster. Details: run."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a run waits or waited for."""

    run: int
    digest: str
    reason: str
    asked_by: str | None
    asked_at: datetime
    approved_by: str | None
    approved_at: datetime | None

    def is_for(self, by: str) -> bool:
        """Whether this person may give it."""
        return self.approved_by is None and self.asked_by != person(by)


_COLUMNS = [approvals.c[name] for name in ("run_id", "digest", "reason", "asked_by", "asked_at", "approved_by", "approved_at")]
_OF = select(*_COLUMNS).where(approvals.c.run_id == bindparam("run"))
_new = insert(approvals).values({name: bindparam(name) for name in ("run_id", "digest", "reason", "asked_by", "asked_at")})
_ASK = _new.on_conflict_do_update(
    index_elements=[approvals.c.run_id],
    set_={
        **{name: _new.excluded[name] for name in ("digest", "reason", "asked_by", "asked_at")},
        "approved_by": None,
        "approved_at": None,
    },
)
_APPROVE = (
    update(approvals)
    .where(approvals.c.run_id == bindparam("run"), approvals.c.approved_by.is_(None), approvals.c.digest == bindparam("seen"))
    .where(or_(approvals.c.asked_by.is_(None), approvals.c.asked_by != bindparam("person", type_=String)))
    .values(approved_by=bindparam("person", type_=String), approved_at=bindparam("now", type_=Instant))
)
_ABLE = (
    select(func.count())
    .select_from(operators)
    .where(operators.c.disabled_at.is_(None), operators.c.password.is_not(None), operators.c.role.in_(("editor", "admin")))
)


def person(by: str) -> str:
    """The one behind a name in the trail: `cli:wang` on the server is the operator Wang."""
    return key_of(by.removeprefix("cli:"))


def digest(plan: str, audience: str) -> str:
    """What names a plan (as JSON) and an audience (as a sentence): another content has another digest."""
    return hashlib.sha256(f"{plan}\0{audience}".encode()).hexdigest()


def has_second(db: Connection) -> bool:
    """Whether there are two who could look: operators that may act, are not disabled, and have a password."""
    return db.execute(_ABLE).scalar_one() >= 2


def ask(db: Connection, run: int, seen: str, reason: str, by: str | None, now: datetime) -> None:
    """Afterwards the run may not go out before somebody else has approved what has this digest; an older approval is void.

    `by` None: anybody may approve it.
    """
    values = {"run_id": run, "digest": seen, "reason": reason[:200], "asked_by": by and person(by), "asked_at": now}
    db.execute(_ASK, values)


def approve(db: Connection, run: int, seen: str, by: str, now: datetime) -> None:
    """Afterwards the run is approved, by this person, as it was when they saw it. Raises NotYours, ContentChanged."""
    if db.execute(_APPROVE, {"run": run, "seen": seen, "person": person(by), "now": now}).rowcount:
        return
    found = of(db, run)
    if found is not None and found.asked_by == person(by):
        raise NotYours(run=run, by=by)
    raise ContentChanged(run=run)


def of(db: Connection, run: int) -> Approval | None:
    """What the run waits or waited for; None where it needed nobody."""
    row = db.execute(_OF, {"run": run}).one_or_none()
    return Approval(*row) if row else None


def is_missing(run: Column[int]) -> ColumnElement[bool]:
    """The condition that the run of this column still waits for an approval."""
    return exists().where(approvals.c.run_id == run, approvals.c.approved_by.is_(None))
