"""Clicks: who opened a link, in which hour; of those who do not want it known, how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Table,
    bindparam,
    func,
    literal,
    select,
)

from models.base import Id, Instant, follower_id, insert, metadata
from models.delivery import deliveries
from models.follower import TRACKED, followers
from models.link import Link, links

clicks = Table(
    "click",
    metadata,
    Column("link_id", Id, ForeignKey("link.id"), primary_key=True),
    Column("delivery_id", Id, ForeignKey("delivery.id"), primary_key=True),
    Column("hour", Instant, primary_key=True),  # its beginning: opened twice in an hour counts once
    follower_id(nullable=False, index=True),
    Column("at", Instant, nullable=False),  # the first time of that hour
)

nameless_clicks = Table(
    "nameless_click",
    metadata,
    Column("link_id", Id, ForeignKey("link.id"), primary_key=True),
    Column("hour", Instant, primary_key=True),
    Column("times", Integer, nullable=False),
    CheckConstraint("times > 0", name="positive"),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """How often a link of a run was opened: by how many people, in how many hours of theirs, and how often by nobody we know."""

    url: str
    people: int
    times: int
    nameless: int


_LINK, _AT, _HOUR = (bindparam("link", type_=Id), bindparam("at", type_=Instant), bindparam("hour", type_=Instant))
_MINE = (
    select(_LINK, deliveries.c.id, _HOUR, deliveries.c.follower_id, _AT)
    .join_from(deliveries, links, links.c.run_id == deliveries.c.run_id)
    .join(followers, followers.c.id == deliveries.c.follower_id)
    .where(deliveries.c.id == bindparam("delivery"), links.c.id == bindparam("link"))
)
_PERSON = (
    insert(clicks)
    .from_select(["link_id", "delivery_id", "hour", "follower_id", "at"], _MINE.where(TRACKED))
    .on_conflict_do_nothing()
    .returning(clicks.c.link_id)
)
_WANTS = (
    select(literal(1))
    .join_from(deliveries, followers, followers.c.id == deliveries.c.follower_id)
    .where(deliveries.c.id == bindparam("delivery"), TRACKED)
)
_first = insert(nameless_clicks).values(link_id=bindparam("link"), hour=bindparam("hour"), times=1)
_NAMELESS = _first.on_conflict_do_update(
    index_elements=[nameless_clicks.c.link_id, nameless_clicks.c.hour], set_={"times": nameless_clicks.c.times + 1}
)


def record(db: Connection, link: Link, delivery: int | None, now: datetime) -> None:
    """Afterwards the link was opened: by the delivery's follower, once an hour; by nobody we know where they do not want it noted."""
    values = {"link": link.id, "hour": now.replace(minute=0, second=0, microsecond=0), "at": now, "delivery": delivery}
    if delivery is not None and (db.execute(_PERSON, values).scalar() or db.execute(_WANTS, values).scalar()):
        return
    db.execute(_NAMELESS, values)


def of_run(db: Connection, run: int) -> Sequence[Opened]:
    """How often each link of the run was opened, the most opened first."""
    mine = (
        select(clicks.c.link_id, func.count(clicks.c.follower_id.distinct()).label("people"), func.count().label("times"))
        .group_by(clicks.c.link_id)
        .subquery()
    )
    others = (
        select(nameless_clicks.c.link_id, func.sum(nameless_clicks.c.times).label("times")).group_by(nameless_clicks.c.link_id).subquery()
    )
    people, times, nameless = (func.coalesce(column, 0) for column in (mine.c.people, mine.c.times, others.c.times))
    found = (
        select(links.c.url, people, times, nameless)
        .outerjoin(mine, mine.c.link_id == links.c.id)
        .outerjoin(others, others.c.link_id == links.c.id)
        .where(links.c.run_id == run)
        .order_by((times + nameless).desc(), links.c.id)
    )
    return [Opened(url, int(a), int(b), int(c)) for url, a, b, c in db.execute(found)]
