"""How a run begins: at once, or only when somebody has looked at it; and as a test, to staff only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from models import approval
from models.approval import ApprovalRules
from models.broadcast import lawful
from models.broadcast.lawful import Override
from models.broadcast.planned import Broadcast
from models.broadcast.progress import reach
from models.broadcast.run import UnknownRun, WrongState, move, runs, start
from models.refusal import Refusal

TEST_AUDIENCE = "staff"
ANYWAY = ApprovalRules()


class StillADraft(Refusal):
    """The broadcast's state is draft: it is sent to nobody but staff. Details: broadcast."""


class NobodyToTestWith(Refusal):
    """There is no staff that follows."""


def begin(
    db: Connection,
    planned: Broadcast,
    where: str,
    rules: ApprovalRules,
    due_at: datetime,
    now: datetime,
    *,
    request: str | None = None,
    state: str = "planning",
    reason: str | None = None,
    by: str | None = None,
    held_until: datetime | None = None,
    override: Override | None = None,
) -> int | None:
    """As `start`, but a run that needs an approval waits for it (`asked`). Raises StillADraft, Unlawful.

    What the platform would punish is begun by nobody: one by the clock asks. Whoever takes it upon themselves (`override`) is noted.
    """
    if planned.state == "draft":
        raise StillADraft(broadcast=planned.key)
    why = wanted(db, planned, where, rules, now)
    offence = lawful.offence(planned) if override is None else None
    if offence is not None:
        if by is not None:
            raise lawful.Unlawful(broadcast=planned.key, offence=offence)
        state, reason = "asked", "；".join(filter(None, (reason, offence)))[:200]
    if why is not None:
        state, held_until, reason = "asked", None, "；".join(filter(None, (reason, why)))
    number = start(db, planned, where, due_at, now, request=request, state=state, reason=reason, by=by, held_until=held_until)
    if offence is not None and number is not None:
        lawful.wait_for_override(db, number, offence, now)
    if override is not None and number is not None:
        lawful.override(db, number, planned, override, by or override.by, now)
    if why is not None and number is not None:
        # Who is alone looks twice: nobody else could approve it.
        asked_by = by if approval.has_second(db) else None
        approval.ask(db, number, approval.digest(planned.model_dump_json(), where), why, asked_by, now)
    return number


def wanted(db: Connection, planned: Broadcast, where: str, rules: ApprovalRules, now: datetime) -> str | None:
    """Why somebody has to approve this broadcast before it goes out; None where nobody has to."""
    if planned.state == "review":
        return "待审 review：要有人批准"
    if rules.above >= 1 or not approval.has_second(db):
        return None
    people, everybody = reach(db, where, now)
    if people <= rules.above * everybody:
        return None
    return f"要另一位运营批准 approval：{people:,} 人，超过粉丝的 {rules.above:.0%}"


def approve(db: Connection, run: int, seen: str, by: str, now: datetime, held_until: datetime | None = None) -> None:
    """Afterwards a run that waited for an approval goes on, at `held_until` at the earliest; `seen` is the digest of what they looked at.

    Raises UnknownRun, WrongState, NotYours, ContentChanged, Unlawful, each with nothing changed once the caller's transaction is taken back.
    """
    if not db.execute(select(approval.is_missing(runs.c.id)).where(runs.c.id == run)).scalar():
        state = db.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
        raise UnknownRun(run=run) if state is None else WrongState(run=run, state=state)
    may = ~lawful.is_missing(runs.c.id)
    move(db, run, ("asked",), {"state": "planning", "reason": None, "held_until": held_until}, may)
    approval.approve(db, run, seen, by, now)


def undo(db: Connection, run: int, now: datetime) -> None:
    """Afterwards a run that was to begin in a moment is cancelled, and nobody got anything. Raises UnknownRun, WrongState: it has begun."""
    still = runs.c.held_until > now
    move(db, run, ("planning",), {"state": "cancelled", "reason": None, "held_until": None, "finished_at": now}, still)


def edited(db: Connection, run: int, rules: ApprovalRules, by: str, now: datetime) -> bool:
    """To be called in the transaction of an edit: afterwards the run waits for an approval of what it says now, if it needs one.

    Returns whether it does.
    """
    row = db.execute(select(runs.c.plan, runs.c.audience, runs.c.state).where(runs.c.id == run)).one()
    waits = approval.of(db, run)
    why = wanted(db, Broadcast.model_validate_json(row.plan), row.audience, rules, now)
    if why is None and (waits is None or waits.approved_by is not None):
        return False
    why = why or (waits.reason if waits else "")
    move(db, run, ("planning", "sending", "paused", "asked"), {"state": "asked", "reason": why, "held_until": None})
    approval.ask(db, run, approval.digest(row.plan, row.audience), why, by if approval.has_second(db) else None, now)
    return True


def send_to_staff(db: Connection, planned: Broadcast, now: datetime, *, by: str, request: str | None = None) -> int | None:
    """Afterwards a run of this broadcast to staff wants to be sent: drafts too, nobody held out, nobody made to wait. Returns its id.

    Raises NobodyToTestWith, Unlawful.
    """
    lawful.require(planned)
    people, _ = reach(db, TEST_AUDIENCE, now)
    if not people:
        raise NobodyToTestWith
    plain = planned.model_copy(update={"goal": None, "passive": None, "wait": None, "topic": None, "exempt": True})
    return start(db, plain, TEST_AUDIENCE, now, now, request=request, by=by, test=True)
