"""Broadcasts: what the operator planned, and the runs of it: who is meant, and how far it has come."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, RootModel
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from models import delivery, schedule
from models.base import Id, Instant, identity, metadata
from models.base import insert as insert_once
from models.clock import span
from models.config import Config, Looks, Problem, Rules, says, wrong
from models.delivery import deliveries
from models.follower import followers
from models.refusal import Refusal
from models.schedule import Cron
from models.segment import SegmentsSection, understand
from models.survey import Key

VARIABLES = ("name", "points", "date", "time")
Text_ = Annotated[str, says(*VARIABLES)]
# A run that could not begin within this time of its due time counts as missed.
GRACE = timedelta(minutes=15)


def _check_late(text: str) -> str:
    if text not in ("skip", "ask"):
        try:
            span(text)
        except ValueError:
            raise wrong(
                f"late 可以写 skip、ask 或 2h 这样的时长；这里是 {text!r}", f"late is skip, ask or a span such as 2h; this is {text!r}"
            ) from None
    return text


class Broadcast(Rules):
    """A planned message to a segment."""

    key: Key = Field(description="群发代号")
    cron: Cron | None = Field(None, description="什么时候发：分 时 日 月 周（周一是 1）；不写就只能手动发")
    segment: str = Field("all", description="发给哪个人群")
    template: str = Field(min_length=1, max_length=100, description="模板 ID")
    data: Mapping[str, Text_] = Field(default_factory=dict, description="模板里各项的内容，可用 {name} {points} {date} {time}")
    url: Text_ | None = Field(None, description="点开后的网址")
    priority: Literal["normal", "urgent"] = Field("normal", description="urgent 可以用每周预留的条数")
    late: Annotated[str, AfterValidator(_check_late), Looks(r"^(skip|ask|\s*[0-9]{1,4}[mhdw]\s*)$", ("skip", "2h", "ask"))] = Field(
        "skip", description="错过时间怎么办：skip 跳过、2h 两小时内补发、ask 等人确认"
    )


class BroadcastsSection(RootModel[list[Broadcast]]):
    """群发计划。"""

    key: ClassVar[str] = "broadcasts"

    def named(self, key: str) -> Broadcast | None:
        """The broadcast of this key."""
        return next((broadcast for broadcast in self.root if broadcast.key == key), None)


def check(config: Config) -> Iterator[Problem]:
    """What no single section can see: segments that do not exist, two broadcasts or segments of one name."""
    segments, broadcasts = config[SegmentsSection], config[BroadcastsSection]
    for section, items in (("segments", segments.root), ("broadcasts", broadcasts.root)):
        keys = [item.key for item in items]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                yield Problem((section, number, "key"), f"{key} 已经有了，换一个代号", f"{key} is there already; choose another key")
    for number, planned in enumerate(broadcasts.root):
        if segments.named(planned.segment) is None:
            known = "、".join(["all", *(segment.key for segment in segments.root)])
            yield Problem(
                ("broadcasts", number, "segment"),
                f"没有人群 {planned.segment}；可用：{known}",
                f"there is no segment {planned.segment}; known: {known}",
            )


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
    Column("plan", Text, nullable=False),  # the broadcast as it was when the run began, as JSON
    Column("audience", Text, nullable=False),  # the segment's sentence, likewise
    Column("nonce", String(16), nullable=False),  # of client_msg_id, so that no other database's run can have the same
    Column("cursor", Id, nullable=False, server_default="0"),  # followers up to here have their delivery row
    Column("bound", Id, nullable=False),  # the newest follower when the run began; later ones are not meant
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("broadcast", "due_at"),
    CheckConstraint(f"state IN {RUN_STATES}", name="state"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the sender needs it."""

    id: int
    plan: Broadcast
    audience: str
    nonce: str
    created_at: datetime

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
        {name: bindparam(name) for name in ("broadcast", "due_at", "request", "state", "reason", "plan", "audience", "nonce", "created_at")}
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
) -> int | None:
    """Afterwards there is exactly one run of this broadcast for `due_at` (and one for `request`). Returns its id where this call made it."""
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
    }
    return db.execute(_START, values).scalar()


def requested(db: Connection, request: str) -> int | None:
    """The run that was made for this request, if any."""
    return db.execute(select(runs.c.id).where(runs.c.request == request)).scalar()


def wants_claim(db: Connection, planned: Broadcast, zone: ZoneInfo, now: datetime) -> bool:
    """Whether claim_due has anything to do: asked every two seconds, so that an idle program writes nothing but once a minute.

    That minute is how far back a changed cron line may reach.
    """
    if planned.cron is None:
        return False
    since = schedule.checked_until(db, planned.key)
    return since is None or now - since > timedelta(minutes=1) or any(schedule.due_between(planned.cron, zone, since, now))


def claim_due(db: Connection, planned: Broadcast, where: str, zone: ZoneInfo, now: datetime) -> int | None:
    """Afterwards every due time of the schedule up to `now` is dealt with: the newest has its run, or is recorded as missed.

    Any number of processes may call this at once; one of them makes the run. Never a burst: of several due times since the last look
    (the program was down), the older ones are counted as missed, and what happens to the newest is the broadcast's `late`.
    """
    if planned.cron is None:
        return None
    since = schedule.begin(db, planned.key, now)
    due = list(schedule.due_between(planned.cron, zone, since, now))
    schedule.advance(db, planned.key, now)
    if not due:
        return None
    state, reason = _late(planned, now - due[-1], len(due) - 1)
    return start(db, planned, where, due[-1], now, state=state, reason=reason)


def _late(planned: Broadcast, late: timedelta, older: int) -> tuple[str, str | None]:
    missed = f"另错过 {older} 次 missed" if older else None
    if late <= GRACE:
        return "planning", missed
    reason = "；".join(filter(None, (f"晚了 {int(late.total_seconds() // 60)} 分钟 late", missed)))
    if planned.late == "ask":
        return "asked", reason
    if planned.late != "skip" and late <= span(planned.late):
        return "planning", reason
    return "missed", reason


_FREE = or_(runs.c.held_until.is_(None), runs.c.held_until <= bindparam("now"))
_ACTIVE = select(runs.c.id).where(runs.c.state.in_(("planning", "sending")), _FREE).order_by(runs.c.id)
_SENDING = select(runs.c.id).where(runs.c.id == bindparam("run"), runs.c.state == "sending", _FREE)
_RUN = select(runs.c.id, runs.c.plan, runs.c.audience, runs.c.nonce, runs.c.created_at).where(runs.c.id == bindparam("run"))


def active(db: Connection, now: datetime) -> list[int]:
    """The runs that want to be planned or sent now, oldest first."""
    return list(db.execute(_ACTIVE, {"now": now}).scalars())


def load(db: Connection, run: int) -> Run:
    """The run as it was planned."""
    row = db.execute(_RUN, {"run": run}).one()
    return Run(row.id, Broadcast.model_validate_json(row.plan), row.audience, row.nonce, row.created_at)


def is_sending(db: Connection, run: int, now: datetime) -> bool:
    """Whether the run may be sent: planned, and neither held, paused nor cancelled in the meantime."""
    return db.execute(_SENDING, {"run": run, "now": now}).scalar() is not None


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
    meant = (
        select(bindparam("run", type_=Id), followers.c.id, bindparam("state", type_=String))
        .where(followers.c.id > moved.cursor - CHUNK, followers.c.id <= min(moved.cursor, moved.bound))
        .where(followers.c.subscribed, understand(run.audience)(run.created_at))
        .order_by(followers.c.id)
    )
    rows = insert(deliveries).from_select(["run_id", "follower_id", "state"], meant)
    db.execute(rows, {"run": run.id, "state": "pending"})
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


@dataclass(frozen=True, slots=True)
class Status:
    """How far a run has come."""

    id: int
    broadcast: str
    state: str
    reason: str | None
    due_at: datetime
    held_until: datetime | None
    finished_at: datetime | None
    counts: list[tuple[str, str | None, int]]


def status(db: Connection, run: int) -> Status:
    """Where the run stands. Raises UnknownRun."""
    columns = (runs.c.id, runs.c.broadcast, runs.c.state, runs.c.reason, runs.c.due_at, runs.c.held_until, runs.c.finished_at)
    row = db.execute(select(*columns).where(runs.c.id == run)).one_or_none()
    if row is None:
        raise UnknownRun(run=run)
    counts = delivery.counts(db, run)
    if row.held_until is not None:
        counts = [(state, row.reason if state == "pending" else reason, many) for state, reason, many in counts]
    return Status(*row, counts=counts)


def newest(db: Connection, most: int) -> list[Status]:
    """The newest runs first."""
    ids = db.execute(select(runs.c.id).order_by(runs.c.id.desc()).limit(most)).scalars().all()
    return [status(db, run) for run in ids]


def audience(db: Connection, where: str, now: datetime) -> int:
    """How many followers a segment's sentence means now."""
    return db.execute(select(func.count()).select_from(followers).where(followers.c.subscribed, understand(where)(now))).scalar_one()
