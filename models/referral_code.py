"""A follower's own QR code: asked for in chat, made on the platform by the clock, its picture handed over, renewed before its end.

    asked for → claimed for two minutes → code made → picture uploaded → given

The codes are temporary, 30 days at most (qrcode/create): an account may have 100,000 permanent ones in its life and none can be deleted,
so one for every follower who asks would use them up. The parameter stays a follower's own: an old picture and a new one lead to them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Index, Integer, String, Table, bindparam, or_, select, update

from models import customer_message
from models.base import Hot, Instant, follower_id, identity, insert, metadata

PREFIX = "r_"
LEASE = timedelta(minutes=2)  # an upload has a minute: what has not ended by then is somebody else's to begin
RENEWED = timedelta(days=3)  # before its end a code that is asked for is made anew
PICTURE_LIVES = timedelta(days=3, hours=-1)  # on the platform (media/upload), and an hour for whoever reads slowly
PATIENCE = timedelta(hours=1)  # whoever asked and has no picture by then is told so
_LONGEST_PAUSE = timedelta(minutes=10)

referral_codes = Table(
    "referral_code",
    metadata,
    identity(),
    follower_id(nullable=False, unique=True),
    Column("scene", String(64), nullable=False, unique=True),  # `r_` and 72 random bits
    Column("ticket", String(200)),  # NULL: not made yet
    Column("url", String(200)),  # what the picture says
    Column("expires_at", Instant),
    Column("media_id", String(200)),  # of the picture, for three days
    Column("media_until", Instant),
    Column("wanted_at", Instant),  # asked for and not given yet
    Column("creating_until", Instant),  # somebody is asking the platform, or it refused and is left alone until then
    Column("tries", Integer, nullable=False, server_default="0"),  # since it was asked for
    Column("month", String(7)),  # the business month that `counted` is of: 2026-11
    Column("counted", Integer, nullable=False, server_default="0"),  # newcomers who were rewarded in it
)
_c = referral_codes.c
_WANTED = _c.wanted_at.is_not(None)
Index("ix_referral_code_wanted_at", _c.wanted_at, sqlite_where=_WANTED, postgresql_where=_WANTED)

_mine = _c.follower_id == bindparam("follower")
_READY = Hot(
    select(_c.media_id, _c.expires_at).where(
        _mine,
        _c.expires_at > bindparam("lasting", type_=Instant),
        _c.media_until > bindparam("now", type_=Instant),
    )
)
_new = insert(referral_codes).values(follower_id=bindparam("follower"), scene=bindparam("scene"), wanted_at=bindparam("now"))
_WISH = _new.on_conflict_do_update(
    index_elements=[_c.follower_id], set_={"wanted_at": _new.excluded.wanted_at, "tries": 0}, where=_c.wanted_at.is_(None)
)
_WAITING = select(_c.id).where(_WANTED).limit(1)
_NEXT = (
    select(_c.id, _c.follower_id, _c.scene, _c.wanted_at, _c.tries, _c.url, _c.expires_at)
    .where(_WANTED, or_(_c.creating_until.is_(None), _c.creating_until <= bindparam("now", type_=Instant)))
    .order_by(_c.wanted_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_THIS = update(referral_codes).where(_c.id == bindparam("code"))
_CLAIM = _THIS.values(creating_until=bindparam("until"), tries=_c.tries + 1)
_MADE = _THIS.values(ticket=bindparam("new_ticket"), url=bindparam("new_url"), expires_at=bindparam("ends"))
_ASKED_THEN = _THIS.where(_c.wanted_at == bindparam("asked_at", type_=Instant))
_GIVEN = _ASKED_THEN.values(
    media_id=bindparam("new_media"), media_until=bindparam("lives"), wanted_at=None, creating_until=None, tries=0
).returning(_c.expires_at)
_AGAIN = _ASKED_THEN.values(creating_until=bindparam("until"))
_GIVEN_UP = _ASKED_THEN.values(wanted_at=None, creating_until=None, tries=0)


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that the platform has, of a code that works until `until`."""

    media_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A code this process may have made until LEASE is over; `url` is what the picture says where one is good for long enough already."""

    id: int
    follower_id: int
    scene: str
    asked_at: datetime
    tries: int
    url: str | None


def ask(db: Connection, follower: int, days: int, now: datetime) -> Ready | None:
    """The follower's picture, where there is one whose code lasts; else None, and afterwards it is on its way: asked for once, however often."""
    ready = _READY.row(db, follower=follower, now=now, lasting=now + _margin(days))
    if ready is not None:
        return Ready(*ready)
    db.execute(_WISH, {"follower": follower, "scene": PREFIX + secrets.token_urlsafe(9), "now": now})
    return None


def _margin(days: int) -> timedelta:
    """How long before its end a code of so many days is renewed: short ones at half their time."""
    return min(RENEWED, timedelta(days=days) / 2)


def wanted(db: Connection) -> bool:
    """Whether anybody waits for a code."""
    return db.execute(_WAITING).scalar() is not None


def claim(db: Connection, days: int, most: int, now: datetime) -> list[Claimed]:
    """At most so many codes that are waited for, each handed to exactly one caller of all processes until its lease ends."""
    claimed = []
    for row in db.execute(_NEXT, {"now": now, "most": most}).all():
        db.execute(_CLAIM, {"code": row.id, "until": now + LEASE})
        lasts = row.expires_at is not None and row.expires_at > now + _margin(days)
        claimed.append(Claimed(row.id, row.follower_id, row.scene, row.wanted_at, row.tries + 1, row.url if lasts else None))
    return claimed


def made(db: Connection, claimed: Claimed, ticket: str, url: str, seconds: int, now: datetime) -> None:
    """Afterwards this is the follower's code, for so many seconds."""
    db.execute(_MADE, {"code": claimed.id, "new_ticket": ticket, "new_url": url, "ends": now + timedelta(seconds=seconds)})


def given(db: Connection, claimed: Claimed, media_id: str, now: datetime) -> datetime | None:
    """Afterwards the picture is on its way to whoever asked, once. Returns when its code ends; None where another process was faster."""
    values = {"code": claimed.id, "asked_at": claimed.asked_at, "new_media": media_id, "lives": now + PICTURE_LIVES}
    ends: datetime | None = db.execute(_GIVEN, values).scalar()
    if ends is not None:
        say(db, claimed, "picture", {"msgtype": "image", "image": {"media_id": media_id}}, now)
    return ends


def say(db: Connection, claimed: Claimed, what: str, payload: Mapping[str, object], now: datetime) -> None:
    """Afterwards whoever asked for this code is sent the message, once."""
    key = f"referral_code:{claimed.id}:{claimed.asked_at.isoformat()}:{what}"
    customer_message.queue(db, key, claimed.follower_id, payload, now + timedelta(hours=2), now)


def failed(db: Connection, claimed: Claimed, now: datetime) -> bool:
    """The platform made none: afterwards it is tried again in a while. True where that has gone on for an hour and nobody tries any more."""
    if now - claimed.asked_at >= PATIENCE:
        return db.execute(_GIVEN_UP, {"code": claimed.id, "asked_at": claimed.asked_at}).rowcount == 1
    pause = min(timedelta(seconds=5 * 2 ** min(claimed.tries, 10)), _LONGEST_PAUSE)
    db.execute(_AGAIN, {"code": claimed.id, "asked_at": claimed.asked_at, "until": now + pause})
    return False


def told(until: datetime, zone: ZoneInfo) -> str:
    """The last whole day on which a code works, as a follower reads it: 12月21日."""
    last = until.astimezone(zone) - timedelta(days=1)
    return f"{last.month}月{last.day}日"


_SAME_MONTH = _THIS.where(_c.month == bindparam("this_month"), _c.counted < bindparam("most", type_=Integer)).values(counted=_c.counted + 1)
_NEW_MONTH = _THIS.where(or_(_c.month.is_(None), _c.month < bindparam("this_month"))).values(month=bindparam("this_month"), counted=1)


def count(db: Connection, code: int, month: str, most: int) -> bool:
    """Afterwards one more newcomer of this code is rewarded in the business month (2026-11). False, and nothing changed, above `most`."""
    values = {"code": code, "this_month": month}
    return db.execute(_NEW_MONTH, values).rowcount == 1 or db.execute(_SAME_MONTH, values | {"most": most}).rowcount == 1
