"""四周计划: what the schedules will send in the coming weeks, who is starved by whom, what to move; and what if there were one more."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app import what_if
from app.complaint import Complaint
from app.console.calendar import calendar, chip_of
from app.console.desk import Desk, Visit
from app.plan_words import ASSUMES, STAGES, differences
from models import attempt, plan, schedule
from models.broadcast import Broadcast, BroadcastsSection
from models.config import Config
from models.plan import Advice, Forecast, Planner, Sending, Step

WEEKS = 4
SAMPLE, ADVISED = 20_000, 3_000  # followers that the page's plan is replayed for, and those that advice is tried on
MOST, WINDOW = 10, timedelta(minutes=1)  # what-ifs of one operator
MOST_DUE = 700  # due times that the page replays: one every hour of the weeks. Whoever pastes `* * * * *` must not stop the program
STYLE = (Path(__file__).parent / "templates" / "plan.css").read_bytes()
STYLE_AT = f"/console/plan.css?v={hashlib.sha256(STYLE).hexdigest()[:12]}"
_FRESH = timedelta(seconds=60)
_EXAMPLE = 'key: spring\ntitle: 春季上新\ncron: "0 20 * * fri"\nsegment: all\ntemplate: 模板ID\ndata: {thing1: 上新了}\n'


@dataclass(frozen=True)
class _Seen:
    """A plan as the page shows it."""

    forecast: Forecast
    advice: list[Advice]
    planned: Sequence[Broadcast]
    idle: list[tuple[datetime, Broadcast, str]]
    advised_of: int = 1  # what is advised was tried on every so manieth follower
    too_often: Sequence[str] = ()  # the broadcasts that are left out because they are due too often

    def of(self, key: str) -> list[Sending]:
        """The sendings of a broadcast."""
        return self.forecast.of_broadcast().get(key, [])


async def style(visit: Visit) -> Response:
    """The page's own style sheet."""
    return Response(STYLE, media_type="text/css", headers={"cache-control": "private, max-age=31536000, immutable"})


async def shown(visit: Visit) -> Response:
    """The plan of the file in force."""
    return _page(visit, await _in_force(visit.desk, visit.now))


async def tried(visit: Visit) -> Response:
    """The plan with what was pasted beside the plan without. Of one operator no more than MOST a WINDOW: each replays weeks."""
    now, config, subject = visit.now, visit.desk.live.config, f"plan:{visit.operator.id}"
    written = visit.form.get("yaml", "")[: what_if.MOST_BYTES + 1]
    if not await visit.desk.database.run(lambda db: attempt.allowed(db, subject, MOST, WINDOW, now)):
        raise HTTPException(429)
    before = await _in_force(visit.desk, now)
    try:
        more = what_if.read(written.encode(), "粘贴的内容", config)
    except what_if.Unclear as unclear:
        return _page(visit, before, written=written, wrong=unclear.complaints, status=400)
    planned = what_if.together(config[BroadcastsSection].root, more)
    after = await _looked(visit.desk, config, planned, now)
    return _page(visit, after, written=written, before=before, new=[one.key for one in more])


async def _in_force(desk: Desk, now: datetime) -> _Seen:
    """Kept for a minute: whoever reloads the page does not make the weeks be replayed again."""
    config = desk.live.config
    at, (version, kept) = desk.kept.get("plan", (now, ("", None)))
    if version == config.version and at <= now < at + _FRESH:
        found: _Seen = kept
        return found
    seen = await _looked(desk, config, config[BroadcastsSection].root, now)
    desk.kept["plan"] = (now, (config.version, seen))
    return seen


async def _looked(desk: Desk, config: Config, planned: Sequence[Broadcast], now: datetime) -> _Seen:
    try:
        return await asyncio.to_thread(_look, desk, config, planned, now)
    except OperationalError:  # another process has held the database for seconds
        raise HTTPException(503) from None


def _look(desk: Desk, config: Config, every: Sequence[Broadcast], now: datetime) -> _Seen:
    planned = _seldom(config, every, now)
    with desk.database.snapshot() as db:
        people = plan.size(db)
        planner = Planner(db, config, now, WEEKS, one_in=max(1, people // SAMPLE))
        forecast = planner.forecast(planned)
        few = planner if people <= ADVISED else Planner(db, config, now, WEEKS, one_in=people // ADVISED)
        idle, too_often = plan.idle(config, planned, now, planner.until), [one.key for one in every if one not in planned]
        return _Seen(forecast, plan.advise(few, planned), planned, idle, few.crowd.one_in, too_often)


def _seldom(config: Config, every: Sequence[Broadcast], now: datetime) -> list[Broadcast]:
    """These broadcasts without those whose due times would be too many for the page, together with those of the ones before them."""
    left, until, found = MOST_DUE, now + timedelta(weeks=WEEKS), []
    for one in every:
        due = schedule.due_between(one.cron, config.zone, now, until) if one.cron else iter(())
        many = sum(1 for _ in islice(due, left + 1))
        if many <= left:
            left -= many
            found.append(one)
    return found


def _page(
    visit: Visit,
    seen: _Seen,
    *,
    written: str = "",
    wrong: Sequence[Complaint] = (),
    before: _Seen | None = None,
    new: Sequence[str] = (),
    status: int = 200,
) -> Response:
    column = visit.request.query_params.get("column", "")
    columns = sorted({one.column for one in seen.planned if one.column})
    return visit.page(
        "plan.html",
        status,
        plan_style=STYLE_AT,
        assumes=ASSUMES,
        stages=STAGES,
        seen=seen,
        forecast=seen.forecast,
        weeks=calendar(seen.forecast, seen.idle, new, column if column in columns else ""),
        column=column,
        columns=columns,
        worst=lambda key: max(seen.of(key), key=seen.forecast.capped, default=None),
        chip=lambda sending: chip_of(seen.forecast, sending, set(new)),
        waterfall=lambda sending: drawn(seen.forecast.waterfall(sending)),
        written=written or _EXAMPLE,
        wrong=wrong,
        before=before,
        changes=differences(before.forecast, seen.forecast) if before else [],
        short_number=short_number,
        names={one.key: one.title or one.key for one in seen.planned},
    )


def drawn(steps: Sequence[Step]) -> list[Step]:
    """The steps that say something: nobody being put off beyond the weeks is no news."""
    return [step for step in steps if step.stage != "quiet" or step.out]


def short_number(number: int) -> str:
    """A count for a narrow place: 1234, 1.2万, 35万."""
    if number < 10_000:
        return str(number)
    return f"{number / 10_000:.1f}".rstrip("0").rstrip(".") + "万" if number < 1_000_000 else f"{number // 10_000}万"
