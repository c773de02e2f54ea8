"""The media keeper: has what `media:` names uploaded, once per content and three days for all processes, ahead of its end.

    claim [transaction] → the upload, no transaction open → store [transaction]

Killed between upload and store, it costs one more upload when the lease ends, and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from models import media
from models.clock import Clock
from models.config import Config
from models.database import Database
from models.media import Kind, MediaSection, Medium
from wechat.client import Client
from wechat.errcodes import PlatformError

AT_ONCE = 4  # uploads under way in one round: each may have 10 MB
LOOK_AGAIN = 0.2  # seconds, while another process is uploading
FAILS_FOR = timedelta(seconds=5)  # a failed upload fails for everybody who wants the copy, and not once more for each

_log = logging.getLogger(__name__)


class FileChanged(OSError):
    """The file is no longer the one that was checked; the configuration is about to be read anew."""


class MediaKeeper:
    """Hands out the media_id of a name. All processes of the account share its copies."""

    def __init__(
        self, database: Database, client: Client, config: Callable[[], Config], read_file: Callable[[str], bytes], clock: Clock
    ) -> None:
        self._database = database
        self._client = client
        self._config = config
        self._read_file = read_file
        self._clock = clock
        self._failed: dict[tuple[str, Kind], tuple[PlatformError | OSError, datetime]] = {}

    async def media_id(self, name: str, kind: Kind | None = None) -> str:
        """A copy that the platform has, uploaded now where there is none; `kind` where it is used as something else: a picture as "thumb".

        Raises KeyError for a name the file does not have, PlatformError where the platform refuses, OSError where the file cannot be read.
        """
        medium = self._section().root[name]
        use = kind or medium.kind
        while (found := await self._living(medium, use)) is None:
            self._repeat_failure(medium, use)
            if await self._claimed(medium, use):
                return await self._upload(medium, use)
            await asyncio.sleep(LOOK_AGAIN)
        return found

    async def refused(self, name: str, media_id: str) -> None:
        """The platform said 40007 to this media_id of that name: afterwards it is uploaded anew when next needed."""
        medium = self._section().root.get(name)
        if medium is not None:
            await self._database.run(lambda db: media.forget(db, medium, media_id))

    async def keep(self) -> None:
        """One round: some of what has no copy, or one that ends within 12 hours, gets a new one. Refusals are kept for whoever asks."""
        now = self._clock()
        known = await self._database.read(media.copies)
        wanted = [(name, of, use) for name, of, use, copy in media.uses(self._section(), known) if copy is None or copy.wanted(now)]
        await asyncio.gather(*(self._renew(name, medium, use) for name, medium, use in wanted[:AT_ONCE]))

    async def _renew(self, name: str, medium: Medium, use: Kind) -> None:
        if await self._claimed(medium, use, ahead=True):
            try:
                await self._upload(medium, use)
            except (PlatformError, OSError) as refused:
                _log.warning("media not uploaded: %s: %s", name, refused)

    async def _living(self, medium: Medium, use: Kind) -> str | None:
        now = self._clock()
        return await self._database.read(lambda db: media.living(db, medium, use, now))

    async def _claimed(self, medium: Medium, use: Kind, *, ahead: bool = False) -> bool:
        now = self._clock()
        return await self._database.run(lambda db: media.claim(db, medium, use, now, ahead=ahead))

    async def _upload(self, medium: Medium, use: Kind) -> str:
        """Uploads what was claimed; afterwards the copy is stored, or why there is none."""
        began = self._clock()
        try:
            content = await asyncio.to_thread(self._read_file, medium.path)
            if hashlib.sha256(content).hexdigest() != medium.digest:
                raise FileChanged(f"{medium.path} has changed since it was checked")
            media_id = await self._client.media.upload(use, f"{medium.digest[:16]}.{medium.format}", content)
        except (PlatformError, OSError) as error:
            why = str(error)
            self._failed[medium.digest, use] = error, self._clock() + FAILS_FOR
            await self._database.run(lambda db: media.failed(db, medium, use, why, began))
            raise
        self._failed.pop((medium.digest, use), None)
        await self._database.run(lambda db: media.store(db, medium, use, media_id, began))
        return media_id

    def _repeat_failure(self, medium: Medium, use: Kind) -> None:
        error, until = self._failed.get((medium.digest, use), (None, self._clock()))
        if error is not None and self._clock() < until:
            raise error.with_traceback(None)

    def _section(self) -> MediaSection:
        return self._config().get(MediaSection) or MediaSection({})
