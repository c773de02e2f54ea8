"""Signing in and out, and setting a password."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection
from starlette.responses import Response

from app import passwords
from app.console import cookies
from app.console.desk import Visit
from models import attempt, audit, operator
from models.operator import Operator

MOST, WINDOW = 10, timedelta(minutes=15)  # tries in a window, per name and per address
_FULL = "试了太多次。为了安全，请 15 分钟后再试；在曾经登录过的浏览器里可以马上再试。"
_WRONG = "名字或密码不对。"


@dataclass(frozen=True)
class _Claim:
    """Somebody says they are this operator."""

    operator: Operator | None
    known_browser: bool
    buckets: tuple[str, ...]  # what their tries are counted by


async def form(visit: Visit) -> Response:
    """The page to sign in on; whoever has signed in is sent on."""
    return visit.go("") if visit.session else visit.page("sign_in.html", name="", said="")


async def sign_in(visit: Visit) -> Response:
    """A session, or the same refusal after the same time for a wrong name, a wrong password and a disabled account.

    Guesses are counted before the password is looked at, by name and by address; in a browser where this operator has signed in before
    they are counted on their own, so that nobody can lock an operator out by guessing at their name. Codes need no counting.
    """
    name, secret = visit.form.get("name", "").strip(), visit.form.get("password", "")
    claim = await visit.desk.database.read(lambda db: _claimed(db, visit, name))
    if claim.operator is not None and claim.operator.holds_code(passwords.code_digest(secret), visit.now):
        return await _enter(visit, claim, must_set_password=True)
    if not await _let_try(visit, claim):
        return visit.page("sign_in.html", 429, name=name, said=_FULL)
    hashed = claim.operator.password if claim.operator and not claim.operator.disabled else None
    if await visit.desk.passwords.match(secret, hashed):
        return await _enter(visit, claim)
    known = claim.operator.name if claim.operator else ""  # what else was typed there may be a password
    await visit.desk.database.run(lambda db: audit.note(db, known, "sign_in_failed", visit.now, address=visit.address))
    return visit.page("sign_in.html", 403, name=name, said=_WRONG)


def _claimed(db: Connection, visit: Visit, name: str) -> _Claim:
    found, browser = operator.find(db, name), cookies.read(visit.request, cookies.BROWSER)
    if found is not None and operator.knows_browser(db, found, cookies.digest(browser)):
        return _Claim(found, True, (f"browser:{cookies.digest(browser)}",))
    who = hashlib.sha256(operator.key_of(name).encode()).hexdigest()[:40]
    return _Claim(found, False, (f"address:{visit.address}", f"name:{who}"))


async def _let_try(visit: Visit, claim: _Claim) -> bool:
    """Whether one more guess is let through, in all processes together. A flood of them is refused without writing anything."""
    database, now = visit.desk.database, visit.now

    def used_up(db: Connection) -> bool:
        return any(attempt.used_up(db, subject, MOST, WINDOW, now) for subject in claim.buckets)

    def count(db: Connection) -> bool:
        attempt.forget_old(db, now - 2 * WINDOW)
        return all(attempt.allowed(db, subject, MOST, WINDOW, now) for subject in claim.buckets)

    return not await database.read(used_up) and await database.run(count)


async def _enter(visit: Visit, claim: _Claim, *, must_set_password: bool = False) -> Response:
    """A new session in place of whatever the browser held; not where the account was disabled or the code used a moment ago."""
    person, token, before = claim.operator, cookies.fresh(), cookies.read(visit.request, cookies.SESSION)
    assert person is not None
    browser = cookies.read(visit.request, cookies.BROWSER) if claim.known_browser else cookies.fresh()

    def work(db: Connection) -> bool:
        if must_set_password and not operator.take_code(db, person):
            return False
        if not operator.sign_in(db, person, cookies.digest(token), visit.now, must_set_password=must_set_password):
            return False
        operator.sign_out(db, cookies.digest(before))
        operator.remember_browser(db, person, cookies.digest(browser), visit.now)
        if not must_set_password:
            _forgive(db, claim)
        audit.note(db, person.name, "code_used" if must_set_password else "signed_in", visit.now, address=visit.address)
        return True

    if not await visit.desk.database.run(work):
        return visit.page("sign_in.html", 403, name=person.name, said=_WRONG)
    response = visit.go("/password" if must_set_password else "")
    cookies.put(response, visit.request, cookies.SESSION, token)
    cookies.put(response, visit.request, cookies.BROWSER, browser)
    cookies.drop(response, visit.request, cookies.FORM)
    return response


def _forgive(db: Connection, claim: _Claim) -> None:
    for subject in claim.buckets:
        if subject.startswith("address:"):  # others there may be guessing still
            attempt.give_back(db, subject)
        else:
            attempt.forget(db, subject)


async def sign_out(visit: Visit) -> Response:
    """The session is over, here and in the database."""

    def work(db: Connection) -> None:
        operator.sign_out(db, cookies.digest(visit.token))
        audit.note(db, visit.operator.name, "signed_out", visit.now, address=visit.address)

    await visit.desk.database.run(work)
    response = visit.go("/sign-in")
    cookies.drop(response, visit.request, cookies.SESSION)
    return response


async def password_form(visit: Visit) -> Response:
    """The page to set a password on."""
    return visit.page("password.html", said="")


async def set_password(visit: Visit) -> Response:
    """The new password holds, every session of before is over, and this browser has a new one."""
    new, person = visit.form.get("new", ""), visit.operator
    assert visit.session is not None
    first = visit.session.must_set_password
    why = passwords.weakness(new, person.name) or ("两次输入的不一样。" if new != visit.form.get("again", "") else "")
    if not why and not first:
        why = await _not_theirs(visit)
    if why:
        return visit.page("password.html", 400, said=why)
    hashed, token = await visit.desk.passwords.hash(new), cookies.fresh()

    def work(db: Connection) -> bool:
        changed = operator.set_password(db, person, hashed, visit.now) and operator.sign_in(db, person, cookies.digest(token), visit.now)
        if changed:
            audit.note(db, person.name, "password_set", visit.now, address=visit.address)
        return changed

    if not await visit.desk.database.run(work):
        return visit.go("/sign-in")
    response = visit.go("")
    cookies.put(response, visit.request, cookies.SESSION, token)
    return response


async def _not_theirs(visit: Visit) -> str:
    """Why the old password does not do; "" where it does. A browser left open is no way to guess it."""
    subject, now = f"password:{visit.operator.id}", visit.now
    if not await visit.desk.database.run(lambda db: attempt.allowed(db, subject, MOST, WINDOW, now)):
        return _FULL
    if not await visit.desk.passwords.match(visit.form.get("current", ""), visit.operator.password):
        return "现在的密码不对。"
    return ""
