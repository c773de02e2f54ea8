"""Channels: codes with a parameter that lead to us, each made once on the platform, and how many followers each brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field
from sqlalchemy import Boolean, Column, Connection, String, Table, bindparam, case, func, or_, select, update

from models.base import Instant, insert, metadata
from models.config import Rules, wrong
from models.follower import LONGEST_SCENE, followers

LEASE = timedelta(minutes=1)  # a creation that has not ended by then is somebody else's to begin


def _scene(key: str) -> str:
    if key.startswith("qrscene_") or any(character.isspace() for character in key):
        raise wrong(
            "二维码的 key 里不能有空格，也不要写 qrscene_，那是微信加的",
            "the key of a code has no spaces and does not begin with qrscene_, which is the platform's own",
        )
    return key


class ChannelRules(Rules):
    """A code that leads to us."""

    key: Annotated[str, AfterValidator(_scene)] = Field(
        min_length=1, max_length=LONGEST_SCENE, description="二维码的参数，例如 store_01；发布以后不要改"
    )
    name: str = Field(min_length=1, max_length=60, description="给人看的名字，例如 一号店")
    days: int | None = Field(None, ge=1, le=30, description="临时码的有效天数；不写就是永久码（一个公众号最多十万个）")

    @property
    def permanent(self) -> bool:
        """Whether the code is for good."""
        return self.days is None

    @property
    def seconds(self) -> int | None:
        """How long a temporary code lives; None for a permanent one."""
        return self.days and self.days * 86_400


channel_codes = Table(
    "channel_code",
    metadata,
    Column("scene", String(64), primary_key=True),
    Column("permanent", Boolean, primary_key=True),  # the permanent code of a scene stays, even while a temporary one is wanted
    Column("ticket", String(200)),  # NULL: not made yet
    Column("url", String(200)),
    Column("created_at", Instant),
    Column("expires_at", Instant),
    Column("creating_until", Instant),  # somebody is asking the platform for it
)


@dataclass(frozen=True, slots=True)
class Code:
    """A code on the platform."""

    ticket: str
    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Brought:
    """Whom a code brought: how many came by it first, and how many of them follow now."""

    came: int = 0
    follow: int = 0


_c = channel_codes.c
_this = (_c.scene == bindparam("of"), _c.permanent == bindparam("for_good", type_=Boolean))
_FIND = (
    select(_c.ticket, _c.url, _c.expires_at)
    .where(*_this, _c.ticket.is_not(None))
    .where(or_(_c.expires_at.is_(None), _c.expires_at > bindparam("now")))
)
_FIRST = (
    insert(channel_codes)
    .values(scene=bindparam("of"), permanent=bindparam("for_good"), creating_until=bindparam("until"))
    .on_conflict_do_nothing()
    .returning(_c.scene)
)
_CLAIM = (
    update(channel_codes)
    .where(*_this)
    .where(or_(_c.creating_until.is_(None), _c.creating_until <= bindparam("now")))
    .where(or_(_c.ticket.is_(None), _c.expires_at <= bindparam("now")))
    .values(creating_until=bindparam("until"))
)
_STORE = (
    update(channel_codes)
    .where(*_this)
    .values(
        ticket=bindparam("ticket"), url=bindparam("url"), created_at=bindparam("now"), expires_at=bindparam("ends"), creating_until=None
    )
)
_RELEASE = update(channel_codes).where(*_this).values(creating_until=None)


def find(db: Connection, channel: ChannelRules, now: datetime) -> Code | None:
    """The channel's code that works now; None where it was never made, or has expired."""
    row = db.execute(_FIND, _key(channel) | {"now": now}).one_or_none()
    return row and Code(*row)


def claim(db: Connection, channel: ChannelRules, now: datetime) -> bool:
    """True for exactly one caller of all processes, who may then have the code made until the lease ends; False where there is one."""
    values = _key(channel) | {"now": now, "until": now + LEASE}
    return db.execute(_FIRST, values).scalar() is not None or db.execute(_CLAIM, values).rowcount == 1


def store(db: Connection, channel: ChannelRules, ticket: str, url: str, seconds: int | None, now: datetime) -> Code:
    """Afterwards this is the channel's code, for so many seconds; for good where they are None."""
    ends = None if seconds is None else now + timedelta(seconds=seconds)
    db.execute(_STORE, _key(channel) | {"ticket": ticket, "url": url, "now": now, "ends": ends})
    return Code(ticket, url, ends)


def release(db: Connection, channel: ChannelRules) -> None:
    """The platform made no code: afterwards the next may try."""
    db.execute(_RELEASE, _key(channel))


def brought(db: Connection, scenes: Iterable[str]) -> Mapping[str, Brought]:
    """Whom each of these codes brought; a code that brought nobody is not in it."""
    follow = func.sum(case((followers.c.subscribed, 1), else_=0))
    found = select(followers.c.channel, func.count(), follow).where(followers.c.channel.in_(list(scenes))).group_by(followers.c.channel)
    return {scene: Brought(came, follows) for scene, came, follows in db.execute(found)}


def _key(channel: ChannelRules) -> dict[str, object]:
    return {"of": channel.key, "for_good": channel.permanent}
