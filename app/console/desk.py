"""What the pages work with, and one visit to one of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.console import cookies
from app.live import Live
from app.passwords import Passwords
from models.clock import Clock
from models.database import Database
from models.operator import Operator, Session

_TEMPLATES = Path(__file__).parent / "templates"
STYLE = (_TEMPLATES / "style.css").read_bytes()
_STYLE_VERSION = hashlib.sha256(STYLE).hexdigest()[:12]


@dataclass(frozen=True)
class Desk:
    """What all pages share."""

    live: Live
    database: Database
    clock: Clock
    passwords: Passwords = field(default_factory=Passwords)
    kept: dict[str, tuple[datetime, Any]] = field(default_factory=dict)  # what costs the database something, for a minute

    def render(self, template: str, **values: object) -> str:
        """The page; every value in it is text, whatever it looks like."""
        zone, folder = self.live.config.zone, f"{self.live.path.parent}/"
        return _ENVIRONMENT.get_template(template).render(
            style=f"/console/style.css?v={_STYLE_VERSION}",
            account=self.live.current.settings.account.name,
            when=lambda at: when(at, zone, self.clock()),
            short=lambda file: file.removeprefix(folder),
            **values,
        )


@dataclass
class Visit:
    """One request to one page, by whom the gate has let in."""

    desk: Desk
    request: Request
    token: str  # of the session, or before there is one that of the form: what form tokens are made from
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The instant it is."""
        return self.desk.clock()

    @property
    def address(self) -> str:
        """Where it comes from."""
        return cookies.address(self.request)

    @property
    def operator(self) -> Operator:
        """Who is signed in. To be asked only on pages with a role."""
        assert self.session is not None  # the gate has seen to that
        return self.session.operator

    @property
    def page_number(self) -> int:
        """Which page of a long list they ask for, from 1."""
        asked = self.request.query_params.get("page", "1")
        return int(asked) if re.fullmatch(r"[1-9][0-9]{0,5}", asked) else 1

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page for this visitor."""
        return HTMLResponse(
            self.desk.render(
                template,
                path=self.request.url.path,
                operator=self.session.operator if self.session else None,
                locked=self.session is not None and self.session.must_set_password,
                csrf=cookies.form_token(self.token),
                **values,
            ),
            status,
        )

    def go(self, path: str) -> Response:
        """Sends them to another page of the console: `/versions`."""
        return RedirectResponse(f"/console{path}", 303)


Answer = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """A page, and who may have it: `role` and those above; None is everybody, and is written out for each page that is."""

    method: str
    path: str
    role: str | None
    answer: Answer
    unfinished: bool = False  # also for whoever must set their password first


def when(at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """An instant as a person reads it, in the account's zone."""
    if at is None:
        return "—"
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"今天 {local:%H:%M}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["ROLE"] = {"viewer": "只看", "editor": "编辑", "admin": "管理员"}
    return made


_ENVIRONMENT = _environment()
