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

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    TextClause,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)

from models.base import Hot, Instant
from models.delivery.receipt import RECEIPT_LATE, match_waiting, receive, reconcile
from models.delivery.tables import BEGUN, BY_MASS, FRESH, LONGEST_MSGID, PASSIVE_WAITS, STATES, UNREPORTED, deliveries, receipts
from models.facts import UNKNOWN, Facts
from models.follower import Follower, followers
from models.route import Spent

__all__ = [
    "ABANDONED",
    "BEGUN",
    "BY_MASS",
    "FRESH",
    "LATEST_CALL",
    "LEASE",
    "LONGEST_MSGID",
    "NO_ANSWER",
    "PASSIVE_WAITS",
    "POISON",
    "POISONED",
    "RECEIPT_LATE",
    "REPEATABLE",
    "STATES",
    "SUSPECT",
    "UNREPORTED",
    "WAITING",
    "Outcome",
    "Reserved",
    "cancel",
    "candidates",
    "counts",
    "deliveries",
    "give_up",
    "next_time",
    "only_mass_left",
    "receipts",
    "receive",
    "reconcile",
    "reserved",
    "settle_batch",
    "unfinished",
]

# The platform remembers a client_msg_id for ten minutes (template/send); past nine we no longer trust that a repeat is recognised.
REPEATABLE = timedelta(minutes=9)
LEASE = timedelta(seconds=40)
LATEST_CALL = LEASE * 3 / 4  # into the lease: the rest is for the answer, before anybody else may repeat the call
NO_ANSWER = "平台没有回答 no answer"
SUSPECT, POISON = 3, 6  # processes that died over a delivery: after three it is tried alone, after three more it is set aside
POISONED = f"程序 {POISON} 次停在它上面 poison"


@dataclass(frozen=True, slots=True)
class Reserved:
    """A delivery this process may call the platform for, until LATEST_CALL after `at`."""

    id: int
    fence: int
    at: datetime
    first: bool  # no earlier attempt may have been taken
    attempts: int
    follower: Follower
    channel: str = "template"
    revision: int = 0
    variant: str | None = None
    facts: Facts = UNKNOWN  # what the message says of the follower (models/message.py)
    reason: str | None = None  # why it goes this way, where there was a choice
    spent: Spent | None = None  # what the call uses up of the follower's
    suspect: bool = False  # processes died over it: nothing else is under way with it


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
    spent: Spent | None = None  # what the call would have used up of the follower's, where it is proved that it did not
    called: bool = True  # False: nothing was tried, so that nothing is known about what trying does
    quota: tuple[str, datetime] | None = None  # the way, and when it was reserved, of what was not called: the account may call once more


_OF_RUN = deliveries.c.run_id == bindparam("run")
_ENDED = deliveries.c.lease_until <= bindparam("now", type_=Instant)
ABANDONED = and_(deliveries.c.state == "sending", _ENDED)
_CALLED = or_(deliveries.c.channel.is_(None), deliveries.c.channel != "mass")  # one by one, and not in a list of scheduler/mass.py
WAITING = and_(deliveries.c.state == "pending", _CALLED, or_(deliveries.c.lease_until.is_(None), _ENDED))


_FACTS = select(
    *(deliveries.c.id, deliveries.c.follower_id, deliveries.c.state, deliveries.c.channel, deliveries.c.unsettled),
    *(deliveries.c.fence, deliveries.c.attempts, deliveries.c.first_attempt_at, deliveries.c.revision),
    # no join: the conditions of the indexes are texts, and would not say whose `channel` they mean
    *(
        select(column).where(followers.c.id == deliveries.c.follower_id).scalar_subquery().label(column.name)
        for column in (followers.c.openid, followers.c.remark)
    ),
)


def _first(which: ColumnElement[bool] | TextClause, *order: ColumnElement[Any]) -> Select[Any]:
    found = _FACTS.where(_OF_RUN, which)
    return found.order_by(*order).limit(bindparam("size")).with_for_update(skip_locked=True)


_OVERDUE = _first(and_(BEGUN, ABANDONED), deliveries.c.lease_until)
_DUE = _first(and_(BEGUN, deliveries.c.state == "pending", _ENDED, _CALLED), deliveries.c.lease_until)
_NEXT = _first(FRESH, deliveries.c.id)
_ONE = _FACTS.where(deliveries.c.id == bindparam("delivery"))


def candidates(db: Connection, run: int, now: datetime, size: int) -> Sequence[Row[Any]]:
    """The next deliveries of a run that may want a call, locked, with whose they are and what `about_to_be` needs.

    Those whose sender died come first, then those whose time has come.
    """
    overdue = db.execute(_OVERDUE, {"run": run, "now": now, "size": size}).all()
    found = [row for row in overdue if row.unsettled < SUSPECT]
    if overdue and not found:
        return overdue[:1]  # alone, so that nobody else pays for it
    for which in (_DUE, _NEXT):
        if len(found) < size:
            found += db.execute(which, {"run": run, "now": now, "size": size - len(found)})
    return found


def about_to_be(row: Row[Any], channel: str, revision: int, now: datetime) -> Reserved:
    """One of the candidates as it is once it is taken: nobody else touches it meanwhile, so it need not be read again."""
    return Reserved(
        row.id,
        row.fence + 1,
        now,
        row.first_attempt_at is None,
        row.attempts + 1,
        Follower(row.follower_id, row.openid, True, True, row.remark),
        channel,
        revision if row.revision is None else row.revision,
        suspect=row.unsettled >= SUSPECT,
    )


def as_it_is(db: Connection, number: int, now: datetime) -> Reserved:
    """A delivery that was just said."""
    row = db.execute(_ONE, {"delivery": number}).one()
    follower = Follower(row.follower_id, row.openid, True, True, row.remark)
    return Reserved(row.id, row.fence, now, True, row.attempts, follower, row.channel or "template", row.revision or 0)


def _unless(flag: str, column: Column[Any]) -> ColumnElement[Any]:
    return case((bindparam(flag, type_=Boolean), null()), else_=column)


_SETTLE = Hot(
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
        revision=_unless("anew", deliveries.c.revision),
        unsettled=case((bindparam("called", type_=Boolean), 0), else_=deliveries.c.unsettled - 1),
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
            "called": outcome.called,
        }
        for outcome in outcomes
    ]
    if rows:
        _SETTLE.each(db, rows)
    match_waiting(db, [outcome.msgid for outcome in outcomes if outcome.msgid], now)


_OPEN = (FRESH, BEGUN, BY_MASS)  # together: all that are pending or sending
_LEFT = tuple(select(deliveries.c.id).where(_OF_RUN, which).limit(1) for which in _OPEN)


def give_up(db: Connection, runs: Select[int], now: datetime) -> None:
    """Afterwards whatever of these runs was called for, is nobody's, and may not be repeated any more is unknown."""
    late = and_(deliveries.c.run_id.in_(runs), BEGUN, ABANDONED, deliveries.c.first_attempt_at <= now - REPEATABLE)
    db.execute(update(deliveries).where(late).values(state="unknown", reason=NO_ANSWER, lease_until=None, settled_at=now), {"now": now})


def cancel(db: Connection, runs: Select[int], now: datetime) -> None:
    """Afterwards nothing of these runs waits to be sent."""
    for which in _OPEN:
        waiting = update(deliveries).where(deliveries.c.run_id.in_(runs), which, deliveries.c.state == "pending")
        db.execute(waiting.values(state="cancelled", reason="已取消 cancelled", lease_until=None, settled_at=now))


def unfinished(db: Connection, run: int) -> bool:
    """Whether any delivery of the run may still be called for."""
    return any(db.execute(left, {"run": run}).scalar() is not None for left in _LEFT)


_ON_THEIR_WAY = select(deliveries.c.id).where(_OF_RUN, BEGUN, deliveries.c.state == "sending").limit(1)
_UNSEENBY_MASS = select(deliveries.c.id).where(_OF_RUN, BY_MASS, deliveries.c.lease_until.is_(None)).limit(1)
_SOONEST = (
    select(deliveries.c.lease_until, deliveries.c.reason)
    .where(_OF_RUN, BEGUN, deliveries.c.state == "pending", deliveries.c.lease_until.is_not(None))
    .order_by(deliveries.c.lease_until)
    .limit(1)
)


def next_time(db: Connection, run: int) -> tuple[datetime, str] | None:
    """When the first of the run's deliveries may be looked at again, where all that is left of it waits, and why; else None."""
    if any(db.execute(one, {"run": run}).scalar() is not None for one in (_LEFT[0], _ON_THEIR_WAY, _UNSEENBY_MASS)):
        return None
    row = db.execute(_SOONEST, {"run": run}).one_or_none()
    return row and (row.lease_until, row.reason or "")


_OTHERS = (
    _LEFT[0],
    select(deliveries.c.id).where(_OF_RUN, BEGUN, or_(deliveries.c.state == "sending", deliveries.c.channel != "mass")).limit(1),
)


def only_mass_left(db: Connection, run: int) -> bool:
    """Whether whatever of the run may still be called for waits to go by mass."""
    return not any(db.execute(other, {"run": run}).scalar() is not None for other in _OTHERS)


def counts(db: Connection, run: int) -> list[tuple[str, str | None, int]]:
    """How many of the run's deliveries are in each state, for which reason."""
    columns = (deliveries.c.state, deliveries.c.reason)
    query = select(*columns, func.count()).where(deliveries.c.run_id == run).group_by(*columns).order_by(*columns)
    return [(state, reason, int(number)) for state, reason, number in db.execute(query)]
