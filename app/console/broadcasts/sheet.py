"""The pre-flight sheet on the page before a broadcast begins."""

from __future__ import annotations

from datetime import datetime

from app.console import plan
from app.console.broadcasts import words
from app.console.desk import Desk
from app.logs import mask
from app.plan_words import ASSUMES, STAGES
from models import preflight
from models.broadcast import Broadcast
from models.push import WAY_NAMES


async def values(desk: Desk, planned: Broadcast, now: datetime) -> dict[str, object]:
    """What preflight.html is drawn from."""
    config = desk.live.config
    sheet = await desk.database.read(lambda db: preflight.sheet(db, config, planned, now))
    return {
        "sheet": sheet,
        "steps": plan.drawn(sheet.waterfall),
        "stages": STAGES,
        "ways": WAY_NAMES,
        "assumes": ASSUMES,
        "plan_style": plan.STYLE_AT,
        "span": words.span,
        "mask": mask,
    }
