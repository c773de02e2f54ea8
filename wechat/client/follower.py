"""Who follows the account, and the little the platform still tells about each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from wechat.client.caller import Caller, agreed, needed, objects
from wechat.client.pages import pages
from wechat.errcodes import Action, Garbled, PlatformError

BATCH = 100  # openids in one user/info/batchget
ONE_BY_ONE = 16  # calls in flight where the platform has no batchget
REMARK = 29  # bytes; 40092 beyond


@dataclass(frozen=True, slots=True)
class Details:
    """What the platform still tells about a follower: since 2021-12-27 neither name nor picture. Only the first two if unsubscribed."""

    openid: str
    subscribed: bool
    subscribed_at: int | None = None
    tag_ids: tuple[int, ...] = ()
    scene: str = ""
    remark: str = ""
    code: str = ""  # the parameter of the code they followed by


class Followers:
    """The account's followers as the platform knows them."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._has_batchget = True

    def openids(self) -> AsyncIterator[list[str]]:
        """All openids, in pages of up to 10,000."""
        return pages(lambda after: self._caller.get("/cgi-bin/user/get", {"next_openid": after}))

    async def details(self, openids: Sequence[str]) -> list[Details]:
        """One entry per openid (at most 100, else ValueError), by one call, or one call each where the platform has no such call."""
        if len(openids) > BATCH:
            raise ValueError(f"at most {BATCH} openids at a time, not {len(openids)}")
        if self._has_batchget:
            try:
                return await self._details_in_one(openids)
            except Garbled as error:
                self._has_batchget = error.status != 404
        details: list[Details] = []
        for start in range(0, len(openids), ONE_BY_ONE):
            details += await _all(self._details_of(openid) for openid in openids[start : start + ONE_BY_ONE])
        return details

    async def remark(self, openid: str, text: str) -> None:
        """The operator's own name for this follower is `text`. Raises ValueError beyond 29 bytes of UTF-8."""
        if len(text.encode()) > REMARK:
            raise ValueError(f"a remark has at most {REMARK} bytes")
        agreed(await self._caller.post("/cgi-bin/user/info/updateremark", {"openid": openid, "remark": text}))

    async def _details_in_one(self, openids: Sequence[str]) -> list[Details]:
        if not openids:
            return []
        payload = {"user_list": [{"openid": openid, "lang": "zh_CN"} for openid in openids]}
        return [_details(entry) for entry in objects(await self._caller.post("/cgi-bin/user/info/batchget", payload), "user_info_list")]

    async def _details_of(self, openid: str) -> Details:
        try:
            return _details(await self._caller.get("/cgi-bin/user/info", {"openid": openid, "lang": "zh_CN"}))
        except PlatformError as error:
            if error.action is not Action.FOLLOWER:
                raise
            return Details(openid, subscribed=False)


def _details(entry: dict[str, Any]) -> Details:
    openid = needed(entry, "openid", str)
    if not needed(entry, "subscribe", int):
        return Details(openid, subscribed=False)
    tag_ids = tuple(needed(entry, "tagid_list", list)) if "tagid_list" in entry else ()
    scene, remark = str(entry.get("subscribe_scene", "")), str(entry.get("remark", ""))
    code = str(entry.get("qr_scene_str") or entry.get("qr_scene") or "")
    return Details(openid, True, entry.get("subscribe_time"), tag_ids, scene, remark, code)


async def _all(calls: Iterable[Awaitable[Details]]) -> list[Details]:
    """Waits for every call, then raises the first error if there was one: nothing goes on behind the caller's back."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, Details)]
