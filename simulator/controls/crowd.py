"""Looking at the followers and their conversations."""

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
        found = list(world.crowd.search(search.strip(), tag))
        rank = {openid: place for place, openid in enumerate(world.conversations.recent())}
        found.sort(key=lambda follower: rank.get(follower.openid, len(rank)))
        page = islice(found, max(offset, 0), max(offset, 0) + max(limit, 0))
        return {"followers": [_described(world, follower) for follower in page], "total": len(found)}

    @routes.get("/followers/{openid}/conversation")
    async def conversation(openid: str) -> dict[str, Any]:
        follower = who.follower(world, openid)
        return {"follower": _described(world, follower), "messages": world.conversations.of(openid)}

    return routes


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
        "last": {"at": last["at"], "text": preview(last)} if last else None,
    }
