"""Has the QR codes made that followers asked for, and their pictures sent: within seconds, whatever dies on the way.

    claim [transaction] → qrcode/create → store [transaction] → media/upload → store, and queue the picture [transaction]

Killed anywhere, another process begins anew when the lease ends: that costs one more code or upload, and nobody gets two pictures.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from datetime import datetime

import segno
from sqlalchemy import Connection

from models import notice, referral_code
from models.clock import Clock
from models.config import Config, fill
from models.database import Database
from models.referral import ReferralRules
from models.referral_code import Claimed
from wechat.client import Client
from wechat.errcodes import PlatformError

AT_ONCE = 4  # under way in one process
_log = logging.getLogger(__name__)


class ReferralCodes:
    """Makes what is asked for. All processes of the account share the work."""

    def __init__(self, database: Database, client: Client, config: Callable[[], Config], clock: Clock) -> None:
        self._database = database
        self._client = client
        self._config = config
        self._clock = clock

    async def look(self) -> None:
        """One round: some of the codes that are waited for are made, or are left for a while where the platform made none."""
        rules = self._config().of_kind(ReferralRules)
        if rules is None or not await self._database.read(referral_code.wanted):
            return
        now, days = self._clock(), rules.code_days
        claimed = await self._database.run(lambda db: referral_code.claim(db, days, AT_ONCE, now))
        await asyncio.gather(*(self._make(one, rules) for one in claimed))

    async def _make(self, claimed: Claimed, rules: ReferralRules) -> None:
        try:
            url = claimed.url or await self._create(claimed, rules.code_days)
            picture = await asyncio.to_thread(draw, url)
            media_id = await self._client.media.upload("image", "code.png", picture)
        except PlatformError as refused:
            _log.warning("referral code not made: %s", refused)
            await self._database.run(lambda db: self._failed(db, claimed, rules))
        else:
            await self._database.run(lambda db: self._give(db, claimed, rules, media_id))

    async def _create(self, claimed: Claimed, days: int) -> str:
        began = self._clock()
        code = await self._client.qrcode.create(claimed.scene, seconds=days * 86_400)
        seconds = code.seconds or 0  # the platform tells how long a temporary code lives
        await self._database.run(lambda db: referral_code.made(db, claimed, code.ticket, code.url, seconds, began))
        return code.url

    def _give(self, db: Connection, claimed: Claimed, rules: ReferralRules, media_id: str) -> None:
        now, zone = self._clock(), self._config().zone
        ends = referral_code.given(db, claimed, media_id, now)
        if ends is not None:
            text = fill(rules.notices.code, {"until": referral_code.told(ends, zone)})
            referral_code.say(db, claimed, "words", {"msgtype": "text", "text": {"content": text}}, now)

    def _failed(self, db: Connection, claimed: Claimed, rules: ReferralRules) -> None:
        now = self._clock()
        if referral_code.failed(db, claimed, now):
            key = f"referral_code:{claimed.asked_at.isoformat()}"
            notice.leave(db, self._config(), claimed.follower_id, key, fill(rules.notices.failed, {}), now, _tomorrow(now))


def _tomorrow(now: datetime) -> datetime:
    return now + referral_code.PATIENCE * 24


def draw(text: str) -> bytes:
    """A PNG of the code, some 500 pixels wide, with the white around it that scanners need. About 10 ms."""
    code = segno.make(text, error="m", micro=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="png", scale=max(1, 500 // code.symbol_size(border=4)[0]), border=4)
    return drawn.getvalue()
