"""Looking at the followers and their conversations."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from fastapi import APIRouter

from simulator.controls import who
from simulator.conversation import preview
from simulator.crowd import Follower
from simulator.world import World


def router(world: World) -> APIRouter:
    """GET followers, followers/{openid}/conversation, account."""
    routes = APIRouter()

    @routes.get("/account")
    async def account() -> dict[str, Any]:
        options = world.options
        tags = list(world.crowd.tags.values())
        return {
            "name": options.name,
            "app_id": options.app_id,
            "original_id": options.original_id,
            "webhook": options.webhook,
            "tags": tags,
        }

    @routes.get("/followers")
    async def followers(search: str = "", tag: str = "", limit: int = 100, offset: int = 0) -> dict[str, Any]:
        found = list(world.crowd.search(search.strip(), tag)) if search.strip() or tag else world.crowd.everyone()
        start, end = max(offset, 0), max(offset, 0) + max(limit, 0)
        page = islice(_newest_first(world, found), start, end)
        return {"followers": [_described(world, follower) for follower in page], "total": len(found)}

    @routes.get("/followers/{openid}/conversation")
    async def conversation(openid: str) -> dict[str, Any]:
        follower = who.follower(world, openid)
        return {"follower": _described(world, follower), "messages": world.conversations.of(openid)}

    return routes


def _newest_first(world: World, found: list[Follower]) -> Iterator[Follower]:
    """First those with a conversation, the newest on top, then the others in the order in which they came."""
    recent = world.conversations.recent()
    chatted, wanted = set(recent), {follower.openid for follower in found}
    yield from (follower for openid in recent if openid in wanted and (follower := world.crowd.find(openid)))
    yield from (follower for follower in found if follower.openid not in chatted)


def _described(world: World, follower: Follower) -> dict[str, Any]:
    last = world.conversations.last(follower.openid)
    return {
        "openid": follower.openid,
        "name": follower.name,
        "color": follower.color,
        "tags": [world.crowd.tags[tag_id] for tag_id in follower.tag_ids],
        "subscribed": follower.subscribed,
        "muted": follower.muted,
        "blacklisted": follower.blacklisted,
        "subscribe_time": follower.subscribe_time,
        "channel": follower.qr_scene,
        "remark": follower.remark,
        "last": {"at": last["at"], "text": preview(last)} if last else None,
    }
