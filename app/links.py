"""GET /l/…: the public address of a link leads to where the operator's own does, and notes that somebody went there."""

from __future__ import annotations

import re
from functools import partial

from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from models import click, link
from models.clock import Clock
from models.database import Database
from models.link import Forged, Link

PATH = "/l/"
_HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex", "x-content-type-options": "nosniff"}
# What fetches a link before a person does: WeChat's share extension and QQ's address check by name, and whoever says that it is a program.
_MACHINES = re.compile(
    r"WeChatShareExtension|QQ-URL-Manager|bot\b|spider|crawl|slurp|preview|facebookexternalhit|WhatsApp|Embedly"
    r"|curl/|Wget/|python|Go-http|Java/|okhttp|axios|node-fetch|HeadlessChrome|monitor",
    re.IGNORECASE,
)
_PURPOSES = ("purpose", "sec-purpose", "x-purpose", "x-moz")  # prefetch, preview


class Redirects:
    """What is mounted at /l/: an ASGI application. It leads only to addresses that a run of ours has sent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope["method"], scope["path"].removeprefix(PATH), Headers(scope=scope))
        await answer(scope, receive, send)

    async def _answer(self, method: str, token: str, headers: Headers) -> Response:
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("", 405, _HEADERS | {"allow": "GET, HEAD"})
        try:
            found, delivery = await self._database.read(partial(link.find, token=token))
        except Forged:
            return PlainTextResponse("没有这个链接 not found", 404, _HEADERS)
        person = method == "GET" and not _is_machine(headers)
        # The way is free at once; a busy database keeps nobody from where they wanted to go.
        noted = BackgroundTask(self._note, found, delivery) if person else None
        return Response(status_code=302, headers=_HEADERS | {"location": found.ascii_url}, background=noted)

    async def _note(self, found: Link, delivery: int | None) -> None:
        now = self._clock()
        await self._database.run(lambda db: click.record(db, found, delivery, now))


def _is_machine(headers: Headers) -> bool:
    agent = headers.get("user-agent", "")
    return not agent or _MACHINES.search(agent) is not None or any(headers.get(name) for name in _PURPOSES)
