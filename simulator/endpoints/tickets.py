"""Tickets for the JS-SDK: the same one until it expires."""

import hashlib

from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World

LIFETIME = 7200
KINDS = ("jsapi", "wx_card")


def issue(world: World, call: Call) -> Answer:
    """GET /cgi-bin/ticket/getticket?type=jsapi: the ticket of these two hours and the seconds it is still good for."""
    kind = call.query.get("type", "jsapi")
    if kind not in KINDS:
        raise Refused(40097)
    period, passed = divmod(int(call.now - world.clock.started), LIFETIME)
    digest = hashlib.sha512(f"{world.options.seed}:{world.clock.started}:{kind}:{period}".encode()).hexdigest()
    return {"errcode": 0, "errmsg": "ok", "ticket": f"sM4AOVdWfPE4DxkXGEs8V{digest[:64]}", "expires_in": LIFETIME - passed}


TABLE: Table = {"/cgi-bin/ticket/getticket": Endpoint(issue, "GET", daily=100_000)}
