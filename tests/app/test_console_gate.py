"""The console's gate: every page against every role, forged forms, the headers of every answer, and nonsense."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from app.console import PAGES, gate
from app.console.desk import Page
from app.console.gate import MOST_BYTES
from app.console.headers import HEADERS
from models.operator import ROLES
from tests.app.browser import DEMO, OURS, Browser, console_of, signed_in
from tests.people import World

FORMS = [page for page in PAGES if page.method == "POST"]


def path_of(page: Page) -> str:
    """An address that the page answers."""
    return re.sub(r"\{\w+:int\}", "7", page.path).replace("{version}", "0123456789ab")


def visit(browser: Browser, page: Page) -> int:
    """The page is asked for as our own pages do. Returns the status."""
    form = {"data": {"csrf": browser.token("/password") if browser.get("/password").status_code == 200 else ""}, "headers": OURS}
    return browser.request(page.method, path_of(page), **(form if page.method == "POST" else {})).status_code


def test_every_route_is_in_the_table_with_a_role_that_exists(world: World) -> None:
    routes = {(method, route.path) for route in console_of(world)._app.routes for method in route.methods - {"HEAD"}}  # type: ignore[attr-defined]
    assert routes == {(page.method, f"/console{page.path}") for page in PAGES}
    assert {page.role for page in PAGES} <= {None, *ROLES}
    assert {(page.method, page.path) for page in PAGES if page.role is None} == {
        ("GET", "/style.css"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_page_is_for_its_role_and_those_above(world: World, role: str) -> None:
    browser = signed_in(world, role)
    for page in sorted(PAGES, key=lambda page: page.path in ("/sign-in", "/sign-out")):  # what ends the session comes last
        too_low = page.role is not None and ROLES.index(role) < ROLES.index(page.role)
        status = visit(browser, page)
        assert (status == 403) == too_low or page.path == "/sign-in", f"{role}: {page.method} {page.path}"
        assert status < 500


def test_whoever_is_not_signed_in_is_sent_to_the_door(world: World) -> None:
    for page in PAGES:
        answer = Browser(world).request(page.method, path_of(page), headers=OURS)
        if page.role is not None:
            assert (answer.status_code, answer.headers.get("location")) == (303, "/console/sign-in"), f"{page.method} {page.path}"


def test_a_page_that_is_not_in_the_table_is_not_there(world: World) -> None:
    browser = signed_in(world, "admin")
    for path in ("/operators", "/%2e%2e/healthz", "/style.css.map", "/versions/a/b/c", "/findings/-1", "/findings/1e3"):
        assert browser.get(path).status_code == 404
    assert browser.request("DELETE", "/findings").status_code == 405


FORGERIES = [
    ("from another site", {"sec-fetch-site": "cross-site"}, True),
    ("from a sibling's site", {"sec-fetch-site": "same-site"}, True),
    ("by a link", {"sec-fetch-site": "none"}, True),
    ("from another origin", {"origin": "https://evil.example"}, True),
    ("from a frame without an origin", {"origin": "null"}, True),
    ("without saying from where", {}, True),
    ("with another host's origin", {"origin": "http://127.0.0.1:9999"}, True),
    ("without the token", OURS, False),
]


@pytest.mark.parametrize("page", FORMS, ids=lambda page: page.path)
def test_a_forged_form_changes_nothing(world: World, page: Page) -> None:
    browser = signed_in(world, "admin")
    entries = world.sql("SELECT count(*) FROM audit_entry")
    form = {"verdict": "pass", "name": "x", "password": "y", "words": "签到", "new": "abcdefgh1234", "again": "abcdefgh1234"}
    for what, headers, rightly in FORGERIES:
        token = browser.token("/password") if rightly else "0" * 64
        answer = browser.request("POST", path_of(page), data={**form, "csrf": token}, headers=headers)
        assert answer.status_code == 403, what
        assert world.sql("SELECT count(*) FROM audit_entry") == entries, what
        assert browser.get().status_code == 200, what


def test_the_token_of_one_session_is_none_in_another(world: World) -> None:
    one, other = signed_in(world, "admin", "甲"), signed_in(world, "admin", "乙")
    answer = one.request("POST", "/sign-out", data={"csrf": other.token()}, headers=OURS)
    assert answer.status_code == 403
    assert one.get().status_code == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "text/plain"}, b"csrf=1", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=" + b"x" * MOST_BYTES, 413),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&".join(b"a=1" for _ in range(1000)), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, "名=字".encode(), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"", 403),
    ],
)
def test_a_body_that_is_no_form_of_ours_is_refused(world: World, headers: dict[str, str], body: bytes, status: int) -> None:
    browser = signed_in(world, "admin")
    assert browser.request("POST", "/try", headers={**OURS, **headers}, content=body).status_code == status


def test_what_only_looks_changes_nothing(world: World) -> None:
    browser = signed_in(world, "admin")
    tables = (
        [name for (name,) in world.sql("SELECT name FROM sqlite_master WHERE type = 'table'")] if world.service.database.is_sqlite else []
    )
    tables = tables or ["operator", "operator_session", "operator_browser", "attempt", "audit_entry", "finding", "rule_version"]

    def dump() -> list[object]:
        return [(name, sorted(map(repr, world.sql(f'SELECT * FROM "{name}"')))) for name in tables]

    before = dump()
    for page in PAGES:
        if page.method == "GET":
            browser.get(path_of(page))
    assert dump() == before


def answers(world: World) -> Iterator[tuple[str, object]]:
    """One answer of every kind."""
    for browser in (Browser(world), signed_in(world, "viewer")):
        for page in PAGES:
            yield f"{page.method} {page.path}", browser.request(page.method, path_of(page))
            yield f"{page.method} {page.path} from here", browser.request(page.method, path_of(page), headers=OURS)
        for path in ("/", "/nothing", "/sign-in/"):
            yield path, browser.get(path)
        yield "DELETE", browser.request("DELETE", "")


def test_every_answer_carries_the_headers(world: World) -> None:
    for name, answer in answers(world):
        headers = answer.headers  # type: ignore[attr-defined]
        for key, value in HEADERS.items():
            if not (key == "cache-control" and ".css" in name and headers.get("content-type", "").startswith("text/css")):
                assert headers.get(key) == value, f"{name}: {key}"
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy


def test_a_failure_shows_nothing_from_inside_and_carries_the_headers(world: World) -> None:
    browser = signed_in(world, "admin")
    with world.service.database.transaction() as db:
        db.exec_driver_sql("ALTER TABLE audit_entry RENAME TO gone")
    answer = browser.get("/audit")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "audit_entry" not in answer.text
    assert "Traceback" not in answer.text


def test_no_page_needs_anything_from_elsewhere(world: World) -> None:
    browser = signed_in(world, "admin")
    for page in PAGES:
        if page.method == "GET":
            body = browser.get(path_of(page)).text
            assert not re.search(r"(src|href|action)=\"(?!/console|#main)", body), page.path
            assert "<script" not in body
            assert "style=" not in body


@pytest.mark.parametrize(("then", "status"), [("goes away", 400), ("says nothing more", 408)])
def test_a_form_that_never_comes_whole_is_given_up_calmly(world: World, monkeypatch: pytest.MonkeyPatch, then: str, status: int) -> None:
    monkeypatch.setattr(gate, "SLOWEST", 0.05)
    pushed: Iterator[Message] = iter([{"type": "http.request", "body": b"name=a", "more_body": True}])
    said: list[Message] = []

    async def receive() -> Message:
        for part in pushed:
            return part
        if then != "goes away":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"host", b"127.0.0.1:8000"), (b"sec-fetch-site", b"same-origin"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/console/sign-in", "headers": headers, "query_string": b"", "scheme": "http"}
    world.run(console_of(world)({**scope, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000)}, receive, send))
    assert said[0]["status"] == status


NONSENSE = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize("page", [page for page in PAGES if page.role], ids=lambda page: f"{page.method} {page.path or '/'}")
def test_nonsense_is_never_our_failure(world: World, page: Page) -> None:
    browser = signed_in(world, "admin")
    token = browser.token("/password")
    fields = ["words", "how", "openid", "at", "tags", "level", "points", "verdict", "with", "days", "all", "current"]

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.dictionaries(st.sampled_from(fields) | NONSENSE, NONSENSE, max_size=6),
        st.dictionaries(st.sampled_from(fields), NONSENSE, max_size=3),
        st.lists(st.tuples(st.sampled_from(["yizhan", "__Host-yizhan", "yizhan-form"]), st.binary(max_size=80)), max_size=2),
    )
    def fuzz(form: dict[str, str], query: dict[str, str], cookies: list[tuple[str, bytes]]) -> None:
        if page.path != "/sign-out":
            more = {"data": {**form, "csrf": token}} if page.method == "POST" else {}
            assert browser.request(page.method, path_of(page), params=query, headers=OURS, **more).status_code < 500
        odd = [(b"cookie", name.encode() + b"=" + value.replace(b"\r", b"").replace(b"\n", b"")) for name, value in cookies]
        stranger = Browser(world, DEMO)
        assert (
            stranger.request(page.method, path_of(page), params=query, headers=[*odd, (b"sec-fetch-site", b"same-origin")]).status_code
            < 500
        )

    fuzz()
