"""Deliveries: one row per target of a run, its state and reason; reserved before the call, settled after it, confirmed by a receipt.

pending → sending → sent → delivered
             │        └──→ failed (receipt)
             ├──→ failed · pending again (the platform proved it took nothing)
             └──→ unknown (no answer, and too late to repeat under the same client_msg_id)
pending → skipped (a limit, not following, refused) · cancelled
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from models.base import Id, Instant, follower_id, identity, insert, metadata
from models.follower import Follower, followers
from models.points import balances
from models.push import PushSection

STATES = ("pending", "sending", "sent", "delivered", "failed", "skipped", "unknown", "cancelled")

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
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("msgid", String(32)),
    Column("settled_at", Instant),
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
    Column("msgid", String(32), primary_key=True),
    Column("openid", String(64), nullable=False),
    Column("status", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("matched_at", Instant),
)

# The platform remembers a client_msg_id for ten minutes (template/send); past nine we no longer trust that a repeat is recognised.
REPEATABLE = timedelta(minutes=9)
LEASE = timedelta(seconds=40)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A delivery this process may call the platform for until its lease ends."""

    id: int
    fence: int
    attempts: int
    lease_until: datetime
    follower: Follower
    points: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reserved delivery. `state` sending with `again_at`: to be repeated then; pending: proved not sent, give it back."""

    delivery: int
    fence: int
    state: str
    reason: str | None = None
    msgid: str | None = None
    again_at: datetime | None = None
    unreachable: tuple[int, int] | None = None  # follower id, errcode


_GIVE_UP = (
    update(deliveries)
    .where(
        deliveries.c.run_id == bindparam("run"),
        deliveries.c.state == "sending",
        deliveries.c.lease_until < bindparam("now"),
        deliveries.c.first_attempt_at <= bindparam("oldest"),
    )
    .values(state="unknown", reason=bindparam("why"), lease_until=None, settled_at=bindparam("now"))
)
_REPEAT = (
    select(deliveries.c.id)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "sending", deliveries.c.lease_until < bindparam("now"))
    .order_by(deliveries.c.id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
_NEXT = (
    select(deliveries.c.id, deliveries.c.follower_id)
    .where(deliveries.c.run_id == bindparam("run"), deliveries.c.state == "pending")
    .order_by(deliveries.c.id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
# Two senders that reserve for one follower at once must see each other's charges: the follower's row is the lock (SQLite has one writer).
_LOCK_FOLLOWERS = (
    select(followers.c.id).where(followers.c.id.in_(bindparam("people", expanding=True))).order_by(followers.c.id).with_for_update()
)
_LEASED = {
    "state": "sending",
    "attempts": deliveries.c.attempts + 1,
    "fence": deliveries.c.fence + 1,
    "first_attempt_at": func.coalesce(deliveries.c.first_attempt_at, bindparam("now", type_=Instant)),
    "charged_at": func.coalesce(deliveries.c.charged_at, bindparam("now", type_=Instant)),
    "lease_until": bindparam("lease", type_=Instant),
}
_HERE = deliveries.c.id.in_(bindparam("ids", expanding=True))
_TAKE_AGAIN = update(deliveries).where(_HERE, deliveries.c.state == "sending", deliveries.c.lease_until < bindparam("now")).values(_LEASED)
_WHO = (
    select(
        deliveries.c.id,
        deliveries.c.fence,
        deliveries.c.attempts,
        deliveries.c.lease_until,
        deliveries.c.follower_id,
        followers.c.openid,
        followers.c.remark,
        func.coalesce(balances.c.amount, 0).label("points"),
    )
    .join(followers, followers.c.id == deliveries.c.follower_id)
    .outerjoin(balances, balances.c.follower_id == deliveries.c.follower_id)
    .where(_HERE, deliveries.c.state == "sending", deliveries.c.lease_until == bindparam("lease"))
    .order_by(deliveries.c.id)
)


def reserve_batch(db: Connection, run: int, push: PushSection, urgent: bool, zone: ZoneInfo, now: datetime, size: int) -> list[Reserved]:
    """Takes up to `size` deliveries of a run that may be called for now, each charged to its follower's limits before the call is made.

    Whoever left, refused, is blacklisted or is at a limit is skipped with the reason. Deliveries whose sender died are taken over: repeated
    while the platform remembers their client_msg_id, `unknown` afterwards. Returns [] where nothing is left to take at this moment.
    """
    db.execute(_GIVE_UP, {"run": run, "now": now, "oldest": now - REPEATABLE, "why": "平台没有回答 no answer"})
    lease = now + LEASE
    again = list(db.execute(_REPEAT, {"run": run, "now": now, "size": size}).scalars())
    if again:
        db.execute(_TAKE_AGAIN, {"ids": again, "now": now, "lease": lease})
    taken = again
    while len(taken) < size and (fresh := db.execute(_NEXT, {"run": run, "size": size - len(taken)}).all()):
        ids, people = [row.id for row in fresh], [row.follower_id for row in fresh]
        db.execute(_LOCK_FOLLOWERS, {"people": people})
        conditions = _conditions(push, urgent, zone, now)
        may = and_(true(), *(condition for condition, _ in conditions))
        take = update(deliveries).where(_HERE, deliveries.c.state == "pending", may).values(_LEASED).returning(deliveries.c.id)
        mine = list(db.execute(take, {"ids": ids, "now": now, "lease": lease}).scalars())
        if len(mine) < len(ids):
            why = case(*((~condition, literal(reason)) for condition, reason in conditions), else_="")
            skip = (
                update(deliveries)
                .where(_HERE, deliveries.c.state == "pending")
                .values(state="skipped", reason=why, settled_at=bindparam("now"))
            )
            db.execute(skip, {"ids": ids, "now": now})
        taken = taken + mine
    rows = db.execute(_WHO, {"ids": taken, "lease": lease}).all() if taken else []
    return [
        Reserved(
            row.id, row.fence, row.attempts, row.lease_until, Follower(row.follower_id, row.openid, True, True, row.remark), row.points
        )
        for row in rows
    ]


def _conditions(push: PushSection, urgent: bool, zone: ZoneInfo, now: datetime) -> list[tuple[ColumnElement[bool], str]]:
    """What must hold for a follower to be sent to, and what to say where it does not."""
    charged = deliveries.alias("charged")
    conditions: list[tuple[ColumnElement[bool], str]] = [
        (_is(followers.c.subscribed), "未关注 not following"),
        (_is(followers.c.refused_at.is_(None)), "已退订 refused"),
        (_is(followers.c.blocked_at.is_(None)), "黑名单 blacklisted"),
    ]
    for limit in push.limits:
        used = (
            select(func.count())
            .select_from(charged)
            .where(charged.c.follower_id == deliveries.c.follower_id, charged.c.charged_at >= limit.since(now, zone))
            .correlate(deliveries)
            .scalar_subquery()
        )
        conditions.append((used < push.allowed(limit, urgent), f"上限 limit: {limit.max} per {limit.per}"))
    return conditions


def _is(fact: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(followers.c.id).where(followers.c.id == deliveries.c.follower_id, fact).correlate(deliveries).exists()


_MINE = and_(deliveries.c.id == bindparam("delivery"), deliveries.c.fence == bindparam("held"), deliveries.c.state == "sending")
_SETTLE = (
    update(deliveries)
    .where(_MINE)
    .values(state=bindparam("new"), reason=bindparam("why"), msgid=bindparam("number"), lease_until=None, settled_at=bindparam("now"))
)
_REFUSED = (
    update(deliveries)
    .where(_MINE)
    .values(state=bindparam("new"), reason=bindparam("why"), lease_until=None, charged_at=None, settled_at=bindparam("now"))
)
_RELEASE = (
    update(deliveries)
    .where(_MINE)
    .values(state="pending", reason=bindparam("why"), lease_until=None, charged_at=None, first_attempt_at=None)
)
_AGAIN = update(deliveries).where(_MINE).values(lease_until=bindparam("at"), reason=bindparam("why"))


def settle_batch(db: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Afterwards each delivery says what became of it, unless another process has taken it over since (the fence).

    A proved refusal gives the follower's budget back; anything ambiguous keeps it.
    """

    def rows(*states: str) -> list[dict[str, object]]:
        return [
            {"delivery": o.delivery, "held": o.fence, "new": o.state, "why": o.reason, "number": o.msgid, "at": o.again_at, "now": now}
            for o in outcomes
            if o.state in states
        ]

    for statement, done in (
        (_SETTLE, rows("sent", "unknown")),
        (_REFUSED, rows("failed")),
        (_RELEASE, rows("pending")),
        (_AGAIN, rows("sending")),
    ):
        if done:
            needed = statement.compile().params.keys()
            db.execute(statement, [{key: value for key, value in row.items() if key in needed} for row in done])
    numbers = [o.msgid for o in outcomes if o.msgid]
    if numbers:
        _match(db, receipts.c.msgid.in_(numbers), now)


_KEEP = insert(receipts).values({name: bindparam(name) for name in ("msgid", "openid", "status", "at")}).on_conflict_do_nothing()


def receive(db: Connection, msgid: str, openid: str, status: str, now: datetime) -> None:
    """A TEMPLATESENDJOBFINISH came: afterwards the receipt is kept once, and its delivery is delivered or failed.

    It may come before the answer to our call did: then it waits, and settle_batch or reconcile finds it.
    """
    db.execute(_KEEP, {"msgid": msgid, "openid": openid, "status": "".join(status.split())[:60], "at": now})
    _match(db, receipts.c.msgid == msgid, now)


def _match(db: Connection, which: ColumnElement[bool], now: datetime) -> None:
    open_ = deliveries.c.state.in_(("sending", "sent", "unknown"))
    status = select(receipts.c.status).where(receipts.c.msgid == deliveries.c.msgid).scalar_subquery()
    matching = select(receipts.c.msgid).where(which, receipts.c.matched_at.is_(None))
    db.execute(
        update(deliveries)
        .where(deliveries.c.msgid.in_(matching), open_)
        .values(
            state=case((status == "success", "delivered"), else_="failed"),
            reason=case((status == "success", None), else_=status),
            settled_at=now,
        )
    )
    known = select(deliveries.c.msgid).where(deliveries.c.msgid == receipts.c.msgid).exists()
    db.execute(update(receipts).where(which, receipts.c.matched_at.is_(None), known).values(matched_at=now))


def reconcile(db: Connection, now: datetime) -> None:
    """Afterwards every receipt that can be told to belong to a delivery is on it.

    A receipt whose number we never learned (the answer to our call was lost) belongs to the follower's one delivery that was called for
    shortly before it and has no number.
    """
    recent = receipts.c.at > now - timedelta(days=2)
    _match(db, recent, now)
    orphans = select(receipts).where(recent, receipts.c.matched_at.is_(None), receipts.c.at < now - timedelta(minutes=1))
    for receipt in db.execute(orphans.limit(1000)).all():
        nameless = (
            select(deliveries.c.id)
            .join(followers)
            .where(
                followers.c.openid == receipt.openid,
                deliveries.c.msgid.is_(None),
                deliveries.c.state.in_(("sending", "unknown")),
                deliveries.c.first_attempt_at.between(receipt.at - timedelta(minutes=30), receipt.at),
            )
        )
        found = db.execute(nameless.limit(2)).scalars().all()
        if len(found) == 1:
            db.execute(update(deliveries).where(deliveries.c.id == found[0], deliveries.c.msgid.is_(None)).values(msgid=receipt.msgid))
            _match(db, receipts.c.msgid == receipt.msgid, now)


def unfinished(db: Connection, run: int) -> bool:
    """Whether any delivery of the run may still be called for."""
    left = select(deliveries.c.id).where(deliveries.c.run_id == run, or_(deliveries.c.state == "pending", deliveries.c.state == "sending"))
    return db.execute(left.limit(1)).scalar() is not None


def counts(db: Connection, run: int) -> list[tuple[str, str | None, int]]:
    """How many of the run's deliveries are in each state, for which reason."""
    columns = (deliveries.c.state, deliveries.c.reason)
    query = select(*columns, func.count()).where(deliveries.c.run_id == run).group_by(*columns).order_by(*columns)
    return [(state, reason, int(number)) for state, reason, number in db.execute(query)]
