"""Bugs that broadcast tools are known for, to be sown into the service: a simulation that does not find them proves nothing."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, func, select, update

from models import broadcast, delivery, push, reservation, schedule
from models.broadcast import Broadcast, Run, due
from models.broadcast.run import runs
from models.budget import Bound
from models.delivery import Outcome, deliveries
from scheduler import sender
from scheduler.sender import Sender
from tests.simulation.drawn import Focus

Patch = pytest.MonkeyPatch


def cursor_moved_at_fetch(patch: Patch) -> None:
    """A page's targets are written down in the transaction after the one that moves the cursor past them."""
    real = broadcast.plan_chunk
    fetched: dict[int, tuple[Run, int]] = {}  # the page that a process holds in its hands

    def plan_chunk(db: Connection, run: Run) -> bool:
        cursor, state, bound = db.execute(select(runs.c.cursor, runs.c.state, runs.c.bound).where(runs.c.id == run.id)).one()
        page = fetched.pop(id(run), None)
        if page is not None:
            _set(db, run, cursor=page[1], state="planning")
            real(db, run)
            _set(db, run, cursor=cursor, state=state)
            return True
        if state == "planning" and cursor < bound:
            fetched[id(run)] = (run, cursor)
            _set(db, run, cursor=cursor + broadcast.run.CHUNK)
            return True
        return real(db, run)

    patch.setattr(broadcast, "plan_chunk", plan_chunk)


def _set(db: Connection, run: Run, **values: object) -> None:
    db.execute(update(runs).where(runs.c.id == run.id).values(values))


def cursor_after_send(patch: Patch) -> None:
    """Nothing is written down of a delivery before it was sent."""
    real = reservation.reserve_batch

    def reserve_batch(db: Connection, *given: Any) -> Any:
        batch = real(db, *given)
        ids = [one.id for one in batch or ()]
        db.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(state="pending", lease_until=None, charged_at=None))
        return batch

    def settle_batch(db: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
        for one in outcomes:
            values = {"state": one.state, "reason": one.reason, "msgid": one.msgid, "lease_until": one.again_at, "charged_at": now}
            mine = update(deliveries).where(deliveries.c.id == one.delivery, deliveries.c.state.in_(("pending", "sending")))
            db.execute(mine.values(values))

    patch.setattr(reservation, "reserve_batch", reserve_batch)
    patch.setattr(delivery, "settle_batch", settle_batch)


def new_id_for_every_try(patch: Patch) -> None:
    """client_msg_id is made for each call."""
    numbers = itertools.count(1)
    patch.setattr(Run, "client_msg_id", lambda self, number: f"{os.getpid()}-{next(numbers)}")


def repeated_after_ten_minutes(patch: Patch) -> None:
    """A call without an answer is repeated when the platform has forgotten it."""
    patch.setattr(delivery, "REPEATABLE", timedelta(hours=2))


def exact_window(patch: Patch) -> None:
    """A rolling window is exactly as long as its name says, though a call is made a little after it is charged."""
    patch.setattr(push, "ROLLING_MARGIN", timedelta(0))


def checked_outside(patch: Patch) -> None:
    """The limits are looked at in one transaction and charged in the next."""
    looked: list[datetime] = []
    looked_at: dict[int, datetime] = {}  # by the sending's number
    real, reserve = Sender._taking, Sender._reserve

    async def in_two(self: Sender, sending: Any) -> Any:
        looked_at[id(sending)] = self._clock()
        await self._database.read(lambda db: None)
        return await reserve(self, sending)

    def taking(self: Sender, sending: Any) -> Callable[[Connection], Any]:
        work = real(self, sending)

        def take(db: Connection) -> Any:
            looked[:] = [looked_at[id(sending)]]
            return work(db)

        return take

    def used(bound: Bound, now: datetime) -> Any:
        charged = deliveries.alias("charged")
        counted = select(func.count()).select_from(charged).where(charged.c.follower_id == deliveries.c.follower_id)
        counted = counted.where(charged.c.charged_at >= bound.since(now), charged.c.charged_at < looked[0], charged.c.id != deliveries.c.id)
        return counted.correlate(deliveries).scalar_subquery()

    patch.setattr(Sender, "_reserve", in_two)
    patch.setattr(Sender, "_taking", taking)
    patch.setattr(reservation, "_used", used)


def no_fencing(patch: Patch) -> None:
    """Whoever was stopped past their lease goes on as if nothing had happened."""
    patch.setattr(Sender, "_may_call", lambda self, sending, reserved: True)
    patch.setattr(sender, "is_late", lambda slot, now: False)


def run_named_for_now(patch: Patch) -> None:
    """A run is known by the moment it was made, not by the due time that the process had seen when it looked."""
    real: Any = due  # it does not export what it imports
    start, begin, wants, since = real.start, real.begin, broadcast.wants_claim, schedule.begin
    looked: dict[tuple[str, datetime], datetime | None] = {}

    def wants_claim(db: Connection, planned: Broadcast, zone: ZoneInfo, now: datetime) -> bool:
        looked[planned.key, now] = schedule.checked_until(db, planned.key)
        return wants(db, planned, zone, now)

    def as_looked(db: Connection, key: str, now: datetime) -> datetime:
        return looked.get((key, now)) or since(db, key, now)

    patch.setattr(broadcast, "wants_claim", wants_claim)
    patch.setattr(schedule, "begin", as_looked)
    patch.setattr(due, "start", lambda db, planned, where, at, now, **more: start(db, planned, where, now, now, **more))
    patch.setattr(due, "begin", lambda db, planned, where, rules, at, now, **more: begin(db, planned, where, rules, now, now, **more))


# Each with the kind of week it shows in: about every second one, so that a few seeds are enough.
MUTANTS: Mapping[str, tuple[Callable[[Patch], None], Focus]] = {
    one.__name__: (one, focus)
    for one, focus in (
        (cursor_moved_at_fetch, Focus("kill")),
        (cursor_after_send, Focus("outage")),
        (new_id_for_every_try, Focus("deaf", ("0 9 * * 2,4",))),
        (repeated_after_ten_minutes, Focus("deaf", ("0 9 * * 2,4",))),
        (exact_window, Focus("deploy", rules={"limits": [{"max": 1, "per": "24h"}]})),
        (checked_outside, Focus("deploy", ("0 9 * * *", "0 9 * * *"), {"limits": [{"max": 1, "per": "day"}]})),
        (no_fencing, Focus("stop")),
        (run_named_for_now, Focus("same")),
    )
}
