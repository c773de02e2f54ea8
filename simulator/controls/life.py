"""Letting the crowd live: days go by as fast as the webhook answers."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from simulator.life import AT_ONCE, Life


class Days(BaseModel):
    """So many days, at most so many people at once."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=1, ge=1, le=366)
    at_once: int = Field(default=AT_ONCE, ge=1, le=1000)


def router(life: Life) -> APIRouter:
    """life (POST starts, GET progress, DELETE stops)."""
    routes = APIRouter()

    @routes.post("/life")
    async def start(wanted: Days) -> dict[str, Any]:
        if life.running:
            raise HTTPException(409, "粉丝们已经在过日子了；要停下来，用 DELETE /_sim/life")
        life.start(wanted.days, wanted.at_once)
        return life.described()

    @routes.get("/life")
    async def progress() -> dict[str, Any]:
        return life.described()

    @routes.delete("/life")
    async def stop() -> dict[str, Any]:
        await life.stop()
        return life.described()

    return routes
