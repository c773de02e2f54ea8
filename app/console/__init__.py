"""The operators' pages under /console: drawn on the server, without a line of script, and shut to whoever is not let in."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from app.console.desk import Desk
from app.console.gate import routes, wrong_turns
from app.console.headers import guarded
from app.console.pages import PAGES

__all__ = ["PAGES", "Console", "Desk"]


class Console:
    """What is mounted at /console: an ASGI application that answers everything below it, each answer with the headers of `headers`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._app = Starlette(routes=routes(desk, PAGES), exception_handlers=wrong_turns(desk))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = {**scope, "path": scope["path"].rstrip("/")}
        await self._app(scope, receive, guarded(scope, send))
