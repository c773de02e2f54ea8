"""Before a broadcast begins: the sheet that says what will happen, and the button that asks for the number of people to be written down."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import timedelta

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app import runs
from app.console.broadcasts import sheet, words
from app.console.broadcasts.content import contents
from app.console.desk import Visit
from models import approval, broadcast
from models.broadcast import Broadcast, NobodyToTestWith, Override, StillADraft, Unlawful
from models.push import rules_of
from models.refusal import Refusal

_FRESH = timedelta(days=1)  # a run as new as that is brought up
_ABOUT = 0.01  # the number of people may have changed by so much since the page was shown


async def look(visit: Visit) -> Response:
    """To whom, what, and what would keep it from going out; the form to begin it."""
    return await _page(visit)


async def _page(visit: Visit, said: str = "", status: int = 200) -> Response:
    planned, where = _planned(visit)
    config, now, desk = visit.desk.live.config, visit.now, visit.desk
    people, everybody = await desk.database.read(lambda db: broadcast.reach(db, where, now))
    staff, _ = await desk.database.read(lambda db: broadcast.reach(db, "staff", now))
    rules = rules_of(config)
    return visit.page(
        "broadcast_plan.html",
        status,
        planned=planned,
        where=where,
        people=people,
        everybody=everybody,
        staff=staff,
        in_words=words.spelled(people),
        contents=contents(planned),
        offence=broadcast.offence(planned),
        approval=await desk.database.read(lambda db: broadcast.wanted(db, planned, where, rules.approval, now)),
        quiet=rules.quiet_until(now, config.zone),
        rules=rules,
        undo=words.span(runs.UNDO),
        seen=_digest(planned, where),
        request=secrets.token_hex(8),
        last=await desk.database.read(lambda db: broadcast.latest(db, planned.key)),
        fresh=now - _FRESH,
        word=lambda run: words.word(run, now),
        said=said,
        may=visit.operator.may("editor"),
        **await sheet.values(desk, planned, now),
    )


def _planned(visit: Visit) -> tuple[Broadcast, str]:
    found = runs.planned(visit.desk.live.config, visit.request.path_params["key"])
    if found is None:
        raise HTTPException(404)
    return found


def _digest(planned: Broadcast, where: str) -> str:
    return approval.digest(planned.model_dump_json(), where)


async def start(visit: Visit) -> Response:
    """A run that begins in a minute, if what they saw is still so and they wrote down to how many people."""
    planned, where = _planned(visit)
    now, form = visit.now, visit.form
    people, _ = await visit.desk.database.read(lambda db: broadcast.reach(db, where, now))
    if (wrong := _wrong(planned, where, people, form.get("seen", ""), form.get("people", ""), form.get("written", ""))) is not None:
        return await _page(visit, wrong, 409)
    because = form.get("because", "").strip()
    override = Override(visit.operator.name, because) if because else None

    # Of two who press, or who press twice, at the same page, the second is shown the first one's run.
    request = f"console:{planned.key}:{form.get('last', '')[:20]}"

    def work(db: Connection) -> int | None:
        last = broadcast.latest(db, planned.key)
        if str(last.id if last else 0) != form.get("last"):
            return broadcast.requested(db, request)
        return runs.start(
            *(db, visit.desk.live.config, planned.key, visit.operator.name, now),
            request=request,
            undo=runs.UNDO,
            override=override,
            address=visit.address,
        )

    try:
        number = await visit.desk.database.run(work)
    except StillADraft:
        return await _page(visit, "没有发：还是草稿。定稿以后在配置里写 state: approved。", 409)
    except (Unlawful, Refusal) as refused:
        return await _page(visit, f"没有发：{refused.details.get('offence', '这样发不了')}", 409)
    return visit.go(f"/broadcasts/{number}") if number else await _page(visit, "没有发：刚刚已经开始了一次，请先看看那一次。", 409)


def _wrong(planned: Broadcast, where: str, people: int, seen: str, shown: str, written: str) -> str | None:
    """Why nothing is begun: they saw something else, or did not write down the number."""
    digits = unicodedata.normalize("NFKC", written).replace(",", "").replace(" ", "").removesuffix("人")
    if seen != _digest(planned, where):
        return "没有发：内容或人群刚刚改过。下面是新的，请重新看一遍。"
    if not shown.isascii() or not shown.isdigit() or abs(people - int(shown[:12])) > max(1, _ABOUT * people):
        return "没有发：人数刚刚变了。下面是新的，请重新看一遍。"
    if digits != shown:
        return f"没有发：要在格子里写下人数 {shown}，再按按钮。"
    return None


async def to_staff(visit: Visit) -> Response:
    """A test to staff only."""
    planned, _ = _planned(visit)
    config, now, by = visit.desk.live.config, visit.now, visit.operator.name
    request = f"staff:{planned.key}:{visit.form.get('request', '')[:40]}"  # pressed twice is one test

    def work(db: Connection) -> int | None:
        return runs.send_to_staff(db, config, planned.key, by, now, request=request, address=visit.address)

    try:
        number = await visit.desk.database.run(work)
    except NobodyToTestWith:
        return await _page(visit, "没有店员可以收测试。先在“券”里邀请店员，或者运行 yizhan staff invite。", 409)
    except Unlawful as refused:
        return await _page(visit, f"没有发：{refused.details['offence']}", 409)
    return visit.go(f"/broadcasts/{number}") if number else await _page(visit, "没有发：再按一次。", 409)
