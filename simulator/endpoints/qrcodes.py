"""QR codes with a scene, and their pictures."""

from simulator import qr
from simulator.call import Answer, Call, Document, Endpoint, Table
from simulator.codes import NoneLeft
from simulator.errors import Refused
from simulator.world import World

PERMANENT = {"QR_SCENE": False, "QR_STR_SCENE": False, "QR_LIMIT_SCENE": True, "QR_LIMIT_STR_SCENE": True}
NUMBERED = {"QR_SCENE": 2**32 - 1, "QR_LIMIT_SCENE": 100_000}
"""The highest scene_id of the actions that take numbers."""
LONGEST = 2_592_000
SHORTEST = 60
"""Seconds a temporary code lives at most, and when nothing is said."""
SCENE_LIMIT = 64


def create(world: World, call: Call) -> Answer:
    """POST /cgi-bin/qrcode/create: a ticket for the picture, and the address inside it."""
    action = call.text("action_name", 40052)
    if action not in PERMANENT:
        raise Refused(40052)
    scene = _scene(call.body.get("action_info"), action)
    seconds = 0 if PERMANENT[action] else call.number("expire_seconds", 40053, otherwise=SHORTEST)
    if not PERMANENT[action] and not 1 <= seconds <= LONGEST:
        raise Refused(40053)
    try:
        code = world.codes.create(scene, PERMANENT[action], seconds, call.now)
    except NoneLeft:
        raise Refused(45029) from None
    return {"ticket": code.ticket, **({} if code.permanent else {"expire_seconds": seconds}), "url": code.url}


def show(world: World, call: Call) -> Document:
    """GET /cgi-bin/showqrcode, without a token: the picture, or a page that is not found for a ticket that is unknown or too old."""
    ticket = call.query.get("ticket", "").replace(" ", "+")  # some clients do not escape the plus signs of base64
    code = world.codes.by_ticket(ticket, call.now)
    if code is None:
        return Document(b"", "text/html", 404)
    return Document(qr.picture(code.url), "image/png", headers=(("cache-control", "max-age=3600"), ("x-content-type-options", "nosniff")))


def _scene(info: object, action: str) -> str:
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise Refused(40053)
    if action in NUMBERED:
        number = scene.get("scene_id")
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= NUMBERED[action]:
            raise Refused(40053)
        return str(number)
    text = scene.get("scene_str")
    if not isinstance(text, str) or not 1 <= len(text) <= SCENE_LIMIT:
        raise Refused(40053)
    return text


TABLE: Table = {
    "/cgi-bin/qrcode/create": Endpoint(create, "POST", daily=100_000),
    "/cgi-bin/showqrcode": Endpoint(show, "GET", needs_token=False),
}
