"""Occasions: each time a broadcast will be sent within the plan's weeks, and what is still under way now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from models import schedule
from models.broadcast import Broadcast, Run, lawful, load, runs
from models.clock import span
from models.config import Config
from models.segment import SegmentsSection


@dataclass(frozen=True, slots=True)
class Occasion:
    """One sending of a broadcast: at a due time to come, or of a run that is under way."""

    planned: Broadcast
    where: str  # the segment's sentence
    due: datetime
    run: Run | None = None  # where it has begun
    cursor: int = 0  # of that run: followers up to here have their delivery
    bound: int = 0
    held_until: datetime | None = None

    @property
    def planned_at(self) -> datetime:
        """When its audience is looked at."""
        return self.run.created_at if self.run else self.due

    @property
    def begins(self) -> datetime:
        """When the first call may be made: those who are waited for are believed not to come."""
        begins = self.planned_at + (span(self.planned.passive) if self.planned.passive else timedelta(0))
        return max(begins, self.held_until) if self.held_until else begins

    @property
    def patience(self) -> datetime:
        """Until when a follower who is capped waits for their next slot."""
        return self.planned_at + (span(self.planned.wait) if self.planned.wait else timedelta(0))


def coming(config: Config, planned: Sequence[Broadcast], now: datetime, until: datetime) -> list[Occasion]:
    """Every due time of the schedules in (now, until], in the order in which their runs will be made. Drafts have none, nor has what asks a person first."""
    found: list[tuple[datetime, int, Occasion]] = []
    for number, one in enumerate(planned):
        segment = config[SegmentsSection].named(one.segment)
        if one.cron is None or segment is None or not one.is_ready or lawful.offence(one):
            continue
        for due in schedule.due_between(one.cron, config.zone, now, until):
            found.append((due, number, Occasion(one, segment.where, due)))
    return [occasion for _, _, occasion in sorted(found, key=lambda item: item[:2])]


def idle(config: Config, planned: Sequence[Broadcast], now: datetime, until: datetime) -> list[tuple[datetime, Broadcast, str]]:
    """The due times at which nothing is sent as things stand, and why: draft, review, or the offence that a person must take upon themselves."""
    found = []
    for one in planned:
        why = one.state if not one.is_ready else lawful.offence(one)
        if one.cron is not None and why:
            found += [(due, one, why) for due in schedule.due_between(one.cron, config.zone, now, until)]
    return found


def under_way(db: Connection, now: datetime) -> Iterator[Occasion]:
    """The runs that go on by themselves, oldest first. Those that wait for a person are left out: they may never go on."""
    columns = (runs.c.id, runs.c.due_at, runs.c.cursor, runs.c.bound, runs.c.held_until)
    wanted = select(*columns).where(runs.c.state.in_(("planning", "sending")), ~runs.c.test).order_by(runs.c.id)
    for row in db.execute(wanted).all():
        run = load(db, row.id)
        yield Occasion(run.plan, run.audience, row.due_at, run, row.cursor, row.bound, row.held_until)


def stopped(db: Connection) -> list[tuple[int, str, str]]:
    """The runs that wait for a person: number, broadcast, state."""
    wanted = select(runs.c.id, runs.c.broadcast, runs.c.state).where(runs.c.state.in_(("paused", "asked"))).order_by(runs.c.id)
    return [(row.id, row.broadcast, row.state) for row in db.execute(wanted)]
