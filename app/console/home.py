"""首页: what is in force, what is wrong with the newest file, and how much was said and answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection
from starlette.responses import Response

from app.console.desk import Desk, Visit
from models import broadcast, finding, rule_version, traffic
from models.traffic import Traffic

_FRESH = timedelta(seconds=60)
_SPANS = (("最近 24 小时", timedelta(hours=24)), ("最近 7 天", timedelta(days=7)))
_MOST = 50  # errors or warnings on one page


class Flow(NamedTuple):
    """What was said in a span of time, and what became of it."""

    span: str
    traffic: Traffic


async def home(visit: Visit) -> Response:
    """The first page."""
    desk, now = visit.desk, visit.now
    running = [one for one in await desk.database.read(lambda db: rule_version.listed(db, now)) if one.processes]
    settings = desk.live.current.settings
    warnings, refused = settings.warnings, desk.live.refused
    return visit.page(
        "home.html",
        version=settings.config.version,
        files=len(settings.files),
        running=running,
        bug="" if refused else "\n".join(desk.live.errors),  # kept from being read by a defect of the program
        errors=refused[:_MOST],
        more_errors=max(0, len(refused) - _MOST),
        warnings=warnings[:_MOST],
        more_warnings=max(0, len(warnings) - _MOST),
        undecided=len(await desk.database.read(lambda db: broadcast.undecided(db, now - broadcast.MISSED))),
        waiting=len(await desk.database.read(lambda db: finding.waiting(db, _MOST + 1))),
        flows=await _flows(desk, now),
    )


async def _flows(desk: Desk, now: datetime) -> list[Flow]:
    """Counted anew when the last count is a minute old: whoever reloads the page does not make the database count again."""
    at, flows = desk.kept.get("flows", (None, []))
    if at is None or not at <= now < at + _FRESH:
        flows = await desk.database.read(lambda db: _count(db, now))
        desk.kept["flows"] = (now, flows)
    return list(flows)


def _count(db: Connection, now: datetime) -> list[Flow]:
    return [Flow(name, traffic.traffic(db, now - span)) for name, span in _SPANS]
