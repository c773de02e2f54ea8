"""邀请: newcomers whose payment looks odd, with the reasons, and an operator's word on each."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.console.desk import Visit
from app.logs import mask
from models import audit, referral_payment
from models.referral_payment import AlreadyDecided, NewcomerLeft, UnknownReferral

_MOST = 100
STATES = {"pending": "等待", "held": "等人看", "paid": "已计入", "refused": "不计", "clawed_back": "已收回"}


async def listed(visit: Visit) -> Response:
    """Those that wait for somebody, the oldest first; with `?all=1` everybody, the newest first."""
    return await _page(visit, everything=visit.request.query_params.get("all") == "1")


async def _page(visit: Visit, *, everything: bool = False, said: str = "", status: int = 200) -> Response:
    look = referral_payment.newest if everything else referral_payment.held
    found, totals = await visit.desk.database.read(lambda db: (look(db, _MOST + 1), referral_payment.totals(db)))
    more = {"more": len(found) > _MOST, "everything": everything, "said": said, "may": visit.operator.may("editor"), "mask": mask}
    return visit.page("referrals.html", status, found=found[:_MOST], totals=totals, STATE=STATES, **more)


async def settle(visit: Visit) -> Response:
    """It is paid, or refused for a reason. Of two operators who press at once one is told that the other was faster."""
    number, now, by = visit.request.path_params["referral"], visit.now, visit.operator.name
    verdict, reason = visit.form.get("verdict"), visit.form.get("reason", "").strip()[:200]
    if verdict not in ("pay", "refuse") or number >= 1 << 63:
        raise HTTPException(400)
    if verdict == "refuse" and not reason:
        return await _page(visit, said="不计要写理由。", status=400)
    config = visit.desk.live.config

    def work(db: Connection) -> None:
        if verdict == "pay":
            referral_payment.pay(db, config, number, by, now)
        else:
            referral_payment.refuse(db, number, reason, by)
        action = "referral_paid" if verdict == "pay" else "referral_refused"
        audit.note(db, by, action, now, subject=f"referral:{number}", detail=reason if verdict == "refuse" else "", address=visit.address)

    try:
        await visit.desk.database.run(work)
    except UnknownReferral:
        raise HTTPException(404) from None
    except NewcomerLeft:
        return await _page(visit, said="新来的人已经离开了，不能给。", status=409)
    except AlreadyDecided as decided:
        return await _page(visit, said=f"这一位不等人处理了：{STATES[str(decided.details['state'])]}。", status=409)
    return visit.go("/referrals")
