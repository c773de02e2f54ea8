"""Near-duplicates: broadcasts that say almost the same as another one, or as what was sent not long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rapidfuzz import fuzz
from sqlalchemy import Connection, select, true

from models import wording
from models.broadcast.planned import Broadcast
from models.broadcast.run import runs

ALIKE = 0.9  # of the characters, in order (Indel distance): a changed date or number is alike, another topic is not
WITHIN = timedelta(days=30)
SHORTEST = 8  # characters without spaces and punctuation: less says too little to be compared
_MOST = 500  # of the newest runs
_NOT_SENT = ("missed", "asked", "cancelled")


@dataclass(frozen=True, slots=True)
class Near:
    """A run that said almost the same."""

    run: int
    broadcast: str
    at: datetime
    likeness: float


def said(planned: Broadcast) -> str:
    """What a broadcast says, in the form in which it is compared: whatever way it goes, without width, case and punctuation."""
    sub, mass = planned.subscription, planned.mass
    parts = [*planned.data.values(), *planned.texts, *(sub.data.values() if sub else ()), (mass.text if mass else None) or ""]
    return wording.width("\n".join(dict.fromkeys(parts)))


def likeness(one: str, other: str) -> float:
    """How much of two such forms is alike, 0 to 1; 0 where one is too short to tell, and where it is less than ALIKE."""
    if min(len(one), len(other)) < SHORTEST:
        return 0.0
    return fuzz.ratio(one, other, score_cutoff=ALIKE * 100) / 100


def near(db: Connection, planned: Broadcast, now: datetime) -> list[Near]:
    """The runs of the last 30 days that said almost the same as this broadcast does, of each broadcast the newest; the most alike first.

    One with a schedule is meant to come again: its own runs are none of them.
    """
    recent = (
        select(runs.c.id, runs.c.broadcast, runs.c.created_at, runs.c.plan)
        .where(runs.c.created_at > now - WITHIN, runs.c.state.not_in(_NOT_SENT), ~runs.c.test)
        .where(true() if planned.cron is None else runs.c.broadcast != planned.key)
        .order_by(runs.c.id.desc())
        .limit(_MOST)
    )
    mine, found, looked = said(planned), dict[str, Near](), set[str]()
    for row in db.execute(recent):
        if row.plan in looked or row.broadcast in found:
            continue
        looked.add(row.plan)
        alike = likeness(mine, said(Broadcast.model_validate_json(row.plan)))
        if alike:
            found[row.broadcast] = Near(row.id, row.broadcast, row.created_at, alike)
    return sorted(found.values(), key=lambda one: -one.likeness)
