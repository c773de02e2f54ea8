"""The messenger: sends the customer-service messages that are queued, each at most once.

    claim, allowance spent [transaction] → files uploaded, the call [no transaction] → settle [transaction]

Any number of processes may do so at once and be killed anywhere. The platform could not tell a repeated call from a second message, so a
call is repeated only where it proved that it took nothing; whatever else is without an answer stays unknown.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from models import allowance, customer_message, follower, push
from models.clock import Clock
from models.customer_message import Claimed
from models.database import Database
from models.media import Kind
from scheduler.media import MediaKeeper
from scheduler.sender import reset_at
from wechat.client import Client
from wechat.errcodes import Action, Ambiguous, Busy, PlatformError, meaning_of

CHANNEL = "customer_message"
IN_FLIGHT = 16  # calls under way in one process
MOST_ATTEMPTS = 8
NO_SUCH_MEDIA = 40007

_PASSES = (Action.RETRY, Action.REFRESH_TOKEN, Action.NEXT_MINUTE)
_FILES: dict[str, tuple[str, Kind | None]] = {"media": ("media_id", None), "thumb_media": ("thumb_media_id", "thumb")}
_log = logging.getLogger(__name__)


class _Unsendable(Exception):
    """No later call would do better: the message is set aside."""


class Messenger:
    """Sends what is queued. `look` is called every second, `wake` by whoever has queued something in this process."""

    def __init__(
        self, database: Database, client: Client, media: MediaKeeper, clock: Clock, settled: Callable[[str], None] = lambda state: None
    ) -> None:
        self._database = database
        self._client = client
        self._media = media
        self._clock = clock
        self._settled = settled
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._looking = self._again = self._stopping = False

    def wake(self) -> None:
        """What was queued is looked for at once."""
        if not self._stopping:
            self._begin(self.look())

    async def look(self) -> None:
        """Afterwards the calls for everything that may be sent now have begun, as far as this process has room."""
        self._again = True
        if self._looking:
            return
        self._looking = True
        try:
            while self._again and not self._stopping:
                self._again = False
                await self._take()
        finally:
            self._looking = False

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._tasks)

    async def stop(self) -> None:
        """Nothing further is begun; what is on its way is settled."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=8)

    async def _take(self) -> None:
        now, room = self._clock(), IN_FLIGHT - self._in_flight
        if room == 0 or not await self._database.read(lambda db: customer_message.waiting(db, now)):
            return  # whoever ends looks again
        batch = await self._database.run(lambda db: _claim(db, now, room))
        self._again = self._again or batch is not None
        for claimed in batch or ():
            self._in_flight += 1
            self._begin(self._work(claimed))

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            _log.error("customer-service messages: looked for again in a moment", exc_info=bug)

    async def _work(self, claimed: Claimed) -> None:
        """One message, whatever happens to it: a bug of ours that it trips over keeps nothing else from being sent."""
        try:
            sending = asyncio.create_task(self._send(claimed))
            await asyncio.wait({sending})
            if (bug := sending.exception()) is not None:
                _log.error("customer-service message %s", claimed.id, exc_info=bug)
                await self._settle(claimed, "unknown", f"程序错误 {type(bug).__name__}")
        finally:
            self._in_flight -= 1
            self.wake()

    async def _send(self, claimed: Claimed) -> None:
        try:
            payload = _read(claimed.payload)
            files = await self._resolve(payload)
            if await self._call(claimed, payload, again=bool(files)):
                return
            for name, media_id in files:
                await self._media.refused(name, media_id)
            payload = _read(claimed.payload)
            await self._resolve(payload)
            await self._call(claimed, payload, again=False)
        except _Unsendable as unsendable:
            await self._refuse(claimed, str(unsendable))
        except (PlatformError, OSError) as failed:  # of an upload
            await self._not_uploaded(claimed, failed)

    async def _not_uploaded(self, claimed: Claimed, failed: PlatformError | OSError) -> None:
        """Nothing was said to the follower yet, and no quota of messages touched: again in a moment, unless the file itself was refused."""
        reason = f"素材没有传上去 not uploaded：{failed}"
        if isinstance(failed, Ambiguous | OSError) or failed.action in _PASSES:
            await self._later(claimed, reason)
        else:
            await self._refuse(claimed, reason)

    async def _resolve(self, payload: dict[str, Any]) -> list[tuple[str, str]]:
        """Afterwards every name of a file is a media_id that the platform has. Returns which are which."""
        files = []
        content = payload[payload["msgtype"]]
        for key, (wanted, kind) in _FILES.items():
            if key in content:
                name = str(content.pop(key))
                try:
                    content[wanted] = await self._media.media_id(name, kind)
                except KeyError:
                    raise _Unsendable(f"media 里没有“{name}” no such media") from None
                files.append((name, content[wanted]))
        return files

    async def _call(self, claimed: Claimed, payload: dict[str, Any], again: bool) -> bool:
        """Makes the call and settles. False where nothing was settled, because `again` is true and the platform does not know a media_id."""
        if self._clock() >= claimed.at + customer_message.LATEST_CALL:
            await self._later(claimed, "来不及 out of time")
            return True
        try:
            await self._client.custom.send(claimed.openid, payload)
        except Busy as busy:
            await self._later(claimed, _reason(busy))
        except Ambiguous as unanswered:
            await self._settle(claimed, "unknown", f"平台没有回答 no answer：{unanswered.errmsg}")
        except PlatformError as refused:
            if again and refused.errcode == NO_SUCH_MEDIA:
                return False
            await self._refused(claimed, refused)
        else:
            await self._settle(claimed, "sent", None)
        return True

    async def _refused(self, claimed: Claimed, refused: PlatformError) -> None:
        """The platform took nothing. What that means for the message, the follower and the account is the errcode's action."""
        action, now = refused.action, self._clock()
        if action in (Action.RETRY, Action.REFRESH_TOKEN):
            await self._later(claimed, _reason(refused))
        elif action in (Action.NEXT_MINUTE, Action.NEXT_DAY):
            until = reset_at(action, now)
            await self._database.run(lambda db: push.stop_channel(db, CHANNEL, refused.errcode, until))
            await self._later(claimed, _reason(refused), until - now)
        else:
            if action in (Action.CONFIG, Action.STOP, Action.BUG):
                _log.warning("customer-service message %s refused: %s", claimed.id, refused)
            await self._refuse(claimed, _reason(refused), refused)

    async def _later(self, claimed: Claimed, reason: str, pause: timedelta | None = None) -> None:
        """Nothing was taken, and a later call may do better, while the message lives."""
        if claimed.attempts >= MOST_ATTEMPTS:
            await self._refuse(claimed, reason)
            return
        again_at = self._clock() + (pause or timedelta(seconds=2**claimed.attempts))
        await self._database.run(lambda db: customer_message.put_back(db, claimed, reason, again_at))

    async def _refuse(self, claimed: Claimed, reason: str, by: PlatformError | None = None) -> None:
        now = self._clock()
        await self._database.run(lambda db: _refuse(db, claimed, reason, by, now))
        self._settled("refused")

    async def _settle(self, claimed: Claimed, state: str, reason: str | None) -> None:
        now = self._clock()
        await self._database.run(lambda db: customer_message.settle(db, claimed, state, reason, now))
        self._settled(state)


def _claim(db: Connection, now: datetime, room: int) -> list[Claimed] | None:
    customer_message.give_up(db, now)
    return None if push.channel_stopped(db, CHANNEL, now) else customer_message.claim(db, now, room)


def _refuse(db: Connection, claimed: Claimed, reason: str, by: PlatformError | None, now: datetime) -> None:
    customer_message.settle(db, claimed, "refused", reason, now)
    if by is not None and by.action is Action.WINDOW:
        allowance.close(db, claimed.follower_id, now)
        return
    allowance.give_back(db, claimed.follower_id, claimed.spent)
    if by is not None and by.action is Action.FOLLOWER:
        follower.unreachable(db, claimed.follower_id, by.errcode, now)


def _read(payload: str) -> dict[str, Any]:
    """The payload, if it has a shape that could be sent. Raises _Unsendable."""
    try:
        read = json.loads(payload)
        if isinstance(read[read["msgtype"]], dict):
            return dict(read)
    except (ValueError, TypeError, KeyError):
        pass
    raise _Unsendable("读不懂这条消息 unreadable payload")


def _reason(refused: PlatformError) -> str:
    return f"{refused.errcode} {meaning_of(refused.errcode)}"
