"""Whatever a caller sends, every endpoint answers: JSON, a picture or a page, never a broken connection."""

import asyncio
import inspect
import re
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlencode

import orjson

from simulator import platform
from simulator import world as worlds
from simulator.endpoints import ALL, buttons, customer_messages
from simulator.options import Options
from simulator.world import World

ROUNDS = 30
ODD: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    2**53,
    1.5,
    1e308,
    "",
    "0",
    "1",
    "-1",
    "9" * 5000,
    "字" * 700,
    "\U0001f600",
    "\x00",
    "http://[",
    "²",
    [],
    {},
    [{}],
    {"x": []},
]


def test_no_endpoint_breaks_whatever_it_is_sent() -> None:
    asyncio.run(_ask_everything())


async def _ask_everything() -> None:
    world = worlds.create(Options(followers=5))
    random = Random(3)
    openid = next(iter(world.crowd)).openid
    good = {"touser": openid, "openid": openid, "template_id": "TEMPLATE_ID", "type": "image", "msgtype": "text", "tag": {"id": 100}}
    for path, endpoint in ALL.items():
        names = _names(endpoint.answer)
        for _ in range(ROUNDS):
            world.quotas.used.clear()
            body = {**(good if random.random() < 0.7 else {}), **dict(_fields(random, names))}
            token, _seconds = world.tokens.stable(world.clock.now(), force=False)
            query = {"access_token": token, **{name: str(value)[:500] for name, value in _fields(random, names)}}
            form = endpoint.takes == "form" and random.random() < 0.9
            sent = _form(random, body) if form else orjson.dumps(body)
            kind = "multipart/form-data; boundary=b" if form else "application/json"
            status = await _ask(world, "POST" if endpoint.method == "ANY" else endpoint.method, path, query, kind, sent)
            assert status in (200, 302, 404), path
    await world.courier.close()


async def _ask(world: World, method: str, path: str, query: dict[str, str], kind: str, sent: bytes) -> int:
    """One request through the platform's ASGI door, without a socket; the status it was answered with."""
    heard: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent}

    async def send(event: Any) -> None:
        heard.append(event)

    headers = [(b"host", b"sim"), (b"content-type", kind.encode())]
    scope = {
        "type": "http",
        "scheme": "http",
        "method": method,
        "path": path,
        "query_string": urlencode(query).encode(),
        "headers": headers,
    }
    await platform.serve(world, scope, receive, send)
    return int(heard[0]["status"])


def _form(random: Random, body: dict[str, Any]) -> bytes:
    parts = [
        b'Content-Disposition: form-data; name="media"; filename="a.png"\r\n\r\n' + random.choice([b"", b"\x89PNG\r\n\x1a\n", b"\xff"])
    ]
    parts += [b'Content-Disposition: form-data; name="description"\r\n\r\n' + orjson.dumps(body)]
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def _names(answer: Any) -> list[str]:
    """The field names that the endpoint's module, and what it reads with, speaks of."""
    modules = [inspect.getmodule(answer), buttons, customer_messages]
    return sorted({name for module in modules for name in re.findall(r'"([A-Za-z_]{2,30})"', inspect.getsource(module))})  # type: ignore[arg-type]


def _fields(random: Random, names: list[str]) -> Iterator[tuple[str, Any]]:
    for _ in range(random.randint(0, 6)):
        yield random.choice(names), _value(random, names, 0)


def _value(random: Random, names: list[str], depth: int) -> Any:
    shape = random.random()
    if shape < 0.5 or depth > 3:
        return random.choice(ODD)
    if shape < 0.75:
        return [_value(random, names, depth + 1) for _ in range(random.randint(0, 3))]
    return {random.choice(names): _value(random, names, depth + 1) for _ in range(random.randint(0, 4))}
