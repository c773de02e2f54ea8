"""The gate in front of every page: who comes, by which form, and whether they may. Nothing gets past it that the table does not name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.console import cookies
from app.console.desk import Desk, Page, Visit
from app.passwords import TooBusy
from models import operator
from models.operator import Session

MOST_BYTES = 16 * 1024  # of a form
_MOST_FIELDS = 30
SLOWEST = 10.0  # seconds that a form may take to come: nobody need be signed in to send one
_A_MOMENT = 1.0  # seconds
_WORDS = {
    400: "这个请求看不懂。",
    403: "没有权限做这件事。",
    404: "没有这一页。",
    405: "这一页不能这样用。",
    408: "填的内容来得太慢，请再试一次。",
    413: "填的内容太长了。",
    415: "这个请求看不懂。",
    429: "太快了，歇一分钟再来。",
    503: "现在太忙，过几秒再试。",
}
_FORGED = "为了安全，这个操作没有执行：表单不是从本页发出的，或者已经过期。请刷新页面再试一次；不在本机上打开的，网址要以 https 开头。"


def routes(desk: Desk, pages: Sequence[Page]) -> list[Route]:
    """The table as Starlette wants it. What is not in it is not there; HEAD goes where GET goes."""
    return [Route(f"/console{page.path}", _endpoint(desk, page), methods=[page.method]) for page in pages]


def wrong_turns(desk: Desk) -> Mapping[Any, Callable[[Request, Exception], Any]]:
    """How refusals look, and failures: calm, with the reason, and without anything from inside."""

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = _FORGED if getattr(error, "detail", "") == _FORGED else _WORDS.get(status, "出错了，已经记进日志。")
        found = Visit(desk, request, "")
        response = found.page("refused.html", status, number=status, text=text)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    async def busy(request: Request, error: Exception) -> Response:
        return await refused(request, HTTPException(503))

    return {HTTPException: refused, TooBusy: busy, Exception: refused}


def _endpoint(desk: Desk, page: Page) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        if page.method == "POST" and not cookies.from_our_page(request):
            raise HTTPException(403, _FORGED)
        token = cookies.read(request, cookies.SESSION)
        session = await _session(desk, token) if token else None
        made_now = ""
        if session is None:
            token = cookies.read(request, cookies.FORM) or (made_now := cookies.fresh())
        visit = Visit(desk, request, token, session)
        if page.role is not None and (away := _turned_away(visit, page.role, page.unfinished)) is not None:
            return away
        if page.method == "POST":
            visit.form = await _form(request)
            if not cookies.same(visit.form.get("csrf", ""), cookies.form_token(token)):
                raise HTTPException(403, _FORGED)
        response = await page.answer(visit)
        if made_now and page.method == "GET" and response.status_code == 200 and page.path != "/style.css":
            cookies.put(response, request, cookies.FORM, made_now)
        return response

    return endpoint


async def _session(desk: Desk, token: str) -> Session | None:
    now, digest = desk.clock(), cookies.digest(token)
    found = await desk.database.read(lambda db: operator.session(db, digest, now))
    if found is not None and found.to_be_noted:
        noted = desk.database.begin(lambda db: operator.seen(db, digest, now))
        noted.add_done_callback(lambda future: future.cancelled() or future.exception())
        # Not for longer: a locked database must not keep an operator from looking at what is wrong.
        await asyncio.wait([noted], timeout=_A_MOMENT)
    return found


def _turned_away(visit: Visit, role: str, unfinished: bool) -> Response | None:
    """Where they are sent instead, None where they may come in. Raises HTTPException where they may not."""
    if visit.session is None:
        return visit.go("/sign-in")
    if visit.session.must_set_password and not unfinished:
        return visit.go("/password")
    if not visit.operator.may(role):
        raise HTTPException(403)
    return None


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form, the last of each name, as text that any database takes. Raises HTTPException where it is none of ours."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    try:
        async with asyncio.timeout(SLOWEST):
            body = await _body(request)
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")
    except TimeoutError:
        raise HTTPException(408) from None
    except (ValueError, ClientDisconnect):
        raise HTTPException(400) from None
    return {name: text(value) for name, value in pairs}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    return bytes(body)


def text(value: str) -> str:
    """Without NUL, which no PostgreSQL takes, with plain line ends."""
    return value.replace("\0", "").replace("\r\n", "\n")
