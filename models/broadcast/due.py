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

MOST_ROWS = 10  # of due times that one outage missed: a line of every minute would fill the list


def wants_claim(db: Connection, planned: Broadcast, zone: ZoneInfo, now: datetime) -> bool:
    """Whether claim_due has anything to do: asked every two seconds, so that an idle program writes nothing but once a minute.

    That minute is how far back a changed cron line may reach.
    """
    if planned.cron is None:
        return False
    since = schedule.checked_until(db, planned.key)
    return since is None or now - since > timedelta(minutes=1) or any(schedule.due_between(planned.cron, zone, since, now))


def claim_due(db: Connection, planned: Broadcast, where: str, zone: ZoneInfo, now: datetime, rules: ApprovalRules = ANYWAY) -> int | None:
    """Afterwards every due time of the schedule up to `now` is dealt with: it has its run, or is recorded as missed.

    Any number of processes may call this at once; one of them makes the run. Never a burst: of several due times since the last look
    (the program was down) the older ones are missed, each with a row of its own as far as it is among the newest ten, and what happens
    to the newest of all is the broadcast's `late`. A draft is missed; what needs an approval (`rules`) asks for it.
    """
    if planned.cron is None:
        return None
    since = schedule.begin(db, planned.key, now)
    due = list(schedule.due_between(planned.cron, zone, since, now))
    schedule.advance(db, planned.key, now)
    if not due:
        return None
    _record_missed(db, planned, where, due[:-1], now)
    state, reason = _late(planned, now - due[-1])
    if planned.state == "draft":
        state, reason = "missed", f"还是草稿 draft，没有发{'；' + reason if reason else ''}"
    if state == "missed":
        return start(db, planned, where, due[-1], now, state=state, reason=reason)
    return begin(db, planned, where, rules, due[-1], now, state=state, reason=reason)


def _record_missed(db: Connection, planned: Broadcast, where: str, due: list[datetime], now: datetime) -> None:
    more = len(due) - MOST_ROWS
    for number, at in enumerate(due[-MOST_ROWS:]):
        before = f"；之前还错过 {more} 次" if more > 0 and number == 0 else ""
        start(db, planned, where, at, now, state="missed", reason=f"到时间时程序没在运行 down{before}")


def _late(planned: Broadcast, late: timedelta) -> tuple[str, str | None]:
    if late <= GRACE:
        return "planning", None
    reason = f"晚了 {int(late.total_seconds() // 60)} 分钟 late"
    if planned.late == "ask":
        return "asked", reason
    if planned.late != "skip" and late <= span(planned.late):
        return "planning", reason
    return "missed", reason
