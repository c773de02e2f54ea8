"""待处理: what was found of words that must not appear, and an operator's word on each."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.console.desk import Visit
from app.logs import mask
from models import audit, finding
from models.finding import AlreadySettled, UnknownFinding

_MOST = 100
_VERDICTS: dict[str, tuple[Literal["passed", "dismissed"], str]] = {
    "pass": ("passed", "finding_passed"),
    "dismiss": ("dismissed", "finding_dismissed"),
}


async def waiting(visit: Visit) -> Response:
    """Those that wait, the oldest first; with `?all=1` everything that was found, the newest first."""
    return await _page(visit, everything=visit.request.query_params.get("all") == "1")


async def _page(visit: Visit, *, everything: bool = False, said: str = "", status: int = 200) -> Response:
    look = finding.newest if everything else finding.waiting
    found = await visit.desk.database.read(lambda db: look(db, _MOST + 1))
    shown, may = found[:_MOST], visit.operator.may("editor")
    return visit.page("findings.html", status, found=shown, more=len(found) > _MOST, everything=everything, said=said, may=may, mask=mask)


async def settle(visit: Visit) -> Response:
    """The finding waits no longer. Of two operators who press at once one is told that the other was faster."""
    number, person, now = visit.request.path_params["finding"], visit.operator.name, visit.now
    if visit.form.get("verdict") not in _VERDICTS or number >= 1 << 63:
        raise HTTPException(400)
    verdict, action = _VERDICTS[visit.form["verdict"]]

    def work(db: Connection) -> None:
        finding.settle(db, number, verdict, person, now)
        audit.note(db, person, action, now, subject=f"finding:{number}", address=visit.address)

    try:
        await visit.desk.database.run(work)
    except UnknownFinding:
        raise HTTPException(404) from None
    except AlreadySettled as settled:
        return await _page(visit, said=f"这一条已经由 {settled.details.get('by') or '系统'} 处理过了。", status=409)
    return visit.go("/findings")
