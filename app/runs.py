"""What operators do to runs, from the console and the command line alike: the verb and its line in the trail, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from models import approval, audit, broadcast
from models.broadcast import Broadcast, BroadcastsSection, Override
from models.config import Config
from models.push import rules_of
from models.segment import SegmentsSection

UNDO = timedelta(seconds=60)  # between the button in the console and the first message


class Act(NamedTuple):
    """Something an operator does to a run, and how the trail calls it."""

    action: str
    verb: Callable[[Connection, int, datetime], None]


ACTS: Mapping[str, Act] = {
    "pause": Act("broadcast_paused", lambda db, run, now: broadcast.pause(db, run, "由运营暂停 paused by an operator")),
    "resume": Act("broadcast_resumed", lambda db, run, now: broadcast.resume(db, run)),
    "cancel": Act("broadcast_cancelled", broadcast.cancel),
    "undo": Act("broadcast_undone", broadcast.undo),
}


def planned(config: Config, key: str) -> tuple[Broadcast, str] | None:
    """The broadcast of this key and its segment's sentence."""
    section, segments = config.get(BroadcastsSection), config.get(SegmentsSection)
    found = section.named(key) if section else None
    segment = segments.named(found.segment) if found and segments else None
    return (found, segment.where) if found and segment else None


def start(
    db: Connection,
    config: Config,
    key: str,
    by: str,
    now: datetime,
    *,
    request: str | None = None,
    undo: timedelta = timedelta(0),
    override: Override | None = None,
    address: str = "",
) -> int | None:
    """Afterwards there is a run for now, or for this request; nothing is sent before `undo` is over.

    Returns its id, or None where two began one at the very same instant. Raises StillADraft, Unlawful; KeyError where there is no such
    broadcast.
    """
    found = planned(config, key)
    if found is None:
        raise KeyError(key)
    held_until = now + undo if undo else None
    number = broadcast.begin(
        db, *found, rules_of(config).approval, now, now, request=request, by=by, held_until=held_until, override=override
    )
    if number is None:
        return broadcast.requested(db, request) if request else None
    audit.note(
        db,
        by,
        "broadcast_started",
        now,
        subject=subject(number),
        detail=f"{key}，{broadcast.reach(db, found[1], now)[0]:,} 人",
        address=address,
    )
    return number


def send_to_staff(
    db: Connection, config: Config, key: str, by: str, now: datetime, *, request: str | None = None, address: str = ""
) -> int | None:
    """Afterwards the broadcast is on its way to staff, and to nobody else. As `start`. Raises NobodyToTestWith."""
    found = planned(config, key)
    if found is None:
        raise KeyError(key)
    number = broadcast.send_to_staff(db, found[0], now, by=by, request=request)
    if number is None:
        return broadcast.requested(db, request) if request else None
    audit.note(db, by, "broadcast_tested", now, subject=subject(number), detail=key, address=address)
    return number


def act(db: Connection, what: str, run: int, by: str, now: datetime, address: str = "") -> None:
    """Afterwards it is done (see ACTS) and noted. Raises UnknownRun, WrongState, NotApproved."""
    ACTS[what].verb(db, run, now)
    audit.note(db, by, ACTS[what].action, now, subject=subject(run), address=address)


def override(db: Connection, run: int, given: Override, by: str, now: datetime, address: str = "") -> None:
    """Afterwards a run that breaks a rule of the platform may go on, on their word. Raises UnknownRun, NothingToOverride."""
    broadcast.glance(db, run)
    broadcast.override(db, run, broadcast.load(db, run).plan, given, by, now, address)


def approve(db: Connection, run: int, seen: str | None, by: str, now: datetime, undo: timedelta = timedelta(0), address: str = "") -> None:
    """Afterwards the run goes on, when `undo` is over; `seen` is the digest of what they looked at, None for what it says now.

    Raises UnknownRun, WrongState, NotYours, ContentChanged.
    """
    if seen is None:
        asked = approval.of(db, run)
        seen = asked.digest if asked else ""
    broadcast.approve(db, run, seen, by, now, now + undo if undo else None)
    audit.note(db, by, "broadcast_approved", now, subject=subject(run), address=address)


def edit(db: Connection, config: Config, run: int, by: str, now: datetime, address: str = "") -> int:
    """Afterwards what is not begun of the run says what the configuration says now; a large one waits for an approval of that.

    Returns how often the run was edited. Raises UnknownRun, WrongState, NotEditable, EditedMeanwhile, Unlawful; KeyError where the
    configuration does not have it any more.
    """
    before = broadcast.glance(db, run)
    found = planned(config, before.broadcast)
    if found is None or before.test:
        raise KeyError(before.broadcast)
    revision = broadcast.edit(db, run, found[0], by, now)
    if revision != before.revision:
        broadcast.edited(db, run, rules_of(config).approval, by, now)
        audit.note(db, by, "broadcast_edited", now, subject=subject(run), detail=f"第 {revision} 次", address=address)
    return revision


def subject(run: int) -> str:
    """How the trail calls the run."""
    return f"run:{run}"
