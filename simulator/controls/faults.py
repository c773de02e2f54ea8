"""Making things go wrong on purpose: fault rules, latency, dead tokens, small quotas."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from simulator.faults import Rule
from simulator.world import World


class Latency(BaseModel):
    """Seconds before each answer of the API."""

    seconds: float = Field(ge=0, le=600)


class Quota(BaseModel):
    """Calls per day of one path; null brings the usual number back."""

    path: str
    limit: int | None = Field(ge=0)


def router(world: World) -> APIRouter:
    """faults (GET, POST, DELETE); POST latency, quota, expire_tokens."""
    routes = APIRouter()

    @routes.get("/faults")
    async def rules() -> dict[str, Any]:
        return {"rules": [rule.model_dump(exclude_defaults=True) for rule in world.faults.rules]}

    @routes.post("/faults")
    async def add(rule: Rule | list[Rule]) -> dict[str, Any]:
        world.faults.rules.extend(rule if isinstance(rule, list) else [rule])
        return await rules()

    @routes.delete("/faults")
    async def clear() -> dict[str, Any]:
        world.faults.rules.clear()
        return await rules()

    @routes.post("/latency")
    async def latency(wanted: Latency) -> dict[str, Any]:
        world.latency = wanted.seconds
        return {"seconds": world.latency}

    @routes.post("/quota")
    async def quota(wanted: Quota) -> dict[str, Any]:
        if wanted.limit is None:
            world.quotas.limits.pop(wanted.path, None)
        else:
            world.quotas.limits[wanted.path] = wanted.limit
        return {"used": world.quotas.used[wanted.path], "limits": world.quotas.limits}

    @routes.post("/expire_tokens")
    async def expire_tokens() -> dict[str, Any]:
        world.tokens.revoke_all()
        return {"expired": True}

    return routes
