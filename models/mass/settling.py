"""What became of a call: the list and all its deliveries are settled together, under the list's fence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from models.base import Id, Instant
from models.broadcast.run import runs
from models.delivery import NO_ANSWER, deliveries
from models.mass.forming import DEATHS, REPEATABLE, MassList
from models.mass.report import match
from models.mass.tables import mass_lists

DIED = f"程序 {DEATHS} 次停在它上面 poison"

_OURS = and_(mass_lists.c.id == bindparam("list"), mass_lists.c.fence == bindparam("held"), mass_lists.c.state == "sending")
_ITS = and_(deliveries.c.mass_list_id == bindparam("list", type_=Id), deliveries.c.state == "sending")


def sent(db: Connection, one: MassList, msg_id: str | None, now: datetime) -> bool:
    """The platform took the job, at this attempt or an earlier one (45065): afterwards list and deliveries are sent. Whether it was ours."""
    values = {"state": "sent", "reason": None, "msg_id": msg_id, "lease_until": None, "settled_at": now, "unsettled": 0}
    if not _settle(db, one, values, {"state": "sent", "reason": None, "settled_at": now}):
        return False
    if msg_id is not None:
        match(db, mass_lists.c.id == one.id, now)
    return True


def again(db: Connection, one: MassList, reason: str, at: datetime) -> bool:
    """Nobody knows whether the platform took it: afterwards whoever looks after `at` repeats it under the same clientmsgid."""
    return _settle(db, one, {"reason": reason, "lease_until": at, "unsettled": 0}, None)


def give_back(db: Connection, one: MassList, reason: str, now: datetime, again_at: datetime, errcode: int | None = None) -> bool:
    """The platform proved that it took nothing: afterwards the deliveries wait as before, uncharged, for another list.

    Not where an earlier attempt may have been taken: then the list is repeated after `again_at`, or given up.
    """
    if not one.first:
        return again(db, one, reason, again_at)
    values = {"state": "refused", "reason": reason, "errcode": errcode, "lease_until": None, "settled_at": now, "unsettled": 0}
    waiting = {"state": "pending", "reason": None, "charged_at": None, "first_attempt_at": None, "mass_list_id": None, "revision": None}
    return _settle(db, one, values, waiting)


def fail(db: Connection, one: MassList, reason: str, now: datetime, errcode: int | None = None) -> bool:
    """The platform takes these followers in no list: afterwards their deliveries failed, uncharged where nothing was ever taken."""
    values = {"state": "failed", "reason": reason, "errcode": errcode, "lease_until": None, "settled_at": now, "unsettled": 0}
    failed: dict[str, object] = {"state": "failed", "reason": reason, "settled_at": now}
    return _settle(db, one, values, failed | ({"charged_at": None} if one.first else {}))


def lose(db: Connection, one: MassList, reason: str, now: datetime) -> bool:
    """The list cannot be repeated, and an earlier attempt may have been taken: afterwards list and deliveries are unknown, and charged."""
    values = {"state": "unknown", "reason": reason, "lease_until": None, "settled_at": now, "unsettled": 0}
    return _settle(db, one, values, {"state": "unknown", "reason": reason, "settled_at": now})


_REFUSALS = select(func.count()).where(mass_lists.c.run_id == bindparam("run"), mass_lists.c.errcode == bindparam("code"))


def refusals(db: Connection, run: int, errcode: int) -> int:
    """How many lists of the run were refused with this before."""
    return int(db.execute(_REFUSALS, {"run": run, "code": errcode}).scalar_one())


def _settle(db: Connection, one: MassList, values: Mapping[str, object], its: Mapping[str, object] | None) -> bool:
    if not db.execute(update(mass_lists).where(_OURS).values(**values), {"list": one.id, "held": one.fence}).rowcount:
        return False
    if its is not None:
        db.execute(update(deliveries).where(_ITS).values(**its), {"list": one.id})
    return True


_LOST = and_(mass_lists.c.state == "sending", mass_lists.c.lease_until <= bindparam("now", type_=Instant))
_CANCELLED = mass_lists.c.run_id.in_(select(runs.c.id).where(runs.c.state == "cancelled"))


def give_up(db: Connection, now: datetime) -> None:
    """Afterwards every list that nobody may repeat any more is unknown, and so are its deliveries: they may have been taken."""
    late, dead = mass_lists.c.first_attempt_at <= now - REPEATABLE, mass_lists.c.unsettled >= DEATHS
    found = select(mass_lists.c.id, mass_lists.c.fence, dead.label("dead")).where(_LOST, or_(late, dead, _CANCELLED))
    for row in db.execute(found.order_by(mass_lists.c.id), {"now": now}).all():
        reason = DIED if row.dead else NO_ANSWER
        lost = update(mass_lists).where(_OURS, _LOST).values(state="unknown", reason=reason, lease_until=None, settled_at=now)
        if db.execute(lost, {"list": row.id, "held": row.fence, "now": now}).rowcount:
            its = update(deliveries).where(_ITS).values(state="unknown", reason=reason, settled_at=now)
            db.execute(its, {"list": row.id})


def in_a_minute(now: datetime, attempts: int) -> datetime:
    """When a list without an answer is repeated: never within the minute that the platform calls too fast (45066), later each time."""
    return now + timedelta(seconds=min(600, 65 * 2 ** (attempts - 1)))
