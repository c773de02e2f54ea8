"""What operators see of a run's lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from models.mass.tables import mass_lists


@dataclass(frozen=True, slots=True)
class Told:
    """One list: how it stands, and what the platform reported of it."""

    id: int
    state: str
    reason: str | None
    size: int  # followers in it when it was formed
    msg_id: str | None
    status: str | None  # of MASSSENDJOBFINISH, with its four counts; near the end of the job, and approximate
    total_count: int | None
    filter_count: int | None  # who was left after the platform's filter
    sent_count: int | None
    error_count: int | None
    first_attempt_at: datetime


_FIELDS = tuple(mass_lists.c[name] for name in Told.__dataclass_fields__)
_OF = select(*_FIELDS).where(mass_lists.c.run_id == bindparam("run")).order_by(mass_lists.c.id.desc()).limit(bindparam("most"))


def lists(db: Connection, run: int, most: int = 100) -> list[Told]:
    """The run's lists, the newest first."""
    return [Told(*row) for row in db.execute(_OF, {"run": run, "most": most})]
