"""An edit of a run under way: what is not begun gets the new content, what was begun is repeated with the one it was begun with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, literal, select, update

from models.base import Instant, insert
from models.broadcast import lawful
from models.broadcast.planned import Broadcast
from models.broadcast.run import UnknownRun, WrongState, revisions, runs
from models.refusal import Refusal

EDITABLE = ("planning", "sending", "paused", "asked")
# Whom it is for, which ways it goes and what it counts as was decided when the run began: rows that are there depend on it.
_FIXED = ("key", "segment", "purpose", "topic", "exempt", "passive", "wait", "goal", "holdout", "ways")


class NotEditable(Refusal):
    """An edit changes what a broadcast says, not to whom or how it goes: cancel, and run it anew. Details: run, what."""


class EditedMeanwhile(Refusal):
    """Somebody else edited the run a moment ago. Details: run."""


_KEEP = (
    insert(revisions)
    .from_select(
        ["run_id", "revision", "plan", "replaced_at", "by"],
        select(runs.c.id, runs.c.revision, runs.c.plan, bindparam("now", type_=Instant), bindparam("who")).where(
            runs.c.id == bindparam("run"), runs.c.revision == bindparam("seen"), runs.c.state.in_(EDITABLE)
        ),
    )
    .on_conflict_do_nothing()
)
_REPLACE = (
    update(runs)
    .where(runs.c.id == bindparam("run"), runs.c.revision == bindparam("seen"), runs.c.state.in_(EDITABLE))
    .values(plan=bindparam("content"), priority=bindparam("rank"), revision=bindparam("seen") + literal(1, Integer))
)


def edit(db: Connection, run: int, planned: Broadcast, by: str, now: datetime) -> int:
    """Afterwards whatever of the run is not begun gets the content of `planned`. Returns the run's new revision.

    Nobody gets both: a delivery says with which revision it was begun, a mass list likewise, and both are repeated with that. Where
    nothing differs, nothing happens. Raises UnknownRun, WrongState, NotEditable, EditedMeanwhile, Unlawful.
    """
    facts = select(runs.c.plan, runs.c.revision, runs.c.state, lawful.is_overridden(runs.c.id).label("overridden")).where(runs.c.id == run)
    row = db.execute(facts).one_or_none()
    if row is None:
        raise UnknownRun(run=run)
    if row.state not in EDITABLE:
        raise WrongState(run=run, state=row.state)
    before = Broadcast.model_validate_json(row.plan)
    if what := [name for name in _FIXED if getattr(before, name) != getattr(planned, name)] + _variants(before, planned):
        raise NotEditable(run=run, what="、".join(what))
    if not row.overridden:
        lawful.require(planned)
    if before == planned:
        return int(row.revision)
    seen = {"run": run, "seen": row.revision}
    kept = db.execute(_KEEP, {**seen, "now": now, "who": by[:100]}).rowcount
    if not kept or not db.execute(_REPLACE, {**seen, "content": planned.model_dump_json(), "rank": planned.priority}).rowcount:
        raise EditedMeanwhile(run=run)
    return int(row.revision) + 1


def _variants(before: Broadcast, after: Broadcast) -> list[str]:
    """Each follower keeps their variant: their keys and shares stay, what they say may change."""
    shares = [[(one.key, one.share) for one in plan.variants] for plan in (before, after)]
    return [] if shares[0] == shares[1] else ["variants"]
