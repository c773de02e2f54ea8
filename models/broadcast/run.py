"""Runs: one sending of a broadcast: who is meant, how far it has come, and what people decided about it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    case,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from models import cohort, delivery
from models.base import Id, Instant, identity, metadata
from models.base import insert as insert_once
from models.broadcast.planned import Broadcast
from models.delivery import deliveries
from models.follower import followers
from models.refusal import Refusal
from models.segment import understand

RUN_STATES = ("planning", "sending", "paused", "asked", "missed", "done", "cancelled")

runs = Table(
    "broadcast_run",
    metadata,
    identity(),
    Column("broadcast", String(40), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("request", String(100), unique=True),  # makes a repeated command the same run
    Column("state", String(10), nullable=False),
    Column("reason", String(200)),  # why it is paused, asked, missed or held
    Column("held_until", Instant),
    Column("plan", Text, nullable=False),  # the broadcast as it was when the run began or was edited last, as JSON
    Column("revision", Integer, nullable=False, server_default="0"),  # how often it was edited since
    Column("audience", Text, nullable=False),  # the segment's sentence, likewise
    Column("nonce", String(16), nullable=False),  # of client_msg_id, so that no other database's run can have the same
    Column("cursor", Id, nullable=False, server_default="0"),  # followers up to here have their delivery row
    Column("bound", Id, nullable=False),  # the newest follower when the run began; later ones are not meant
    Column("created_at", Instant, nullable=False),
    Column("by", String(100)),  # who began it; NULL: the clock
    Column("test", Boolean, nullable=False, server_default=false()),  # to staff only, outside every limit
    Column("finished_at", Instant),
    UniqueConstraint("broadcast", "due_at"),
    CheckConstraint(f"state IN {RUN_STATES}", name="state"),
)

revisions = Table(
    "run_revision",
    metadata,
    Column("run_id", Id, ForeignKey("broadcast_run.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("plan", Text, nullable=False),  # the broadcast before it was edited: what was begun with it is repeated with it
    Column("replaced_at", Instant, nullable=False),
    Column("by", String(100), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the sender needs it."""

    id: int
    plan: Broadcast
    audience: str
    nonce: str
    created_at: datetime
    revision: int = 0

    def client_msg_id(self, delivery: int) -> str:
        """The same for every attempt at a delivery, different from every other delivery's; at most 32 characters."""
        return f"{self.nonce}{delivery:x}"


class UnknownRun(Refusal):
    """There is no run of this number. Details: run."""


class WrongState(Refusal):
    """The run is in a state in which this cannot be done. Details: run, state."""


_START = (
    insert_once(runs)
    .values(
        {
            name: bindparam(name)
            for name in ("broadcast", "due_at", "request", "state", "reason", "plan", "audience", "nonce", "created_at", "by", "held_until")
        }
    )
    .values(bound=select(func.coalesce(func.max(followers.c.id), 0)).scalar_subquery())
    .on_conflict_do_nothing()
    .returning(runs.c.id)
)


def start(
    db: Connection,
    planned: Broadcast,
    where: str,
    due_at: datetime,
    now: datetime,
    *,
    request: str | None = None,
    state: str = "planning",
    reason: str | None = None,
    by: str | None = None,
    held_until: datetime | None = None,
) -> int | None:
    """Afterwards there is exactly one run of this broadcast for `due_at` (and one for `request`). Returns its id where this call made it.

    Nothing of it is planned or sent before `held_until`.
    """
    values = {
        "broadcast": planned.key,
        "due_at": due_at,
        "request": request,
        "state": state,
        "reason": reason,
        "plan": planned.model_dump_json(),
        "audience": where,
        "nonce": secrets.token_hex(8),
        "created_at": now,
        "by": by,
        "held_until": held_until,
    }
    return db.execute(_START, values).scalar()


def requested(db: Connection, request: str) -> int | None:
    """The run that was made for this request, if any."""
    return db.execute(select(runs.c.id).where(runs.c.request == request)).scalar()


_FREE = or_(runs.c.held_until.is_(None), runs.c.held_until <= bindparam("now"))
_ACTIVE = select(runs.c.id).where(runs.c.state.in_(("planning", "sending")), _FREE).order_by(runs.c.id)
_SENDING = select(runs.c.id).where(runs.c.id == bindparam("run"), runs.c.state == "sending", _FREE)
_RUN = select(runs.c.id, runs.c.plan, runs.c.audience, runs.c.nonce, runs.c.created_at, runs.c.revision).where(
    runs.c.id == bindparam("run")
)


def active(db: Connection, now: datetime) -> list[int]:
    """The runs that want to be planned or sent now, oldest first."""
    return list(db.execute(_ACTIVE, {"now": now}).scalars())


def load(db: Connection, run: int) -> Run:
    """The run as it was planned."""
    row = db.execute(_RUN, {"run": run}).one()
    return Run(row.id, Broadcast.model_validate_json(row.plan), row.audience, row.nonce, row.created_at, row.revision)


def is_sending(db: Connection, run: int, now: datetime) -> bool:
    """Whether the run may be sent: planned, and neither held, paused nor cancelled in the meantime."""
    return db.execute(_SENDING, {"run": run, "now": now}).scalar() is not None


HELD_OUT = "对照组 holdout"
CHUNK = 5_000  # ids of followers looked at in one transaction of planning: a webhook's message waits for no longer one

_ADVANCE = (
    update(runs)
    .where(runs.c.id == bindparam("run"), runs.c.state == "planning", runs.c.cursor < runs.c.bound)
    .values(cursor=runs.c.cursor + bindparam("chunk", type_=Id))
    .returning(runs.c.cursor, runs.c.bound)
)
_PLANNED = (
    update(runs).where(runs.c.id == bindparam("run"), runs.c.state == "planning", runs.c.cursor >= runs.c.bound).values(state="sending")
)


def plan_chunk(db: Connection, run: Run) -> bool:
    """Makes the delivery rows of the next followers of the audience. Returns whether there are more; when not, the run is sending.

    The cursor moves in the same transaction as the rows are made: killed anywhere, nobody is left out and nobody is there twice.
    """
    moved = db.execute(_ADVANCE, {"run": run.id, "chunk": CHUNK}).one_or_none()
    if moved is None:
        db.execute(_PLANNED, {"run": run.id})
        return False
    plan = run.plan
    out = cohort.of(followers.c.id, f"holdout:{plan.key}") < round(plan.held_out * cohort.PARTS) if plan.held_out else false()
    way = plan.ways[0] if len(plan.ways) == 1 and not plan.passive else None
    meant = (
        select(
            bindparam("run", type_=Id),
            followers.c.id,
            case((out, "skipped"), else_="pending"),
            case((out, HELD_OUT), else_=None),
            bindparam("channel", type_=String),
        )
        .where(followers.c.id > moved.cursor - CHUNK, followers.c.id <= min(moved.cursor, moved.bound))
        .where(followers.c.subscribed, understand(run.audience)(run.created_at))
        .order_by(followers.c.id)
    )
    rows = insert(deliveries).from_select(["run_id", "follower_id", "state", "reason", "channel"], meant)
    db.execute(rows, {"run": run.id, "channel": way})
    return True


def finish(db: Connection, run: int, now: datetime) -> bool:
    """Afterwards the run is done if nothing of it is left to send. Returns whether it is."""
    if delivery.unfinished(db, run):
        return False
    db.execute(update(runs).where(runs.c.id == run, runs.c.state == "sending").values(state="done", held_until=None, finished_at=now))
    return True


def hold(db: Connection, run: int, until: datetime, reason: str) -> None:
    """Afterwards nothing of the run is begun before then, and it says why (quiet hours, the platform's quota)."""
    db.execute(update(runs).where(runs.c.id == run, runs.c.state == "sending").values(held_until=until, reason=reason))


def look_again(db: Connection, now: datetime) -> None:
    """Afterwards every run that waits is looked at once more: what it waited for (quiet hours) may have been edited away."""
    db.execute(update(runs).where(runs.c.state == "sending", runs.c.held_until > now).values(held_until=now))


def go_on(db: Connection, run: int) -> None:
    """Afterwards the run no longer says that it waits."""
    db.execute(update(runs).where(runs.c.id == run, runs.c.held_until.is_not(None)).values(held_until=None, reason=None))


def _move(db: Connection, run: int, before: tuple[str, ...], values: Mapping[str, object]) -> None:
    if db.execute(update(runs).where(runs.c.id == run, runs.c.state.in_(before)).values(**values)).rowcount:
        return
    state = db.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
    if state is None:
        raise UnknownRun(run=run)
    raise WrongState(run=run, state=state)


def pause(db: Connection, run: int, reason: str) -> None:
    """Afterwards no further delivery of the run is begun. Raises UnknownRun, WrongState."""
    _move(db, run, ("planning", "sending"), {"state": "paused", "reason": reason, "held_until": None})


def pause_if_sending(db: Connection, run: int, reason: str) -> None:
    """Afterwards the run is paused for this reason, unless a person has moved it meanwhile."""
    db.execute(update(runs).where(runs.c.id == run, runs.c.state == "sending").values(state="paused", reason=reason))


def resume(db: Connection, run: int) -> None:
    """Afterwards a paused run, or one that asked whether to be sent late, goes on. Raises UnknownRun, WrongState."""
    _move(db, run, ("paused", "asked"), {"state": "planning", "reason": None, "held_until": None})


def cancel(db: Connection, run: int, now: datetime) -> None:
    """Afterwards nothing more of the run is begun, ever; what is on its way is still settled. Raises UnknownRun, WrongState."""
    before = ("planning", "sending", "paused", "asked")
    _move(db, run, before, {"state": "cancelled", "reason": None, "held_until": None, "finished_at": now})
    delivery.cancel(db, select(runs.c.id).where(runs.c.id == run), now)


def tidy(db: Connection, now: datetime) -> None:
    """Afterwards every delivery that nobody will look at again has its final state: of cancelled runs, and of those that wait.

    A sender may give a delivery back after its run was cancelled, and may die with deliveries of a run that nobody goes on with.
    """
    delivery.cancel(db, select(runs.c.id).where(runs.c.state == "cancelled"), now)
    delivery.give_up(db, select(runs.c.id).where(runs.c.state.in_(("sending", "paused", "cancelled"))), now)
