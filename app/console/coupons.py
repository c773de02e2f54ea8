"""优惠券: every batch and what became of its coupons; a coupon is looked up by its code, redeemed in two steps, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.console.desk import Visit, when
from app.logs import mask
from app.shipping_list import table
from models import attempt, audit, coupon
from models.config import Config
from models.coupon import BatchRules, Counted, Found, Redeemer, UnknownCode
from models.refusal import Refusal

_MOST_GUESSES, _WINDOW = 20, timedelta(hours=1)
_STATES = {"claimed": "未使用", "redeemed": "已使用", "void": "已作废"}
_HEAD = ("编号", "券码", "状态", "来源", "领取时间", "有效期至", "核销时间", "核销人", "粉丝")
_SAID = {
    "mistyped_code": "券码有一个字打错了，请核对。",
    "unknown_code": "没有这个券码。",
    "already_redeemed": "没有核销：已经用过了，{at} 由 {by} 核销。",
    "coupon_expired": "不能核销：已过期，有效期到 {until}。",
    "coupon_not_yet_valid": "不能核销：{begin} 起才能用。",
    "coupon_void": "不能核销：已经作废。",
    "not_redeemed": "没有撤销：这张券没有核销过。",
}


@dataclass(frozen=True)
class Row:
    """A batch as the page shows it."""

    batch: BatchRules
    counts: Counted
    left: int


async def listed(visit: Visit) -> Response:
    """All batches of the file."""
    return await _page(visit)


async def look(visit: Visit) -> Response:
    """The coupon with this code, and what can be done with it. Guesses are counted."""
    code, subject, now = visit.form.get("code", ""), f"redeem:operator:{visit.operator.id}", visit.now

    def work(db: Connection) -> Found | Refusal | None:
        if attempt.used_up(db, subject, _MOST_GUESSES, _WINDOW, now):
            return None
        try:
            return coupon.look_up(db, code)
        except UnknownCode as unknown:
            attempt.allowed(db, subject, _MOST_GUESSES, _WINDOW, now)
            return unknown
        except Refusal as refusal:
            return refusal

    found = await visit.desk.database.run(work)
    if found is None:
        raise HTTPException(429)
    if isinstance(found, Refusal):
        return await _page(visit, said=_words(visit, found), status=404)
    return await _page(visit, found=found)


async def redeem(visit: Visit) -> Response:
    """It is used: of all who try at once one is told so, the others by whom."""
    config, who, now = visit.desk.live.config, Redeemer(visit.operator.name), visit.now
    return await _do(visit, "coupon_redeemed", lambda db, one: coupon.redeem(db, config, one, who, now))


async def undo(visit: Visit) -> Response:
    """It is as if it had not been used."""
    config, who, now = visit.desk.live.config, Redeemer(visit.operator.name), visit.now
    return await _do(visit, "coupon_undone", lambda db, one: coupon.undo(db, config, one, who, now))


async def _do(visit: Visit, action: str, verb: Callable[[Connection, int], Found]) -> Response:
    code, person, now, address = visit.form.get("code", ""), visit.operator.name, visit.now, visit.address

    def work(db: Connection) -> Found:
        done = verb(db, coupon.look_up(db, code).coupon.id)
        audit.note(db, person, action, now, subject=f"coupon:{done.coupon.id}", address=address)
        return coupon.see(db, done.coupon.id)

    try:
        found = await visit.desk.database.run(work)
    except Refusal as refusal:
        return await _page(visit, said=_words(visit, refusal), status=409)
    return await _page(visit, found=found, done=action)


async def export(visit: Visit) -> Response:
    """All coupons of a batch as a file. Whose they are, and codes that can still be used, are not in it in full; the trail says who took it."""
    key, person, now, zone = visit.form.get("batch", ""), visit.operator.name, visit.now, visit.desk.live.config.zone
    if coupon.rules_of(visit.desk.live.config).batch(key) is None:
        raise HTTPException(404)

    def work(db: Connection) -> list[tuple[str, ...]]:
        rows = [_cells(row, lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else "") for row in coupon.every(db, key)]
        audit.note(db, person, "coupons_exported", now, subject=f"coupon:{key}", detail=f"{len(rows)}", address=visit.address)
        return rows

    text = table([_HEAD, *await visit.desk.database.run(work)])
    name = f"coupons-{key}-{now.astimezone(zone):%Y%m%d-%H%M}.csv"
    return Response(text, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'})


def _cells(row: Any, at: Callable[[datetime | None], str]) -> tuple[str, ...]:
    code = f"…{row.shown[-4:]}" if row.state == "claimed" else row.shown
    times = (at(row.claimed_at), at(row.expires_at), at(row.redeemed_at))
    return (str(row.id), code, _STATES[row.state], row.cause, *times, row.redeemed_by or "", mask(row.openid))


async def _page(visit: Visit, *, found: Found | None = None, said: str = "", done: str = "", status: int = 200) -> Response:
    config, now = visit.desk.live.config, visit.now
    rows, past = await visit.desk.database.read(lambda db: _read(db, config, found, now))
    values = {"rows": rows, "past": past, "found": found, "said": said, "done": done, "states": _STATES}
    blocked = _words(visit, _why_not(config, found, now)) if found else ""
    until = coupon.until(config, found.coupon) if found else ""
    return visit.page("coupons.html", status, may=visit.operator.may("editor"), blocked=blocked, until=until, **values)


def _read(db: Connection, config: Config, found: Found | None, now: datetime) -> tuple[list[Row], list[Any]]:
    counts = coupon.counted(db, now)
    batches = [(one, counts.get(one.key, Counted())) for one in coupon.rules_of(config).batches]
    return [Row(one, many, coupon.left(db, one, many)) for one, many in batches], coupon.history(db, found.coupon.id) if found else []


def _why_not(config: Config, found: Found, now: datetime) -> Refusal | None:
    try:
        coupon.usable(config, found, now)
    except Refusal as refusal:
        return refusal
    return None


def _words(visit: Visit, refusal: Refusal | None) -> str:
    if refusal is None:
        return ""
    zone = visit.desk.live.config.zone
    details = {name: when(value, zone, visit.now) if isinstance(value, datetime) else value for name, value in refusal.details.items()}
    return _SAID[refusal.code].format(**details)
