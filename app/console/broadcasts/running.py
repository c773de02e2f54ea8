"""One run: how far it is, who did what, and what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app import runs
from app.console.broadcasts import words
from app.console.broadcasts.content import Content, contents
from app.console.broadcasts.counting import counted
from app.console.desk import Visit
from app.console.trail import WORDS
from models import approval, audit, broadcast, mass
from models.approval import ContentChanged, NotApproved, NotYours
from models.broadcast import EditedMeanwhile, NotEditable, NothingToOverride, Override, Run, Status, UnknownRun, Unlawful, WrongState
from models.refusal import Refusal

_Deed = Callable[[Connection, Visit, int], None]

_LIVE = 240  # so often a page renews itself; then a person has to, so that nobody stays signed in by leaving it open
_EVERY = 5  # seconds
_MOST = 100  # lines of the trail


async def one(visit: Visit) -> Response:
    """The page; while something is under way it renews itself."""
    return await _page(visit)


async def _page(visit: Visit, said: str = "", status: int = 200) -> Response:
    desk, now, number = visit.desk, visit.now, visit.request.path_params["run"]
    run, loaded, digest, trail, asked, offence = await desk.database.read(lambda db: _look(db, number))
    tally = await counted(desk, run)
    waits = run.state == "asked" or words.key(run, now) == "undo"
    people = (await desk.database.read(lambda db: broadcast.reach(db, loaded.audience, now)))[0] if waits else 0
    lists = await desk.database.read(lambda db: mass.lists(db, number)) if "mass" in loaded.plan.ways else []
    live = _live(visit)
    under_way = run.state in ("planning", "sending")
    response = visit.page(
        "broadcast_run.html",
        status,
        run=run,
        word=words.word(run, now),
        key=words.key(run, now),
        tally=tally,
        names=words.DELIVERIES,
        lists=lists,
        of_lists=words.LISTS,
        contents=contents(loaded.plan),
        planned=loaded.plan,
        meant=people,
        in_words=words.spelled(people),
        newer=_newer(visit, run, loaded),
        audience=loaded.audience,
        trail=trail,
        words=WORDS,
        asked=asked,
        mine=asked is not None and not asked.is_for(visit.operator.name),
        offence=offence,
        seen=digest,
        undo=_undo(run, now),
        took=words.span(run.finished_at - run.created_at) if run.finished_at and run.created_at else None,
        left=words.span(tally.left) if tally and tally.left is not None and words.key(run, now) == "sending" else None,
        live=under_way and live < _LIVE,
        tired=under_way and live >= _LIVE,
        said=said,
        may=visit.operator.may("editor"),
    )
    if under_way and live < _LIVE and not said:
        response.headers["refresh"] = f"{_EVERY}; url=/console/broadcasts/{number}?live={live + 1}"
    return response


def _look(db: Connection, number: int) -> tuple[Status, Run, str, list[audit.Entry], approval.Approval | None, str | None]:
    try:
        run = broadcast.glance(db, number)
    except (UnknownRun, OverflowError):
        raise HTTPException(404) from None
    row = db.execute(select(broadcast.runs.c.plan, broadcast.runs.c.audience).where(broadcast.runs.c.id == number)).one()
    trail = audit.about(db, runs.subject(number), _MOST)
    digest = approval.digest(row.plan, row.audience)
    return run, broadcast.load(db, number), digest, trail, approval.of(db, number), broadcast.unlawful(db, number)


def _newer(visit: Visit, run: Status, loaded: Run) -> list[Content]:
    """What the file says now, where that differs from what is sent."""
    found = None if run.test else runs.planned(visit.desk.live.config, run.broadcast)
    return contents(found[0]) if found and contents(found[0]) != contents(loaded.plan) else []


def _live(visit: Visit) -> int:
    asked = visit.request.query_params.get("live", "0")
    return int(asked) if re.fullmatch(r"[0-9]{1,4}", asked) else 0


def _undo(run: Status, now: datetime) -> str | None:
    """How long it can still be undone; None when that is over."""
    if run.state != "planning" or run.held_until is None or run.held_until <= now:
        return None
    return words.span(run.held_until - now + timedelta(milliseconds=999))


async def act(visit: Visit) -> Response:
    """What they decided. Of two who press at once, or of a run that was faster, one is told so."""
    number, what = visit.request.path_params["run"], visit.request.path_params["act"]
    if what not in _DEEDS:
        raise HTTPException(404)
    try:
        await visit.desk.database.run(lambda db: _DEEDS[what](db, visit, number))
    except UnknownRun:
        raise HTTPException(404) from None
    except Refusal as refused:
        if what == "undo" and isinstance(refused, WrongState):
            return await _too_late(visit, number)
        return await _page(visit, _why(refused), 409)
    return visit.go(f"/broadcasts/{number}")


async def _too_late(visit: Visit, number: int) -> Response:
    """The minute is over: it is paused instead, so that they can think."""
    try:
        await visit.desk.database.run(lambda db: runs.act(db, "pause", number, visit.operator.name, visit.now, visit.address))
    except WrongState as refused:
        return await _page(visit, _why(refused), 409)
    return await _page(visit, "已经开始发了，来不及全部撤回；已经替您暂停。看看下面发了多少，再决定取消还是继续。", 409)


def _decide(what: str) -> _Deed:
    return lambda db, visit, run: runs.act(db, what, run, visit.operator.name, visit.now, visit.address)


def _approve(db: Connection, visit: Visit, run: int) -> None:
    runs.approve(db, run, visit.form.get("seen", ""), visit.operator.name, visit.now, runs.UNDO, visit.address)


def _override(db: Connection, visit: Visit, run: int) -> None:
    because = visit.form.get("because", "").strip()[:200]
    if not because:
        raise NothingToOverride(run=run, because="")
    runs.override(db, run, Override(visit.operator.name, because), visit.operator.name, visit.now, visit.address)


def _edit(db: Connection, visit: Visit, run: int) -> None:
    try:
        runs.edit(db, visit.desk.live.config, run, visit.operator.name, visit.now, visit.address)
    except KeyError:
        raise HTTPException(404) from None


_DEEDS = {**{what: _decide(what) for what in runs.ACTS}, "approve": _approve, "override": _override, "edit": _edit}


def _why(refused: Refusal) -> str:
    match refused:
        case NotYours():
            return "没有批准：这是您自己发起的，要另一位同事来批准。"
        case ContentChanged():
            return "没有批准：内容刚刚改过，或者别人先批准了。请再看一遍。"
        case NotEditable():
            return f"没有改：{refused.details['what']} 不能中途改。取消这一次，改好再重新发。"
        case EditedMeanwhile():
            return "没有改：刚刚有人也在改。请再看一遍。"
        case NotApproved():
            return "没有做：还没有批准。"
        case Unlawful():
            return f"没有做：{refused.details['offence']}。确实要发，先写明理由。"
        case NothingToOverride():
            return "没有做：要写明理由；或者已经有人负责了。"
        case WrongState():
            return f"没有做：现在是“{words.RUNS.get(str(refused.details['state']), '')}”。"
    return "没有做。"
