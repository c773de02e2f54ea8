"""Rhythm: at which hours the followers of a segment come to us, from our own records: when a message finds them awake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, String, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from models.act import MESSAGES
from models.follower import followers
from models.inbox import inbox_entries
from models.inference import Interval, wilson
from models.segment import understand

LOOK_BACK = timedelta(days=28)
FEWEST = 200  # active follower-hours: below, an hour's rank says nothing


class utc_hour(GenericFunction[str]):  # noqa: N801  # a function of SQL
    """The hour of an instant in UTC, as text: `2026-11-21 02`."""

    type = String()
    inherit_cache = True


@compiles(utc_hour, "sqlite")
def _sqlite(element: utc_hour, compiler: Any, **more: Any) -> str:
    return f"substr({compiler.process(element.clauses, **more)}, 1, 13)"


@compiles(utc_hour, "postgresql")
def _postgresql(element: utc_hour, compiler: Any, **more: Any) -> str:
    return f"to_char(({compiler.process(element.clauses, **more)}) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the day in the account's zone, and the share of the segment that comes in it on a day."""

    hour: int
    active: Interval


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The hours of a day for a segment of so many followers, and how many follower-hours that stands on."""

    followers: int
    seen: int
    hours: list[Hour]

    @property
    def best(self) -> list[Hour]:
        """The hours that nothing tells from the best one, in the order of the day; none while there is not enough data."""
        if self.seen < FEWEST:
            return []
        top = max(self.hours, key=lambda one: one.active.estimate)
        return [one for one in self.hours if one.active.high >= top.active.low]


def of(db: Connection, where: str, zone: ZoneInfo, now: datetime) -> Rhythm:
    """When followers whom the segment's sentence means wrote or tapped in the last 28 days, each once an hour."""
    meant = understand(where)(now)
    since = (now - LOOK_BACK).replace(minute=0, second=0, microsecond=0)
    hour = utc_hour(inbox_entries.c.said_at)
    came = (
        select(hour, func.count(inbox_entries.c.follower_id.distinct()))
        .join(followers, followers.c.id == inbox_entries.c.follower_id)
        .where(inbox_entries.c.received_at > since, inbox_entries.c.said_at > since, inbox_entries.c.kind.in_(MESSAGES), meant)
        .group_by(hour)
    )
    counts = dict.fromkeys(range(24), 0)
    for text, many in db.execute(came):
        local = datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC).astimezone(zone)
        counts[local.hour] += int(many)
    size = int(db.execute(select(func.count()).select_from(followers).where(followers.c.subscribed, meant)).scalar_one())
    days = LOOK_BACK.days
    hours = [Hour(number, wilson(min(many, size * days), size * days)) for number, many in counts.items()]
    return Rhythm(size, sum(counts.values()), hours)
