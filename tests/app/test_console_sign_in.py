"""Signing in to the console: who gets in, for how long, who guesses, and what is kept of it."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from app.console.sign_in import MOST
from app.passwords import code_digest, new_code, weakness
from models import operator
from models.database import Database
from tests.app.browser import DEMO, OURS, PASSWORD, Browser, console_of, hire, signed_in
from tests.people import World


def trail(world: World) -> list[tuple[str, str]]:
    """Who did what."""
    return [(row.by, row.action) for row in world.sql("SELECT audit_entry.by, action FROM audit_entry ORDER BY id")]


def compared(world: World) -> int:
    """How often Argon2 was asked."""
    return console_of(world).desk.passwords.compared


def test_whoever_knows_the_password_gets_in_and_out(world: World) -> None:
    hire(world, "小王", "editor")
    browser = Browser(world)
    assert browser.get().headers["location"] == "/console/sign-in"
    assert browser.signs_in(" 小王 ").headers["location"] == "/console"
    assert "小王" in browser.text()
    before = browser.session
    assert browser.send("/sign-out", page="").headers["location"] == "/console/sign-in"
    browser.takes(before)
    assert browser.get().status_code == 303
    assert trail(world) == [("小王", "signed_in"), ("小王", "signed_out")]


@pytest.mark.parametrize(
    ("name", "password"), [("小王", "wrong"), ("小李", PASSWORD), ("", ""), ("小王", ""), ("小王\0", PASSWORD + "\0x")]
)
def test_wrong_names_and_wrong_passwords_get_the_same_answer(world: World, name: str, password: str) -> None:
    hire(world, "小王", "editor")
    answer = Browser(world).signs_in(name, password)
    assert answer.status_code == 403
    assert "名字或密码不对" in answer.text
    assert compared(world) == 1


def test_a_name_that_is_typed_wrong_is_not_written_down(world: World) -> None:
    Browser(world).signs_in("my secret password typed into the wrong field", "x")
    assert trail(world) == [("", "sign_in_failed")]
    assert all("secret" not in repr(row) for row in world.sql("SELECT * FROM audit_entry"))
    assert all("secret" not in repr(row) for row in world.sql("SELECT * FROM attempt"))


def test_nothing_in_the_database_opens_the_console(world: World) -> None:
    browser = signed_in(world, "admin")
    held = {browser.session, browser.http.cookies["yizhan-browser"], PASSWORD}
    for table in ("operator", "operator_session", "operator_browser", "audit_entry", "attempt"):
        kept = repr(world.sql(f"SELECT * FROM {table}"))
        assert not any(secret in kept for secret in held)


# Cookies and sessions


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http(world: World) -> None:
    hire(world, "小王")
    browser = Browser(world, "https://bot.example.com")
    made = [row.lower() for row in browser.signs_in("小王").headers.get_list("set-cookie")]
    session = next(row for row in made if row.startswith("__host-yizhan="))
    for attribute in ("; secure", "; httponly", "; samesite=lax", "; path=/"):
        assert attribute in session
    assert "domain" not in session
    assert "max-age" not in session
    assert browser.get().status_code == 200


def test_the_plain_name_of_the_cookie_counts_on_this_machine_only(world: World) -> None:
    token = signed_in(world, "admin").session
    for base, status in ((DEMO, 200), ("https://bot.example.com", 303), ("http://bot.example.com", 303)):
        assert Browser(world, base).get(headers={"cookie": f"yizhan={token}"}).status_code == status
    behind = {"cookie": f"yizhan={token}", "x-forwarded-proto": "https"}
    assert Browser(world).get(headers=behind).status_code == 303


def test_signing_in_gives_a_new_token_and_ends_the_session_before(world: World) -> None:
    hire(world, "小王")
    victim = Browser(world)
    victim.takes("a-token-that-somebody-planted")
    victim.signs_in("小王")
    first = victim.session
    assert first != "a-token-that-somebody-planted"
    form = {"name": "小王", "password": PASSWORD, "csrf": victim.token()}
    assert victim.request("POST", "/sign-in", data=form, headers=OURS).status_code == 303
    assert victim.session != first
    thief = Browser(world)
    thief.takes(first)
    assert thief.get().status_code == 303


def test_a_session_ends_after_half_an_hour_without_use(world: World) -> None:
    browser = signed_in(world, "admin")
    world.at += timedelta(minutes=29)
    assert browser.get().status_code == 200
    world.at += timedelta(minutes=29)
    assert browser.get().status_code == 200
    world.at += timedelta(minutes=31)
    assert browser.get().status_code == 303


def test_a_session_ends_after_twelve_hours_however_busy(world: World) -> None:
    browser = signed_in(world, "admin")
    for _ in range(24 * 2 - 1):
        world.at += timedelta(minutes=15)
        assert browser.get("/try").status_code == 200, world.at
    world.at += timedelta(minutes=15)
    assert browser.get().status_code == 303


@pytest.mark.parametrize("how", ["disable", "reset", "by hand"])
def test_a_disabled_operator_is_out_with_the_next_request(world: World, how: str) -> None:
    browser = signed_in(world, "admin")
    with world.service.database.transaction() as db:
        if how == "disable":
            operator.disable(db, "admin", world.at)
        elif how == "reset":
            operator.reset(db, "admin", world.at, code=code_digest(new_code()))
        else:
            db.exec_driver_sql("UPDATE operator SET disabled_at = created_at")
    assert browser.get().status_code == 303
    assert browser.signs_in("admin").status_code == 403


def test_a_role_that_was_taken_away_is_gone_with_the_next_request(world: World) -> None:
    browser = signed_in(world, "admin")
    with world.service.database.transaction() as db:
        db.exec_driver_sql("UPDATE operator SET role = 'viewer'")
    assert browser.get("/audit").status_code == 403


# Codes and passwords


def test_a_code_is_good_once_and_only_to_set_a_password(world: World) -> None:
    code = new_code()
    with world.service.database.transaction() as db:
        operator.add(db, "小李", "editor", world.at, code=code_digest(code))
    browser = Browser(world)
    assert browser.signs_in("小李", f" {code.lower().replace('-', ' ')}").headers["location"] == "/console/password"
    assert browser.get().headers["location"] == "/console/password"
    assert browser.get("/findings").headers["location"] == "/console/password"
    assert Browser(world).signs_in("小李", code).status_code == 403
    assert browser.send("/password", new="short", again="short").status_code == 400
    assert browser.send("/password", new="a long walk by the sea", again="a long walk by the bay").status_code == 400
    assert browser.send("/password", new="a long walk by the sea", again="a long walk by the sea").headers["location"] == "/console"
    assert browser.get().status_code == 200
    assert Browser(world).signs_in("小李", "a long walk by the sea").status_code == 303
    assert [action for _, action in trail(world)] == ["code_used", "sign_in_failed", "password_set", "signed_in"]


def test_a_code_ends_after_a_day(world: World) -> None:
    code = new_code()
    with world.service.database.transaction() as db:
        operator.add(db, "小李", "editor", world.at, code=code_digest(code))
    world.at += timedelta(hours=24)
    assert Browser(world).signs_in("小李", code).status_code == 403


def test_a_new_password_wants_the_old_one_and_ends_all_other_sessions(world: World) -> None:
    one = signed_in(world, "admin")
    other = Browser(world)
    other.signs_in("admin")
    new = {"new": "a long walk by the sea", "again": "a long walk by the sea"}
    assert one.send("/password", current="guess", **new).status_code == 400
    assert one.send("/password", current=PASSWORD, **new).headers["location"] == "/console"
    assert one.get().status_code == 200
    assert other.get().status_code == 303
    assert Browser(world).signs_in("admin").status_code == 403


def test_the_old_password_cannot_be_guessed_in_a_browser_left_open(world: World) -> None:
    browser, new = signed_in(world, "admin"), {"new": "a long walk by the sea", "again": "a long walk by the sea"}
    for _ in range(MOST + 3):
        browser.send("/password", current="guess", **new)
    assert compared(world) == 1 + MOST


@pytest.mark.parametrize(
    "password",
    [
        "1234567",
        "12345678",
        "87654321",
        "password1",
        "Password!!",
        "qwertyui",
        "小王123456",
        "aaaaaaaa",
        "a123456",
        "5201314!!",
        "00000000000000",
    ],
)
def test_what_guessers_try_first_is_no_password(password: str) -> None:
    assert weakness(password, "小王")


@pytest.mark.parametrize("password", [PASSWORD, "Xiaowang-Zai-Kan-Hai", "门前大桥下游过一群鸭", "kJ7#mq2!vT"])
def test_what_is_hard_to_guess_is_a_password(password: str) -> None:
    assert weakness(password, "小王") is None


# Guessing


def test_guesses_at_one_name_are_refused_before_they_are_looked_at(world: World) -> None:
    hire(world, "小王", "admin")
    for number in range(60):  # each from another address, and claiming yet another
        stranger = Browser(world, address=f"203.0.113.{number}")
        answer = stranger.signs_in("小王", f"guess {number}")
        assert answer.status_code == (403 if number < MOST else 429)
    assert compared(world) == MOST


def test_guesses_from_one_address_are_refused_whatever_the_name_and_the_headers_say(world: World) -> None:
    hire(world, "小王", "admin")
    stranger = Browser(world, address="203.0.113.9")
    for number in range(60):
        stranger.http.headers.update(
            {"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": f"198.51.100.{number}", "forwarded": f"for=10.0.0.{number}"}
        )
        stranger.signs_in(f"name {number}", "guess")
    assert compared(world) == MOST
    assert Browser(world, address="198.51.100.1").signs_in("小王").status_code == 303


def test_guesses_from_one_network_of_the_sixth_protocol_are_one(world: World) -> None:
    for number in range(30):
        Browser(world, address=f"2001:db8:1:2::{number:x}").signs_in(f"name {number}", "guess")
    assert compared(world) == MOST


def test_many_guesses_at_once_are_counted_like_one_after_another(world: World) -> None:
    hire(world, "小王", "admin")
    browser = Browser(world)
    token = browser.token("/sign-in")

    async def flood() -> list[Any]:
        form = {"name": "小王", "password": "guess", "csrf": token}
        return await asyncio.gather(*(browser.http.post("/console/sign-in", data=form, headers=OURS) for _ in range(100)))

    answers: list[httpx.Response] = world.run(flood())
    assert sum(answer.status_code in (403, 503) for answer in answers) == MOST
    assert compared(world) <= MOST


def test_a_flood_of_guesses_waits_for_no_lock_and_writes_nothing(world: World) -> None:
    browser = Browser(world)
    for _ in range(MOST + 1):
        browser.signs_in("nobody", "guess")
    before = world.sql("SELECT * FROM attempt"), world.sql("SELECT * FROM audit_entry")
    token, other = browser.token("/sign-in"), Database(world.service.database.url.render_as_string(hide_password=False))
    try:
        with other.transaction() as db:
            if not other.is_sqlite:
                db.exec_driver_sql("LOCK TABLE attempt IN EXCLUSIVE MODE")
            began = time.perf_counter()
            for _ in range(30):
                form = {"name": "nobody", "password": "guess", "csrf": token}
                assert browser.request("POST", "/sign-in", data=form, headers=OURS).status_code == 429
            assert time.perf_counter() - began < 2
    finally:
        other.close()
    assert (world.sql("SELECT * FROM attempt"), world.sql("SELECT * FROM audit_entry")) == before


def test_a_browser_is_remembered_once_and_forgotten_after_half_a_year(world: World) -> None:
    own = signed_in(world, "admin")
    for _ in range(3):
        own.send("/sign-out", page="")
        assert own.signs_in("admin").status_code == 303
    assert world.sql("SELECT count(*) FROM operator_browser") == [(1,)]
    world.at += timedelta(days=200)
    Browser(world).signs_in("admin")
    assert world.sql("SELECT at FROM operator_browser") == world.sql("SELECT signed_in_at FROM operator")


def test_the_operators_own_browser_is_not_locked_out_by_others(world: World) -> None:
    own = signed_in(world, "admin")
    own.send("/sign-out", page="")
    for number in range(MOST * 2):
        Browser(world, address=f"203.0.113.{number}").signs_in("admin", "guess")
        Browser(world).signs_in("somebody", "guess")  # behind the proxy everybody has its address
    assert Browser(world).signs_in("admin").status_code == 429
    assert own.signs_in("admin").status_code == 303


def test_the_operators_own_browser_is_no_way_to_guess_either(world: World) -> None:
    own = signed_in(world, "admin")
    own.send("/sign-out", page="")
    for _ in range(30):
        own.signs_in("admin", "guess")
    assert compared(world) == 1 + MOST


def test_a_new_browser_is_let_in_a_quarter_of_an_hour_later(world: World) -> None:
    hire(world, "小王", "admin")
    for number in range(MOST * 2):
        Browser(world, address=f"203.0.113.{number}").signs_in("小王", "guess")
        world.at += timedelta(seconds=20)
    new = Browser(world)
    assert new.signs_in("小王").status_code == 429
    world.at += timedelta(minutes=15)
    assert new.signs_in("小王").status_code == 303


def test_a_code_gets_an_operator_in_whatever_others_guess(world: World) -> None:
    hire(world, "小王", "admin")
    for number in range(MOST * 2):
        Browser(world, address=f"203.0.113.{number}").signs_in("小王", "guess")
    code = new_code()
    with world.service.database.transaction() as db:
        operator.reset(db, "小王", world.at, code=code_digest(code))
    assert Browser(world).signs_in("小王", code).headers["location"] == "/console/password"


def test_a_name_that_exists_takes_as_long_as_one_that_does_not(world: World) -> None:
    hire(world, "小王", "admin")
    browser, took = Browser(world), dict[str, list[float]]()
    token = browser.token("/sign-in")
    for round_ in range(8):
        for name in ("小王", f"nobody {round_}"):
            with world.service.database.transaction() as db:
                db.exec_driver_sql("DELETE FROM attempt")
            began = time.perf_counter()
            browser.request("POST", "/sign-in", data={"name": name, "password": "guess", "csrf": token}, headers=OURS)
            took.setdefault(name[:6], []).append(time.perf_counter() - began)
    known, unknown = (min(values) for values in took.values())
    assert abs(known - unknown) < 0.02, {name: statistics.median(values) for name, values in took.items()}


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_the_database_itself_keeps_the_trail(world: World, statement: str) -> None:
    signed_in(world, "admin")
    with pytest.raises(DBAPIError), world.service.database.transaction() as db:
        db.exec_driver_sql(statement)
    assert trail(world) == [("admin", "signed_in")]
