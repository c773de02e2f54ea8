"""Attempts: how often something was tried in a window of time, so that the next try can be refused, in whichever process it is made."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, bindparam, case, delete, or_, select, update

from models.base import Instant, insert, metadata

attempts = Table(
    "attempt",
    metadata,
    Column("subject", String(120), primary_key=True),  # `name:…`, `address:…`: what is tried, or from where
    Column("began_at", Instant, nullable=False, index=True),  # the window's first try
    Column("count", Integer, nullable=False),
    CheckConstraint("count >= 0", name="not_negative"),
)

_first = insert(attempts).values(subject=bindparam("what"), began_at=bindparam("now", type_=Instant), count=1)
_over = attempts.c.began_at <= bindparam("gone", type_=Instant)
_TRY = _first.on_conflict_do_update(
    index_elements=[attempts.c.subject],
    set_={
        "count": case((_over, 1), else_=attempts.c.count + 1),
        "began_at": case((_over, _first.excluded.began_at), else_=attempts.c.began_at),
    },
    where=or_(_over, attempts.c.count < bindparam("most", type_=Integer)),
).returning(attempts.c.count)
_USED_UP = select(attempts.c.count).where(
    attempts.c.subject == bindparam("what"),
    attempts.c.began_at > bindparam("gone", type_=Instant),
    attempts.c.count >= bindparam("most", type_=Integer),
)
_GIVE_BACK = update(attempts).where(attempts.c.subject == bindparam("what"), attempts.c.count > 0).values(count=attempts.c.count - 1)
_FORGET = delete(attempts).where(attempts.c.subject == bindparam("what"))
_FORGET_OLD = delete(attempts).where(attempts.c.began_at < bindparam("before", type_=Instant))


def allowed(db: Connection, subject: str, most: int, window: timedelta, now: datetime) -> bool:
    """Whether this may be tried now; if so, it is counted. In a window, which its first try begins, at most `most` are allowed.

    A refused try is not counted and does not lengthen the window: whoever waits for one window is let in again.
    """
    values = {"what": subject, "now": now, "gone": now - window, "most": most}
    return db.execute(_TRY, values).scalar() is not None


def used_up(db: Connection, subject: str, most: int, window: timedelta, now: datetime) -> bool:
    """Whether the next try would be refused, seen from here and now: a look that changes nothing, for whoever tries without end."""
    return db.execute(_USED_UP, {"what": subject, "gone": now - window, "most": most}).scalar() is not None


def give_back(db: Connection, subject: str) -> None:
    """One try less: it was a rightful one."""
    db.execute(_GIVE_BACK, {"what": subject})


def forget(db: Connection, subject: str) -> None:
    """Its tries are as if they had not been."""
    db.execute(_FORGET, {"what": subject})


def forget_old(db: Connection, before: datetime) -> None:
    """Windows that began before this instant are gone."""
    db.execute(_FORGET_OLD, {"before": before})
