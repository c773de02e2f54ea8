"""Coupons that expire soon: their holders are told once, of all of them together, and never by a template message."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from models import notice
from models.base import Instant
from models.config import Config, fill
from models.coupon.giving import COLUMNS, Coupon, facts
from models.coupon.rules import rules_of
from models.coupon.tables import WAITS, coupons

_AT_ONCE = 20  # followers
_DUE = (
    select(coupons.c.follower_id)
    .where(WAITS, coupons.c.remind_at <= bindparam("now", type_=Instant))
    .order_by(coupons.c.remind_at)
    .limit(_AT_ONCE)
)
_REMIND = (
    update(coupons)
    .where(WAITS, coupons.c.remind_at <= bindparam("now", type_=Instant), coupons.c.follower_id.in_(bindparam("whose", expanding=True)))
    .values(remind_at=None)
    .returning(*COLUMNS)
)


def remind(db: Connection, config: Config, now: datetime) -> int:
    """A few followers more know which of their coupons expire soon. Returns how many coupons that was; 0 where nothing is left to do."""
    whose = set(db.execute(_DUE, {"now": now}).scalars())
    if not whose:
        return 0
    due: dict[int, list[Coupon]] = defaultdict(list)
    rows = db.execute(_REMIND, {"now": now, "whose": sorted(whose)}).all()
    for row in rows:
        one = Coupon(*row)
        if one.expires_at > now:
            due[one.follower_id].append(one)
    for follower, some in due.items():
        some.sort(key=lambda one: (one.expires_at, one.id))
        notice.leave(db, config, follower, f"coupon_expires:{some[0].id}", _text(config, some), now, some[0].expires_at)
    return len(rows)


def _text(config: Config, some: list[Coupon]) -> str:
    words, most = rules_of(config).notices, 10
    lines = "".join(fill(words.line, {name: facts(config, one)[name] for name in ("name", "until")}) for one in some[:most])
    return fill(words.expiring, {"count": len(some), "coupons": lines})
