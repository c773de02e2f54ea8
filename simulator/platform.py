"""The door of the fake API: one raw ASGI endpoint for all its paths, because a mass sending knocks here a hundred thousand times.

The order of the checks is the real platform's: path, method, token, quota, body, JSON, fields. Everything answers HTTP 200,
but for what a browser asks for: a picture that does not exist, a page that leads elsewhere.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from simulator import body, errors
from simulator.call import Answer, Call, Document, Endpoint
from simulator.endpoints import ALL
from simulator.errors import Refused
from simulator.faults import Verdict
from simulator.world import World

PREFIXES = ("/cgi-bin/", "/sns/", "/datacube/", "/wxa/", "/wxaapi/", "/customservice/", "/connect/", "/mp/")
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
LARGEST = 12 << 20
"""Bytes of a body. What is longer is heard to its end and let go of: 45001, as for a file that is too large."""
SECRETS = frozenset({"access_token", "secret", "appsecret", "refresh_token", "password"})
"""Fields the journal shows as dots: it is read by people and kept in test reports."""


async def serve(world: World, scope: Scope, receive: Receive, send: Send) -> None:
    """The call is judged and in the journal; then the answer goes out, late or not at all if a fault says so."""
    raw = await _read(receive)
    headers: dict[bytes, bytes] = dict(scope["headers"])
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    path: str = scope["path"]
    verdict = world.faults.draw(path)
    endpoint = ALL.get(path)
    if len(raw) <= LARGEST:
        fields, files, unreadable = await body.parse(endpoint, headers.get(b"content-type", b""), raw)
    else:
        raw, fields, files, unreadable = b"", {}, {}, 45001
    origin = f"{scope['scheme']}://{headers.get(b'host', b'').decode('latin-1')}"
    call = Call(path, query, fields, world.clock.now(), raw=raw, files=files, origin=origin)
    answer = _judge(world, endpoint, call, scope["method"], unreadable, verdict)
    _note(world, call, scope["method"], answer, verdict)
    if (wait := world.latency + verdict.delay) > 0:
        await asyncio.sleep(wait)
    if verdict.drop:
        await _hang_up(receive, send)
    elif verdict.status is not None:
        await _respond(send, Document(GATEWAY_PAGE, "text/html", verdict.status))
    elif isinstance(answer, Document):
        await _respond(send, answer)
    else:
        await _respond(send, Document(orjson.dumps(answer), "application/json; encoding=utf-8"))


def _judge(world: World, endpoint: Endpoint | None, call: Call, method: str, unreadable: int | None, verdict: Verdict) -> Answer | Document:
    """The answer. A call that an errcode or a gateway fault strikes is never accepted; a dropped one is."""
    try:
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
        return errors.body(refused, world.ids.rid(call.now), "," if call.path.startswith("/sns/") else "")


def _note(world: World, call: Call, method: str, answer: Answer | Document, verdict: Verdict) -> None:
    said: Answer = answer if isinstance(answer, dict) else {"content_type": answer.content_type, "bytes": len(answer.content)}
    errcode = said.get("errcode", 0)
    world.api_counts[call.path, errcode] += 1
    sent = {name: {"file": file.name, "bytes": len(file.content)} for name, file in call.files.items()}
    openid = call.body.get("touser") or call.body.get("openid") or call.query.get("openid")
    facts = {
        "method": method,
        "path": call.path,
        "request": _hidden({**call.query, **call.body, **sent}, left_out="access_token"),
        "response": _hidden(said),
        "errcode": errcode,
        "delivered": False,
        "dropped": verdict.drop,
        **call.note,
    }
    world.journal.write("api", call.now, openid if isinstance(openid, str) else None, facts)


def _hidden(fields: Mapping[str, Any], left_out: str = "") -> dict[str, Any]:
    return {name: "…" if name in SECRETS else value for name, value in fields.items() if name != left_out}


async def _read(receive: Receive) -> bytes:
    """The body, or as much of it as shows that it is too long."""
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if size <= LARGEST:
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
        if not event.get("more_body", False):
            return b"".join(chunks)


async def _respond(send: Send, document: Document) -> None:
    lines = {"content-type": document.content_type, "content-length": str(len(document.content)), **dict(document.headers)}
    headers = [(name.encode(), value.encode()) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": document.status, "headers": headers})
    await send({"type": "http.response.body", "body": document.content})


async def _hang_up(receive: Receive, send: Send) -> None:
    """The connection is closed without a byte of an answer. ASGI has no word for that, so this reaches for uvicorn's transport."""
    cast("Any", send).__self__.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
