"""A platform that answers what a test scripted, over real sockets. For tests/wechat only; the simulator is another thing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from wechat.client import Client
from wechat.token import MemoryTokenStore, TokenStore

OK = {"errcode": 0, "errmsg": "ok", "msgid": 200228332}


SECRET = "SECRET-CANARY"


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    head: str
    body: bytes


@dataclass
class Late:
    """An answer that comes after so many seconds."""

    seconds: float
    answer: object


@dataclass
class Scripted:
    """Answers of a path are taken in turn, the last one for ever: a dict is JSON, bytes a whole HTTP answer, a number seconds of silence,
    a barrier OK for as many at once as it waits for, a function says what it is."""

    base: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, list[object]] = field(default_factory=dict)
    issued: int = 0

    def calls(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def answer_to(self, asked: Asked) -> object:
        script = self.answers.get(asked.path)
        if script:
            answer = script.pop(0) if len(script) > 1 else script[0]
            return answer(asked) if callable(answer) else answer
        if asked.path == "/cgi-bin/stable_token":
            self.issued += 1
            return {"access_token": f"TOKEN-CANARY-{self.issued}", "expires_in": 7200}
        return page(404, b"<html>not found</html>")


def page(status: int, body: bytes, kind: str = "text/html") -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def as_http(answer: object) -> bytes:
    return answer if isinstance(answer, bytes) else page(200, json.dumps(answer, ensure_ascii=False).encode(), "application/json")


@asynccontextmanager
async def platform(by_path: Mapping[str, Sequence[object]] | None = None, /, **answers: Sequence[object]) -> AsyncIterator[Scripted]:
    """Keyword names are the last parts of the API's paths: template_send=[…]."""
    named = {PATHS[name]: list(script) for name, script in answers.items()}
    scripted = Scripted(answers=named | {path: list(script) for path, script in (by_path or {}).items()})

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await answer_one(scripted, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    scripted.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield scripted


async def answer_one(scripted: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [line.partition(":")[2] for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    url = urlsplit(head.split(" ")[1])
    body = await reader.readexactly(int(lengths[0]) if lengths else 0)
    asked = Asked(head.split(" ")[0], url.path, parse_qs(url.query, keep_blank_values=True), head, body)
    scripted.asked.append(asked)
    answer = scripted.answer_to(asked)
    if isinstance(answer, asyncio.Barrier):
        await answer.wait()
        answer = OK
    if isinstance(answer, Late):
        await asyncio.sleep(answer.seconds)
        answer = answer.answer
    if isinstance(answer, int | float):
        await asyncio.sleep(answer)
        return False
    writer.write(as_http(answer))
    await writer.drain()
    return isinstance(answer, dict) or answer[:8] == b"HTTP/1.1"  # type: ignore[index]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


def clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def client(scripted: Scripted, deadline: float = 2.0, store: TokenStore | None = None) -> AsyncIterator[Client]:
    """A client of the scripted platform."""
    shared = store or MemoryTokenStore(clock)
    async with Client(app_id="wx1", secret=SECRET, api_base=scripted.base, store=shared, clock=clock, deadline=deadline) as one:
        yield one


PATHS = {
    "stable_token": "/cgi-bin/stable_token",
    "template_send": "/cgi-bin/message/template/send",
    "custom_send": "/cgi-bin/message/custom/send",
    "user_get": "/cgi-bin/user/get",
    "user_info": "/cgi-bin/user/info",
    "batchget": "/cgi-bin/user/info/batchget",
    "tags_get": "/cgi-bin/tags/get",
    "templates": "/cgi-bin/template/get_all_private_template",
}
