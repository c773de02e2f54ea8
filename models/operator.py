"""Operators: who may use the console, in which role, and their sessions. Nothing here can be turned back into a password or a cookie."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from models.base import Id, Instant, identity, metadata
from models.base import insert as insert_once
from models.refusal import Refusal

ROLES = ("viewer", "editor", "admin")  # each may do what those before it may
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
CODE_LIVES = timedelta(hours=24)
_SEEN_EVERY = timedelta(minutes=1)  # a session's last use is written down so often, and not with every page
_FORGOTTEN = timedelta(days=180)
LONGEST_NAME = 40  # characters

operators = Table(
    "operator",
    metadata,
    identity(),
    Column("key", String(80), nullable=False, unique=True),  # the name as it is compared
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("role", String(10), nullable=False),
    Column("password", String(200)),  # Argon2's own notation; NULL: none was set yet
    Column("code", String(64)),  # SHA-256 of a code that may be used once instead of it
    Column("code_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("signed_in_at", Instant),
    Column("disabled_at", Instant),
    CheckConstraint(f"role IN {ROLES}", name="role"),
)

sessions = Table(
    "operator_session",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256 of what the cookie holds
    Column("operator_id", Id, ForeignKey("operator.id"), nullable=False, index=True),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("must_set_password", Boolean, nullable=False, server_default=false()),  # begun with a code: good for that and nothing else
)

# A browser in which somebody has signed in before: guesses made elsewhere at their name do not keep them out of it.
browsers = Table(
    "operator_browser",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256 of what the cookie holds
    Column("operator_id", Id, ForeignKey("operator.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
)


class OperatorExists(Refusal):
    """The name is taken."""


class NoSuchOperator(Refusal):
    """Nobody has this name."""


class UnusableName(Refusal):
    """Empty, too long, or with blanks or invisible characters in it."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator as the console's gate sees them."""

    id: int
    name: str
    role: str
    password: str | None
    code: str | None
    code_until: datetime | None
    disabled: bool

    def may(self, role: str) -> bool:
        """Whether they may do what this role may."""
        return not self.disabled and ROLES.index(self.role) >= ROLES.index(role)

    def holds_code(self, code: str, now: datetime) -> bool:
        """Whether this is the digest of their one-time code, and in time."""
        return not self.disabled and self.code == code and self.code_until is not None and now < self.code_until


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is good at this moment, and whose it is."""

    operator: Operator
    must_set_password: bool
    to_be_noted: bool  # `seen` is due


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator as a list shows them."""

    name: str
    role: str
    state: str  # active | invited (no password yet) | disabled
    created_at: datetime
    signed_in_at: datetime | None
    sessions: int


def key_of(name: str) -> str:
    """What names are compared by: full and half width, upper and lower case alike."""
    return unicodedata.normalize("NFKC", name).strip().casefold()[:80]


_facts = [operators.c[name] for name in ("id", "name", "role", "password", "code", "code_until", "disabled_at")]
_FIND = select(*_facts).where(operators.c.key == bindparam("which"))
_SESSION = (
    select(*_facts, sessions.c.must_set_password, sessions.c.seen_at)
    .join_from(sessions, operators)
    .where(sessions.c.token == bindparam("which"), operators.c.disabled_at.is_(None))
    .where(sessions.c.seen_at > bindparam("idle", type_=Instant), sessions.c.began_at > bindparam("oldest", type_=Instant))
)
_SEEN = (
    update(sessions)
    .where(sessions.c.token == bindparam("which"), sessions.c.seen_at < bindparam("now", type_=Instant))
    .values(seen_at=bindparam("now", type_=Instant))
)
_OVER = delete(sessions).where(
    or_(sessions.c.seen_at <= bindparam("idle", type_=Instant), sessions.c.began_at <= bindparam("oldest", type_=Instant))
)
_TAKE_CODE = (
    update(operators)
    .where(operators.c.id == bindparam("who"), operators.c.code == bindparam("held"), operators.c.disabled_at.is_(None))
    .values(code=None, code_until=None)
)


def find(db: Connection, name: str) -> Operator | None:
    """The operator of this name, disabled or not."""
    row = db.execute(_FIND, {"which": key_of(name)}).one_or_none()
    return _read(row) if row else None


def _read(row: Any) -> Operator:
    return Operator(row.id, row.name, row.role, row.password, row.code, row.code_until, row.disabled_at is not None)


def add(db: Connection, name: str, role: str, now: datetime, *, password: str | None = None, code: str | None = None) -> None:
    """The operator exists, with a password or with a code to set one. Raises UnusableName, OperatorExists."""
    name = unicodedata.normalize("NFC", name)
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or any(map(str.isspace, name)) or not key_of(name):
        raise UnusableName(name=name)
    made = insert_once(operators).values(
        key=key_of(name), name=name, role=role, password=password, code=code, code_until=code and now + CODE_LIVES, created_at=now
    )
    if db.execute(made.on_conflict_do_nothing(index_elements=[operators.c.key]).returning(operators.c.id)).scalar() is None:
        raise OperatorExists(name=name)


def disable(db: Connection, name: str, now: datetime) -> None:
    """They cannot sign in, and none of their sessions is good any more. Raises NoSuchOperator."""
    _change(db, name, disabled_at=now, code=None, code_until=None)


def reset(
    db: Connection, name: str, now: datetime, *, password: str | None = None, code: str | None = None, role: str | None = None
) -> None:
    """Only this password or code opens their account, which is enabled; their sessions are over. Raises NoSuchOperator."""
    values: dict[str, object] = {"role": role} if role else {}
    _change(db, name, password=password, code=code, code_until=code and now + CODE_LIVES, disabled_at=None, **values)


def _change(db: Connection, name: str, **values: object) -> None:
    who = db.execute(update(operators).where(operators.c.key == key_of(name)).values(**values).returning(operators.c.id)).scalar()
    if who is None:
        raise NoSuchOperator(name=name)
    for table in (sessions, browsers):
        db.execute(delete(table).where(table.c.operator_id == who))


def set_password(db: Connection, operator: Operator, password: str, now: datetime) -> bool:
    """This is their password, and all their sessions are over; False where they changed or were disabled in the meantime."""
    unchanged = operators.c.password == operator.password if operator.password else operators.c.password.is_(None)
    changed = update(operators).where(operators.c.id == operator.id, unchanged, operators.c.disabled_at.is_(None))
    if db.execute(changed.values(password=password, code=None, code_until=None)).rowcount != 1:
        return False
    db.execute(delete(sessions).where(sessions.c.operator_id == operator.id))
    return True


def take_code(db: Connection, operator: Operator) -> bool:
    """True for exactly one caller: the code is used up."""
    return db.execute(_TAKE_CODE, {"who": operator.id, "held": operator.code}).rowcount == 1


def sign_in(db: Connection, operator: Operator, token: str, now: datetime, *, must_set_password: bool = False) -> bool:
    """A session under the digest of a fresh token; those that are over are cleared away. False where they were disabled meanwhile."""
    enabled = and_(operators.c.id == operator.id, operators.c.disabled_at.is_(None))
    if db.execute(update(operators).where(enabled).values(signed_in_at=now)).rowcount != 1:
        return False
    db.execute(_OVER, {"idle": now - IDLE, "oldest": now - LONGEST})
    db.execute(
        insert(sessions).values(token=token, operator_id=operator.id, began_at=now, seen_at=now, must_set_password=must_set_password)
    )
    return True


def session(db: Connection, token: str, now: datetime) -> Session | None:
    """Whose session this is, if it is good: not idle for half an hour, not older than twelve, and its operator not disabled."""
    row = db.execute(_SESSION, {"which": token, "idle": now - IDLE, "oldest": now - LONGEST}).one_or_none()
    if row is None:
        return None
    return Session(_read(row), row.must_set_password, now - row.seen_at >= _SEEN_EVERY)


def seen(db: Connection, token: str, now: datetime) -> None:
    """The session was used at this instant."""
    db.execute(_SEEN, {"which": token, "now": now})


def sign_out(db: Connection, token: str) -> None:
    """The session is no more."""
    db.execute(delete(sessions).where(sessions.c.token == token))


def remember_browser(db: Connection, operator: Operator, token: str, now: datetime) -> None:
    """They have signed in in this browser; browsers in which nobody has for half a year are forgotten."""
    db.execute(delete(browsers).where(browsers.c.at < now - _FORGOTTEN))
    made = insert_once(browsers).values(token=token, operator_id=operator.id, at=now)
    db.execute(made.on_conflict_do_update(index_elements=[browsers.c.token], set_={"operator_id": operator.id, "at": now}))


def knows_browser(db: Connection, operator: Operator | None, token: str) -> bool:
    """Whether they have signed in in this browser before."""
    if operator is None or not token:
        return False
    found = select(browsers.c.at).where(browsers.c.token == token, browsers.c.operator_id == operator.id)
    return db.execute(found).scalar() is not None


def listed(db: Connection, now: datetime) -> list[Listed]:
    """All operators by name, with the number of sessions that are good now."""
    good = and_(sessions.c.operator_id == operators.c.id, sessions.c.seen_at > now - IDLE, sessions.c.began_at > now - LONGEST)
    number = select(func.count()).select_from(sessions).where(good).scalar_subquery()
    rows = db.execute(select(operators, number.cast(Integer).label("sessions")).order_by(operators.c.key))
    return [
        Listed(row.name, row.role, _state(row), row.created_at, row.signed_in_at, 0 if row.disabled_at else row.sessions) for row in rows
    ]


def _state(row: Any) -> str:
    if row.disabled_at is not None:
        return "disabled"
    return "active" if row.password else "invited"
