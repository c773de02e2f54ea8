"""What tests and the phone steer the simulator with: everything under /_sim. Errors are JSON `{"error": …}` in Chinese."""

from fastapi import APIRouter

from simulator.controls import actions, crowd, faults, state, stream
from simulator.world import World


def router(world: World) -> APIRouter:
    """All controls of this world."""
    whole = APIRouter(prefix="/_sim")
    for area in (actions, crowd, faults, state, stream):
        whole.include_router(area.router(world))
    return whole
