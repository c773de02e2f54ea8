"""The settings: how pushes and receipts behave where the facts leave it open."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import ValidationError

from simulator.settings import Settings
from simulator.world import World


def router(world: World) -> APIRouter:
    """settings (GET, POST: only what is named changes), POST verify."""
    routes = APIRouter()

    @routes.get("/settings")
    async def settings() -> dict[str, Any]:
        return world.settings.model_dump()

    @routes.post("/settings")
    async def change(wanted: dict[str, Any]) -> dict[str, Any]:
        try:
            checked = Settings.model_validate(_merged(world.settings.model_dump(), wanted))
        except ValidationError as error:
            problem = error.errors()[0]
            raise HTTPException(422, f"{'.'.join(str(part) for part in problem['loc'])}：{problem['msg']}") from error
        for name in Settings.model_fields:
            setattr(world.settings, name, getattr(checked, name))
        return await settings()

    @routes.post("/verify")
    async def verify() -> dict[str, Any]:
        problem = await world.courier.verify()
        return {"verified": problem is None, "problem": problem}

    return routes


def _merged(now: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The settings with the changes in them; a table within changes only what it names."""
    inner = {
        name: _merged(now[name], value) for name, value in changes.items() if isinstance(value, dict) and isinstance(now.get(name), dict)
    }
    return {**now, **changes, **inner}
