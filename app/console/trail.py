"""操作记录: who signed in and who changed what."""

from __future__ import annotations

from starlette.responses import Response

from app.console.desk import Visit
from models import audit

_MOST = 300
_WORDS = {
    "signed_in": "登录",
    "signed_out": "退出",
    "sign_in_failed": "登录失败",
    "code_used": "用一次性代码登录",
    "password_set": "设了密码",
    "operator_added": "加了账号",
    "operator_reset": "重设了账号",
    "operator_disabled": "停用了账号",
    "went_back": "回到旧版本",
    "finding_passed": "看过，没问题",
    "finding_dismissed": "看过，不合适",
}


async def trail(visit: Visit) -> Response:
    """The newest entries."""
    entries = await visit.desk.database.read(lambda db: audit.latest(db, _MOST))
    return visit.page("audit.html", entries=entries, words=_WORDS)
