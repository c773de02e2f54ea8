"""The mass sender: takes lists of followers to the platform, one at a time, and settles what became of them.

    form or take over [transaction] → mass/send, at its slot of the pace, no transaction open → settle [transaction]

Killed anywhere, nothing is lost: a list that was formed is taken over when its lease ends, under the same clientmsgid. One list is held in
memory at a time, however many followers a run has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import broadcast, delivery, mass, message, pace, push, quota
from models.broadcast import Run
from models.budget import PLATFORM_ZONE
from models.clock import Clock, business_day
from models.config import Config, fill
from models.database import Database
from models.mass import MassList, Wanted
from models.push import PushSection
from scheduler.media import FileChanged, MediaKeeper
from scheduler.sender import reset_at
from scheduler.sending import Counts
from wechat.client import Ambiguous, Client
from wechat.client.mass import Images, Message, MpNews
from wechat.errcodes import Action, PlatformError, meaning_of
from wechat.reply import Text

CHANNEL = "mass"
NO_QUOTA, TOO_FAST, NO_SUCH_MEDIUM = 45028, 45066, 40007
BREATH = timedelta(seconds=10)  # a platform that cannot take it now is left alone for so long
TRIES = 3  # pictures and drafts that the platform does not know any more are made anew so often
UNCALLED = "没有发出 not called"

_log = logging.getLogger(__name__)


class Unsendable(Exception):
    """What the broadcast says cannot be sent; a person must look. Its words are for operators."""


class MassSender:
    """Sends what goes by mass until told to stop. Any number of processes may do so at once."""

    def __init__(
        self,
        database: Database,
        client: Client,
        media: MediaKeeper,
        config: Callable[[], Config],
        clock: Clock,
        counts: Counts,
        most: int = mass.MOST,
    ) -> None:
        self._database = database
        self._client = client
        self._media = media
        self._config = config
        self._clock = clock
        self._counts = counts
        self._most = most
        self._task: asyncio.Task[None] | None = None
        self._copies: dict[str, str] = {}  # a draft's copy that no list has used yet
        self._stopping = False

    async def look(self) -> None:
        """Begins with the next list, if there is one and none is on its way here. Called every second."""
        if not self._stopping and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._next(), name="mass-list")
            self._task.add_done_callback(_say)

    async def stop(self) -> None:
        """Nothing further is begun; what is on its way is settled."""
        self._stopping = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=8)

    async def _next(self) -> None:
        now, (rules, zone) = self._clock(), self._rules()
        if rules.quiet_until(now, zone):
            return
        wanted = await self._database.read(lambda db: mass.wanted(db, now))
        if wanted is None:
            return
        run = await self._database.read(lambda db: broadcast.load(db, wanted.run, wanted.revision))
        if stopped := await self._database.read(lambda db: push.channel_stopped(db, CHANNEL, now)):
            until, code = stopped
            await self._database.run(lambda db: self._hold(db, run, until, f"配额 quota：{code} {meaning_of(code)}"))
            return
        try:
            content = await self._content(run, wanted)
        except (PlatformError, OSError, KeyError, Unsendable) as error:
            await self._cannot(run, error)
            return
        taken = await self._database.run(lambda db: self._take(db, run, wanted, content))
        if taken is not None:
            await self._send(run, content, *taken)

    def _take(self, db: Connection, run: Run, wanted: Wanted, content: Message) -> tuple[MassList, datetime] | None:
        """The list this process will call for, and when; None where something has changed since we looked."""
        now, (rules, zone) = self._clock(), self._rules()
        if rules.quiet_until(now, zone) or not broadcast.is_sending(db, run.id, now):
            return None
        if pace.look(db, CHANNEL, 1, now).wait > timedelta(0):
            return None
        got = quota.take(db, CHANNEL, 1, rules.quotas, now, urgent=run.plan.priority == "urgent")
        if not got.number:
            if got.until is not None:
                self._hold(db, run, got.until, got.reason)
            return None
        one = self._listed(db, run, wanted, content, now)
        if one is None:
            quota.give_back(db, CHANNEL, 1, now)
            return None
        return one, pace.claim(db, CHANNEL, rules.quotas.mass_calls_per_minute / 60, 1, now).first

    def _listed(self, db: Connection, run: Run, wanted: Wanted, content: Message, now: datetime) -> MassList | None:
        rules, zone = self._rules()
        if wanted.list is not None:
            return mass.take_over(db, wanted.list, run, rules, zone, now)
        if broadcast.revision(db, run.id) != run.revision:
            return None  # edited a moment ago: the next look has the new content
        draft = content.media_id if isinstance(content, MpNews) else None
        return mass.form(db, run, rules, zone, now, mass.size_of_next(db, run.id, self._most), draft)

    async def _send(self, run: Run, content: Message, one: MassList, slot: datetime) -> None:
        """Calls at the slot, if it may still be called, and settles."""
        if one.draft and run.plan.mass:
            self._copies.pop(run.plan.mass.draft or "", None)
        await asyncio.sleep(max(0.0, (slot - self._clock()).total_seconds()))
        people = await self._database.read(lambda db: mass.openids(db, one.id))
        if not await self._may_call(run, one, slot):
            await self._settle(one, lambda db: self._uncalled(db, one), None)
            return
        try:
            msg_id = await self._call(run, one, people, content)
        except Ambiguous as unanswered:
            reason, at = _reason(unanswered), mass.in_a_minute(self._clock(), one.attempts)
            await self._settle(one, lambda db: mass.again(db, one, reason, at), None)
        except PlatformError as refused:
            await self._refused(run, content, one, refused)
        else:
            await self._settle(one, lambda db: mass.sent(db, one, msg_id, self._clock()), "sent")

    async def _call(self, run: Run, one: MassList, people: list[str], content: Message) -> str | None:
        """One job for all of them; staff that tests a broadcast gets previews, which count for nobody's four a month."""
        if not run.test:
            return (await self._client.mass.send(people, content, clientmsgid=one.key)).msg_id
        for openid in people:
            await self._client.mass.preview(openid, content)
        return None

    async def _may_call(self, run: Run, one: MassList, slot: datetime) -> bool:
        """Looked at once more right before the call: this process may have been stopped and continued since it took the list.

        A call after midnight would count for another day than it was charged to.
        """
        now, (rules, zone) = self._clock(), self._rules()
        own = now < one.at + delivery.LATEST_CALL and now < slot + pace.LATE
        day = all(business_day(now, where) == business_day(one.at, where) for where in (zone, PLATFORM_ZONE))
        if self._stopping or not own or not day or rules.quiet_until(now, zone):
            return False
        return await self._database.read(lambda db: broadcast.is_sending(db, run.id, now))

    async def _refused(self, run: Run, content: Message, one: MassList, refused: PlatformError) -> None:
        """The platform proved that this call took nothing. Whether it is the account, the list or the content is the errcode's to say."""
        code, reason, now = refused.errcode, _reason(refused), self._clock()
        if code == TOO_FAST:
            await self._settle(one, lambda db: mass.again(db, one, reason, mass.in_a_minute(now, 1)), None)
            return
        if code in mass.STRANGERS and one.size <= mass.FEWEST + 1:
            await self._settle(one, lambda db: mass.fail(db, one, reason, now, code), "failed")
            return
        if code == NO_SUCH_MEDIUM and isinstance(content, MpNews) and not one.first:
            # Its copy of the draft ends when it is sent: the attempt before this one, which nobody answered, was probably taken.
            await self._settle(one, lambda db: mass.lose(db, one, reason, now), "unknown")
            return
        until = _until(refused, now)
        again_at = until or mass.in_a_minute(now, one.attempts)

        def settle(db: Connection) -> bool:
            if until is not None:
                push.stop_channel(db, CHANNEL, code, until)
            elif code not in mass.STRANGERS and (code != NO_SUCH_MEDIUM or mass.refusals(db, run.id, code) >= TRIES):
                broadcast.pause_if_sending(db, run.id, reason)
            return mass.give_back(db, one, reason, now, again_at, code)

        await self._settle(one, settle, None)
        if code == NO_SUCH_MEDIUM and isinstance(content, Images) and run.plan.mass and run.plan.mass.image:
            await self._media.refused(run.plan.mass.image, content.media_ids[0])

    def _uncalled(self, db: Connection, one: MassList) -> bool:
        quota.give_back(db, CHANNEL, 1, one.at)
        now = self._clock()
        return mass.give_back(db, one, UNCALLED, now, now)

    async def _settle(self, one: MassList, work: Callable[[Connection], bool], state: str | None) -> None:
        if await self._database.run(work) and state:
            self._counts.delivered(state, one.size)

    # What is sent

    async def _content(self, run: Run, wanted: Wanted) -> Message:
        """The message; a picture is uploaded, a draft is copied: sending one ends it, and every list needs one."""
        told = run.plan.mass
        if told is None:
            raise Unsendable("没有写 mass no mass content")
        if told.text is not None:
            return Text(await self._told(run, fill(told.text, {})))
        if told.image is not None:
            return Images((await self._media.media_id(told.image, "image"),))
        if wanted.draft is not None:
            return MpNews(wanted.draft)
        draft = told.draft or ""
        if draft not in self._copies:
            articles = await self._client.draft.get(draft)
            self._copies[draft] = await self._client.draft.add(articles)
        return MpNews(self._copies[draft])

    async def _told(self, run: Run, text: str) -> str:
        """The text with its addresses counted, where the operator wants that."""
        config, now = self._config(), self._clock()
        return await self._database.run(lambda db: message.for_all(db, config, run, text, now)) if "://" in text else text

    async def _cannot(self, run: Run, error: Exception) -> None:
        """The content could not be had: nothing was begun. What a person must see to pauses the run, the rest is tried again."""
        if isinstance(error, FileChanged) or (isinstance(error, PlatformError) and _until(error, self._clock())):
            _log.warning("run %s: not begun: %s", run.id, error)
            until = self._clock() + BREATH
            await self._database.run(lambda db: broadcast.hold(db, run.id, until, str(error)[:200]))
            return
        reason = f"媒体里没有 {error} no such medium" if isinstance(error, KeyError) else str(error)
        _log.warning("run %s paused: %s", run.id, reason)
        await self._database.run(lambda db: broadcast.pause_if_sending(db, run.id, reason[:200]))

    def _hold(self, db: Connection, run: Run, until: datetime, reason: str) -> None:
        """A run of which nothing is left that goes another way says until when it waits, and is in the way of no other."""
        if run.plan.ways == (CHANNEL,) or delivery.only_mass_left(db, run.id):
            broadcast.hold(db, run.id, until, reason)

    def _rules(self) -> tuple[PushSection, ZoneInfo]:
        config = self._config()
        return push.rules_of(config), config.zone


def _until(refused: PlatformError, now: datetime) -> datetime | None:
    """Until when no list is called for at all; None where it is not the account that must wait."""
    if refused.errcode == NO_QUOTA:
        begun, following = push.window("month", now, PLATFORM_ZONE, timedelta(0))
        return following if now - begun > timedelta(minutes=2) else now + timedelta(minutes=1)  # its clock may still be behind ours
    if refused.action in (Action.NEXT_DAY, Action.NEXT_MINUTE):
        return reset_at(refused.action, now)
    return now + BREATH if refused.action is Action.RETRY else None


def _say(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        _log.error("mass list: begun again in a moment", exc_info=bug)


def _reason(error: PlatformError) -> str:
    return f"{error.errcode} {meaning_of(error.errcode)}"
