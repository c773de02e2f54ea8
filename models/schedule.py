"""Schedules: crontab lines in the account's zone, and how far each has been looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator
from sqlalchemy import Column, Connection, String, Table, bindparam, select, update

from models.base import Instant, insert, metadata
from models.config import Looks, wrong

schedules = Table(
    "schedule",
    metadata,
    Column("broadcast", String(40), primary_key=True),
    Column("checked_until", Instant, nullable=False),
)

_SOMEDAY = datetime(2026, 1, 1)  # noqa: DTZ001  # only to see whether the line can be read


def _check(line: str) -> str:
    try:
        if len(line.split()) != 5:  # CronSim would take six, the first of them seconds
            raise CronSimError(line)
        next(CronSim(line, _SOMEDAY))
    except (CronSimError, StopIteration):
        raise wrong(
            f'看不懂 cron {line!r}；五段：分 时 日 月 周，例如 "0 20 * * fri" 是每周五 20:00（周一是 1）',
            f'cannot read cron {line!r}; five fields: minute hour day month weekday, e.g. "0 20 * * fri" (1 is Monday)',
        ) from None
    return line


Cron = Annotated[str, AfterValidator(_check), Looks(r"^\s*\S+(\s+\S+){4}\s*$", ("0 20 * * fri", "30 9 * * mon-fri"))]


def due_between(line: str, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The due times in (after, until], oldest first. Numbers as in crontab(5): 1 is Monday, 0 and 7 are Sunday."""
    for local in CronSim(line, after.astimezone(zone)):
        due = local.astimezone(after.tzinfo)
        if due > until:
            return
        yield due


def next_due(line: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first due time after this one; None where there will be none."""
    return next(due_between(line, zone, after, datetime.max.replace(tzinfo=UTC)), None)


_CHECKED = select(schedules.c.checked_until).where(schedules.c.broadcast == bindparam("key"))
_BEGIN = insert(schedules).values(broadcast=bindparam("key"), checked_until=bindparam("now")).on_conflict_do_nothing()
_ADVANCE = (
    update(schedules)
    .where(schedules.c.broadcast == bindparam("key"), schedules.c.checked_until < bindparam("now"))
    .values(checked_until=bindparam("now"))
)


def checked_until(db: Connection, broadcast: str) -> datetime | None:
    """Up to when this schedule's due times have been dealt with; None for a schedule never seen before."""
    return db.execute(_CHECKED, {"key": broadcast}).scalar()


def begin(db: Connection, broadcast: str, now: datetime) -> datetime:
    """Up to when this schedule's due times have been dealt with. A schedule never seen before begins now: the past is not caught up."""
    db.execute(_BEGIN, {"key": broadcast, "now": now})
    return checked_until(db, broadcast) or now


def advance(db: Connection, broadcast: str, now: datetime) -> None:
    """Afterwards due times up to `now` are dealt with."""
    db.execute(_ADVANCE, {"key": broadcast, "now": now})
