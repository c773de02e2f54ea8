"""Grants: how many subscription notices a follower lets us send them, one for each time they accepted a template's popup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, bindparam, or_, select, update

from models.base import Instant, follower_id, insert, metadata

LONGEST_TEMPLATE = 100  # characters

grants = Table(
    "subscription_grant",
    metadata,
    follower_id(primary_key=True),
    Column("template", String(LONGEST_TEMPLATE), primary_key=True),
    Column("unused", Integer, nullable=False),
    Column("refused_at", Instant),  # when they, or the platform for them, last took back whatever there was
    CheckConstraint("unused >= 0", name="unused"),
)

_names: dict[str, Any] = {"follower_id": bindparam("follower"), "template": bindparam("of")}
_one = insert(grants).values(_names | {"unused": 1})
_GIVE = _one.on_conflict_do_update(index_elements=[grants.c.follower_id, grants.c.template], set_={"unused": grants.c.unused + 1})
_none = insert(grants).values(_names | {"unused": 0, "refused_at": bindparam("now")})
_REVOKE = _none.on_conflict_do_update(
    index_elements=[grants.c.follower_id, grants.c.template], set_={"unused": 0, "refused_at": _none.excluded.refused_at}
)
_mine = update(grants).where(grants.c.follower_id == bindparam("follower"), grants.c.template == bindparam("of"))
_SPEND = _mine.where(grants.c.unused > 0).values(unused=grants.c.unused - 1)
_GIVE_BACK = _mine.where(or_(grants.c.refused_at.is_(None), grants.c.refused_at < bindparam("since", type_=Instant))).values(
    unused=grants.c.unused + 1
)
_LEFT = select(grants.c.follower_id, grants.c.unused).where(
    grants.c.follower_id.in_(bindparam("people", expanding=True)), grants.c.template == bindparam("of"), grants.c.unused > 0
)


def give(db: Connection, follower: int, template: str) -> None:
    """They accepted the popup: afterwards one notice more of this template may be sent to them."""
    if len(template) <= LONGEST_TEMPLATE:  # a longer one is no template of ours
        db.execute(_GIVE, {"follower": follower, "of": template})


def revoke(db: Connection, follower: int, template: str, now: datetime) -> None:
    """They refused in the settings, or the platform said 43101: afterwards no notice of this template may be sent to them."""
    if len(template) <= LONGEST_TEMPLATE:
        db.execute(_REVOKE, {"follower": follower, "of": template, "now": now})


def spend(db: Connection, follower: int, template: str) -> bool:
    """One permission is used up. Returns False where there was none: of any number of processes no more get one than there are."""
    return db.execute(_SPEND, {"follower": follower, "of": template}).rowcount == 1


def give_back(db: Connection, follower: int, template: str, spent_at: datetime) -> None:
    """The platform proved that it took no notice: afterwards the permission is there again, unless all were refused since."""
    db.execute(_GIVE_BACK, {"follower": follower, "of": template, "since": spent_at})


def left(db: Connection, people: Sequence[int], template: str) -> dict[int, int]:
    """How many notices of this template may be sent to each of these followers; whoever is missing gave no permission."""
    return dict(db.execute(_LEFT, {"people": people, "of": template}).all()) if people else {}
