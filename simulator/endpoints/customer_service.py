"""Customer-service messages and the typing hint, within the allowance a follower's own acts open."""

from typing import Any

from simulator.call import Answer, Call, Endpoint, Table
from simulator.crowd import Follower
from simulator.endpoints.customer_messages import READERS
from simulator.errors import Refused
from simulator.world import World

OK: Answer = {"errcode": 0, "errmsg": "ok"}
TYPING_WINDOW = 30.0
"""Seconds since the follower last wrote."""
TYPING_LASTS = 15.0
"""Seconds a hint stays on the phone by itself."""


def send(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/custom/send: on the phone at once, without an id or a receipt."""
    follower = _recipient(world, call)
    kind = call.text("msgtype", 40008)
    if kind not in READERS:
        raise Refused(40008)
    content = call.body.get(kind)
    if not isinstance(content, dict):
        raise Refused(44004)
    message = READERS[kind](world, content, call.now) | _sender(world, call.body) | _mark(call.body)
    if follower.muted:
        raise Refused(48002)
    world.allowances.spend(follower.openid, call.now)
    call.note |= {"delivered": True}
    world.conversations.add(follower.openid, "account", {**message, "via": "customer_service"})
    return OK


def typing(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/custom/typing: 对方正在输入…, for somebody who wrote within the last half minute."""
    follower = _recipient(world, call)
    command = call.body.get("command")
    if command not in ("Typing", "CancelTyping"):
        raise Refused(45072)
    if call.now - _last_written(world, follower) > TYPING_WINDOW:
        raise Refused(45080)
    on = command == "Typing"
    if on and world.desk.typing.get(follower.openid, 0.0) > call.now:
        raise Refused(45081)
    world.desk.typing[follower.openid] = call.now + TYPING_LASTS if on else 0.0
    world.conversations.hint(follower.openid, "typing", {"on": on})
    return OK


def _recipient(world: World, call: Call) -> Follower:
    follower = world.crowd.find(call.text("touser", 40003))
    if follower is None:
        raise Refused(40003)
    if not follower.subscribed:
        raise Refused(45015)
    if follower.blacklisted:
        raise Refused(43019)
    return follower


def _sender(world: World, body: dict[str, Any]) -> dict[str, Any]:
    """The agent the message says it is from."""
    given = body.get("customservice")
    if not given:
        return {}
    agent = world.desk.find(given.get("kf_account") if isinstance(given, dict) else None)
    if agent is None:
        raise Refused(65401)
    return {"agent": agent.nick}


def _mark(body: dict[str, Any]) -> dict[str, Any]:
    """Whether the message is marked as written by a machine."""
    context = body.get("aimsgcontext")
    return {"ai": True} if isinstance(context, dict) and context.get("is_ai_msg") in (1, True) else {}


def _last_written(world: World, follower: Follower) -> float:
    written = (message["at"] for message in reversed(world.conversations.of(follower.openid)) if message["side"] == "follower")
    return float(next(written, 0.0))


TABLE: Table = {
    "/cgi-bin/message/custom/send": Endpoint(send, "POST", daily=500_000),
    "/cgi-bin/message/custom/typing": Endpoint(typing, "POST"),
}
