"""The sender: takes deliveries that were reserved in the database to the platform, and settles what became of them.

    reserve_batch [transaction] → the call, under the pace, no transaction open → settle_batch [transaction]

Killed anywhere, nothing is lost: what was reserved is taken over when its lease ends, under the same client_msg_id.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import broadcast, delivery, pace, push, reservation, route
from models.broadcast import Run
from models.budget import PLATFORM_ZONE
from models.clock import Clock, business_day, start_of_day
from models.config import Config
from models.database import Database
from models.delivery import Outcome, Reserved
from models.message import prepare
from models.push import PushSection
from scheduler.calls import CALLS, REPEATABLE
from scheduler.pace import Batch, Timeline, is_late
from scheduler.sending import SAME_ERRORS, Counts, Sending, Settler
from wechat.client import Ambiguous, Client, NotMade, only_while
from wechat.errcodes import Action, PlatformError, meaning_of

IN_FLIGHT = 256  # calls under way at once: at the platform's usual 80 ms that is up to 3,200 a second
BATCH = 256  # deliveries reserved in one transaction
BLOCK = 0.5  # seconds of the pace, at most, that are claimed in one transaction
WITHIN = 0.15  # seconds in which all of a batch can be begun: two of them wait at a time, and none longer than its slot is good for
LATELY = 64  # calls that the mean of how long they take is about
BREATH = timedelta(seconds=10)  # a platform that does not answer is left alone for so long
NAP = 0.1  # seconds: whoever waits for a slot looks so often whether it is still wanted
_STOPS_RUN = frozenset({Action.STOP, Action.CONFIG, Action.REFRESH_TOKEN})

_log = logging.getLogger(__name__)


class Sender:
    """Sends every active run of the database until told to stop. Any number of processes may do so at once."""

    def __init__(self, database: Database, client: Client, config: Callable[[], Config], clock: Clock, counts: Counts) -> None:
        self._database = database
        self._client = client
        self._config = config
        self._clock = clock
        self._counts = counts
        self.timeline = Timeline(clock)
        self._takes = 0.1  # seconds that a call takes, about
        # Of the batch whose calls were looked at last: when it was reserved, the zone, and from when until when its calls may be made.
        self._span: tuple[datetime | None, ZoneInfo | None, datetime, datetime] = (None, None, clock(), clock())
        self._slower_at = 0.0  # the loop's time when this process last found the platform overburdened
        self.failing: dict[int, datetime] = {}  # the runs that a bug keeps from being sent, and since when
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._sendings: dict[int, Sending] = {}
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
        self.failing = {run: since for run, since in self.failing.items() if run in active}
        for run, sending in self._sendings.items():
            sending.moved = sending.moved or run not in active
        for run in active:
            if run not in self._tasks and not self._stopping:
                task = asyncio.create_task(self._work(run), name=f"run-{run}")
                self._tasks[run] = task
                task.add_done_callback(lambda done, run=run: self._done(run, done))  # type: ignore[misc]

    def rest(self) -> None:
        """Nothing further is begun until the next look."""
        for sending in self._sendings.values():
            sending.moved = True

    async def stop(self) -> None:
        """Nothing further is begun; what is on its way is settled, what was only reserved is given back."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=8)

    def _done(self, run: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(run, None)
        self._sendings.pop(run, None)
        if task.cancelled() or (bug := task.exception()) is None:
            self.failing.pop(run, None)
            return
        self.failing.setdefault(run, self._clock())
        _log.error("run %s: begun again in a moment", run, exc_info=bug)

    async def _work(self, number: int) -> None:
        """Plans and sends what can be sent now, as far as it goes; the next look goes on."""
        run = await self._database.read(lambda db: broadcast.load(db, number))
        while not self._stopping and await self._database.run(lambda db: broadcast.plan_chunk(db, run)):
            pass
        if self._stopping or await self._held(run):
            return
        sending = self._sendings[number] = Sending(run)
        await self._send(sending)
        await self._close(sending)

    async def _held(self, run: Run) -> bool:
        """Whether nothing may be sent now; the run then says until when and why."""
        now, (rules, zone) = self._clock(), self._rules()
        alone = run.plan.ways[0] if len(run.plan.ways) == 1 else ""  # what has other ways goes those
        stopped = await self._database.read(lambda db: push.channel_stopped(db, alone, now)) if alone else None
        if run.says_until and now < run.says_until:
            until, reason = run.says_until, f"先等粉丝来说话 passive：{run.plan.passive}"
        elif stopped:
            until, reason = stopped[0], _quota(stopped[1])
        elif quiet := rules.quiet_until(now, zone):
            until, reason = quiet, f"免打扰 quiet hours：{rules.quiet_hours}"
        else:
            await self._database.run(lambda db: broadcast.go_on(db, run.id))
            return False
        await self._database.run(lambda db: broadcast.hold(db, run.id, until, reason))
        return True

    async def _send(self, sending: Sending) -> None:
        """Sends what there is until there is nothing to take, or the run stops."""
        settling = Settler(self._database, self._clock, self._counts)
        sending.missed = True
        while sending.missed and not self._is_over(sending):
            sending.missed = False
            await self._send_batches(sending, settling)

    async def _send_batches(self, sending: Sending, settling: Settler) -> None:
        """Batch after batch, the next one reserved while the last is begun. Afterwards all of it is settled."""
        calls: set[asyncio.Task[None]] = set()
        try:
            batch = await self._reserve(sending)
            while batch is not None:
                alone = any(one.suspect for one in batch.reserved)
                coming = asyncio.create_task(self._reserve(sending)) if sending.answered and not alone else None
                for reserved, slot in batch:
                    await self._begin(calls, sending, reserved, slot, settling)
                if calls and (alone or not sending.answered):
                    await asyncio.wait(calls)
                if alone:
                    await settling.flush()  # that it did no harm is known before the next one is tried
                batch = await (coming or self._reserve(sending))
        finally:
            if calls:
                await asyncio.wait(calls)
            await settling.flush()

    async def _reserve(self, sending: Sending) -> Batch | None:
        """The next batch, as soon as there is room in the pace for it; None where nothing further may be taken now."""
        while not self._is_over(sending) and not self._rules()[0].quiet_until(self._clock(), self._rules()[1]):
            taken = await self._database.run(self._taking(sending))
            if not isinstance(taken, float):
                return taken
            await self._nap(sending, taken)
        return None

    def _taking(self, sending: Sending) -> Callable[[Connection], Batch | float | None]:
        """The work of one transaction: deliveries and their slots, or the seconds until there will be some."""
        (rules, zone), loop = self._rules(), asyncio.get_running_loop()
        able = int(IN_FLIGHT / self._takes * WITHIN) // max(1, len(self._sendings))
        most = min(able, BATCH) if sending.answered else SAME_ERRORS

        def take(db: Connection) -> Batch | float | None:
            now, run = self._clock(), sending.run
            if not broadcast.is_sending(db, run.id, now):
                return None
            if broadcast.revision(db, run.id) != run.revision:
                run = sending.edited(broadcast.load(db, run.id))
            current = pace.look(db, pace.ACCOUNT, rules.pace, self.timeline.now(loop.time()))
            if current.wait > timedelta(0):
                return current.wait.total_seconds()
            size = max(1, min(most, int(current.rate * BLOCK)))
            taken = reservation.reserve_batch(db, run, rules, zone, now, size)
            if taken is None:
                return None
            reserved = prepare(db, self._config(), run, taken, now)
            return Batch(reserved, pace.claim(db, pace.ACCOUNT, current.rate, len(reserved), self.timeline.now(loop.time())))

        return take

    async def _begin(self, calls: set[asyncio.Task[None]], sending: Sending, reserved: Reserved, slot: datetime, settling: Settler) -> None:
        loop = asyncio.get_running_loop()
        while (wait := (slot - self.timeline.now(loop.time())).total_seconds()) > 0 and self._may_call(sending, reserved):
            await self._nap(sending, wait)
        await self._slots.acquire()
        task = loop.create_task(self._call(sending, reserved, slot, settling))
        calls.add(task)
        task.add_done_callback(calls.discard)

    async def _nap(self, sending: Sending, seconds: float) -> None:
        """Waits as long, but not when nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0 and not self._is_over(sending):  # noqa: ASYNC110 (the runs of other tasks end it too)
            await asyncio.sleep(min(left, NAP))

    async def _call(self, sending: Sending, reserved: Reserved, slot: datetime, settling: Settler) -> None:
        try:
            outcome = await self._outcome(sending, reserved, slot)
            if reserved.spent and outcome.proved:
                outcome = dataclasses.replace(outcome, spent=reserved.spent)
        except Exception as bug:
            # One delivery that trips over a bug of ours must not keep the others from being sent; whether it went out nobody knows.
            _log.exception("delivery %s", reserved.id)
            outcome = Outcome(reserved.id, reserved.fence, "unknown", f"程序错误 {type(bug).__name__}")
            sending.ill(f"程序错误 {type(bug).__name__}", None)
        finally:
            self._slots.release()
        await settling.add(outcome)
        if sending.burden:
            await self._slow_down(sending)

    async def _outcome(self, sending: Sending, reserved: Reserved, slot: datetime) -> Outcome:
        """Makes the call, if it may still be made, and says what became of it."""
        now, loop = self._clock(), asyncio.get_running_loop()
        began = loop.time()

        def wanted() -> bool:
            late = is_late(slot, self.timeline.now(loop.time()))
            sending.missed = sending.missed or late
            return not late and self._may_call(sending, reserved)

        if not wanted():
            return dataclasses.replace(_give_back(reserved, now), called=False, quota=(reserved.channel, reserved.at))
        message = sending.message(reserved, now, self._config().zone)
        call, key = CALLS[reserved.channel], sending.run.client_msg_id(reserved.id)
        try:
            with only_while(wanted):
                msgid = await call(self._client, reserved.follower.openid, message, key)
        except Ambiguous as unanswered:
            return self._unanswered(sending, reserved, unanswered)
        except NotMade:
            return dataclasses.replace(_give_back(reserved, self._clock()), called=False, quota=(reserved.channel, reserved.at))
        except PlatformError as refused:
            return await self._refused(sending, reserved, refused)
        finally:
            self._takes += (loop.time() - began - self._takes) / LATELY
        sending.well()
        return Outcome(reserved.id, reserved.fence, "sent", reserved.reason, msgid=msgid)

    def _unanswered(self, sending: Sending, reserved: Reserved, unanswered: Ambiguous) -> Outcome:
        """Nobody knows whether the platform took it: repeated where the platform recognises a repeat, else left at that."""
        reason, sending.burden = _reason(unanswered), True
        sending.ill(f"平台没有回答 no answer：{reason}", self._clock() + BREATH)
        if reserved.channel not in REPEATABLE:
            return Outcome(reserved.id, reserved.fence, "unknown", reason)
        return Outcome(reserved.id, reserved.fence, "sending", reason, again_at=self._later(reserved))

    async def _slow_down(self, sending: Sending) -> None:
        """Afterwards all processes together call at half the pace, if they were not slowed down a moment ago."""
        sending.burden, moment = False, asyncio.get_running_loop().time()
        if moment - self._slower_at < pace.SLOWED_EVERY.total_seconds() and self._slower_at:
            return
        self._slower_at = moment
        now = self.timeline.now(moment)
        if await self._database.run(lambda db: pace.slow_down(db, pace.ACCOUNT, now)):
            _log.warning("the platform is overburdened: half the pace")

    def _may_call(self, sending: Sending, reserved: Reserved) -> bool:
        """Looked at once more right before the call: this process may have been stopped and continued since it reserved.

        A call after midnight would count for another day than it was charged to.
        """
        now, (rules, zone) = self._clock(), self._rules()
        if self._span[:2] != (reserved.at, zone):  # the same for a whole batch
            days = [(business_day(reserved.at, where), where) for where in (zone, PLATFORM_ZONE)]  # the limits', and the quotas'
            latest = min(reserved.at + delivery.LATEST_CALL, *(start_of_day(day + timedelta(days=1), where) for day, where in days))
            self._span = (reserved.at, zone, max(start_of_day(*day) for day in days), latest)
        own = self._span[2] <= now < self._span[3]
        return own and not self._is_over(sending) and not rules.quiet_until(now, zone)

    async def _refused(self, sending: Sending, reserved: Reserved, refused: PlatformError) -> Outcome:
        """The platform proved that it took nothing. What that means for the follower, the run and the account is the errcode's action."""
        action, now, reason = refused.action, self._clock(), _reason(refused)
        # An earlier attempt that nobody answered may have been taken: then nobody knows.
        failed = Outcome(reserved.id, reserved.fence, "failed" if reserved.first else "unknown", reason, proved=reserved.first)
        if action is Action.FOLLOWER or route.falls_back(reserved.channel, refused.errcode):
            sending.well()
            if reserved.first and route.falls_back(reserved.channel, refused.errcode):
                failed = _give_back(reserved, now, reason)  # there may be another way to them
            return dataclasses.replace(failed, unreachable=(reserved.follower.id, refused.errcode))
        sending.burden = action in (Action.RETRY, Action.NEXT_MINUTE)
        if action is Action.RETRY:
            sending.ill(reason, now + BREATH)
            return _give_back(reserved, self._later(reserved), reason)
        if action in (Action.NEXT_DAY, Action.NEXT_MINUTE):
            until = reset_at(action, now)
            if len(sending.run.plan.ways) == 1:
                sending.end(_quota(refused.errcode), until)
            await self._database.run(lambda db: push.stop_channel(db, reserved.channel, refused.errcode, until))
            return _give_back(reserved, now)
        if action in _STOPS_RUN:
            sending.end(reason)
            return _give_back(reserved, now)
        sending.ill(reason, None)
        return failed

    async def _close(self, sending: Sending) -> None:
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

    def _is_over(self, sending: Sending) -> bool:
        return self._stopping or sending.moved or sending.stop is not None

    def _rules(self) -> tuple[PushSection, ZoneInfo]:
        config = self._config()
        return push.rules_of(config), config.zone

    def _later(self, reserved: Reserved) -> datetime:
        return self._clock() + timedelta(seconds=min(30, 2 ** min(reserved.attempts, 5)))


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
