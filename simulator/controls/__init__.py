"""What tests and the phone steer the simulator with: everything under /_sim. Errors are JSON `{"error": …}` in Chinese."""

from fastapi import APIRouter

from simulator.controls import actions, clock, crowd, faults, menu, popup, sending, settings, state, stream
from simulator.controls import life as crowd_life
from simulator.life import Life
from simulator.world import World


def router(world: World, life: Life) -> APIRouter:
    """All controls of this world."""
    whole = APIRouter(prefix="/_sim")
    for area in (actions, sending, menu, popup, crowd, clock, faults, settings, state, stream):
        whole.include_router(area.router(world))
    whole.include_router(crowd_life.router(life))
    return whole
