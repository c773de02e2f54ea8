"""效果: what broadcasts led to and what they cost, against the followers who were held out; at which hours a segment comes."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.responses import Response

from app import effect_story
from app.console.desk import Visit
from models import effect, rhythm
from models.broadcast import BroadcastsSection
from models.effect import Effect, Overall
from models.push import rules_of
from models.rhythm import Rhythm
from models.segment import SegmentsSection

_MOST = 20


async def effects(visit: Visit) -> Response:
    """The newest broadcasts with a goal or variants; below, the hours of the segment of `?segment=`, of everybody without it."""
    config, now = visit.desk.live.config, visit.now
    segments = config[SegmentsSection]
    chosen = segments.named(visit.request.query_params.get("segment", "all")) or segments.named("all")
    assert chosen is not None  # `all` is always there

    def work(db: Connection) -> tuple[list[Effect], Overall | None, Rhythm]:
        found = [one for name in effect.measured(db)[:_MOST] if (one := effect.of(db, name, now))]
        everything = effect.overall(db, rules_of(config).control, now)
        return found, everything, rhythm.of(db, chosen.where, config.zone, now)

    found, everything, hours = await visit.desk.database.read(work)
    known = ["all", *(segment.key for segment in segments.root if segment.key != "all")]
    best = {one.hour for one in hours.best}
    top = max((one.active.high for one in hours.hours), default=1) or 1
    return visit.page(
        "effects.html",
        found=found,
        everything=everything,
        waiting=[one.title or one.key for one in config[BroadcastsSection].root if one.goal or one.variants],
        story=effect_story,
        hours=hours,
        best=best,
        top=top,
        segments=known,
        chosen=chosen.key,
    )
