"""The simulator's clock: looking at it, moving it on, making it run faster or stand still."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from simulator.world import World

LONGEST = 366 * 86400


class Turn(BaseModel):
    """So many seconds on; and from then on so many seconds here for one outside."""

    model_config = ConfigDict(extra="forbid")

    advance: float = Field(default=0.0, ge=0, le=LONGEST)
    speed: float | None = Field(default=None, ge=0, le=100_000)


def router(world: World) -> APIRouter:
    """clock (GET, POST)."""
    routes = APIRouter()

    @routes.get("/clock")
    async def clock() -> dict[str, Any]:
        return {
            "now": world.clock.now(),
            "iso": world.clock.moment().isoformat(timespec="seconds"),
            "day": world.clock.day(),
            "speed": world.clock.speed,
        }

    @routes.post("/clock")
    async def turn(wanted: Turn) -> dict[str, Any]:
        if wanted.speed is not None:
            world.clock.run_at(wanted.speed)
        world.clock.advance(wanted.advance)
        return await clock()

    return routes
