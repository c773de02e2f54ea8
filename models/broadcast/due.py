"""Due times become runs: once each, however many processes look at the clock; what was missed is recorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import schedule
from models.approval import ApprovalRules
from models.broadcast.begin import ANYWAY, begin
from models.broadcast.planned import GRACE, Broadcast
from models.broadcast.run import start
from models.clock import span


def wants_claim(db: Connection, planned: Broadcast, zone: ZoneInfo, now: datetime) -> bool:
    """Whether claim_due has anything to do: asked every two seconds, so that an idle program writes nothing but once a minute.

    That minute is how far back a changed cron line may reach.
    """
    if planned.cron is None:
        return False
    since = schedule.checked_until(db, planned.key)
    return since is None or now - since > timedelta(minutes=1) or any(schedule.due_between(planned.cron, zone, since, now))


def claim_due(db: Connection, planned: Broadcast, where: str, zone: ZoneInfo, now: datetime, rules: ApprovalRules = ANYWAY) -> int | None:
    """Afterwards every due time of the schedule up to `now` is dealt with: the newest has its run, or is recorded as missed.

    Any number of processes may call this at once; one of them makes the run. Never a burst: of several due times since the last look
    (the program was down), the older ones are counted as missed, and what happens to the newest is the broadcast's `late`. A draft is
    missed; what needs an approval (`rules`) asks for it.
    """
    if planned.cron is None:
        return None
    since = schedule.begin(db, planned.key, now)
    due = list(schedule.due_between(planned.cron, zone, since, now))
    schedule.advance(db, planned.key, now)
    if not due:
        return None
    state, reason = _late(planned, now - due[-1], len(due) - 1)
    if planned.state == "draft":
        state, reason = "missed", f"还是草稿 draft，没有发{'；' + reason if reason else ''}"
    if state == "missed":
        return start(db, planned, where, due[-1], now, state=state, reason=reason)
    return begin(db, planned, where, rules, due[-1], now, state=state, reason=reason)


def _late(planned: Broadcast, late: timedelta, older: int) -> tuple[str, str | None]:
    missed = f"另错过 {older} 次 missed" if older else None
    if late <= GRACE:
        return "planning", missed
    reason = "；".join(filter(None, (f"晚了 {int(late.total_seconds() // 60)} 分钟 late", missed)))
    if planned.late == "ask":
        return "asked", reason
    if planned.late != "skip" and late <= span(planned.late):
        return "planning", reason
    return "missed", reason
