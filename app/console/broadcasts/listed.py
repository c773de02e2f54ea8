"""群发: what waits for somebody, what is being sent, what is planned, what was."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response

from app.console.broadcasts import words
from app.console.broadcasts.counting import counted
from app.console.desk import Visit
from models import broadcast, schedule
from models.broadcast import Broadcast, BroadcastsSection, Status, Tally

_MOST = 30
_COUNTED = 3  # of these whose last count is stale, so many are counted for one page
_UNDER_WAY = ("planning", "sending", "paused")


class Coming(NamedTuple):
    """A broadcast of the file and when it is due next."""

    planned: Broadcast
    due: datetime | None


class Past(NamedTuple):
    """A run and its last count."""

    run: Status
    tally: Tally | None


async def listed(visit: Visit) -> Response:
    """Everything at once: an operator sees first what needs them."""
    desk, now = visit.desk, visit.now
    undecided = await desk.database.read(lambda db: broadcast.undecided(db, now - broadcast.MISSED))
    newest = await desk.database.read(lambda db: broadcast.glances(db, _MOST))
    waits = {run.id for run in undecided}
    shown: list[Past] = []
    stale = 0
    for run in newest:
        tally = await desk.database.read(lambda db, run=run: broadcast.tally(db, run.id))  # type: ignore[misc]
        if stale < _COUNTED and broadcast.is_stale(tally, run.finished_at, now):
            stale += 1
            tally = await counted(desk, run)
        shown.append(Past(run, tally))
    return visit.page(
        "broadcasts.html",
        undecided=undecided,
        active=[one for one in shown if one.run.state in _UNDER_WAY],
        past=[one for one in shown if one.run.state not in _UNDER_WAY and one.run.id not in waits],
        coming=_coming(visit, now),
        titles={one.planned.key: one.planned.title for one in _coming(visit, now) if one.planned.title},
        word=lambda run: words.word(run, now),
        key=lambda run: words.key(run, now),
        span=words.span,
        may=visit.operator.may("editor"),
    )


def _coming(visit: Visit, now: datetime) -> list[Coming]:
    config = visit.desk.live.config
    section = config.get(BroadcastsSection)
    found = [Coming(one, schedule.next_due(one.cron, config.zone, now) if one.cron else None) for one in (section.root if section else ())]
    return sorted(found, key=lambda one: (one.due is None, one.due or now))
