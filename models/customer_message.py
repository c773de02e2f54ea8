"""Customer-service messages: queued once with their cause, sent at most once, and what became of each.

queued → sending → sent
   ↑        ├────→ refused  (the platform said no, or there was no allowance: the reason says which)
   └────────┤               (it proved that it took nothing, and a later call may do better: queued again)
            └────→ unknown  (no answer, or the process was lost in the middle of the call: never repeated)
queued → expired

The platform has no key by which it would recognise a repeated call (custom/send), so whoever cannot know lets it be: a follower rather
misses a message than reads it twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from models import allowance
from models.allowance import NoAllowance, Spent
from models.base import Instant, follower_id, identity, insert, metadata
from models.follower import followers

STATES = ("queued", "sending", "sent", "unknown", "refused", "expired")

customer_messages = Table(
    "customer_message",
    metadata,
    identity(),
    Column("key", String(220), nullable=False, unique=True),
    follower_id(nullable=False),
    Column("payload", Text, nullable=False),  # JSON in the platform's shape, without touser; {"media": name} stands for a media_id
    Column("state", String(10), nullable=False),
    Column("reason", String(200)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("queued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),  # what comes later says nothing any more
    Column("due_at", Instant, nullable=False),  # queued: not before; sending: until then nobody else touches it
    Column("settled_at", Instant),
    CheckConstraint(f"state IN {STATES}", name="state"),
)
_OPEN = customer_messages.c.settled_at.is_(None)
Index("ix_customer_message_due", customer_messages.c.due_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("ix_customer_message_in_turn", customer_messages.c.follower_id, customer_messages.c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)

LEASE = timedelta(minutes=3)
LATEST_CALL = LEASE / 2  # into the lease: before it there is time to upload a file, after it for the answer


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message this process may call the platform for, until LATEST_CALL after `at`; its allowance is spent."""

    id: int
    follower_id: int
    openid: str
    payload: str
    attempts: int
    at: datetime
    spent: Spent


_QUEUE = (
    insert(customer_messages)
    .values({name: bindparam(name) for name in ("key", "follower_id", "payload", "state", "queued_at", "expires_at", "due_at")})
    .on_conflict_do_nothing(index_elements=[customer_messages.c.key])
    .returning(customer_messages.c.id)
)


def queue(
    db: Connection,
    key: str,
    follower_id: int,
    payload: Mapping[str, object],
    expires_at: datetime,
    now: datetime,
    *,
    not_before: datetime | None = None,
) -> bool:
    """Afterwards this message waits to be sent, once per key, whoever asks again. Returns whether it was new.

    It waits until `not_before`, `now` where there is none; of those that are due, a follower reads the one first that was due first.

    `payload` is in the platform's shape, `{"msgtype": "text", "text": {"content": …}}`; where a file from `media:` belongs, `media` and
    `thumb_media` hold its name instead of `media_id` and `thumb_media_id`. After `expires_at` it is not sent any more.
    """
    values = {
        "key": key,
        "follower_id": follower_id,
        "payload": json.dumps(payload, ensure_ascii=False),
        "state": "queued",
        "queued_at": now,
        "expires_at": expires_at,
        "due_at": min(not_before or now, expires_at),
    }
    return db.execute(_QUEUE, values).scalar() is not None


_DUE = (_OPEN, customer_messages.c.due_at <= bindparam("now", type_=Instant))
_WAITING = select(customer_messages.c.id).where(*_DUE).limit(1)
_ABANDONED = update(customer_messages).where(*_DUE, customer_messages.c.state == "sending")
_EXPIRED = update(customer_messages).where(*_DUE, customer_messages.c.state == "queued", customer_messages.c.expires_at <= bindparam("now"))
_other = customer_messages.alias("other")
_fresh = customer_messages.c.attempts == 0
_before = or_(
    _other.c.due_at < customer_messages.c.due_at,
    and_(_other.c.due_at == customer_messages.c.due_at, _other.c.id < customer_messages.c.id),
)
# One after the other to each follower: they read the messages in the order in which they were meant. What was begun and put back goes
# before all others; what is not due yet (a reply that follows in an hour) holds nobody up.
_ahead = or_(
    and_(_other.c.attempts > 0, or_(_fresh, _other.c.id < customer_messages.c.id)),
    and_(_fresh, _before),
)
_IN_TURN = (
    ~select(_other.c.id).where(_other.c.follower_id == customer_messages.c.follower_id, _other.c.settled_at.is_(None), _ahead).exists()
)
_NEXT = (
    select(
        customer_messages.c.id,
        customer_messages.c.follower_id,
        customer_messages.c.payload,
        customer_messages.c.attempts,
        followers.c.openid,
        followers.c.subscribed,
    )
    .join(followers, followers.c.id == customer_messages.c.follower_id)
    .where(*_DUE, customer_messages.c.state == "queued", _IN_TURN)
    .order_by(customer_messages.c.id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True, of=customer_messages)
)
_TAKE = (
    update(customer_messages)
    .where(customer_messages.c.id == bindparam("message"), customer_messages.c.state == "queued")
    .values(state="sending", attempts=customer_messages.c.attempts + 1, due_at=bindparam("lease"))
)
_DROP = (
    update(customer_messages)
    .where(customer_messages.c.id == bindparam("message"), customer_messages.c.state == "queued")
    .values(state="refused", reason=bindparam("why"), settled_at=bindparam("now"))
)

LOST = "进程中断，不知道平台收到没有 lost in the middle of the call"
TOO_LATE = "过期 too late"
NO_ALLOWANCE = "没有客服消息额度 no allowance"
NOT_FOLLOWING = "未关注 not following"

_SENT_SINCE = select(func.count()).where(
    customer_messages.c.follower_id == bindparam("follower"),
    customer_messages.c.state.in_(("sent", "unknown")),
    customer_messages.c.settled_at > bindparam("since", type_=Instant),
)


def waiting(db: Connection, now: datetime) -> bool:
    """Whether there is anything to claim or to give up."""
    return db.execute(_WAITING, {"now": now}).scalar() is not None


def give_up(db: Connection, now: datetime) -> None:
    """Afterwards what came too late is expired, and what was lost with the process that was sending it is unknown."""
    db.execute(_ABANDONED.values(state="unknown", reason=LOST, settled_at=now), {"now": now})
    db.execute(_EXPIRED.values(state="expired", reason=TOO_LATE, settled_at=now), {"now": now})


def _sent_since(db: Connection, follower: int, at: datetime) -> int:
    """How many messages the platform may have taken for this follower since then: they go one after the other, so all of them are settled."""
    return db.execute(_SENT_SINCE, {"follower": follower, "since": at}).scalar_one()


def claim(db: Connection, now: datetime, size: int) -> list[Claimed] | None:
    """Looks at up to `size` messages that are due, one per follower, and takes them, each with its allowance spent.

    Their calls may begin after the commit. Whom nothing may be sent to, the message is refused. Returns None where there was nothing to
    look at; [] where there was, and all of it was refused.
    """
    found = db.execute(_NEXT, {"now": now, "size": size}).all()
    if not found:
        return None
    claimed = []
    for row in sorted(found, key=lambda row: row.follower_id):  # in the order in which broadcasts spend allowances, too
        try:
            if not row.subscribed:
                db.execute(_DROP, {"message": row.id, "why": NOT_FOLLOWING, "now": now})
                continue
            spent = allowance.spend(db, row.follower_id, now, sent_since=partial(_sent_since, db, row.follower_id))
        except NoAllowance:
            db.execute(_DROP, {"message": row.id, "why": NO_ALLOWANCE, "now": now})
            continue
        db.execute(_TAKE, {"message": row.id, "lease": now + LEASE})
        claimed.append(Claimed(row.id, row.follower_id, row.openid, row.payload, row.attempts + 1, now, spent))
    return claimed


_MINE = update(customer_messages).where(
    customer_messages.c.id == bindparam("message"), customer_messages.c.attempts == bindparam("attempt")
)
_SETTLE = _MINE.where(customer_messages.c.state.in_(("sending", "unknown"))).values(
    state=bindparam("new"), reason=bindparam("why"), settled_at=bindparam("now")
)
_AGAIN = _MINE.where(customer_messages.c.state == "sending").values(
    state="queued",
    reason=bindparam("why"),
    due_at=case(
        (customer_messages.c.expires_at < bindparam("due", type_=Instant), customer_messages.c.expires_at),
        else_=bindparam("due", type_=Instant),
    ),
)


def settle(db: Connection, claimed: Claimed, state: str, reason: str | None, now: datetime) -> None:
    """Afterwards the message is sent, refused or unknown for good: also one that was given up as lost, whose answer came all the same."""
    db.execute(_SETTLE, {"message": claimed.id, "attempt": claimed.attempts, "new": state, "why": reason and reason[:200], "now": now})


def put_back(db: Connection, claimed: Claimed, reason: str, again_at: datetime) -> None:
    """The platform proved that it took nothing: afterwards the message waits until `again_at`, and its allowance is whole again.

    One that was given up as lost in the meantime stays that.
    """
    if db.execute(_AGAIN, {"message": claimed.id, "attempt": claimed.attempts, "why": reason[:200], "due": again_at}).rowcount:
        allowance.give_back(db, claimed.follower_id, claimed.spent)
