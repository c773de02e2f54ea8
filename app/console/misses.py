"""没听懂: what followers asked and nobody answered, those that ask the same together, with what could be added to the file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection
from starlette.responses import Response

from app.config_file import Settings
from app.console.desk import Desk, Visit
from app.suggestion import Suggesting, Suggestion, written
from models import miss, traffic
from models.miss import Miss

SPANS = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}
MOST_LOOKED_AT = 10_000  # of the newest messages, so that a busy account's page takes no longer
_FRESH = timedelta(minutes=2)
_MOST = 50  # groups on the page


@dataclass(frozen=True)
class Suggested:
    """A group of misses, and the YAML to add for it."""

    suggestion: Suggestion
    yaml: str
    place: str | None  # of what the file has that is nearest


@dataclass(frozen=True)
class _Found:
    groups: Sequence[Suggested]
    since: datetime
    cut: bool  # there were more messages than are looked at
    version: str


async def misses(visit: Visit) -> Response:
    """The groups with the most messages first."""
    days = visit.request.query_params.get("days", "7")
    days = days if days in SPANS else "7"
    found = await _found(visit.desk, days, visit.now)
    shown, more = found.groups[:_MOST], len(found.groups) > _MOST
    return visit.page("misses.html", days=days, spans=SPANS, found=found, groups=shown, more=more)


async def _found(desk: Desk, days: str, now: datetime) -> _Found:
    """Found anew when the file has changed or two minutes are over."""
    settings = desk.live.current.settings
    at, kept = desk.kept.get(f"misses:{days}", (now, None))
    if isinstance(kept, _Found) and kept.version == settings.config.version and at <= now < at + _FRESH:
        return kept
    wanted = now - SPANS[days]
    missed, since = await desk.database.read(lambda db: _read(db, wanted))
    groups = await asyncio.to_thread(lambda: _suggested(missed, settings))
    found = _Found(groups, since, since > wanted, settings.config.version)
    desk.kept[f"misses:{days}"] = (now, found)
    return found


def _read(db: Connection, since: datetime) -> tuple[list[Miss], datetime]:
    """The misses since then, and since when they really are: of a busy account the newest messages only."""
    begin = max(since, traffic.newest_since(db, MOST_LOOKED_AT) or since)
    return miss.missed(db, begin), begin


def _suggested(missed: Sequence[Miss], settings: Settings) -> list[Suggested]:
    """Without what the file answers by now: whoever adds a rule sees its group go."""
    suggesting = Suggesting(settings.config)
    of = [suggesting.of(group) for group in islice(suggesting.open(miss.grouped(missed)), _MOST + 1)]
    return [Suggested(one, written([one]), settings.where(one.nearest.where) if one.nearest else None) for one in of]
