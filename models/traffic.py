"""Traffic: how much followers said of late, and how much of it nobody had an answer to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Integer, and_, bindparam, case, desc, func, or_, select

from models.base import Instant
from models.inbox import inbox_entries

MOST = 50_000  # messages that are looked at, the newest first

_kind, _by = inbox_entries.c.kind, inbox_entries.c.answered_by
_newest = (
    select(_kind, _by)
    .where(inbox_entries.c.received_at > bindparam("since", type_=Instant))
    .order_by(desc(inbox_entries.c.received_at))
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
_spoken = _newest.c.kind.in_(("text", "msgmenu", "image", "voice", "video", "shortvideo", "location", "link"))
_nobody = or_(_newest.c.answered_by.is_(None), _newest.c.answered_by.like("%:fallback"), _newest.c.answered_by == "faq?")
_COUNT = select(
    func.count(),
    func.count(case((_spoken, 1))),
    func.count(case((and_(_newest.c.kind == "text", _nobody), 1))),
)


_NTH = select(inbox_entries.c.received_at).order_by(desc(inbox_entries.c.received_at)).limit(1).offset(bindparam("most", type_=Integer))


class Traffic(NamedTuple):
    """What came in: everything, messages a person wrote, and texts that only the fallback answered or nobody. `cut`: there is more."""

    pushes: int
    messages: int
    missed: int
    cut: bool


def traffic(db: Connection, since: datetime, most: int = MOST) -> Traffic:
    """What came in since then; of more than `most`, the newest so many, so that it costs no more however much there is."""
    pushes, messages, missed = db.execute(_COUNT, {"since": since, "most": most + 1}).one()
    return Traffic(min(pushes, most), min(messages, most), missed, pushes > most)


def newest_since(db: Connection, most: int) -> datetime | None:
    """The instant after which the newest `most` messages came in; None where there are no more than these."""
    found: datetime | None = db.execute(_NTH, {"most": most}).scalar()
    return found
