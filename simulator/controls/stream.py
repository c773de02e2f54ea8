"""Server-sent events: what happens in one conversation, and a line about each of the others."""

import asyncio
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from simulator.world import World

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that a connection whose page is gone is noticed."""


def router(world: World) -> APIRouter:
    """GET stream. Topics: message, typing (of `openid`), preview (of all others, with `overview`), behind (read it all anew)."""
    routes = APIRouter()

    @routes.get("/stream")
    async def stream(openid: str = "", overview: bool = False) -> StreamingResponse:
        return StreamingResponse(_events(world, openid, overview), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return routes


async def _events(world: World, openid: str, overview: bool) -> AsyncIterator[bytes]:
    with world.conversations.watch(openid, overview) as watcher:
        yield b": hello\n\n"
        while True:
            try:
                topic, news = await asyncio.wait_for(watcher.news.get(), HEARTBEAT)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if topic == "closed":
                return
            yield b"event: " + topic.encode() + b"\ndata: " + orjson.dumps(news) + b"\n\n"
