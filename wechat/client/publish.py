"""Publishing: a draft becomes articles anybody can read by their address, without a message to anyone."""

from __future__ import annotations

from dataclasses import dataclass

from wechat.client.caller import Caller, Objects, agreed, needed, objects

PAGE = 20  # articles in one batchget


@dataclass(frozen=True, slots=True)
class Published:
    """How a job stands: 0 done, 1 under way, 2 not original, 3 failed, 4 refused by the audit, 5 deleted, 6 banned. `urls` once done."""

    status: int
    article_id: str = ""
    urls: tuple[str, ...] = ()


class Publishing:
    """What the account has published."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def submit(self, media_id: str) -> str:
        """The job of publishing this draft is taken; its publish_id, which PUBLISHJOBFINISH carries too."""
        return str(needed(await self._caller.post("/cgi-bin/freepublish/submit", {"media_id": media_id}), "publish_id", int, str))

    async def get(self, publish_id: str) -> Published:
        """How that job stands."""
        answer = await self._caller.post("/cgi-bin/freepublish/get", {"publish_id": publish_id})
        articles = objects(needed(answer, "article_detail", dict), "item") if "article_detail" in answer else []
        urls = tuple(needed(article, "article_url", str) for article in articles)
        return Published(needed(answer, "publish_status", int), str(answer.get("article_id", "")), urls)

    async def delete(self, article_id: str, index: int = 0) -> None:
        """Article number `index`, from 1, is gone for good; with 0 all of them are."""
        agreed(await self._caller.post("/cgi-bin/freepublish/delete", {"article_id": article_id, "index": index}))

    async def article(self, article_id: str) -> Objects:
        """The articles published under this id, in the platform's shape."""
        return objects(await self._caller.post("/cgi-bin/freepublish/getarticle", {"article_id": article_id}), "news_item")

    async def list(self, offset: int = 0, count: int = PAGE, *, content: bool = False) -> Objects:
        """What was published, from number `offset`, at most 20: article_id, update_time, content (bodies only if asked for)."""
        if not 0 < count <= PAGE:
            raise ValueError(f"from 1 to {PAGE} at a time")
        payload = {"offset": offset, "count": count, "no_content": int(not content)}
        return objects(await self._caller.post("/cgi-bin/freepublish/batchget", payload), "item")
