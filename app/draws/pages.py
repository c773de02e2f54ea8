"""The public pages under /draws: what a lottery promised, what became of every draw, and how anybody checks it. Nobody signs in."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.console.headers import guarded
from app.draws.document import document, row
from app.live import Live
from handlers.lottery.section import LotteriesSection
from handlers.lottery.terms import chances, period
from handlers.lottery.wording import LotteryWording
from models import lottery
from models.clock import Clock
from models.database import Database
from models.lottery import Listed, Published
from models.prize import percent
from models.reward import promised

_HERE = Path(__file__).parent
STYLE, SCRIPT = (_HERE / "style.css").read_bytes(), (_HERE / "verify.py").read_bytes()
_ON_A_PAGE, _AT_ONCE = 100, 2000
_PAGES = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_FOR_ALL = {"x-robots-tag": "all", "cross-origin-resource-policy": "cross-origin", "access-control-allow-origin": "*"}


class Draws:
    """What is mounted at /draws: an ASGI application; its answers tell tickets, never who they belong to."""

    def __init__(self, live: Live, database: Database, clock: Clock) -> None:
        self._live, self._database, self._clock = live, database, clock
        self._app = Starlette(
            routes=[
                Route("/draws", self._all),
                Route("/draws/style.css", partial(_file, STYLE, "text/css")),
                Route("/draws/verify.py", partial(_file, SCRIPT, "text/x-python")),
                Route("/draws/{key}.json", self._json),
                Route("/draws/{key}.csv", self._csv),
                Route("/draws/{key}", self._one),
            ],
            exception_handlers={HTTPException: self._lost},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "path": scope["path"].rstrip("/")}, receive, guarded(scope, send))

    # Pages

    async def _all(self, request: Request) -> Response:
        found = await self._database.read(lottery.published)
        return self._page("list.html", lotteries=[(one, _state(one, self._clock())) for one in found])

    async def _one(self, request: Request) -> Response:
        found, asked = await self._found(request), request.query_params
        after, ticket = _number(asked.get("after", "0")), asked.get("ticket", "").strip().lower()[:16]
        prizes = await self._database.read(lambda db: lottery.progress(db, found))
        look: Callable[[Connection], list[Listed]] = lambda db: lottery.listed(db, found.key, after, _ON_A_PAGE, ticket=ticket)  # noqa: E731
        draws, config, rules = await self._database.read(look), self._live.config, found.rules
        section = config.get(LotteriesSection)
        written = next((one for one in section.root if one.key == found.key), None) if section else None
        words = written.replies if written else LotteryWording()
        return self._page(
            "page.html",
            one=found,
            rules=rules,
            state=_state(found, self._clock()),
            period=period(rules, words.now, config.zone),
            chances=chances(rules, words),
            prizes=[(one.prize, percent(one.prize.odds), promised(config, one.prize.reward), one.won, one.claimed) for one in prizes],
            consolation=promised(config, rules.consolation),
            names={prize.key: prize.name for prize in rules.prizes},
            draws=draws,
            after=after,
            ticket=ticket,
            more=not ticket and len(draws) == _ON_A_PAGE and draws[-1].number < found.draws,
            script_hash=hashlib.sha256(SCRIPT).hexdigest(),
            every=_ON_A_PAGE,
            address=(written.page if written else None) or f"{request.url.scheme}://{request.url.netloc}/draws/{found.key}",
        )

    def _page(self, template: str, **values: object) -> Response:
        zone = self._live.config.zone

        def when(at: datetime | None) -> str:
            return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else "—"

        account = self._live.current.settings.account.name
        return HTMLResponse(_PAGES.get_template(template).render(account=account, when=when, **values), headers=_FOR_ALL)

    # Downloads

    async def _json(self, request: Request) -> Response:
        found = await self._found(request)
        return self._download(found, "application/json", self._as_json(found))

    async def _csv(self, request: Request) -> Response:
        found = await self._found(request)
        return self._download(found, "text/csv; charset=utf-8", self._as_csv(found))

    def _download(self, found: Published, kind: str, parts: AsyncIterator[str]) -> Response:
        keep = "public, max-age=3600" if found.revealed_at else "no-cache"
        return StreamingResponse(parts, media_type=kind, headers={**_FOR_ALL, "cache-control": keep})

    async def _as_json(self, found: Published) -> AsyncIterator[str]:
        yield json.dumps(document(found), ensure_ascii=False)[:-1] + ', "list": [\n'
        between = ""
        async for part in self._parts(found):
            yield between + ",\n".join(json.dumps(row(one), ensure_ascii=False) for one in part)
            between = ",\n"
        yield "\n]}\n"

    async def _as_csv(self, found: Published) -> AsyncIterator[str]:
        yield "number,at,ticket,fell_on,prize\n"
        async for part in self._parts(found):
            written = io.StringIO()
            csv.writer(written, lineterminator="\n").writerows(row(one) for one in part)
            yield written.getvalue()

    async def _parts(self, found: Published) -> AsyncIterator[list[Listed]]:
        """The draws that there were when the download began."""
        after = 0
        while after < found.draws:
            look = partial(lottery.listed, key=found.key, after=after, most=min(_AT_ONCE, found.draws - after))
            part = await self._database.read(look)
            if not part:
                return
            yield part
            after = part[-1].number

    async def _found(self, request: Request) -> Published:
        key = request.path_params["key"]
        found = await self._database.read(lambda db: lottery.published(db, key))
        if not found:
            raise HTTPException(404)
        return found[0]

    async def _lost(self, request: Request, error: Exception) -> Response:
        page = self._page("lost.html")
        page.status_code = error.status_code if isinstance(error, HTTPException) else 500
        return page


def _state(one: Published, now: datetime) -> tuple[str, str]:
    """How far it is: a word for the style sheet, and words."""
    if one.revealed_at is not None:
        return "over", "已提前结束，种子已公开" if one.ended_early else "已结束，种子已公开"
    if one.begins_at is not None and now < one.begins_at:
        return "soon", "还没开始"
    return ("on", "进行中") if now < one.ends_at else ("soon", "已结束，种子即将公开")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def _file(data: bytes, kind: str, request: Request) -> Response:
    return Response(data, media_type=f"{kind}; charset=utf-8", headers={**_FOR_ALL, "cache-control": "public, max-age=300"})
