"""Drafts: articles before they are published or sent. Articles are in the platform's shape: title, author, content, thumb_media_id …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wechat.client.caller import Caller, Objects, agreed, needed, objects

Article = Mapping[str, object]
PAGE = 20  # drafts in one batchget


class Drafts:
    """The account's drafts."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def add(self, articles: Sequence[Article]) -> str:
        """There is a draft of these articles; its media_id, which dies when it is sent or published."""
        return str(needed(await self._caller.post("/cgi-bin/draft/add", {"articles": list(articles)}), "media_id", str))

    async def get(self, media_id: str) -> Objects:
        """Its articles."""
        return objects(await self._caller.post("/cgi-bin/draft/get", {"media_id": media_id}), "news_item")

    async def update(self, media_id: str, article: Article, index: int = 0) -> None:
        """Article number `index` of the draft, from 0, is `article`."""
        payload = {"media_id": media_id, "index": index, "articles": dict(article)}
        agreed(await self._caller.post("/cgi-bin/draft/update", payload))

    async def delete(self, media_id: str) -> None:
        """The draft is gone for good."""
        agreed(await self._caller.post("/cgi-bin/draft/delete", {"media_id": media_id}))

    async def count(self) -> int:
        """How many there are."""
        number: int = needed(await self._caller.get("/cgi-bin/draft/count"), "total_count", int)
        return number

    async def list(self, offset: int = 0, count: int = PAGE, *, content: bool = False) -> Objects:
        """Drafts from number `offset`, at most 20: media_id, update_time, content (without the articles' bodies unless asked for)."""
        if not 0 < count <= PAGE:
            raise ValueError(f"from 1 to {PAGE} at a time")
        payload = {"offset": offset, "count": count, "no_content": int(not content)}
        return objects(await self._caller.post("/cgi-bin/draft/batchget", payload), "item")
