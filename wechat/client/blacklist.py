"""The blacklist: followers whose messages the platform does not pass on and to whom nothing can be sent (43019)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from wechat.client.caller import Caller, agreed
from wechat.client.pages import batches, pages

BATCH = 20  # openids in one batchblacklist


class Blacklist:
    """Who is on it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def openids(self) -> AsyncIterator[list[str]]:
        """Everyone on it, in pages of up to 1,000."""
        return pages(lambda after: self._caller.post("/cgi-bin/tags/members/getblacklist", {"begin_openid": after}))

    async def add(self, openids: Sequence[str]) -> None:
        """They are on it. After an error some may be; adding them again harms nothing."""
        await self._change("/cgi-bin/tags/members/batchblacklist", openids)

    async def remove(self, openids: Sequence[str]) -> None:
        """They are not on it. After an error some may be; removing them again harms nothing."""
        await self._change("/cgi-bin/tags/members/batchunblacklist", openids)

    async def _change(self, path: str, openids: Sequence[str]) -> None:
        for batch in batches(openids, BATCH):
            agreed(await self._caller.post(path, {"openid_list": list(batch)}))
