"""Allowances: how many customer-service messages the platform lets us send to one follower now, counted before each call.

The platform opens a window when the follower does something, one for each kind of trigger, and each new act opens it anew
(Customer_Service_Messages; how windows stack is not documented: we count each on its own). The openings stand in the inbox already,
so only the uses are counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, and_, bindparam, case, func, not_, or_, select, update

from models.base import Instant, follower_id, insert, metadata
from models.inbox import inbox_entries
from models.refusal import Refusal

MOST = 5

allowances = Table(
    "allowance",
    metadata,
    follower_id(primary_key=True),
    Column("trigger", String(10), primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("used", Integer, nullable=False),
    CheckConstraint(f"used >= 0 AND used <= {MOST}", name="used"),
)


class NoAllowance(Refusal):
    """No window is open for this follower, or every open one is used up."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one trigger allows: so many messages for so long."""

    trigger: str
    messages: int
    lasts: timedelta


# Ours end before the platform's: a message that we still count in must also arrive there in time, five seconds after we decide at the
# latest; its clock may differ from ours by more than that; and a refusal (45015) costs the follower the message.
_MINUTE, _DAYS = timedelta(seconds=50), timedelta(hours=48, minutes=-2)
_MESSAGE, _CLICK = Window("message", MOST, _DAYS), Window("click", 3, _MINUTE)
_FOLLOW, _SCAN = Window("subscribe", 3, _MINUTE), Window("scan", 3, _MINUTE)
LEAVING = "unsubscribe"

# A tap on a menu message arrives as a text, but opens a click's window only: the inbox calls it msgmenu.
_OPENED_BY: Mapping[str, Window] = {
    **dict.fromkeys(("text", "image", "voice", "video", "shortvideo", "location", "link"), _MESSAGE),
    **dict.fromkeys(("click", "scancode_push", "scancode_waitmsg", "msgmenu"), _CLICK),
    "subscribe": _FOLLOW,
    "scan": _SCAN,
}


def window_of(kind: str) -> Window | None:
    """What a message or event that the inbox calls so opens; None for one that opens nothing."""
    return _OPENED_BY.get(kind)


@dataclass(frozen=True, slots=True)
class Spent:
    """One message of a window was used."""

    trigger: str
    opened_at: datetime


# The platform's clock stamps a push, ours its arrival. The earlier of the two is never after the opening as our clock would tell it.
_OPENING = case((inbox_entries.c.received_at < inbox_entries.c.said_at, inbox_entries.c.received_at), else_=inbox_entries.c.said_at)
_OPENINGS = (
    select(inbox_entries.c.kind, func.max(_OPENING, type_=Instant))
    .where(
        inbox_entries.c.follower_id == bindparam("follower"),
        inbox_entries.c.said_at > bindparam("since", type_=Instant),
        inbox_entries.c.kind.in_((*_OPENED_BY, LEAVING)),
    )
    .group_by(inbox_entries.c.kind)
)
_new = insert(allowances).values({name: bindparam(name) for name in ("follower_id", "trigger", "opened_at", "used")})
_older = allowances.c.opened_at < _new.excluded.opened_at
_first, _most = bindparam("first", type_=Integer), bindparam("most", type_=Integer)
_SPEND = _new.on_conflict_do_update(
    index_elements=[allowances.c.follower_id, allowances.c.trigger],
    set_={
        "used": case((_older, _first), else_=allowances.c.used + _new.excluded.used),
        "opened_at": case((_older, _new.excluded.opened_at), else_=allowances.c.opened_at),
    },
    where=or_(and_(_older, _first <= _most), and_(not_(_older), allowances.c.used < _most)),
).returning(allowances.c.opened_at)
_CLOSE = _new.on_conflict_do_update(
    index_elements=[allowances.c.follower_id, allowances.c.trigger],
    set_={"used": _new.excluded.used, "opened_at": _new.excluded.opened_at},
    where=allowances.c.opened_at <= _new.excluded.opened_at,
)
_GIVE_BACK = (
    update(allowances)
    .where(allowances.c.follower_id == bindparam("follower"), allowances.c.trigger == bindparam("which"))
    .where(and_(allowances.c.opened_at == bindparam("at", type_=Instant), allowances.c.used > 0))
    .values(used=allowances.c.used - 1)
)


def windows(db: Connection, follower: int, now: datetime) -> list[tuple[Window, datetime]]:
    """What is open now and since when, the one that ends first in front; used up or not. Leaving the account closes them all."""
    return _open(dict(db.execute(_OPENINGS, {"follower": follower, "since": now - _MESSAGE.lasts}).all()), now)


def _open(last: dict[str, datetime], now: datetime) -> list[tuple[Window, datetime]]:
    left = last.pop(LEAVING, None)
    opened: dict[str, tuple[Window, datetime]] = {}
    for kind, at in last.items():
        window = _OPENED_BY[kind]
        if now < at + window.lasts and (left is None or left < at) and (window.trigger not in opened or opened[window.trigger][1] < at):
            opened[window.trigger] = window, at
    return sorted(opened.values(), key=lambda one: one[1] + one[0].lasts)


def spend(db: Connection, follower: int, now: datetime, *, sent_since: Callable[[datetime], int] = lambda at: 0) -> Spent:
    """One message to this follower is accounted for, in the window that ends first. Raises NoAllowance where nothing is left.

    Of any number of processes that spend at once, no more get through than the windows hold. A window that was opened anew holds less by
    what was `sent_since`: the platform knew of the new one first, and counted there what we still counted in the old.
    """
    for window, at in windows(db, follower, now):
        values = {"follower_id": follower, "trigger": window.trigger, "opened_at": at, "used": 1, "most": window.messages}
        values["first"] = 1 + sent_since(at)
        since = db.execute(_SPEND, values).scalar()
        if since is not None:
            return Spent(window.trigger, since)
    raise NoAllowance


_USED = select(allowances.c.used).where(
    allowances.c.follower_id == bindparam("follower"),
    allowances.c.trigger == bindparam("which"),
    allowances.c.opened_at >= bindparam("at", type_=Instant),
)


def left(db: Connection, follower: int, now: datetime) -> int:
    """How many messages the windows that are open now still hold; whoever else sends at the same time may be faster."""
    held = 0
    for window, at in windows(db, follower, now):
        used = db.execute(_USED, {"follower": follower, "which": window.trigger, "at": at}).scalar()
        held += max(window.messages - (used or 0), 0)
    return held


_OPENINGS_OF = (
    select(inbox_entries.c.follower_id, inbox_entries.c.kind, func.max(_OPENING, type_=Instant))
    .where(
        inbox_entries.c.follower_id.in_(bindparam("people", expanding=True)),
        inbox_entries.c.said_at > bindparam("since", type_=Instant),
        inbox_entries.c.kind.in_((*_OPENED_BY, LEAVING)),
    )
    .group_by(inbox_entries.c.follower_id, inbox_entries.c.kind)
)
_USES_OF = select(allowances.c.follower_id, allowances.c.trigger, allowances.c.opened_at, allowances.c.used).where(
    allowances.c.follower_id.in_(bindparam("people", expanding=True))
)


def left_of(db: Connection, people: Sequence[int], now: datetime) -> dict[int, int]:
    """What `left` says of each of these followers, in two statements; whoever is missing has nothing."""
    last: dict[int, dict[str, datetime]] = {}
    for one, kind, at in db.execute(_OPENINGS_OF, {"people": people, "since": now - _MESSAGE.lasts}):
        last.setdefault(one, {})[kind] = at
    uses = {(one, trigger): (at, used) for one, trigger, at, used in db.execute(_USES_OF, {"people": list(last)})} if last else {}
    held: dict[int, int] = {}
    for one, openings in last.items():
        for window, at in _open(openings, now):
            since, used = uses.get((one, window.trigger), (at, 0))
            held[one] = held.get(one, 0) + max(window.messages - (used if since >= at else 0), 0)
    return held


def give_back(db: Connection, follower: int, spent: Spent) -> None:
    """The platform proved that it took no message: afterwards the window it was counted in has it again, if it is still that one."""
    db.execute(_GIVE_BACK, {"follower": follower, "which": spent.trigger, "at": spent.opened_at})


def close(db: Connection, follower: int, now: datetime) -> None:
    """The platform counts otherwise (45015, 45047): afterwards nothing is left of what is open now; their next act opens anew."""
    for window, at in windows(db, follower, now):
        db.execute(_CLOSE, {"follower_id": follower, "trigger": window.trigger, "opened_at": at, "used": window.messages})
