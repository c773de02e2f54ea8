"""Followers: who they are to us, whether they follow, whether they want to be pushed to, and their tags on the platform."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Integer, String, Table, and_, bindparam, case, delete, or_, select, update

from models.base import Hot, Instant, follower_id, identity, insert, metadata

LONGEST_SCENE = 64  # characters (qrcode/create): a longer parameter is none of a code's

followers = Table(
    "follower",
    metadata,
    identity(),
    Column("openid", String(64), nullable=False, unique=True),
    Column("subscribed", Boolean, nullable=False),
    Column(
        "state_at", Instant, nullable=False
    ),  # the message time that `subscribed` stands on: an older event never overwrites a newer one
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant),  # their last message or event; never set by the platform's list
    Column("muted_at", Instant),  # the platform said they switched messages off
    Column("blocked_at", Instant),  # the platform said they are on our blacklist
    Column("refused_at", Instant),  # they told us not to push
    Column("untracked_at", Instant),  # they told us not to note which links they open
    Column("scene", String(64)),  # the platform's word for what brought them last: ADD_SCENE_SEARCH, ADD_SCENE_QR_CODE …
    Column("channel", String(64), index=True),  # the parameter of the first code they followed by; never changed by a later one
    # The message time that `channel` stands on. Without a channel: the platform's list told us of them first, and may still name one.
    Column("channel_at", Instant),
    Column("remark", String(64)),
    Column("synced_at", Instant),
)

tags = Table("tag", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("name", String(64), nullable=False))

follower_tags = Table(
    "follower_tag",
    metadata,
    follower_id(primary_key=True),
    Column("tag_id", Integer, ForeignKey("tag.id"), primary_key=True, index=True),
)


@dataclass(frozen=True, slots=True)
class Follower:
    """A follower as a handler sees them."""

    id: int
    openid: str
    subscribed: bool
    returning: bool  # whether we had met them before this message
    remark: str | None

    @property
    def name(self) -> str:
        """What we call them: the operator's remark, else a name that tells nothing (the platform gives no nicknames since 2021-12-27)."""
        return self.remark or "会员" + base64.b32encode(hashlib.sha256(self.openid.encode()).digest()[:5])[:4].decode()


_newer = or_(
    followers.c.state_at < bindparam("said_at"),
    and_(followers.c.state_at == bindparam("said_at"), bindparam("subscribed", type_=Boolean)),
)
_inserted = insert(followers).values(
    openid=bindparam("openid"),
    subscribed=bindparam("subscribed"),
    state_at=bindparam("said_at"),
    first_seen_at=bindparam("now"),
    last_seen_at=bindparam("now"),
    channel=bindparam("scene"),
    channel_at=bindparam("scanned_at"),
)
_touched_first = and_(
    _inserted.excluded.channel.is_not(None),
    or_(followers.c.channel.is_(None), followers.c.channel_at > _inserted.excluded.channel_at),
)
_SEEN = Hot(
    _inserted.on_conflict_do_update(
        index_elements=[followers.c.openid],
        set_={
            "subscribed": case((_newer, _inserted.excluded.subscribed), else_=followers.c.subscribed),
            "state_at": case((_newer, _inserted.excluded.state_at), else_=followers.c.state_at),
            "last_seen_at": _inserted.excluded.last_seen_at,
            "channel": case((_touched_first, _inserted.excluded.channel), else_=followers.c.channel),
            "channel_at": case((_touched_first, _inserted.excluded.channel_at), else_=followers.c.channel_at),
        },
    ).returning(followers.c.id, followers.c.subscribed, followers.c.first_seen_at, followers.c.remark)
)


def seen(db: Connection, openid: str, said_at: datetime, now: datetime, *, subscribed: bool = True, scene: str | None = None) -> Follower:
    """They wrote, followed or left at `said_at`: afterwards they exist, and `subscribed` is what their newest message or event says.

    Events arrive out of order and repeated; in one and the same second, following wins over leaving. `scene` is the parameter of the
    code they followed by: the earliest by its message time is their channel for good; of two in one second, the one that came first.
    """
    if scene is not None and not (scene.strip() and len(scene) <= LONGEST_SCENE):
        scene = None
    scanned_at = said_at if scene is not None else None
    row = _SEEN.row(db, openid=openid, subscribed=subscribed, said_at=said_at, now=now, scene=scene, scanned_at=scanned_at)
    assert row is not None  # an upsert always returns its row
    key, follows, first_seen_at, remark = row
    return Follower(key, openid, follows, first_seen_at < now, remark)


_HOLD = Hot(select(followers.c.id).where(followers.c.id == bindparam("follower")).with_for_update(key_share=True))


def hold(db: Connection, *people: int) -> None:
    """Until the commit nobody else moves what these followers own: the first of the locks (docs/decisions/0015-locks-in-one-order.md).

    Whoever answers a message of theirs holds their row already (`seen`). Of several, whom we met last comes first.
    """
    if db.dialect.name == "sqlite":
        return  # it has one writer
    for one in sorted(set(people), reverse=True):
        _HOLD.value(db, follower=one)


_FIND = select(followers.c.id, followers.c.subscribed, followers.c.remark).where(followers.c.openid == bindparam("openid"))


def find(db: Connection, openid: str) -> Follower | None:
    """The follower of this openid, or None when we have never met."""
    row = db.execute(_FIND, {"openid": openid}).one_or_none()
    return row and Follower(row.id, openid, row.subscribed, True, row.remark)


_REFUSE = update(followers).where(followers.c.id == bindparam("follower")).values(refused_at=bindparam("at"))


_HAS_REFUSED = select(followers.c.refused_at).where(followers.c.id == bindparam("follower"))


def has_refused(db: Connection, follower: int) -> bool:
    """Whether they told us to push nothing to them."""
    return db.execute(_HAS_REFUSED, {"follower": follower}).scalar() is not None


def refuse_pushes(db: Connection, follower: int, now: datetime) -> None:
    """Afterwards no broadcast reaches them, across leaving and following again, until they allow it."""
    db.execute(_REFUSE, {"follower": follower, "at": now})


def allow_pushes(db: Connection, follower: int) -> None:
    """Afterwards broadcasts reach them again."""
    db.execute(_REFUSE, {"follower": follower, "at": None})


_TRACK = update(followers).where(followers.c.id == bindparam("follower")).values(untracked_at=bindparam("at"))


def refuse_tracking(db: Connection, follower: int, now: datetime) -> None:
    """Afterwards nobody notes which links they open, not even those sent before, until they allow it."""
    db.execute(_TRACK, {"follower": follower, "at": now})


def allow_tracking(db: Connection, follower: int) -> None:
    """Afterwards the links they open are noted again."""
    db.execute(_TRACK, {"follower": follower, "at": None})


TRACKED = and_(followers.c.untracked_at.is_(None), followers.c.refused_at.is_(None))  # who wants no pushes wants no tracking either


def unreachable(db: Connection, follower: int, errcode: int, now: datetime) -> None:
    """The platform refused a message to them: 43004 and 50005 they left, 43019 they are blacklisted, 48002 they switched messages off."""
    column = {43004: "subscribed", 50005: "subscribed", 43019: "blocked_at", 48002: "muted_at"}.get(errcode)
    if column == "subscribed":
        db.execute(update(followers).where(followers.c.id == follower, followers.c.state_at <= now).values(subscribed=False, state_at=now))
    elif column:
        db.execute(update(followers).where(followers.c.id == follower).values({column: now}))


_TAGS_OF = select(tags.c.name).join(follower_tags).where(follower_tags.c.follower_id == bindparam("follower"))


def tags_of(db: Connection, follower: int) -> set[str]:
    """The names of their tags on the platform, as of the last sync."""
    return set(db.execute(_TAGS_OF, {"follower": follower}).scalars())


_TAGGED = (
    select(follower_tags.c.follower_id)
    .join(tags, tags.c.id == follower_tags.c.tag_id)
    .where(follower_tags.c.follower_id.in_(bindparam("people", expanding=True)), tags.c.name.in_(bindparam("names", expanding=True)))
)


def tagged(db: Connection, people: Iterable[int], names: Iterable[str]) -> set[int]:
    """Which of these followers have one of these tags."""
    return set(db.execute(_TAGGED, {"people": list(people), "names": list(names)}).scalars())


# What the platform's list says (yizhan follower sync)

_listed = insert(followers).values(
    openid=bindparam("openid"),
    subscribed=True,
    state_at=bindparam("as_of"),
    first_seen_at=bindparam("now"),
    synced_at=bindparam("now"),
    channel_at=bindparam("now"),
)
_LIST = _listed.on_conflict_do_update(
    index_elements=[followers.c.openid],
    set_={
        "synced_at": _listed.excluded.synced_at,
        "subscribed": case((followers.c.state_at <= _listed.excluded.state_at, True), else_=followers.c.subscribed),
        "state_at": case((followers.c.state_at <= _listed.excluded.state_at, _listed.excluded.state_at), else_=followers.c.state_at),
    },
)
_GONE = (
    update(followers)
    .where(or_(followers.c.synced_at.is_(None), followers.c.synced_at < bindparam("started")))
    .where(followers.c.state_at < bindparam("started"), followers.c.subscribed)
    .values(subscribed=False, state_at=bindparam("as_of"))
)


def listed(db: Connection, openids: Iterable[str], started: datetime) -> None:
    """A page of the platform's list, read by a sync that began at `started`: afterwards all of them exist and follow."""
    db.execute(_LIST, [{"openid": openid, "now": started, "as_of": _before(started)} for openid in openids])


def sync_finished(db: Connection, started: datetime) -> int:
    """The whole list was read: whoever was not on it and has not written since has left. Returns how many."""
    return db.execute(_GONE, {"started": started, "as_of": _before(started)}).rowcount


def _before(started: datetime) -> datetime:
    """What a list says is older than any event of the second in which its reading began: events tell their time in whole seconds."""
    return started.replace(microsecond=0) - timedelta(seconds=1)


def know_tags(db: Connection, names: Mapping[int, str]) -> None:
    """Afterwards the platform's tags have these names."""
    if names:
        new = insert(tags).values(id=bindparam("id"), name=bindparam("name"))
        known = new.on_conflict_do_update(index_elements=[tags.c.id], set_={"name": new.excluded.name})
        db.execute(known, [{"id": key, "name": name} for key, name in names.items()])


@dataclass(frozen=True, slots=True)
class Described:
    """What the platform tells about one follower."""

    openid: str
    tag_ids: tuple[int, ...]
    scene: str
    remark: str
    channel: str = ""  # qr_scene_str: the parameter of the code they followed by, the last one if there were several


_TOLD = update(followers).where(followers.c.openid == bindparam("who")).values(remark=bindparam("called"), scene=bindparam("by"))
_SCANNED = (
    update(followers)
    .where(followers.c.openid == bindparam("who"), followers.c.channel.is_(None), followers.c.channel_at.is_not(None))
    .values(channel=bindparam("code"))
)


def described(db: Connection, people: Iterable[Described]) -> None:
    """Afterwards their tags, remarks and scenes are the platform's, and so is the channel of whom its list told us first."""
    people = list(people)
    ids = dict(db.execute(select(followers.c.openid, followers.c.id).where(followers.c.openid.in_([p.openid for p in people]))).all())
    know_new = insert(tags).values(id=bindparam("id"), name=bindparam("name")).on_conflict_do_nothing()
    pairs = [{"follower_id": ids[p.openid], "tag_id": tag} for p in people if p.openid in ids for tag in p.tag_ids]
    if pairs:
        db.execute(know_new, [{"id": tag, "name": str(tag)} for tag in {pair["tag_id"] for pair in pairs}])
    db.execute(delete(follower_tags).where(follower_tags.c.follower_id.in_(ids.values())))
    if pairs:
        db.execute(insert(follower_tags).on_conflict_do_nothing(), pairs)
    told = [person for person in people if person.openid in ids and (person.remark or person.scene or person.channel)]
    if told:
        db.execute(_TOLD, [{"who": p.openid, "called": p.remark or None, "by": p.scene or None} for p in told])
    scanned = [{"who": p.openid, "code": p.channel} for p in told if 0 < len(p.channel) <= LONGEST_SCENE]
    if scanned:
        db.execute(_SCANNED, scanned)
