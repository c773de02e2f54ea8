"""积分: a follower's balance and every entry behind it; what an operator gives, takes or takes back, with a reason and their name."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.console.desk import Visit
from app.logs import mask
from handlers.points import PointsSection, why
from models import audit, expiry, follower, points
from models.follower import followers
from models.points import MOST, Posted, UnknownEntry
from models.refusal import Refusal

_PAGE = 30
_LONGEST = 200  # of a reason
_AMOUNT = re.compile(r"[+-]?[0-9]{1,10}")
_REQUEST = re.compile(r"[0-9a-f]{16}")
_OPENID = select(followers.c.openid).where(followers.c.id == bindparam("follower"))
_REFUSED = {
    "not_enough_points": "没有改动：余额只有 {balance}，不够减 {needed}。",
    "request_used": "没有改动：这张表单已经交过一次，那次是 {amount:+d}，余额 {balance}。要再加减，请在下面重新填。",
    "unknown_entry": "没有改动：没有这条流水，或者它本身就是一次撤回。",
}


@dataclass(frozen=True)
class Looked:
    """A follower's points as the page shows them."""

    id: int
    openid: str
    balance: int
    growth: int
    entries: Sequence[Any]
    more: bool
    page: int


async def form(visit: Visit) -> Response:
    """Whose points?"""
    return visit.page("ledger.html", looked=None, said="", openid="")


async def find(visit: Visit) -> Response:
    """The page of the follower with this openid."""
    openid = visit.form.get("openid", "").strip()
    person = await visit.desk.database.read(lambda db: follower.find(db, openid))
    if person is None:
        return visit.page("ledger.html", 404, looked=None, said="没有这位粉丝。", openid=openid[:64])
    return visit.go(f"/ledger/{person.id}")


async def show(visit: Visit) -> Response:
    """Balance and entries, the newest first."""
    return await _show(visit)


async def _show(visit: Visit, said: str = "", status: int = 200) -> Response:
    number, page = _follower(visit), visit.page_number

    def work(db: Connection) -> Looked | None:
        openid = _openid(db, number)
        if openid is None:
            return None
        entries = points.statement(db, number, _PAGE + 1, skip=(page - 1) * _PAGE)
        balance, growth = points.balance(db, number), points.balance(db, number, points.GROWTH)
        return Looked(number, openid, balance, growth, entries[:_PAGE], len(entries) > _PAGE, page)

    looked = await visit.desk.database.read(work)
    if looked is None:
        raise HTTPException(404)
    words = (visit.desk.live.config.get(PointsSection) or PointsSection()).replies
    values = {"looked": looked, "said": said, "openid": "", "mask": mask, "request": secrets.token_hex(8)}
    zone = visit.desk.live.config.zone
    return visit.page("ledger.html", status, why=lambda row: why(row, words), last_day=lambda at: expiry.last_day(at, zone), **values)


async def adjust(visit: Visit) -> Response:
    """So much is given or taken, once per form."""
    amount, reason, request = (visit.form.get(name, "").strip() for name in ("amount", "reason", "request"))
    if not _REQUEST.fullmatch(request):
        raise HTTPException(400)
    if not _AMOUNT.fullmatch(amount) or not 0 < abs(int(amount)) <= MOST:
        return await _show(visit, "没有改动：加减多少要写一个整数，例如 50 或 -50。", 400)
    number, by, now, config = _follower(visit), visit.operator.name, visit.now, visit.desk.live.config
    until = expiry.of(config, now) if int(amount) > 0 else None

    def work(db: Connection) -> Posted:
        done = points.adjust(db, number, int(amount), by, reason, now, request, expires_at=until)
        if done.new:
            audit.note(
                db, by, "points_adjusted", now, subject=f"follower:{number}", detail=f"{int(amount):+d}：{reason}", address=visit.address
            )
        return done

    return await _do(visit, reason, work)


async def reverse(visit: Visit) -> Response:
    """An entry of theirs is taken back, once."""
    entry, reason = visit.form.get("entry", "").strip(), visit.form.get("reason", "").strip()
    if not re.fullmatch(r"[0-9]{1,18}", entry):
        return await _show(visit, "没有改动：要撤回哪条，写它的编号。", 400)
    number, by, now, config = _follower(visit), visit.operator.name, visit.now, visit.desk.live.config
    at_most = visit.form.get("at_most") == "1"

    def work(db: Connection) -> Posted:
        if points.owner(db, int(entry)) != number:  # of somebody else: the page was left open, or the number mistyped
            raise UnknownEntry(entry=entry)
        done = points.reverse(db, int(entry), now, by=by, reason=reason, at_most=at_most, expires_at=expiry.of(config, now))
        if done.new:
            audit.note(db, by, "points_reversed", now, subject=f"entry:{entry}", detail=reason, address=visit.address)
        return done

    return await _do(visit, reason, work)


async def _do(visit: Visit, reason: str, work: Callable[[Connection], Posted]) -> Response:
    if not reason or len(reason) > _LONGEST:
        return await _show(visit, f"没有改动：要写理由，最多 {_LONGEST} 字；粉丝在明细里看得到。", 400)
    number = _follower(visit)

    def known(db: Connection) -> Posted:
        if _openid(db, number) is None:
            raise HTTPException(404)
        return work(db)

    try:
        await visit.desk.database.run(known)
    except Refusal as refused:
        return await _show(visit, _REFUSED[refused.code].format(**refused.details), 409)
    return visit.go(f"/ledger/{number}")


def _follower(visit: Visit) -> int:
    number: int = visit.request.path_params["follower"]
    if number >= 1 << 63:
        raise HTTPException(404)
    return number


def _openid(db: Connection, number: int) -> str | None:
    found: str | None = db.execute(_OPENID, {"follower": number}).scalar()
    return found
