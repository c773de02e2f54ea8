"""Lists are formed from what waits to go by mass, each delivery charged at once; those whose process died are taken over."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, delete, exists, func, insert, literal_column, or_, select, update

from models.base import Id, Instant
from models.broadcast import Run
from models.broadcast.run import runs
from models.delivery import LEASE, NO_ANSWER, deliveries
from models.follower import followers
from models.mass.tables import mass_lists
from models.push import PushSection
from models.reservation import Terms, admit

FEWEST, MOST = 2, 10_000  # openids of one mass/send
REPEATABLE = timedelta(hours=23)  # the platform remembers a clientmsgid for 24; past 23 we no longer trust that a repeat is recognised
GATHERED = timedelta(minutes=10)  # those whose turn comes one by one go together: there are only 100 calls a day
DEATHS = 6  # processes that died over a list: nobody tries it again
TOO_FEW = "群发接口至少要两位粉丝 mass/send takes two or more"
STRANGERS = frozenset({40003, 40031})  # one openid is refused, and with it the list

_HERE = deliveries.c.mass_list_id == bindparam("list", type_=Id)
_MASS = and_(deliveries.c.channel == literal_column("'mass'"), deliveries.c.state == literal_column("'pending'"))
_FRESH = and_(_MASS, deliveries.c.lease_until.is_(None))
_DUE = and_(_MASS, deliveries.c.lease_until <= bindparam("due", type_=Instant))


@dataclass(frozen=True, slots=True)
class MassList:
    """A list this process may call the platform for, until LATEST_CALL after `at`."""

    id: int
    run: int
    key: str  # its clientmsgid
    fence: int
    at: datetime
    first: bool  # no earlier attempt may have been taken
    attempts: int
    revision: int
    size: int
    draft: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done next: a list of the run is to be taken over, or formed."""

    run: int
    revision: int  # of the plan whose content is sent
    list: int | None = None
    draft: str | None = None


_ABANDONED = and_(mass_lists.c.state == "sending", mass_lists.c.lease_until <= bindparam("now", type_=Instant))
_GOES = and_(runs.c.state == "sending", or_(runs.c.held_until.is_(None), runs.c.held_until <= bindparam("now", type_=Instant)))
_OVERDUE = (
    select(mass_lists.c.run_id, mass_lists.c.revision, mass_lists.c.id, mass_lists.c.draft)
    .join(runs, runs.c.id == mass_lists.c.run_id)
    .where(_ABANDONED, _GOES)
    .order_by(mass_lists.c.id)
    .limit(1)
)
_UNANSWERED = exists().where(mass_lists.c.run_id == runs.c.id, mass_lists.c.state == "sending", mass_lists.c.unsettled == 0)
_WAITS = or_(exists().where(deliveries.c.run_id == runs.c.id, _FRESH), exists().where(deliveries.c.run_id == runs.c.id, _DUE))
_URGENT_FIRST = (runs.c.priority != "urgent", runs.c.id)
_WANTING = select(runs.c.id, runs.c.revision).where(_GOES, _WAITS, ~_UNANSWERED).order_by(*_URGENT_FIRST).limit(1)


def wanted(db: Connection, now: datetime) -> Wanted | None:
    """The list whose process died or got no answer, else the run that has something waiting. A run waits for its unanswered list."""
    if overdue := db.execute(_OVERDUE, {"now": now}).one_or_none():
        return Wanted(*overdue)
    waiting = db.execute(_WANTING, {"now": now, "due": now - GATHERED}).one_or_none()
    return waiting and Wanted(*waiting)


_NEW = (
    insert(mass_lists)
    .values({name: bindparam(name) for name in ("run_id", "clientmsgid", "revision", "draft")})
    .values(state="sending", first_attempt_at=bindparam("now"), lease_until=bindparam("lease"))
    .returning(mass_lists.c.id)
)


def _gather(which: ColumnElement[bool], *order: ColumnElement[Any]) -> Update:
    found = select(deliveries.c.id).where(deliveries.c.run_id == bindparam("run", type_=Id), which).order_by(*order)
    found = found.limit(bindparam("size")).with_for_update(skip_locked=True)
    return update(deliveries).where(deliveries.c.id.in_(found)).values(mass_list_id=bindparam("list", type_=Id))


_GATHER = _gather(_FRESH, deliveries.c.id)
_GATHER_DUE = _gather(_DUE, deliveries.c.lease_until, deliveries.c.id)
# The followers' rows in one order (docs/decisions/0015): two lists, or a list and a sender's batch, see each other's charges.
_LOCK = (
    select(followers.c.id)
    .where(followers.c.id.in_(select(deliveries.c.follower_id).where(_HERE)))
    .order_by(followers.c.id.desc())
    .with_for_update(key_share=True)
)
_TAKEN = {
    "state": "sending",
    "reason": None,
    "attempts": deliveries.c.attempts + 1,
    "fence": deliveries.c.fence + 1,
    "first_attempt_at": bindparam("now", type_=Instant),
    "lease_until": None,  # the list has it: no sender takes one of its deliveries over
    "revision": bindparam("plan"),
}


def form(
    db: Connection, run: Run, push: PushSection, zone: ZoneInfo, now: datetime, size: int = MOST, draft: str | None = None
) -> MassList | None:
    """Afterwards up to `size` waiting deliveries of the run are on a new list that this process holds, each charged to its follower.

    Whoever may not be sent to now is skipped with the reason, or waits. None where fewer than two are left: the platform takes no list
    of one, so a rest of one joins the list before it, and somebody who is alone is skipped.
    """
    lease, key, fewest = now + LEASE, run.nonce + secrets.token_hex(6), 1 if run.test else FEWEST
    new = {"run_id": run.id, "clientmsgid": key, "revision": run.revision, "draft": draft, "now": now, "lease": lease}
    number = int(db.execute(_NEW, new).scalar_one())
    found = _gathered(db, run.id, number, size, now)
    db.execute(_LOCK, {"list": number})
    terms = Terms.of(run, push, zone)
    which = and_(_HERE, deliveries.c.state == "pending")
    values = {"list": number, "now": now, "plan": run.revision}
    taking = _TAKEN | {"charged_at": None} if run.test else _TAKEN  # a preview counts for nobody, and is not repeated
    taken = len(admit(db, terms, list(terms.conditions(["mass"], now)), which, taking, values, found)) if found else 0
    if taken < found:
        db.execute(update(deliveries).where(_HERE, deliveries.c.state != "sending").values(mass_list_id=None), {"list": number})
    if taken < fewest:
        _dissolve(db, number, now)
        return None
    db.execute(update(mass_lists).where(mass_lists.c.id == number).values(size=taken))
    return MassList(number, run.id, key, 1, now, True, 1, run.revision, taken, draft)


def _gathered(db: Connection, run: int, number: int, size: int, now: datetime) -> int:
    """How many are on the list: one fewer than it takes where it would leave a last one behind."""
    values = {"run": run, "list": number, "size": size, "due": now}
    found = db.execute(_GATHER, values).rowcount
    if found < size:
        found += db.execute(_GATHER_DUE, {**values, "size": size - found}).rowcount
    if found == size > FEWEST and len(db.execute(_LEFT, {"run": run, "due": now}).all()) == 1:
        last = select(func.max(deliveries.c.id)).where(_HERE).scalar_subquery()
        found -= db.execute(update(deliveries).where(deliveries.c.id == last).values(mass_list_id=None), {"list": number}).rowcount
    return found


_LEFT = (
    select(deliveries.c.id)
    .where(deliveries.c.run_id == bindparam("run", type_=Id), or_(_FRESH, _DUE), deliveries.c.mass_list_id.is_(None))
    .limit(2)
)


def _dissolve(db: Connection, number: int, now: datetime) -> None:
    alone = update(deliveries).where(_HERE, deliveries.c.state == "sending")
    values = {"state": "skipped", "reason": TOO_FEW, "charged_at": None, "first_attempt_at": None, "settled_at": now, "mass_list_id": None}
    db.execute(alone.values(values), {"list": number})
    db.execute(delete(mass_lists).where(mass_lists.c.id == number))


_TAKE_OVER = (
    update(mass_lists)
    .where(mass_lists.c.id == bindparam("list"), _ABANDONED)
    .where(mass_lists.c.first_attempt_at > bindparam("earliest", type_=Instant), mass_lists.c.unsettled < DEATHS)
    .values(
        fence=mass_lists.c.fence + 1,
        attempts=mass_lists.c.attempts + 1,
        unsettled=mass_lists.c.unsettled + 1,
        lease_until=bindparam("lease", type_=Instant),
    )
    .returning(mass_lists)
)


def take_over(db: Connection, number: int, run: Run, push: PushSection, zone: ZoneInfo, now: datetime) -> MassList | None:
    """Afterwards this process holds a list whose process died or got no answer, to repeat its call under the same clientmsgid.

    Whoever may no longer be sent to is `unknown`: perhaps the first call was taken. The charges of the others move to now. None where
    somebody else has the list, it may no longer be repeated, or fewer than two are left of it.
    """
    values = {"list": number, "now": now, "earliest": now - REPEATABLE, "lease": now + LEASE}
    row = db.execute(_TAKE_OVER, values).one_or_none()
    if row is None:
        return None
    db.execute(_LOCK, {"list": number})
    terms = Terms.of(run, push, zone)
    begun = and_(_HERE, deliveries.c.state == "sending", deliveries.c.charged_at < bindparam("now", type_=Instant))
    again = {"attempts": deliveries.c.attempts + 1, "fence": deliveries.c.fence + 1}
    left = len(admit(db, terms, list(terms.conditions(["mass"], now)), begun, again, {"list": number, "now": now}, row.size))
    if left < FEWEST:
        lost = {"state": "unknown", "reason": NO_ANSWER if run.test else TOO_FEW, "settled_at": now}
        db.execute(update(deliveries).where(_HERE, deliveries.c.state == "sending").values(**lost), {"list": number})
        db.execute(update(mass_lists).where(mass_lists.c.id == number).values(**lost, lease_until=None))
        return None
    return MassList(number, row.run_id, row.clientmsgid, row.fence, now, False, row.attempts, row.revision, left, row.draft)


_STRANGE = select(mass_lists.c.state, mass_lists.c.size).where(mass_lists.c.run_id == bindparam("run"), mass_lists.c.errcode.in_(STRANGERS))


def size_of_next(db: Connection, run: int, most: int = MOST) -> int:
    """How long the run's next list may be: half of one that was refused for a single openid, until that one is found, then `most` again."""
    last = db.execute(_STRANGE.order_by(mass_lists.c.id.desc()).limit(1), {"run": run}).one_or_none()
    return most if last is None or last.state != "refused" else max(FEWEST, last.size // 2)


_OPENIDS = (
    select(followers.c.openid)
    .join(deliveries, deliveries.c.follower_id == followers.c.id)
    .where(_HERE, deliveries.c.state == "sending")
    .order_by(deliveries.c.id)
)


def openids(db: Connection, number: int) -> list[str]:
    """Whom the list is for: at most 10,000."""
    return list(db.execute(_OPENIDS, {"list": number}).scalars())
