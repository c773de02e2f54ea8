"""试一句: what a message would lead to, with the whole way to the answer; nothing of it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.console.desk import Desk, Visit
from app.live import Version
from app.persona import Persona, become, check
from app.rehearsal import NOBODY, Rehearsal, Tried
from app.scratch import scratch
from models import attempt
from models.level import level_rules

MOST, WINDOW = 30, timedelta(minutes=1)  # tries of one operator
LONGEST = 2048  # bytes of a text that a follower can send
WAYS = {
    "says": "说",
    "presses": "点菜单",
    "image": "发图片",
    "voice": "发语音",
    "video": "发视频",
    "location": "发位置",
    "link": "发链接",
    "follows": "关注",
    "scans": "扫渠道码",
}
_FIELDS = ("words", "how", "openid", "at", "tags", "level", "points")
_EMPTY = dict.fromkeys(_FIELDS, "") | {"how": "says"}


@dataclass(frozen=True)
class _Asked:
    """A try as the form describes it."""

    how: str
    words: str
    openid: str
    now: datetime
    persona: Persona


class _Unclear(Exception):
    """The form cannot be understood; the message says why, in Chinese."""


async def form(visit: Visit) -> Response:
    """The page to try something on."""
    return _page(visit, _EMPTY, None)


async def attempted(visit: Visit) -> Response:
    """The answer to what was tried. Of one operator no more than MOST a WINDOW: each is as much work as a follower's message."""
    given = {name: visit.form.get(name, "").strip()[:2000] for name in _FIELDS}
    given["how"] = given["how"] if given["how"] in WAYS else "says"
    subject, now = f"try:{visit.operator.id}", visit.now
    if not await visit.desk.database.run(lambda db: attempt.allowed(db, subject, MOST, WINDOW, now)):
        raise HTTPException(429)
    version = visit.desk.live.current
    try:
        asked = _asked(given, version, now)
    except _Unclear as unclear:
        return _page(visit, given, None, str(unclear), 400)
    try:
        tried = await asyncio.to_thread(_tried, visit.desk, version, asked)
    except OperationalError:  # another process has held the database for seconds
        raise HTTPException(503) from None
    return _page(visit, given, tried)


def _page(visit: Visit, given: Mapping[str, str], tried: Tried | None, said: str = "", status: int = 200) -> Response:
    levels = list(_levels(visit.desk.live.current))
    detailed = any(given[name] for name in ("openid", "at", "tags", "level", "points")) or given["how"] != "says"
    return visit.page("try.html", status, given=given, tried=tried, said=said, ways=WAYS, levels=levels, detailed=detailed)


def _levels(version: Version) -> Mapping[str, int]:
    from_file: Mapping[str, int] = level_rules(version.settings.config).levels
    return from_file


def _asked(given: Mapping[str, str], version: Version, now: datetime) -> _Asked:
    how, words = given["how"], given["words"]
    if how in ("says", "presses", "scans") and not words:
        raise _Unclear("写一句话再试。" if how == "says" else "写上是哪一个：菜单按钮的名字或 key，渠道的 key。")
    if len(words.encode()) > LONGEST:
        raise _Unclear("太长了：粉丝一次最多能发 2048 字节。")
    tags = [tag for tag in given["tags"].replace("，", " ").replace(",", " ").replace("、", " ").split() if tag]
    points = given["points"]
    if points and not (points.isascii() and points.isdecimal() and len(points) < 10):
        raise _Unclear("积分要写成一个不小于 0 的整数。")
    try:
        persona = Persona(tags=tags, level=given["level"] or None, points=int(points) if points else None)
    except ValidationError:
        raise _Unclear("标签或积分写得不对。") from None
    for problem in check(persona, (), version.settings.config):
        raise _Unclear(problem.zh)
    return _Asked(how, words, given["openid"], _instant(given["at"], version, now), persona)


def _instant(written: str, version: Version, now: datetime) -> datetime:
    if not written:
        return now
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise _Unclear("时间要写成 2026-11-21 22:30 这样。") from None
    if not 2000 <= at.year <= 2100:
        raise _Unclear("时间要在 2000 年到 2100 年之间。")
    return at.replace(tzinfo=version.settings.config.zone) if at.tzinfo is None else at


def _tried(desk: Desk, version: Version, asked: _Asked) -> Tried:
    """As a follower we know: in a transaction of the live database that is taken back. As anybody: in a database of its own."""
    if asked.openid:
        with desk.database.rehearsal() as db:
            return _in(db, version, asked, asked.openid)
    with scratch() as made, made.rehearsal() as db:
        return _in(db, version, asked, NOBODY)


def _in(db: Connection, version: Version, asked: _Asked, openid: str) -> Tried:
    rehearsal = Rehearsal(version, db, openid, now=asked.now)
    if asked.persona != Persona():
        become(db, openid, asked.persona, version.settings.config, asked.now)
    match asked.how:
        case "says":
            return rehearsal.says(asked.words)
        case "presses":
            return rehearsal.presses(asked.words)
        case "follows":
            return rehearsal.follows()
        case "scans":
            return rehearsal.scans(asked.words)
        case kind:
            return rehearsal.sends(kind)
