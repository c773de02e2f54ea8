"""Lists of openids, which the platform hands out in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from wechat.client.caller import Answer, needed, strings


async def pages(ask: Callable[[str], Awaitable[Answer]]) -> AsyncIterator[list[str]]:
    """Every page of openids; `ask` gets the last openid of the page before."""
    cursor = ""
    while True:
        answer = await ask(cursor)
        # The last page that holds anyone names a next one all the same, and that has no `data`.
        if not needed(answer, "count", int) or not answer.get("data"):
            return
        yield strings(answer["data"], "openid")
        following = answer.get("next_openid")
        if not isinstance(following, str) or following in ("", cursor):
            return
        cursor = following


def batches(openids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """All of them, `size` at a time: more the platform refuses in one call."""
    return (openids[start : start + size] for start in range(0, len(openids), size))
