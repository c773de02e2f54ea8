"""Finding the follower a control names."""

from fastapi import HTTPException

from simulator.crowd import Follower
from simulator.world import World


def follower(world: World, openid: str) -> Follower:
    """The follower, or a 404 that says there is none."""
    found = world.crowd.find(openid)
    if found is None:
        raise HTTPException(404, f"没有这个粉丝：{openid}")
    return found
