"""Deliveries: one row per target of a run, its state and reason; reserved before the call, settled after it, confirmed by a receipt.

pending → sending → sent → delivered
   ↑         │        └──→ failed (receipt)
   └─────────┼──→ failed  (the platform proved that it took nothing, or we that we never called)
             └──→ unknown (no answer, and too late, or no longer allowed, to repeat under the same client_msg_id)
pending → skipped (a limit, not following, refused) · cancelled

What is pending was never taken by the platform; what is sending may have been. Only the first may begin anew, under the limits of its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)

from models.base import Id, Instant, follower_id, identity, insert, metadata
from models.follower import Follower, followers
from models.points import POINTS, balances
from models.push import PushSection

STATES = ("pending", "sending", "sent", "delivered", "failed", "skipped", "unknown", "cancelled")
LONGEST_MSGID = 32  # characters; the platform counts in 64 bits

deliveries = Table(
    "delivery",
    metadata,
    identity(),
    Column("run_id", Id, ForeignKey("broadcast_run.id"), nullable=False),
    follower_id(nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(200)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_at", Instant),
    Column("charged_at", Instant),  # counts against the follower's limits from here on; NULL where nothing was sent
    Column("lease_until", Instant),  # until then nobody else touches a sending one; and nobody at all a pending one
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("msgid", String(LONGEST_MSGID)),
    Column("settled_at", Instant),
    Column("channel", String(20)),  # the way it goes: one of broadcast.WAYS or "passive"; NULL: not chosen yet
    Column("variant", String(40)),  # the content they got
    Column("revision", Integer),  # of the run's plan that it was first called with
    Column("mass_list_id", Id),  # the list of a mass message it went in
    UniqueConstraint("run_id", "follower_id"),
    CheckConstraint(f"state IN {STATES}", name="state"),
    Index("ix_delivery_run_state", "run_id", "state", "id"),
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

receipts = Table(
    "receipt",
    metadata,
    Column("msgid", String(LONGEST_MSGID), primary_key=True),
    Column("openid", String(64), nullable=False),
    Column("status", String(60), nullable=False),
    Column("at", Instant, nullable=False),
)  # only those whose delivery is not known yet: the table stays small

# The platform remembers a client_msg_id for ten minutes (template/send); past nine we no longer trust that a repeat is recognised.
REPEATABLE = timedelta(minutes=9)
LEASE = timedelta(seconds=40)
LATEST_CALL = LEASE * 3 / 4  # into the lease: the rest is for the answer, before anybody else may repeat the call
RECEIPT_LATE = timedelta(minutes=30)  # after its call, a receipt without a known number is no longer believed to belong to it
RECEIPT_KEPT = timedelta(days=1)
NO_ANSWER = "平台没有回答 no answer"


@dataclass(frozen=True, slots=True)
class Reserved:
    """A delivery this process may call the platform for, until LATEST_CALL after `at`."""

    id: int
    fence: int
    at: datetime
    first: bool  # no earlier attempt may have been taken
    attempts: int
    follower: Follower
    points: int
    channel: str = "template"
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reserved delivery. `pending` and `sending` are to be tried (again) at `again_at`.

    `proved`: nothing of this delivery was ever taken by the platform, so its follower's budget is given back.
    """

    delivery: int
    fence: int
    state: str
    reason: str | None = None
    msgid: str | None = None
    again_at: datetime | None = None
    proved: bool = False
    unreachable: tuple[int, int] | None = None  # follower id, errcode


_OF_RUN = deliveries.c.run_id == bindparam("run")
_ENDED = deliveries.c.lease_until <= bindparam("now", type_=Instant)
_ABANDONED = and_(deliveries.c.state == "sending", _ENDED)
_WAITING = and_(deliveries.c.state == "pending", or_(deliveries.c.lease_until.is_(None), _ENDED))


def _first(which: ColumnElement[bool]) -> Select[int, int]:
    found = select(deliveries.c.id, deliveries.c.follower_id).where(_OF_RUN, which)
    return found.order_by(deliveries.c.id).limit(bindparam("size")).with_for_update(skip_locked=True)


_OVERDUE, _NEXT = _first(_ABANDONED), _first(_WAITING)
# Two senders that reserve for one follower at once must see each other's charges: the follower's row is the lock (SQLite has one writer).
# Not FOR UPDATE: that would keep the webhook from inserting anything that refers to the follower.
_LOCK_FOLLOWERS = (
    select(followers.c.id)
    .where(followers.c.id.in_(bindparam("people", expanding=True)))
    .order_by(followers.c.id)
    .with_for_update(key_share=True)
)
_HERE = and_(deliveries.c.id.in_(bindparam("ids", expanding=True)), or_(_ABANDONED, _WAITING))
_LEASED = {
    "state": "sending",
    "attempts": deliveries.c.attempts + 1,
    "fence": deliveries.c.fence + 1,
    "first_attempt_at": func.coalesce(deliveries.c.first_attempt_at, bindparam("now", type_=Instant)),
    "charged_at": bindparam("now", type_=Instant),  # a repeat moves its charge: it may be this call that is taken
    "lease_until": bindparam("lease", type_=Instant),
}
_WHO = (
    select(
        deliveries.c.id,
        deliveries.c.fence,
        deliveries.c.attempts,
        deliveries.c.first_attempt_at,
        deliveries.c.follower_id,
        followers.c.openid,
        followers.c.remark,
        func.coalesce(balances.c.amount, 0).label("points"),
    )
    .join(followers, followers.c.id == deliveries.c.follower_id)
    .outerjoin(balances, and_(balances.c.follower_id == deliveries.c.follower_id, balances.c.asset == POINTS))
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.c.id)
)


def reserve_batch(
    db: Connection, run: int, push: PushSection, urgent: bool, zone: ZoneInfo, now: datetime, size: int
) -> list[Reserved] | None:
    """Looks at up to `size` deliveries of a run and takes those that may be called for now, each charged to its follower's limits.

    Whoever left, refused, is blacklisted or is at a limit is skipped with the reason. Deliveries whose sender died come first: they are
    repeated where all that still holds and the platform still remembers their client_msg_id, else they are `unknown`.
    Returns None where there is nothing to look at; [] where there was, and all of it was skipped.
    """
    found = db.execute(_OVERDUE, {"run": run, "now": now, "size": size}).all()
    if len(found) < size:
        found = [*found, *db.execute(_NEXT, {"run": run, "now": now, "size": size - len(found)})]
    if not found:
        return None
    ids = [row.id for row in found]
    db.execute(_LOCK_FOLLOWERS, {"people": sorted({row.follower_id for row in found})})
    conditions = _conditions(push, urgent, zone, now)
    take = update(deliveries).where(_HERE, *(holds for holds, _ in conditions)).values(_LEASED).returning(deliveries.c.id)
    taken = list(db.execute(take, {"ids": ids, "now": now, "lease": now + LEASE}).scalars())
    if len(taken) < len(ids):
        state = case((deliveries.c.state == "pending", "skipped"), else_="unknown")
        why = case(*((~holds, literal(reason)) for holds, reason in conditions), else_="")
        leave = (
            update(deliveries).where(_HERE).values(state=state, reason=why, lease_until=None, settled_at=bindparam("now", type_=Instant))
        )
        db.execute(leave, {"ids": ids, "now": now})
    return [
        Reserved(
            row.id,
            row.fence,
            now,
            row.first_attempt_at == now,
            row.attempts,
            Follower(row.follower_id, row.openid, True, True, row.remark),
            row.points,
        )
        for row in (db.execute(_WHO, {"ids": taken}) if taken else ())
    ]


def _conditions(push: PushSection, urgent: bool, zone: ZoneInfo, now: datetime) -> list[tuple[ColumnElement[bool], str]]:
    """What must hold for a delivery to be called for, and what to say where it does not."""
    repeatable = func.coalesce(deliveries.c.first_attempt_at, now) > now - REPEATABLE
    charged = deliveries.alias("charged")
    conditions: list[tuple[ColumnElement[bool], str]] = [
        (repeatable, NO_ANSWER),
        (_is(followers.c.subscribed), "未关注 not following"),
        (_is(followers.c.refused_at.is_(None)), "已退订 refused"),
        (_is(followers.c.blocked_at.is_(None)), "黑名单 blacklisted"),
    ]
    for limit in push.limits:
        used = (
            select(func.count())
            .select_from(charged)
            .where(charged.c.follower_id == deliveries.c.follower_id, charged.c.charged_at >= limit.since(now, zone))
            .where(charged.c.id != deliveries.c.id)
            .correlate(deliveries)
            .scalar_subquery()
        )
        conditions.append((used < push.allowed(limit, urgent), f"上限 limit: {limit.max} per {limit.per}"))
    return conditions


def _is(fact: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(followers.c.id).where(followers.c.id == deliveries.c.follower_id, fact).correlate(deliveries).exists()


def _unless(flag: str, column: Column[Any]) -> ColumnElement[Any]:
    return case((bindparam(flag, type_=Boolean), null()), else_=column)


_SETTLE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"), deliveries.c.fence == bindparam("held"), deliveries.c.state == "sending")
    .values(
        state=bindparam("new"),
        reason=bindparam("why"),
        msgid=bindparam("number"),
        lease_until=bindparam("again"),
        settled_at=bindparam("settled"),
        charged_at=_unless("proved", deliveries.c.charged_at),
        first_attempt_at=_unless("anew", deliveries.c.first_attempt_at),
    )
)


def settle_batch(db: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Afterwards each delivery says what became of it, unless another process has taken it over since (the fence).

    What is proved not to have been taken gives the follower's budget back; anything ambiguous keeps it.
    """
    rows = [
        {
            "delivery": outcome.delivery,
            "held": outcome.fence,
            "new": outcome.state,
            "why": outcome.reason,
            "number": outcome.msgid,
            "again": outcome.again_at,
            "settled": None if outcome.state in ("pending", "sending") else now,
            "proved": outcome.proved,
            "anew": outcome.state == "pending",
        }
        for outcome in outcomes
    ]
    if rows:
        db.execute(_SETTLE, rows)
    if numbers := [outcome.msgid for outcome in outcomes if outcome.msgid]:
        _match(db, receipts.c.msgid.in_(numbers), now)


_KEEP = insert(receipts).values({name: bindparam(name) for name in ("msgid", "openid", "status", "at")}).on_conflict_do_nothing()


def receive(db: Connection, msgid: str, openid: str, status: str, now: datetime) -> None:
    """A TEMPLATESENDJOBFINISH came: afterwards its delivery is delivered or failed, whatever comes a second time.

    It may come before the answer to our call did: then it waits, and settle_batch or reconcile finds it. A longer number than any of the
    platform's belongs to nothing of ours.
    """
    if len(msgid) > LONGEST_MSGID:
        return
    db.execute(_KEEP, {"msgid": msgid, "openid": openid, "status": " ".join(status.split())[:60], "at": now})
    _match(db, receipts.c.msgid == msgid, now)


def _match(db: Connection, which: ColumnElement[bool], now: datetime) -> None:
    status = select(receipts.c.status).where(receipts.c.msgid == deliveries.c.msgid).scalar_subquery()
    db.execute(
        update(deliveries)
        .where(deliveries.c.msgid.in_(select(receipts.c.msgid).where(which)), deliveries.c.state.in_(("sent", "unknown")))
        .values(
            state=case((status == "success", "delivered"), else_="failed"),
            reason=case((status == "success", None), else_=status),
            settled_at=now,
        )
    )
    known = select(deliveries.c.id).where(deliveries.c.msgid == receipts.c.msgid).exists()
    db.execute(delete(receipts).where(which, known))


_NAMELESS = (
    select(deliveries.c.id, deliveries.c.state)
    .join(followers)
    .where(
        followers.c.openid == bindparam("openid"),
        deliveries.c.state.in_(("sending", "unknown")),
        deliveries.c.msgid.is_(None),
        deliveries.c.charged_at > bindparam("earliest", type_=Instant),
        deliveries.c.first_attempt_at <= bindparam("at", type_=Instant),
    )
    .limit(2)
)
_NAME = update(deliveries).where(deliveries.c.id == bindparam("delivery")).values(msgid=bindparam("number"))


def reconcile(db: Connection, now: datetime) -> None:
    """Afterwards every receipt that can be told to belong to a delivery is on it, and those nobody will claim any more are forgotten.

    A receipt whose number we never learned (the answer to our call was lost, and it was too late to repeat it) belongs to the follower's
    one delivery that was called for shortly before it and has no number.
    """
    _match(db, true(), now)
    db.execute(delete(receipts).where(receipts.c.at < now - RECEIPT_KEPT))
    orphans = select(receipts).where(receipts.c.at < now - timedelta(minutes=1)).order_by(receipts.c.at.desc()).limit(1000)
    for receipt in db.execute(orphans).all():
        found = db.execute(_NAMELESS, {"openid": receipt.openid, "earliest": receipt.at - RECEIPT_LATE, "at": receipt.at}).all()
        if [one.state for one in found] == ["unknown"]:  # one that is still repeated will be told its number
            db.execute(_NAME, {"delivery": found[0].id, "number": receipt.msgid})
            _match(db, receipts.c.msgid == receipt.msgid, now)


def give_up(db: Connection, runs: Select[int], now: datetime) -> None:
    """Afterwards whatever of these runs was called for, is nobody's, and may not be repeated any more is unknown."""
    late = and_(deliveries.c.run_id.in_(runs), _ABANDONED, deliveries.c.first_attempt_at <= now - REPEATABLE)
    db.execute(update(deliveries).where(late).values(state="unknown", reason=NO_ANSWER, lease_until=None, settled_at=now), {"now": now})


def cancel(db: Connection, runs: Select[int], now: datetime) -> None:
    """Afterwards nothing of these runs waits to be sent."""
    waiting = update(deliveries).where(deliveries.c.run_id.in_(runs), deliveries.c.state == "pending")
    db.execute(waiting.values(state="cancelled", reason="已取消 cancelled", lease_until=None, settled_at=now))


def unfinished(db: Connection, run: int) -> bool:
    """Whether any delivery of the run may still be called for."""
    left = select(deliveries.c.id).where(deliveries.c.run_id == run, deliveries.c.state.in_(("pending", "sending")))
    return db.execute(left.limit(1)).scalar() is not None


def counts(db: Connection, run: int) -> list[tuple[str, str | None, int]]:
    """How many of the run's deliveries are in each state, for which reason."""
    columns = (deliveries.c.state, deliveries.c.reason)
    query = select(*columns, func.count()).where(deliveries.c.run_id == run).group_by(*columns).order_by(*columns)
    return [(state, reason, int(number)) for state, reason, number in db.execute(query)]
