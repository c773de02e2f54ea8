"""An operator's browser: it keeps cookies, sends what a browser sends, and reads pages as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import httpx

from app.console import Console
from app.passwords import hash_of
from models import operator
from tests.people import World

PASSWORD = "correct horse battery"
_HASHED = hash_of(PASSWORD)
OURS: Mapping[str, str] = {"sec-fetch-site": "same-origin"}
DEMO = "http://127.0.0.1:8000"


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(" ".join(self.words).split())


class Browser:
    """One browser of an operator of this world's service; `base` is what stands in its address bar."""

    def __init__(self, world: World, base: str = DEMO, address: str = "127.0.0.1") -> None:
        self.world = world
        transport = httpx.ASGITransport(world.app, raise_app_exceptions=False, client=(address, 40000))
        self.http = httpx.AsyncClient(transport=transport, base_url=base)

    def get(self, path: str = "", **more: Any) -> httpx.Response:
        """A page below /console."""
        return self.request("GET", path, **more)

    def request(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """Any request below /console."""
        answer: httpx.Response = self.world.run(self.http.request(method, f"/console{path}", **more))
        return answer

    @property
    def session(self) -> str:
        """What the browser holds of its session."""
        return self.http.cookies["yizhan"]

    def takes(self, session: str) -> None:
        """Somebody puts this session into the browser."""
        self.http.cookies.set("yizhan", session, domain="127.0.0.1", path="/")

    def token(self, page: str = "") -> str:
        """The token in the forms of this page."""
        found = re.search(r'name="csrf" value="(\w+)"', self.get(page).text)
        assert found, "no form on that page"
        return found[1]

    def send(self, path: str, page: str | None = None, **form: str) -> httpx.Response:
        """A form of this page (of the one with the same address, where none is named), filled in and sent."""
        token = self.token(path if page is None else page)
        return self.request("POST", path, data={**form, "csrf": token}, headers=OURS)

    def signs_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """They try to sign in."""
        return self.send("/sign-in", name=name, password=password)

    def text(self, path: str = "") -> str:
        """What a person reads on a page."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return Page(answer.text).text


def hire(world: World, name: str, role: str = "viewer") -> None:
    """There is an operator with PASSWORD."""
    with world.service.database.transaction() as db:
        operator.add(db, name, role, world.at, password=_HASHED)


def signed_in(world: World, role: str, name: str = "") -> Browser:
    """The browser of a new operator in this role, signed in."""
    hire(world, name or role, role)
    browser = Browser(world)
    assert browser.signs_in(name or role).status_code == 303
    return browser


def console_of(world: World) -> Console:
    """The console of this world's service."""
    console = world.app.console
    assert console is not None
    return console
