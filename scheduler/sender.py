"""The sender: takes deliveries that were reserved in the database to the platform, and settles what became of them.

    reserve_batch [transaction] → the call, under the pace, no transaction open → settle_batch [transaction]

Killed anywhere, nothing is lost: what was reserved is taken over when its lease ends, under the same client_msg_id.
"""

from __future__ import annotations

import asyncio
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
from models.config import Config, fill
from models.database import Database
from models.delivery import Outcome, Reserved
from models.push import PushSection
from scheduler.pace import Pace
from wechat.client import Ambiguous, Client
from wechat.errcodes import Action, PlatformError, meaning_of

IN_FLIGHT = 256  # calls under way at once: at the platform's usual 80 ms that is up to 3,200 a second
BATCH = 256  # deliveries reserved in one transaction
BATCH_SECONDS = 4  # and never more than the pace sends in this time, so that a lease outlasts its batch
SAME_ERRORS = 20  # as many equal permanent errors in a row stop the run
CHANNEL = "template"
_STOPS_RUN = frozenset({Action.STOP, Action.CONFIG, Action.REFRESH_TOKEN})


class Counts(Protocol):
    """Where the sender reports how many deliveries ended how."""

    def delivered(self, state: str, number: int) -> None: ...


@dataclass(slots=True)
class _Sending:
    """A run while this process sends it."""

    run: Run
    push: PushSection
    config: Config
    stop: str | None = None  # why nothing further of it may be begun
    pause: str | None = None  # the stop is for a person to lift
    same: tuple[int, int] = (0, 0)  # errcode, how many in a row


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
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._stopping = False
        self.failure: BaseException | None = None  # the newest bug, for /readyz

    async def look(self) -> None:
        """Begins to send whatever wants to be sent and is not under way here. Called by the clock, every second."""
        now = self._clock()
        for run in await self._database.read(lambda db: broadcast.active(db, now)):
            if run.id not in self._tasks and not self._stopping:
                task = asyncio.create_task(self._work(run), name=f"run-{run.id}")
                self._tasks[run.id] = task
                task.add_done_callback(lambda done, run_id=run.id: self._done(run_id, done))  # type: ignore[misc]

    async def stop(self) -> None:
        """Nothing further is begun; what is on its way is settled, what was only reserved is given back."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=8)

    def _done(self, run: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(run, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failure = error

    async def _work(self, run: Run) -> None:
        while await self._database.run(lambda db: broadcast.plan_chunk(db, run)):
            if self._stopping:
                return
        config = self._config()
        sending = _Sending(run, config.get(PushSection) or PushSection.model_validate({}), config)
        while not self._stopping and sending.stop is None:
            if await self._held(sending):
                return
            if not await self._send_some(sending):
                break
        await self._close(sending)

    async def _held(self, sending: _Sending) -> bool:
        """Whether nothing may be sent now; the run then says until when and why."""
        now, run = self._clock(), sending.run.id
        stopped = await self._database.read(lambda db: push.channel_stopped(db, CHANNEL, now))
        if stopped:
            until, reason = stopped[0], f"配额 quota：{meaning_of(stopped[1])}（{stopped[1]}）"
        elif quiet := sending.push.quiet_until(now, sending.config.zone):
            until, reason = quiet, f"免打扰 quiet hours：{sending.push.quiet_hours}"
        else:
            await self._database.run(lambda db: broadcast.go_on(db, run))
            return False
        await self._database.run(lambda db: broadcast.hold(db, run, until, reason))
        return True

    async def _send_some(self, sending: _Sending) -> bool:
        """Sends batches, the next one reserved while the last is on its way, until none is left or the run stops.

        Returns whether any delivery was taken.
        """
        settling = _Settler(self._database, self._clock, self._counts)
        any_taken = False
        async with asyncio.TaskGroup() as calls:
            while sending.stop is None and not self._stopping and (batch := await self._reserve(sending)):
                any_taken = True
                for reserved in batch:
                    await self._slots.acquire()
                    await self._pace.turn(sending.push.pace)
                    calls.create_task(self._call(sending, reserved, settling))
        await settling.flush()
        return any_taken

    async def _reserve(self, sending: _Sending) -> list[Reserved]:
        now, zone, rules, run = self._clock(), sending.config.zone, sending.push, sending.run
        if rules.quiet_until(now, zone) or not await self._database.read(lambda db: broadcast.still_sending(db, run.id)):
            return []
        size = min(BATCH, max(1, rules.pace * BATCH_SECONDS))
        urgent = run.plan.priority == "urgent"
        return await self._database.run(lambda db: delivery.reserve_batch(db, run.id, rules, urgent, zone, now, size))

    async def _call(self, sending: _Sending, reserved: Reserved, settling: _Settler) -> None:
        try:
            outcome = await self._outcome(sending, reserved)
        except Exception as bug:
            # One delivery that trips over a bug of ours must not keep the others from being sent; whether it went out nobody knows.
            self.failure = bug
            outcome = Outcome(reserved.id, reserved.fence, "unknown", f"程序错误 {type(bug).__name__}")
        finally:
            self._slots.release()
        await settling.add(outcome)

    async def _outcome(self, sending: _Sending, reserved: Reserved) -> Outcome:
        """Makes the call, if it may still be made, and says what became of it."""
        now, plan = self._clock(), sending.run.plan
        if not self._may_call(sending, reserved, now):
            return _give_back(reserved, now)
        data = {key: _filled(text, sending, reserved, now) for key, text in plan.data.items()}
        url = _filled(plan.url or "", sending, reserved, now)
        try:
            msgid = await self._client.template_send(
                reserved.follower.openid, plan.template, data, url=url, client_msg_id=sending.run.client_msg_id(reserved.id)
            )
        except Ambiguous as unanswered:
            return self._again(reserved, unanswered)
        except PlatformError as refused:
            return await self._refused(sending, reserved, refused)
        sending.same = (0, 0)
        return Outcome(reserved.id, reserved.fence, "sent", msgid=msgid)

    def _again(self, reserved: Reserved, error: PlatformError) -> Outcome:
        again = self._clock() + timedelta(seconds=min(30, 2**reserved.attempts))
        return Outcome(reserved.id, reserved.fence, "sending", _reason(error), again_at=again)

    def _may_call(self, sending: _Sending, reserved: Reserved, now: datetime) -> bool:
        """Looked at once more right before the call: this process may have been stopped and continued since it reserved."""
        own = now < reserved.lease_until - delivery.LEASE / 4
        return own and sending.stop is None and not self._stopping and not sending.push.quiet_until(now, sending.config.zone)

    async def _refused(self, sending: _Sending, reserved: Reserved, refused: PlatformError) -> Outcome:
        """The platform proved that it took nothing. What that means for the follower, the run and the account is the errcode's action."""
        action, now = refused.action, self._clock()
        if action is Action.FOLLOWER:
            sending.same = (0, 0)
            return Outcome(reserved.id, reserved.fence, "failed", _reason(refused), unreachable=(reserved.follower.id, refused.errcode))
        if action is Action.RETRY:
            return self._again(reserved, refused)
        if action in (Action.NEXT_DAY, Action.NEXT_MINUTE):
            sending.stop = _reason(refused)
            until = _reset(action, now, sending.config.zone)
            await self._database.run(lambda db: push.stop_channel(db, CHANNEL, refused.errcode, until))
            return _give_back(reserved, now)
        if action in _STOPS_RUN:
            sending.stop = sending.pause = _reason(refused)
            return _give_back(reserved, now)
        code, number = sending.same
        sending.same = (refused.errcode, number + 1 if code == refused.errcode else 1)
        if sending.same[1] >= SAME_ERRORS:
            sending.stop = sending.pause = f"连续 {SAME_ERRORS} 次同样的错误：{_reason(refused)}"
        return Outcome(reserved.id, reserved.fence, "failed", _reason(refused))

    async def _close(self, sending: _Sending) -> None:
        run, reason, now = sending.run.id, sending.pause, self._clock()
        if reason is not None:
            await self._database.run(lambda db: broadcast.pause_if_sending(db, run, reason))
        elif sending.stop is None and not self._stopping:
            await self._database.run(lambda db: broadcast.finish(db, run, now))


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


def _reset(action: Action, now: datetime, zone: ZoneInfo) -> datetime:
    """When the platform counts anew: its days begin at 00:00 (API_Call_Limits), its minutes at once a minute."""
    return start_of_day(business_day(now, zone) + timedelta(days=1), zone) if action is Action.NEXT_DAY else now + timedelta(minutes=1)


def _give_back(reserved: Reserved, now: datetime) -> Outcome:
    """Not called, or proved not taken. One that may have been taken by an earlier attempt is left for its lease to end, never forgotten."""
    if reserved.attempts > 1:
        return Outcome(reserved.id, reserved.fence, "sending", again_at=now)
    return Outcome(reserved.id, reserved.fence, "pending")


def _reason(error: PlatformError) -> str:
    return f"{error.errcode} {meaning_of(error.errcode)}"[:200]


def _filled(text: str, sending: _Sending, reserved: Reserved, now: datetime) -> str:
    local = now.astimezone(sending.config.zone)
    values = {
        "name": reserved.follower.name,
        "points": reserved.points,
        "date": f"{local.year}年{local.month}月{local.day}日",
        "time": f"{local:%H:%M}",
    }
    return fill(text, values)
