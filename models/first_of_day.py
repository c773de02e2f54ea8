"""The first of the day: who checked in today, in which order, and where somebody stands among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, func, select

from models.checkin import days_ranked
from models.follower import Follower, followers
from models.ranking import hidden
from models.streak import checkins

_on = checkins.c.day == bindparam("day")
_who = (
    select(checkins.c.follower_id, followers.c.openid, hidden.c.since)
    .select_from(checkins)
    .join(followers, followers.c.id == checkins.c.follower_id)
    .outerjoin(hidden, hidden.c.follower_id == checkins.c.follower_id)
    .where(_on)
)
_FIRST_BY_RANK = _who.where(checkins.c.rank.is_not(None)).order_by(checkins.c.rank).limit(bindparam("most"))
_FIRST_BY_ID = _who.order_by(checkins.c.id).limit(bindparam("most"))
_MINE = select(checkins.c.id, checkins.c.rank).where(checkins.c.follower_id == bindparam("follower"), _on)
_UP_TO = select(func.count()).select_from(checkins).where(_on, checkins.c.id <= bindparam("mine"))
_ALL = select(func.count()).select_from(checkins).where(_on)
_RANKED = select(days_ranked.c.ranked).where(days_ranked.c.day == bindparam("day"))


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody among the first, by a name that tells others nothing: never what an operator calls them. '' where they want none."""

    rank: int
    name: str
    own: bool


@dataclass(frozen=True, slots=True)
class FirstOfDay:
    """The first of a day; `own` is 0 where the one who asks has not checked in on it."""

    first: tuple[Place, ...]
    own: int
    in_all: int


def first_of_day(db: Connection, follower: int, day: date, most: int, *, ranked: bool) -> FirstOfDay:
    """The first `most` of the day as this follower sees them: by the ranks that were given, or by the order in which they came.

    Without ranks a place is counted, along an index of the day: a millisecond for some ten thousand check-ins.
    """
    rows = db.execute(_FIRST_BY_RANK if ranked else _FIRST_BY_ID, {"day": day, "most": most}).all()
    first = tuple(
        Place(rank, "" if row.since else Follower(row.follower_id, row.openid, True, True, None).name, row.follower_id == follower)
        for rank, row in enumerate(rows, 1)
    )
    mine = db.execute(_MINE, {"follower": follower, "day": day}).one_or_none()
    in_all = db.execute(_RANKED if ranked else _ALL, {"day": day}).scalar() or 0
    if mine is None:
        return FirstOfDay(first, 0, in_all)
    return FirstOfDay(first, mine.rank or db.execute(_UP_TO, {"day": day, "mine": mine.id}).scalar_one(), in_all)
