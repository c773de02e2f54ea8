"""Notices: what a follower should know and did not ask for, told once, by a way that costs no push.

While the platform lets us answer (an open allowance) it is a customer-service message; otherwise it waits and is said below our next
reply to them. Nothing here is ever a template message: reminders of coupons and points are what the platform punishes there.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, String, Table, Text, UniqueConstraint, bindparam, select, update

from models import allowance, customer_message
from models.base import Hot, Instant, follower_id, identity, insert, metadata
from models.config import Config
from models.follower import followers
from models.push import PushSection

notices = Table(
    "notice",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("key", String(200), nullable=False),  # a sentence that cannot repeat: `points_expire:2026-12-31`
    Column("text", Text, nullable=False),
    Column("left_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),  # afterwards it is no news any more
    Column("told_at", Instant),
    Column("by_message", Instant),  # when it was handed over as a customer-service message
    UniqueConstraint("follower_id", "key"),
)
_WAITS = notices.c.told_at.is_(None)
Index("ix_notice_waits", notices.c.follower_id, sqlite_where=_WAITS, postgresql_where=_WAITS)

_new = insert(notices).values(
    {name: bindparam(name) for name in ("follower_id", "key", "text", "left_at", "expires_at", "told_at", "by_message")}
)
_LEAVE = Hot(_new.on_conflict_do_nothing(index_elements=[notices.c.follower_id, notices.c.key]).returning(notices.c.id))
_NEWS = (
    select(notices.c.id, notices.c.text)
    .where(_WAITS, notices.c.follower_id == bindparam("follower"), notices.c.expires_at > bindparam("now", type_=Instant))
    .order_by(notices.c.id)
    .limit(50)
)
_TELL = (
    update(notices)
    .where(_WAITS, notices.c.id.in_(bindparam("which", expanding=True)))
    .values(told_at=bindparam("now", type_=Instant))
    .returning(notices.c.id)
)
_WAITING = Hot(select(notices.c.id).where(_WAITS, notices.c.follower_id == bindparam("follower")).limit(1))
_FOLLOWS = Hot(select(followers.c.subscribed, followers.c.refused_at).where(followers.c.id == bindparam("follower")))

_BELOW_A_REPLY = 1000  # bytes at once: the rest waits for the next reply, or it would be cut off
_MESSAGE_WITHIN = timedelta(hours=2)  # what could not be sent by then waits for nobody: the allowance it counted on may be over


class LeavesNotices:
    """Marks the sections of config.yaml whose rules leave notices: without one of them nobody asks the database for any."""

    @property
    def leaves_notices(self) -> bool:
        """Whether this section's rules do, as they stand in the file."""
        return True


def leave(db: Connection, config: Config, follower: int, key: str, text: str, now: datetime, until: datetime) -> bool:
    """Afterwards the follower is told this, once per key: at once where an allowance is open, else below our next reply before `until`.

    Returns whether it was new. In quiet hours, and to whoever refused pushes, nothing is sent: it waits for them to write.
    """
    at_once = _may_be_sent(db, config, follower, now)
    told = now if at_once else None
    values = {"key": key, "text": text, "left_at": now, "expires_at": until, "told_at": told, "by_message": told}
    new = _LEAVE.value(db, follower_id=follower, **values) is not None
    if new and at_once:
        payload = {"msgtype": "text", "text": {"content": text}}
        customer_message.queue(db, f"notice:{follower}:{key}"[:220], follower, payload, min(until, now + _MESSAGE_WITHIN), now)
    return new


def _may_be_sent(db: Connection, config: Config, follower: int, now: datetime) -> bool:
    push = config.get(PushSection)
    if push is not None and push.quiet_until(now, config.zone) is not None:
        return False
    row = _FOLLOWS.row(db, follower=follower)
    return row is not None and bool(row[0]) and row[1] is None and allowance.left(db, follower, now) > 0


def tell(db: Connection, follower: int, now: datetime) -> list[str]:
    """What waits for this follower, the oldest first, as much as fits below a reply: whoever asks must say it, nobody is given it again."""
    if _WAITING.value(db, follower=follower) is None:
        return []
    room = _BELOW_A_REPLY
    texts: dict[int, str] = {}
    for number, text in db.execute(_NEWS, {"follower": follower, "now": now}):
        room -= len(text.encode())
        if room < 0 and texts:
            break
        texts[number] = text
    told = set(db.execute(_TELL, {"which": list(texts), "now": now}).scalars()) if texts else set()
    return [text for number, text in texts.items() if number in told]
