"""What has happened so far: the log and the counts."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from simulator.world import World


def router(world: World) -> APIRouter:
    """GET log, stats."""
    routes = APIRouter()

    @routes.get("/log")
    async def log(
        since: Annotated[int, Query(ge=0)] = 0,
        kind: str | None = None,
        openid: str | None = None,
        limit: Annotated[int, Query(ge=1, le=50_000)] = 10_000,
    ) -> Response:
        return Response(world.journal.page(since, kind, openid, limit), media_type="application/json")

    @routes.get("/stats")
    async def stats() -> dict[str, Any]:
        api: dict[str, Counter[str]] = {}
        for (path, errcode), count in world.api_counts.items():
            api.setdefault(path, Counter())[str(errcode)] += count
        return {
            "followers": {"total": len(world.crowd), "subscribed": sum(follower.subscribed for follower in world.crowd)},
            "api": api,
            "journal": {"last": world.journal.last, **world.journal.counts},
            "pushes": {"sent": world.journal.counts["push"], "failed": world.courier.failures},
            "receipts": {"waiting": len(world.receipts), "pushed": world.receipts.delivered, "missing": world.receipts.missing},
            "quota": world.quotas.used,
        }

    return routes
