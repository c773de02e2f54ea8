"""Tags: named groups of followers, up to 100, at most 20 on one follower."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from wechat.client.caller import Caller, agreed, needed, objects
from wechat.client.pages import batches, pages
from wechat.errcodes import PartlyFailed

BATCH = 50  # openids in one batchtagging


class Tags:
    """The account's tags, and who bears them. Ids 0, 1 and 2 are the platform's own."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def names(self) -> dict[int, str]:
        """The name of every tag by its id."""
        tags = objects(await self._caller.get("/cgi-bin/tags/get"), "tags")
        return {needed(tag, "id", int): needed(tag, "name", str) for tag in tags}

    async def create(self, name: str) -> int:
        """There is a tag of this name (at most 30 characters, not taken: 45157); its id."""
        answer = await self._caller.post("/cgi-bin/tags/create", {"tag": {"name": name}})
        number: int = needed(needed(answer, "tag", dict), "id", int)
        return number

    async def rename(self, tag_id: int, name: str) -> None:
        """The tag is called `name`."""
        agreed(await self._caller.post("/cgi-bin/tags/update", {"tag": {"id": tag_id, "name": name}}))

    async def delete(self, tag_id: int) -> None:
        """The tag is gone, from its bearers too. Refused above 100,000 of them (45057)."""
        agreed(await self._caller.post("/cgi-bin/tags/delete", {"tag": {"id": tag_id}}))

    async def put_on(self, tag_id: int, openids: Sequence[str]) -> list[str]:
        """They bear the tag, except those returned: with these the platform did not succeed, and they may be tried again."""
        return await self._change("/cgi-bin/tags/members/batchtagging", tag_id, openids)

    async def take_off(self, tag_id: int, openids: Sequence[str]) -> list[str]:
        """They no longer bear the tag, except those returned, as put_on does."""
        return await self._change("/cgi-bin/tags/members/batchuntagging", tag_id, openids)

    async def of(self, openid: str) -> list[int]:
        """The ids of the tags this follower bears."""
        answer = await self._caller.post("/cgi-bin/tags/getidlist", {"openid": openid})
        found: list[int] = needed(answer, "tagid_list", list)
        return found

    def openids(self, tag_id: int) -> AsyncIterator[list[str]]:
        """Everyone who bears the tag, in pages of up to 10,000."""
        return pages(lambda after: self._caller.post("/cgi-bin/user/tag/get", {"tagid": tag_id, "next_openid": after}))

    async def _change(self, path: str, tag_id: int, openids: Sequence[str]) -> list[str]:
        failed: list[str] = []
        for batch in batches(openids, BATCH):
            try:
                agreed(await self._caller.post(path, {"openid_list": list(batch), "tagid": tag_id}))
            except PartlyFailed as partly:
                failed += partly.openids
        return failed
