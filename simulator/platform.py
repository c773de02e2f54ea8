"""The door of the fake API: one raw ASGI endpoint for all its paths, because a mass sending knocks here a hundred thousand times.

The order of the checks is the real platform's: path, method, token, quota, body, JSON, fields. Everything answers HTTP 200.
"""

import asyncio
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from simulator import errors
from simulator.call import Answer, Call
from simulator.endpoints import ALL
from simulator.errors import Refused
from simulator.faults import Verdict
from simulator.world import World

PREFIXES = ("/cgi-bin/", "/sns/", "/datacube/", "/wxa/", "/customservice/")
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
SECRETS = frozenset({"access_token", "secret", "appsecret"})
"""Fields the journal shows as dots: it is read by people and kept in test reports."""


async def serve(world: World, scope: Scope, receive: Receive, send: Send) -> None:
    """The call is judged and in the journal; then the answer goes out, late or not at all if a fault says so."""
    raw = await _read(receive)
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    path: str = scope["path"]
    verdict = world.faults.draw(path)
    body, unreadable = _parse(raw)
    call = Call(path, query, body, world.clock.now())
    answer = _judge(world, call, scope["method"], unreadable, verdict)
    _note(world, call, scope["method"], answer, verdict)
    if (wait := world.latency + verdict.delay) > 0:
        await asyncio.sleep(wait)
    if verdict.drop:
        await _hang_up(receive, send)
    elif verdict.status is not None:
        await _respond(send, verdict.status, b"text/html", GATEWAY_PAGE)
    else:
        await _respond(send, 200, b"application/json; encoding=utf-8", orjson.dumps(answer))


def _judge(world: World, call: Call, method: str, unreadable: int | None, verdict: Verdict) -> Answer:
    """The answer's JSON. A call that an errcode or a gateway fault strikes is never accepted; a dropped one is."""
    try:
        endpoint = ALL.get(call.path)
        if endpoint is None:
            raise Refused(40066)
        if endpoint.method not in (method, "ANY"):
            raise Refused(43001 if endpoint.method == "GET" else 43002)
        if endpoint.needs_token:
            world.tokens.check(call.query.get("access_token", ""), call.now)
        if verdict.errcode is not None:
            raise Refused(verdict.errcode, verdict.errmsg)
        if verdict.status is not None:
            raise Refused(-1)
        world.quotas.spend(call.path, endpoint.daily)
        if unreadable is not None and endpoint.method != "GET":
            raise Refused(unreadable)
        return endpoint.answer(world, call)
    except Refused as refused:
        return errors.body(refused, call.now)


def _parse(raw: bytes) -> tuple[dict[str, Any], int | None]:
    """The body's JSON, or an empty one and the errcode for what it is instead. Read first, so that the journal has it whatever comes."""
    if not raw.strip():
        return {}, 44002
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}, 47001
    return (cast("dict[str, Any]", body), None) if isinstance(body, dict) else ({}, 47001)


def _note(world: World, call: Call, method: str, answer: Answer, verdict: Verdict) -> None:
    errcode = answer.get("errcode", 0)
    world.api_counts[call.path, errcode] += 1
    asked = {name: "…" if name in SECRETS else value for name, value in {**call.query, **call.body}.items() if name != "access_token"}
    openid = call.body.get("touser") or call.body.get("openid") or call.query.get("openid")
    facts = {
        "method": method,
        "path": call.path,
        "request": asked,
        "response": {**answer, "access_token": "…"} if "access_token" in answer else answer,
        "errcode": errcode,
        "delivered": False,
        "dropped": verdict.drop,
        **call.note,
    }
    world.journal.write("api", call.now, openid if isinstance(openid, str) else None, facts)


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        event = await receive()
        chunks.append(event.get("body", b""))
        if not event.get("more_body", False):
            return b"".join(chunks)


async def _respond(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _hang_up(receive: Receive, send: Send) -> None:
    """The connection is closed without a byte of an answer. ASGI has no word for that, so this reaches for uvicorn's transport."""
    cast("Any", send).__self__.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
