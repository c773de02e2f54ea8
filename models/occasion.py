"""Occasions that earn something by themselves, without anybody asking: the first follow, and the first message of a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from models import earning
from models.base import Hot
from models.clock import business_day
from models.config import Config
from models.earn_rules import PaysFollow, PaysMessage
from models.earning import Earned
from models.follower import Follower, followers

# What they write right after following may reach us before the news that they follow; and clocks differ.
_SAME_MOMENT = timedelta(minutes=1)

_FIRST_SEEN = Hot(select(followers.c.first_seen_at).where(followers.c.id == bindparam("follower")))


def follow(db: Connection, config: Config, follower: Follower, rules: PaysFollow, said_at: datetime) -> Earned | None:
    """Afterwards whoever follows for the first time has been paid for it, once ever; None for whoever comes back or was paid before.

    They come back whom we had met before they followed: whoever left long before this account knew of points is no newcomer.
    """
    if follower.returning:
        met: datetime | None = _FIRST_SEEN.value(db, follower=follower.id)
        if met is None or met < said_at - _SAME_MOMENT:
            return None
    earned = earning.earn(db, config, follower.id, "follow", rules.points, "follow", said_at)
    return earned if earned.new and earned.points else None


def message(db: Connection, config: Config, follower: int, rules: PaysMessage, said_at: datetime) -> Earned | None:
    """Afterwards the follower's first message of this business day has been paid; None where it was before. One statement, then."""
    day = business_day(said_at, config.zone)
    cause = f"message:{day.isoformat()}"
    if day not in rules or earning.was_paid(db, follower, cause):
        return None
    earned = earning.earn(db, config, follower, "message", rules.points, cause, said_at)
    return earned if earned.new and earned.points else None
