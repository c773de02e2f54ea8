"""Pace: how fast all processes together may call the platform, as one row that says when the next call is free.

The bucket is the virtual scheduling form of the generic cell rate algorithm (ITU-T I.371, annex A): calls have slots 1/rate seconds apart, a
claim moves the first free slot on, and a pause saves nothing up. Whoever calls no earlier than their slot and at most LATE after it makes,
with everybody else, no more than rate · (T + LATE) + 1 calls in any T seconds, however many processes there are and whichever of them die.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import CheckConstraint, Column, Connection, Float, String, Table, and_, bindparam, case, or_, select, update

from models.base import Id, insert, metadata

ACCOUNT = "account"  # the bucket of all calls that go to one follower each
LATE = timedelta(seconds=0.5)  # after its slot a call is not made any more
AHEAD = timedelta(seconds=0.5)  # slots are not claimed further ahead than this: what is claimed must still be wanted when it comes
WRONG = timedelta(minutes=1)  # a first free slot further ahead was claimed by a wrong clock: it binds nobody
SLOWEST = 1 / 16  # of the rate that is allowed
SLOWED_EVERY = timedelta(seconds=10)
GROWS_BACK = 0.25  # of the rate that is allowed, in each minute
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

paces = Table(
    "pace",
    metadata,
    Column("bucket", String(40), primary_key=True),
    # Microseconds since 1970 and no Instants: both databases have to reckon with them in one statement.
    Column("free_from", Id, nullable=False),  # the first slot that nobody has
    Column("slowed_from", Id, nullable=False, server_default="0"),  # when `share` was set; it grows back from here on
    Column("share", Float, nullable=False, server_default="1"),  # of the rate that is allowed
    CheckConstraint("share > 0 AND share <= 1", name="share"),
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls may be made now."""

    rate: float  # calls a second
    wait: timedelta  # until slots may be claimed; zero or less: now


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots that are ours: the first one, and the time from each to the next."""

    first: datetime
    gap: timedelta


def _number(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


_NOW, _LENGTH = bindparam("now", type_=Id), bindparam("length", type_=Id)
_SECOND = 1_000_000
_FULL_AFTER = 60 * _SECOND / GROWS_BACK  # microseconds until a share of nothing would be all again
_grown = paces.c.share + (_NOW - paces.c.slowed_from) / _FULL_AFTER
_unslowed = paces.c.slowed_from > _NOW + WRONG // timedelta(microseconds=1)  # or by a wrong clock
_share = case((or_(_grown >= 1, _unslowed), 1.0), (_grown > SLOWEST, _grown), else_=SLOWEST)
_LOOK = select(paces.c.free_from, _share.label("share")).where(paces.c.bucket == bindparam("which"))
_free = and_(paces.c.free_from > _NOW, paces.c.free_from <= _NOW + WRONG // timedelta(microseconds=1))
_CLAIM = (
    insert(paces)
    .values(bucket=bindparam("bucket"), free_from=_NOW + _LENGTH)
    .on_conflict_do_update(index_elements=[paces.c.bucket], set_={"free_from": case((_free, paces.c.free_from), else_=_NOW) + _LENGTH})
    .returning(paces.c.free_from)
)
_SLOWER = (
    update(paces)
    .where(paces.c.bucket == bindparam("which"), or_(paces.c.slowed_from <= bindparam("before", type_=Id), _unslowed))
    .values(share=case((_share / 2 > SLOWEST, _share / 2), else_=SLOWEST), slowed_from=_NOW)
)


def look(db: Connection, bucket: str, allowed: int, now: datetime) -> Pace:
    """The pace in force where `allowed` calls a second are, and how long to wait before slots may be claimed."""
    row = db.execute(_LOOK, {"which": bucket, "now": _number(now)}).one_or_none()
    if row is None:
        return Pace(allowed, timedelta(0))
    ahead = timedelta(microseconds=row.free_from - _number(now))
    return Pace(allowed * row.share, ahead - AHEAD if ahead <= WRONG else timedelta(0))


def claim(db: Connection, bucket: str, rate: float, number: int, now: datetime) -> Slots:
    """Afterwards these slots, `rate` to the second, are the caller's and nobody else's: from the first free one on, none before `now`.

    The row stays locked until the commit: this is the last thing to do in a transaction (docs/decisions/0015-locks-in-one-order.md).
    """
    length = math.ceil(number * _SECOND / rate)
    free_from: int = db.execute(_CLAIM, {"bucket": bucket, "now": _number(now), "length": length}).scalar_one()
    return Slots(_EPOCH + timedelta(microseconds=free_from - length), timedelta(microseconds=length / max(1, number)))


def slow_down(db: Connection, bucket: str, now: datetime) -> bool:
    """The platform is overburdened: afterwards the pace is half of what it was, if nobody halved it within SLOWED_EVERY. Returns whether.

    It is never less than SLOWEST of what is allowed, and grows back by GROWS_BACK of that in each minute.
    """
    before = _number(now - SLOWED_EVERY)
    return db.execute(_SLOWER, {"which": bucket, "now": _number(now), "before": before}).rowcount == 1
