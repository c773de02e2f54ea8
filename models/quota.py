"""Quotas: how many calls of each kind the platform still takes from this account, counted by us before each call.

One row per kind and window, shared by all processes and kept over restarts. What is taken and then not called is given back; what the
platform refuses has been a call like any other. Its own word (45009, 45011, 45028) stands above our count: models.push.stop_channel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, and_, bindparam, case, or_, select, update

from models.base import Hot, Instant, insert, metadata
from models.budget import PLATFORM_ZONE
from models.clock import business_day, start_of_day
from models.push import Quotas, channel_stopped

quotas = Table(
    "quota",
    metadata,
    Column("way", String(20), primary_key=True),
    Column("per", String(10), primary_key=True),
    Column("since", Instant, nullable=False),  # when the window began that is counted
    Column("used", Integer, nullable=False),
    Column("granted", Integer, nullable=False),  # of this, so many to whoever asked last
    Column("most", Integer, nullable=False),
    CheckConstraint("used >= 0 AND used <= most", name="used"),
)


def _begin(per: str, now: datetime) -> datetime:
    """When the platform's day or minute began that `now` lies in."""
    return start_of_day(business_day(now, PLATFORM_ZONE), PLATFORM_ZONE) if per == "day" else now.replace(second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Window:
    """So many calls of a way in each day or minute of the platform."""

    way: str
    per: str
    most: int

    def begin(self, now: datetime) -> datetime:
        """When the window began that `now` lies in."""
        return _begin(self.per, now)

    def end(self, now: datetime) -> datetime:
        """When the platform counts anew."""
        return self.begin(now) + (timedelta(days=1) if self.per == "day" else timedelta(minutes=1))

    def free_for(self, urgent: bool, reserve: float) -> int:
        """How many of them a call of this priority may use: a share of the day's is kept for urgent ones."""
        return self.most if urgent or self.per != "day" else self.most - math.ceil(self.most * reserve)


@dataclass(frozen=True, slots=True)
class Granted:
    """So many calls may be made now; where they are fewer than were asked for, more are to be had from `until` on, and why not now."""

    number: int
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a quota is used up in its present window."""

    way: str
    per: str
    used: int
    most: int
    kept: int  # of `most`, for urgent ones
    resets_at: datetime
    stopped_until: datetime | None = None  # by the platform itself


_new = insert(quotas).values({name: bindparam(name) for name in ("way", "per", "since", "used", "most")}).values(granted=bindparam("used"))
_stale = quotas.c.since < _new.excluded.since
_free = bindparam("free", type_=Integer) - quotas.c.used
_got = case((_stale, _new.excluded.used), (_free < bindparam("number", type_=Integer), _free), else_=bindparam("number", type_=Integer))
_TAKE = Hot(
    _new.on_conflict_do_update(
        index_elements=[quotas.c.way, quotas.c.per],
        set_={
            "used": case((_stale, _new.excluded.used), else_=quotas.c.used + _got),
            "granted": _got,
            "since": case((_stale, _new.excluded.since), else_=quotas.c.since),
            "most": _new.excluded.most,
        },
        where=or_(_stale, and_(_free > 0, quotas.c.used <= _new.excluded.most)),
    ).returning(quotas.c.granted)
)
_GIVE_BACK = (
    update(quotas)
    .where(quotas.c.way == bindparam("of"), quotas.c.per == bindparam("window"), quotas.c.since == bindparam("begun", type_=Instant))
    .values(used=case((quotas.c.used > bindparam("number"), quotas.c.used - bindparam("number", type_=Integer)), else_=0))
)


def windows(limits: Quotas, way: str) -> Iterator[Window]:
    """The quotas that a call of this way uses up."""
    if way == "mass":
        yield Window(way, "day", limits.mass_calls_per_day)
        yield Window(way, "minute", limits.mass_calls_per_minute)
        return
    most = {
        "template": limits.template_per_day,
        "customer_message": limits.customer_message_per_day,
        "subscription": limits.subscription_per_day,
    }
    if way in most:
        yield Window(way, "day", most[way])


def take(db: Connection, way: str, number: int, limits: Quotas, now: datetime, *, urgent: bool = False) -> Granted:
    """Afterwards so many calls of this way are counted, and may be made: `number`, or what is left for this priority.

    Of any number of processes that take at once, no more are granted than there are. A way that the platform stopped has nothing.
    """
    if stopped := channel_stopped(db, way, now):
        return Granted(0, stopped[0], f"配额 quota：{stopped[1]}")
    granted = Granted(number)
    taken: list[Window] = []
    for window in windows(limits, way):
        got = _take(db, window, granted.number, window.free_for(urgent, limits.reserve), now) if granted.number else 0
        if got < granted.number:
            for before in taken:
                _give_back(db, way, before.per, granted.number - got, now)
            per = {"day": "今天", "minute": "这一分钟"}[window.per]
            granted = Granted(got, window.end(now), f"配额 quota：{way} {per}的 {window.most} 次用完了")
        taken.append(window)
    return granted


def _take(db: Connection, window: Window, number: int, free: int, now: datetime) -> int:
    if free <= 0:
        return 0
    first = min(number, free)
    values = {"way": window.way, "per": window.per, "since": window.begin(now), "used": first, "most": window.most}
    return _TAKE.value(db, **values, free=free, number=number) or 0


def give_back(db: Connection, way: str, number: int, taken_at: datetime) -> None:
    """Calls that were taken then and never made: afterwards they are there again, if the window they were taken from is not over."""
    for per in ("day", "minute") if way == "mass" else ("day",):
        _give_back(db, way, per, number, taken_at)


def _give_back(db: Connection, way: str, per: str, number: int, taken_at: datetime) -> None:
    db.execute(_GIVE_BACK, {"of": way, "window": per, "begun": _begin(per, taken_at), "number": number})


def standing(db: Connection, limits: Quotas, now: datetime) -> list[Standing]:
    """How far each quota of the account is used up now."""
    rows = {(row.way, row.per): row for row in db.execute(select(quotas))}
    found = []
    for way in ("customer_message", "subscription", "template", "mass"):
        stop = channel_stopped(db, way, now)
        for window in windows(limits, way):
            row = rows.get((way, window.per))
            used = row.used if row is not None and row.since >= window.begin(now) else 0
            kept = window.most - window.free_for(False, limits.reserve)
            found.append(Standing(way, window.per, used, window.most, kept, window.end(now), stop and stop[0]))
    return found
