"""Reports: MASSSENDJOBFINISH says how a job ended. The platform gives counts, and no names."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select, true, update

from models.base import Id, insert
from models.delivery import deliveries
from models.mass.tables import LONGEST_MSG_ID, mass_lists, mass_reports

KEPT = timedelta(days=1)
SUCCESS = "send success"
# The official words (Batch_Sends: 事件推送群发结果); err(40001) and err(40002) are the account's protection of mass sending.
_WORDS = {
    "send fail": "平台没有发出",
    "err(10001)": "涉嫌广告",
    "err(20001)": "涉嫌政治",
    "err(20002)": "涉嫌色情",
    "err(20004)": "涉嫌社会",
    "err(20006)": "涉嫌违法犯罪",
    "err(20008)": "涉嫌欺诈",
    "err(20013)": "涉嫌版权",
    "err(21000)": "涉嫌其他",
    "err(22000)": "涉嫌互推",
    "err(30001)": "原创校验出错",
    "err(30002)": "原创校验：不能转载",
    "err(30003)": "原创校验：不能转载",
    "err(40001)": "管理员拒绝",
    "err(40002)": "管理员 30 分钟没有确认",
}

_COUNTS = ("total_count", "filter_count", "sent_count", "error_count")
_KEEP = insert(mass_reports).values({name: bindparam(name) for name in ("msg_id", "status", *_COUNTS, "at")}).on_conflict_do_nothing()


def receive(db: Connection, msg_id: str, status: str, counts: tuple[int | None, int | None, int | None, int | None], now: datetime) -> None:
    """A report came, of (TotalCount, FilterCount, SentCount, ErrorCount): afterwards its list says so, whatever comes a second time.

    It may come before the answer to our call did: then it waits for it. A job of somebody else's (the platform's own pages) is forgotten
    after a day.
    """
    if len(msg_id) > LONGEST_MSG_ID:
        return
    row = {"msg_id": msg_id, "status": " ".join(status.split())[:60], "at": now, **dict(zip(_COUNTS, counts, strict=True))}
    db.execute(_KEEP, row)
    match(db, mass_lists.c.msg_id == msg_id, now)


_MATCHED = select(mass_lists.c.id, mass_lists.c.size, mass_reports).join(mass_reports, mass_reports.c.msg_id == mass_lists.c.msg_id)
_REPORTED = (
    update(mass_lists)
    .where(mass_lists.c.id == bindparam("list"), mass_lists.c.state.in_(("sent", "unknown")))
    .values({name: bindparam(name) for name in ("state", "reason", "status", *_COUNTS)})
    .values(reported_at=bindparam("reported"))
)
_ITS = and_(deliveries.c.mass_list_id == bindparam("list", type_=Id), deliveries.c.state.in_(("sent", "unknown")))


def match(db: Connection, which: ColumnElement[bool], now: datetime) -> None:
    """Afterwards every report about these lists is on them, and on their deliveries as far as it says anything about each."""
    for row in db.execute(_MATCHED.where(which, mass_lists.c.state.in_(("sent", "unknown")))).all():
        state, reason, each = _verdict(row.status, row.sent_count, row.size)
        values = {"list": row.id, "state": state, "reason": reason, "status": row.status, "reported": row.at}
        db.execute(_REPORTED, values | {name: getattr(row, name) for name in _COUNTS})
        its: dict[str, object] = {"state": each, "reason": reason, "settled_at": now}
        if each == "failed":
            its["charged_at"] = None  # nobody got it
        db.execute(update(deliveries).where(_ITS).values(**its), {"list": row.id})
    known = select(mass_lists.c.id).where(mass_lists.c.msg_id == mass_reports.c.msg_id, mass_lists.c.state.in_(("finished", "failed")))
    db.execute(delete(mass_reports).where(known.exists(), mass_reports.c.msg_id.in_(select(mass_lists.c.msg_id).where(which))))


def _verdict(status: str, reached: int | None, size: int) -> tuple[str, str | None, str]:
    """The list's state, the reason, and each delivery's state. Where some were filtered, nobody says who: they stay sent."""
    if status.lower() != SUCCESS:
        return "failed", f"{_WORDS.get(status.lower(), '平台没有发出')} {status}"[:200], "failed"
    if reached is not None and reached < size:
        return "finished", f"平台说送达 {reached}/{size} 人，没说是谁", "sent"
    return "finished", None, "delivered"


_NAMELESS = select(mass_lists.c.id).where(
    mass_lists.c.msg_id.is_(None),
    mass_lists.c.state.in_(("sent", "unknown")),
    mass_lists.c.size == bindparam("total"),
    mass_lists.c.first_attempt_at <= bindparam("at", type_=mass_lists.c.first_attempt_at.type),
    mass_lists.c.first_attempt_at > bindparam("earliest", type_=mass_lists.c.first_attempt_at.type),
)


def reconcile(db: Connection, now: datetime) -> None:
    """Afterwards every report that can be told to belong to a list is on it, and those nobody will claim any more are forgotten.

    One whose number we never learned (no answer, or 45065 without it) belongs to the one list of its size that has no number.
    """
    match(db, true(), now)
    db.execute(delete(mass_reports).where(mass_reports.c.at < now - KEPT))
    for report in db.execute(select(mass_reports).where(mass_reports.c.at < now - timedelta(minutes=1)).limit(100)).all():
        values = {"total": report.total_count, "at": report.at, "earliest": report.at - KEPT}
        found = db.execute(_NAMELESS, values).scalars().all()
        if len(found) == 1:
            db.execute(update(mass_lists).where(mass_lists.c.id == found[0]).values(msg_id=report.msg_id))
            match(db, mass_lists.c.id == found[0], now)
