"""Runs: one sending of a broadcast: who is meant, how far it has come, and what people decided about it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from models import approval, cohort, delivery, route, topic
from models.base import Id, Instant, identity, metadata
from models.base import insert as insert_once
from models.broadcast import lawful
from models.broadcast.planned import Broadcast
from models.clock import span
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
    Column("priority", String(10), nullable=False, server_default="normal"),  # of its broadcast: a low one gives way
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
    test: bool = False

    @property
    def says_until(self) -> datetime | None:
        """Until when it is only said below our replies to those who write; None where it is not."""
        return self.created_at + span(self.plan.passive) if self.plan.passive else None

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
            for name in (
                *("broadcast", "due_at", "request", "state", "reason", "plan"),
                *("audience", "nonce", "created_at", "by", "held_until", "test", "priority"),
            )
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
    name: str | None = None,
    by: str | None = None,
    held_until: datetime | None = None,
    test: bool = False,
) -> int | None:
    """Afterwards there is exactly one run of this broadcast for `due_at` (and one for `request`). Returns its id where this call made it.

    Nothing of it is planned or sent before `held_until`.
    """
    values = {
        "broadcast": name or planned.key,
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
        "test": test,
        "priority": planned.priority,
    }
    return db.execute(_START, values).scalar()


def start_for(db: Connection, planned: Broadcast, name: str, people: Sequence[int], now: datetime) -> int:
    """Afterwards there is a new run called `name` for exactly these followers, planned whole. Returns its id.

    What the platform would punish asks first, as any run that nobody began.
    """
    due_at, wrong = now, lawful.offence(planned)
    state = "asked" if wrong else "sending"
    while (number := start(db, planned, "all", due_at, now, state=state, reason=wrong, name=name)) is None:
        due_at += timedelta(microseconds=1)  # another process began one at this very instant
    if wrong:
        lawful.wait_for_override(db, number, wrong, now)
    db.execute(update(runs).where(runs.c.id == number).values(bound=0))
    run = load(db, number)
    db.execute(insert(deliveries).from_select(_TARGET, _targets(run).where(followers.c.id.in_(people))), {"run": number})
    return number


def requested(db: Connection, request: str) -> int | None:
    """The run that was made for this request, if any."""
    return db.execute(select(runs.c.id).where(runs.c.request == request)).scalar()


_FREE = or_(runs.c.held_until.is_(None), runs.c.held_until <= bindparam("now"))
_ACTIVE = select(runs.c.id).where(runs.c.state.in_(("planning", "sending")), _FREE).order_by(runs.c.id)
_higher = runs.alias("higher")
_NOW_FREE = or_(_higher.c.held_until.is_(None), _higher.c.held_until <= bindparam("now"))
_GIVES_WAY = and_(
    runs.c.priority == "low",
    ~runs.c.test,
    exists().where(_higher.c.priority != "low", ~_higher.c.test, _higher.c.state.in_(("planning", "sending")), _NOW_FREE).correlate(runs),
)
_SENDING = select(runs.c.id).where(runs.c.id == bindparam("run"), runs.c.state == "sending", _FREE, ~_GIVES_WAY)
_IS_LOW = select(runs.c.id).where(runs.c.id == bindparam("run"), runs.c.state == "sending", _GIVES_WAY)
_FACTS = (runs.c.id, runs.c.plan, runs.c.audience, runs.c.nonce, runs.c.created_at, runs.c.revision, runs.c.test)
_RUN = select(*_FACTS, lawful.is_overridden(runs.c.id).label("overridden")).where(runs.c.id == bindparam("run"))


_KEPT = select(revisions.c.plan).where(revisions.c.run_id == bindparam("run"), revisions.c.revision == bindparam("revision"))
_REVISION = select(runs.c.revision).where(runs.c.id == bindparam("run"))


def active(db: Connection, now: datetime) -> list[int]:
    """The runs that want to be planned or sent now, oldest first."""
    return list(db.execute(_ACTIVE, {"now": now}).scalars())


def load(db: Connection, run: int, revision: int | None = None) -> Run:
    """The run as it was planned, or as it was at this revision; what somebody took upon themselves to send as a service notice is one."""
    row = db.execute(_RUN, {"run": run}).one()
    kept = None if revision in (None, row.revision) else db.execute(_KEPT, {"run": run, "revision": revision}).scalar_one()
    plan = Broadcast.model_validate_json(kept or row.plan)
    if row.overridden:
        plan = plan.model_copy(update={"purpose": "notice"})
    return Run(row.id, plan, row.audience, row.nonce, row.created_at, row.revision if revision is None else revision, row.test)


def revision(db: Connection, run: int) -> int:
    """How often the run was edited."""
    return int(db.execute(_REVISION, {"run": run}).scalar_one())


def is_sending(db: Connection, run: int, now: datetime) -> bool:
    """Whether the run may be sent: planned, and neither held, paused nor cancelled in the meantime, nor one of low priority beside others."""
    return db.execute(_SENDING, {"run": run, "now": now}).scalar() is not None


HELD_OUT = "对照组 holdout"
A_WHILE = timedelta(minutes=1)  # a run that has nothing to do for longer is held
CHUNK = 10_000  # ids of followers looked at in one transaction of planning: 20 ms on SQLite, which a webhook's message waits for

_ADVANCE = (
    update(runs)
    .where(runs.c.id == bindparam("run"), runs.c.state == "planning", runs.c.cursor < runs.c.bound)
    .values(cursor=runs.c.cursor + bindparam("chunk", type_=Id))
    .returning(runs.c.cursor, runs.c.bound)
)
_PLANNED = (
    update(runs).where(runs.c.id == bindparam("run"), runs.c.state == "planning", runs.c.cursor >= runs.c.bound).values(state="sending")
)


_TARGET = ("run_id", "follower_id", "state", "reason", "channel", "lease_until")


def _targets(run: Run) -> Select[Any]:
    """What a delivery row begins with, of every follower: to be narrowed to those who are meant."""
    plan = run.plan
    out = cohort.within(followers.c.id, f"holdout:{plan.key}", plan.held_out) if plan.held_out else false()
    way: str | None = plan.ways[0] if len(plan.ways) == 1 else None
    waits = None
    if run.says_until:  # first below our reply to what they say, and by nobody's call until then
        way, waits = route.PASSIVE, run.says_until
    state, reason = case((out, "skipped"), else_="pending"), case((out, HELD_OUT), else_=None)
    target = select(bindparam("run", type_=Id), followers.c.id, state, reason, literal(way, String), literal(waits, Instant))
    return target.where(topic.subscribed(plan.topic)) if plan.topic else target


def plan_chunk(db: Connection, run: Run) -> bool:
    """Makes the delivery rows of the next followers of the audience. Returns whether there are more; when not, the run is sending.

    The cursor moves in the same transaction as the rows are made: killed anywhere, nobody is left out and nobody is there twice.
    """
    moved = db.execute(_ADVANCE, {"run": run.id, "chunk": CHUNK}).one_or_none()
    if moved is None:
        db.execute(_PLANNED, {"run": run.id})
        return False
    meant = _targets(run).where(followers.c.id > moved.cursor - CHUNK, followers.c.id <= min(moved.cursor, moved.bound))
    meant = meant.where(followers.c.subscribed, understand(run.audience)(run.created_at)).order_by(followers.c.id)
    db.execute(insert(deliveries).from_select(_TARGET, meant), {"run": run.id})
    return True


def finish(db: Connection, run: int, now: datetime) -> bool:
    """Afterwards the run is done if nothing of it is left to send. Returns whether it is; where all that is left waits, the run says so."""
    if db.execute(_IS_LOW, {"run": run, "now": now}).scalar() is not None:
        hold(db, run, now + A_WHILE, "让别的先发 gives way to other runs")
        return False
    if delivery.unfinished(db, run):
        following = delivery.next_time(db, run)
        if following and following[0] > now + A_WHILE:
            hold(db, run, *following)
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


def move(db: Connection, run: int, before: tuple[str, ...], values: Mapping[str, object], *more: ColumnElement[bool]) -> None:
    """Afterwards the run, which was in one of these states, and of which all the rest held, is as told. Raises UnknownRun, WrongState."""
    if db.execute(update(runs).where(runs.c.id == run, runs.c.state.in_(before), *more).values(**values)).rowcount:
        return
    state = db.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
    if state is None:
        raise UnknownRun(run=run)
    if state in before and (wrong := lawful.missing(db, run)) is not None:
        raise lawful.Unlawful(run=run, offence=wrong)
    if state in before and (missing := approval.of(db, run)) is not None and missing.approved_by is None:
        raise approval.NotApproved(run=run, reason=missing.reason)
    raise WrongState(run=run, state=state)


def pause(db: Connection, run: int, reason: str) -> None:
    """Afterwards no further delivery of the run is begun. Raises UnknownRun, WrongState."""
    move(db, run, ("planning", "sending"), {"state": "paused", "reason": reason, "held_until": None})


def pause_if_sending(db: Connection, run: int, reason: str) -> None:
    """Afterwards the run is paused for this reason, unless a person has moved it meanwhile."""
    db.execute(update(runs).where(runs.c.id == run, runs.c.state == "sending").values(state="paused", reason=reason))


def resume(db: Connection, run: int) -> None:
    """Afterwards a paused run, or one that asked whether to be sent late, goes on.

    Raises UnknownRun, WrongState, NotApproved, Unlawful.
    """
    may = (~approval.is_missing(runs.c.id), ~lawful.is_missing(runs.c.id))
    move(db, run, ("paused", "asked"), {"state": "planning", "reason": None, "held_until": None}, *may)


def cancel(db: Connection, run: int, now: datetime) -> None:
    """Afterwards nothing more of the run is begun, ever; what is on its way is still settled. Raises UnknownRun, WrongState."""
    before = ("planning", "sending", "paused", "asked")
    move(db, run, before, {"state": "cancelled", "reason": None, "held_until": None, "finished_at": now})
    delivery.cancel(db, select(runs.c.id).where(runs.c.id == run), now)


def tidy(db: Connection, now: datetime) -> None:
    """Afterwards every delivery that nobody will look at again has its final state: of cancelled runs, and of those that wait.

    A sender may give a delivery back after its run was cancelled, and may die with deliveries of a run that nobody goes on with.
    """
    delivery.cancel(db, select(runs.c.id).where(runs.c.state == "cancelled"), now)
    delivery.give_up(db, select(runs.c.id).where(runs.c.state.in_(("sending", "paused", "cancelled"))), now)
