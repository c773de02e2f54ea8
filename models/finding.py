"""Findings: words that must not appear, found in what a follower said or in what we were about to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, Column, Connection, Index, String, Table, Text, UniqueConstraint, bindparam, select, update

from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.follower import followers
from models.refusal import Refusal

DIRECTIONS = ("heard", "said")
STATES = ("noted", "open", "passed", "dismissed")
Direction = Literal["heard", "said"]
Verdict = Literal["passed", "dismissed"]

findings = Table(
    "finding",
    metadata,
    identity(),
    Column("key", String(220), nullable=False),  # the inbound message's key: of all its copies, one is counted
    Column("direction", String(10), nullable=False),
    follower_id(),
    Column("word", String(200), nullable=False),  # as it stands in the list
    Column("action", String(10), nullable=False),  # block | queue | log
    Column("text", Text, nullable=False),  # the whole of what was said
    Column("state", String(10), nullable=False),  # open: waits for an operator
    Column("at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", String(100)),
    UniqueConstraint("key", "direction", "word"),
    CheckConstraint(f"direction IN {DIRECTIONS}", name="direction"),
    CheckConstraint(f"state IN {STATES}", name="state"),
)
Index("ix_finding_open", findings.c.id, sqlite_where=findings.c.state == "open", postgresql_where=findings.c.state == "open")


class UnknownFinding(Refusal):
    """There is no finding of this number. Details: finding."""


class AlreadySettled(Refusal):
    """An operator has said what it is, or it waits for nobody. Details: finding, state, by."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as an operator sees it."""

    id: int
    direction: str
    openid: str | None  # None: said to nobody in particular, or to somebody who is erased
    word: str
    action: str
    text: str
    state: str
    at: datetime
    settled_at: datetime | None
    settled_by: str | None


_NOTE = Hot(
    insert(findings)
    .values({name: bindparam(name) for name in ("key", "direction", "follower_id", "word", "action", "text", "state", "at")})
    .on_conflict_do_nothing(index_elements=[findings.c.key, findings.c.direction, findings.c.word])
    .returning(findings.c.id)
)
_LISTED = (
    select(
        findings.c.id,
        findings.c.direction,
        followers.c.openid,
        findings.c.word,
        findings.c.action,
        findings.c.text,
        findings.c.state,
        findings.c.at,
        findings.c.settled_at,
        findings.c.settled_by,
    )
    .outerjoin_from(findings, followers, findings.c.follower_id == followers.c.id)
    .limit(bindparam("most"))
)
_WAITING = _LISTED.where(findings.c.state == "open").order_by(findings.c.id)
_NEWEST = _LISTED.order_by(findings.c.id.desc())
_SETTLE = (
    update(findings)
    .where(findings.c.id == bindparam("finding"), findings.c.state == "open")
    .values(state=bindparam("verdict"), settled_by=bindparam("by"), settled_at=bindparam("now"))
)


def note(db: Connection, key: str, direction: Direction, follower: int | None, word: str, action: str, text: str, now: datetime) -> bool:
    """Afterwards the finding is there, once for the message, the direction and the word; with `queue` it waits for an operator.

    Returns whether it is new.
    """
    values = {"key": key, "direction": direction, "follower_id": follower, "word": word, "action": action, "text": text}
    return _NOTE.value(db, **values, state="open" if action == "queue" else "noted", at=now) is not None


def waiting(db: Connection, most: int = 1000) -> list[Finding]:
    """Those that wait for an operator, the oldest first."""
    return _read(db.execute(_WAITING, {"most": most}).all())


def newest(db: Connection, most: int = 1000) -> list[Finding]:
    """All of them, the newest first."""
    return _read(db.execute(_NEWEST, {"most": most}).all())


def _read(rows: Sequence[object]) -> list[Finding]:
    return [Finding(*row) for row in rows]  # type: ignore[misc]


def settle(db: Connection, finding: int, verdict: Verdict, by: str, now: datetime) -> None:
    """Afterwards the finding waits no longer. Of two operators at once one settles it; the other is told by AlreadySettled."""
    if db.execute(_SETTLE, {"finding": finding, "verdict": verdict, "by": by[:100], "now": now}).rowcount:
        return
    row = db.execute(select(findings.c.state, findings.c.settled_by).where(findings.c.id == finding)).one_or_none()
    if row is None:
        raise UnknownFinding(finding=finding)
    raise AlreadySettled(finding=finding, state=row.state, by=row.settled_by)
