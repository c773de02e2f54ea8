"""The sender: takes deliveries that were reserved in the database to the platform, and settles what became of them.

    reserve_batch [transaction] → the call, under the pace, no transaction open → settle_batch [transaction]

Killed anywhere, nothing is lost: what was reserved is taken over when its lease ends, under the same client_msg_id.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import broadcast, delivery, follower, push
from models.broadcast import Run
from models.clock import Clock, business_day, start_of_day
from models.config import Config
from models.database import Database
from models.delivery import Outcome, Reserved
from models.message import compose
from models.push import PushSection
from scheduler.calls import CALLS
from scheduler.pace import Pace
from wechat.client import Ambiguous, Client
from wechat.errcodes import Action, PlatformError, meaning_of

IN_FLIGHT = 256  # calls under way at once: at the platform's usual 80 ms that is up to 3,200 a second
BATCH = 256  # deliveries reserved in one transaction
BATCH_SECONDS = 4  # and never more than the pace sends in this time, so that a lease outlasts its batch
SAME_ERRORS = 20  # as many equal errors in a row stop the run; and no more than these are begun before the platform has taken one
BREATH = timedelta(seconds=10)  # a platform that does not answer is left alone for so long
CHANNEL = "template"
PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")  # the platform's days, wherever the account counts its own
_STOPS_RUN = frozenset({Action.STOP, Action.CONFIG, Action.REFRESH_TOKEN})
_NO_RULES = PushSection.model_validate({})

_log = logging.getLogger(__name__)


class Counts(Protocol):
    """Where the sender reports how many deliveries ended how."""

    def delivered(self, state: str, number: int) -> None: ...


@dataclass(slots=True)
class _Sending:
    """A run while this process sends it."""

    run: Run
    answered: bool = False  # whether the platform took anything, or spoke of a follower: then it is not the run that is wrong
    stop: str | None = None  # why nothing further of it may be begun
    until: datetime | None = None  # when that is over; None where a person must lift it
    moved: bool = False  # somebody paused, cancelled, held or finished it meanwhile
    error: str = ""
    errors: int = 0  # so many equal ones in a row

    def well(self) -> None:
        """The platform dealt with a delivery as it should."""
        self.answered, self.errors = True, 0

    def ill(self, error: str, until: datetime | None) -> None:
        """An error that says nothing about the follower; with too many equal ones in a row, the run stops."""
        self.errors = self.errors + 1 if error == self.error else 1
        self.error = error
        if self.errors >= SAME_ERRORS:
            self.end(f"连续 {SAME_ERRORS} 次同样的错误 same error：{error}", until)

    def end(self, reason: str, until: datetime | None = None) -> None:
        """Nothing further is begun; the first reason stands."""
        if self.stop is None:
            self.stop, self.until = reason, until


class Sender:
    """Sends every active run of the database until told to stop. Any number of processes may do so at once."""

    def __init__(self, database: Database, client: Client, config: Callable[[], Config], clock: Clock, counts: Counts) -> None:
        self._database = database
        self._client = client
        self._config = config
        self._clock = clock
        self._counts = counts
        self._pace = Pace()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._sendings: dict[int, _Sending] = {}
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._stopping = False
        self._version = ""  # of the configuration that the waiting runs were last looked at with

    async def look(self) -> None:
        """Begins to send whatever wants to be sent and is not under way here, and stops what no longer does. Called every second."""
        now, version = self._clock(), self._config().version
        if version != self._version:
            self._version = version
            await self._database.run(lambda db: broadcast.look_again(db, now))
        active = await self._database.read(lambda db: broadcast.active(db, now))
        for run, sending in self._sendings.items():
            sending.moved = sending.moved or run not in active
        for run in active:
            if run not in self._tasks and not self._stopping:
                task = asyncio.create_task(self._work(run), name=f"run-{run}")
                self._tasks[run] = task
                task.add_done_callback(lambda done, run=run: self._done(run, done))  # type: ignore[misc]

    async def stop(self) -> None:
        """Nothing further is begun; what is on its way is settled, what was only reserved is given back."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=8)

    def _done(self, run: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(run, None)
        self._sendings.pop(run, None)
        if not task.cancelled() and (bug := task.exception()) is not None:
            _log.error("run %s: begun again in a moment", run, exc_info=bug)

    async def _work(self, number: int) -> None:
        """Plans and sends what can be sent now, as far as it goes; the next look goes on."""
        run = await self._database.read(lambda db: broadcast.load(db, number))
        while not self._stopping and await self._database.run(lambda db: broadcast.plan_chunk(db, run)):
            pass
        if self._stopping or await self._held(run):
            return
        sending = self._sendings[number] = _Sending(run)
        await self._send(sending)
        await self._close(sending)

    async def _held(self, run: Run) -> bool:
        """Whether nothing may be sent now; the run then says until when and why."""
        now, (rules, zone) = self._clock(), self._rules()
        stopped = await self._database.read(lambda db: push.channel_stopped(db, CHANNEL, now))
        if stopped:
            until, reason = stopped[0], _quota(stopped[1])
        elif quiet := rules.quiet_until(now, zone):
            until, reason = quiet, f"免打扰 quiet hours：{rules.quiet_hours}"
        else:
            await self._database.run(lambda db: broadcast.go_on(db, run.id))
            return False
        await self._database.run(lambda db: broadcast.hold(db, run.id, until, reason))
        return True

    async def _send(self, sending: _Sending) -> None:
        """Sends batches, the next one reserved while the last is on its way, until there is nothing to take or the run stops."""
        settling = _Settler(self._database, self._clock, self._counts)
        async with asyncio.TaskGroup() as calls:
            while (batch := await self._reserve(sending)) is not None:
                begun = [await self._begin(calls, sending, reserved, settling) for reserved in batch]
                if begun and not sending.answered:
                    await asyncio.wait(begun)
        await settling.flush()

    async def _reserve(self, sending: _Sending) -> list[Reserved] | None:
        now, run, (rules, zone) = self._clock(), sending.run, self._rules()
        if self._is_over(sending) or rules.quiet_until(now, zone):
            return None
        share = max(1, rules.pace * BATCH_SECONDS // max(1, len(self._sendings)))
        size = min(share, BATCH if sending.answered else SAME_ERRORS)

        def take(db: Connection) -> list[Reserved] | None:
            if push.channel_stopped(db, CHANNEL, now) or not broadcast.is_sending(db, run.id, now):
                return None
            return delivery.reserve_batch(db, run.id, rules, run.plan.priority == "urgent", zone, now, size)

        return await self._database.run(take)

    async def _begin(self, calls: asyncio.TaskGroup, sending: _Sending, reserved: Reserved, settling: _Settler) -> asyncio.Task[None]:
        if self._may_call(sending, reserved):
            await self._pace.turn(self._rules()[0].pace)
        await self._slots.acquire()
        task = calls.create_task(self._call(sending, reserved, settling))
        task.add_done_callback(lambda _: self._slots.release())
        return task

    async def _call(self, sending: _Sending, reserved: Reserved, settling: _Settler) -> None:
        try:
            outcome = await self._outcome(sending, reserved)
        except Exception as bug:
            # One delivery that trips over a bug of ours must not keep the others from being sent; whether it went out nobody knows.
            _log.exception("delivery %s", reserved.id)
            outcome = Outcome(reserved.id, reserved.fence, "unknown", f"程序错误 {type(bug).__name__}")
            sending.ill(f"程序错误 {type(bug).__name__}", None)
        await settling.add(outcome)

    async def _outcome(self, sending: _Sending, reserved: Reserved) -> Outcome:
        """Makes the call, if it may still be made, and says what became of it."""
        now = self._clock()
        if not self._may_call(sending, reserved):
            return _give_back(reserved, now)
        message = compose(sending.run, reserved, now.astimezone(self._config().zone))
        call, key = CALLS[reserved.channel], sending.run.client_msg_id(reserved.id)
        try:
            msgid = await call(self._client, reserved.follower.openid, message, key)
        except Ambiguous as unanswered:
            sending.ill(f"平台没有回答 no answer：{_reason(unanswered)}", self._clock() + BREATH)
            return Outcome(reserved.id, reserved.fence, "sending", _reason(unanswered), again_at=self._later(reserved))
        except PlatformError as refused:
            return await self._refused(sending, reserved, refused)
        sending.well()
        return Outcome(reserved.id, reserved.fence, "sent", msgid=msgid)

    def _may_call(self, sending: _Sending, reserved: Reserved) -> bool:
        """Looked at once more right before the call: this process may have been stopped and continued since it reserved.

        A call after midnight would count for another day than it was charged to.
        """
        now, (rules, zone) = self._clock(), self._rules()
        own = now < reserved.at + delivery.LATEST_CALL and business_day(now, zone) == business_day(reserved.at, zone)
        return own and not self._is_over(sending) and not rules.quiet_until(now, zone)

    async def _refused(self, sending: _Sending, reserved: Reserved, refused: PlatformError) -> Outcome:
        """The platform proved that it took nothing. What that means for the follower, the run and the account is the errcode's action."""
        action, now, reason = refused.action, self._clock(), _reason(refused)
        failed = Outcome(reserved.id, reserved.fence, "failed", reason, proved=reserved.first)
        if action is Action.FOLLOWER:
            sending.well()
            return dataclasses.replace(failed, unreachable=(reserved.follower.id, refused.errcode))
        if action is Action.RETRY:
            sending.ill(reason, now + BREATH)
            return _give_back(reserved, self._later(reserved), reason)
        if action in (Action.NEXT_DAY, Action.NEXT_MINUTE):
            until = reset_at(action, now)
            sending.end(_quota(refused.errcode), until)
            await self._database.run(lambda db: push.stop_channel(db, CHANNEL, refused.errcode, until))
            return _give_back(reserved, now)
        if action in _STOPS_RUN:
            sending.end(reason)
            return _give_back(reserved, now)
        sending.ill(reason, None)
        return failed

    async def _close(self, sending: _Sending) -> None:
        run, reason, until, now = sending.run.id, sending.stop, sending.until, self._clock()
        if reason is None:
            if not self._stopping:
                await self._database.run(lambda db: broadcast.finish(db, run, now))
        elif until is None:
            _log.warning("run %s paused: %s", run, reason)
            await self._database.run(lambda db: broadcast.pause_if_sending(db, run, reason))
        else:
            _log.warning("run %s held until %s: %s", run, until.isoformat(), reason)
            await self._database.run(lambda db: broadcast.hold(db, run, until, reason))

    def _is_over(self, sending: _Sending) -> bool:
        return self._stopping or sending.moved or sending.stop is not None

    def _rules(self) -> tuple[PushSection, ZoneInfo]:
        config = self._config()
        return config.get(PushSection) or _NO_RULES, config.zone

    def _later(self, reserved: Reserved) -> datetime:
        return self._clock() + timedelta(seconds=min(30, 2 ** min(reserved.attempts, 5)))


class _Settler:
    """Collects outcomes and writes them together, at most a moment after they came."""

    MOMENT = 0.05

    def __init__(self, database: Database, clock: Clock, counts: Counts) -> None:
        self._database = database
        self._clock = clock
        self._counts = counts
        self._outcomes: list[Outcome] = []
        self._last = time.monotonic()

    async def add(self, outcome: Outcome) -> None:
        """Afterwards the outcome is kept with the next write; the one that makes the batch full, or old, writes it."""
        self._outcomes.append(outcome)
        if len(self._outcomes) >= BATCH // 2 or time.monotonic() - self._last > self.MOMENT:
            await self.flush()

    async def flush(self) -> None:
        """Afterwards everything collected is in the database."""
        outcomes, self._outcomes = self._outcomes, []
        self._last = time.monotonic()
        if outcomes:
            await self._database.run(lambda db: _settle(db, outcomes, self._clock()))
            for state, number in Counter(outcome.state for outcome in outcomes).items():
                self._counts.delivered(state, number)


def _settle(db: Connection, outcomes: list[Outcome], now: datetime) -> None:
    delivery.settle_batch(db, outcomes, now)
    for outcome in outcomes:
        if outcome.unreachable:
            follower.unreachable(db, *outcome.unreachable, now)


def reset_at(action: Action, now: datetime) -> datetime:
    """When the platform counts anew: its days begin at 00:00 (API_Call_Limits), its minutes at once a minute.

    Right after midnight its clock may still be behind ours: that must not cost us the new day.
    """
    today = business_day(now, PLATFORM_ZONE)
    if action is Action.NEXT_MINUTE or now - start_of_day(today, PLATFORM_ZONE) < timedelta(minutes=2):
        return now + timedelta(minutes=1)
    return start_of_day(today + timedelta(days=1), PLATFORM_ZONE)


def _give_back(reserved: Reserved, again_at: datetime, reason: str | None = None) -> Outcome:
    """Not called, or proved not taken. One that an earlier attempt may have got taken stays what it was, to be repeated or given up."""
    state = "pending" if reserved.first else "sending"
    return Outcome(reserved.id, reserved.fence, state, reason, again_at=again_at, proved=reserved.first)


def _reason(error: PlatformError) -> str:
    return f"{error.errcode} {meaning_of(error.errcode)}"


def _quota(errcode: int) -> str:
    return f"配额 quota：{errcode} {meaning_of(errcode)}"
