"""Scanning a code with a scene: strangers follow through it, followers are told to the account."""

import base64
import hashlib

from simulator import gestures
from simulator.codes import Code
from simulator.crowd import Follower
from simulator.gestures import Seen
from simulator.world import World


class NoSuchCode(Exception):
    """There is no code of this ticket, or it has expired."""


async def scan(world: World, follower: Follower, ticket: str = "", scene: str = "", at: float | None = None) -> Seen:
    """The code of the ticket, or of the scene (also of one made elsewhere), is scanned, and its reply is in the chat. Raises NoSuchCode."""
    if ticket:
        code = world.codes.by_ticket(ticket, world.clock.now())
        if code is None:
            raise NoSuchCode(ticket)
        scene = code.scene
    else:
        known = next((code for code in alive(world) if code.scene == scene), None)
        ticket = known.ticket if known else "gQ" + base64.b64encode(hashlib.sha256(scene.encode()).digest()).decode()
    if not follower.subscribed:
        return await gestures.follow(world, follower, scene, ticket, at)
    return await gestures.tap(world, follower, "SCAN", {"EventKey": scene, "Ticket": ticket}, at)


def alive(world: World) -> list[Code]:
    """The codes that can be scanned now, oldest first."""
    now = world.clock.now()
    return [code for code in world.codes.all() if code.until() > now]
