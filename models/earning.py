"""Earning: what followers do and what they gain by it: points to spend, and growth.

    points = ⌊base × festival × level⌋      growth = ⌊base × festival⌋

The base is what the act's own section, or `points.earn`, has for it; the festival is the highest of `points.multipliers` that counts on
the day; the level is the follower's privilege, of which growth knows nothing (levels would feed themselves). Caps cut the points that
come out of it, and the growth in the same proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, Date, String, Table, bindparam, case, delete, select, tuple_, update

from models import expiry, festival, level, points
from models.base import Hot, follower_id, insert, metadata
from models.clock import business_day
from models.config import Config
from models.earn_rules import EarnRules, Pays, Window
from models.festival import KINDS, ONCE, Kind
from models.points import GROWTH, MOST, POINTS, ledger

windows = Table(
    "earning_window",
    metadata,
    follower_id(primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("span", String(5), primary_key=True),
    Column("begins", Date, primary_key=True, index=True),
    Column("points", BigInteger, nullable=False),  # what was granted in it
    Column("last", BigInteger, nullable=False),  # and the last time
    CheckConstraint("points >= 0 AND last >= 0", name="not_negative"),
)
_KEPT = timedelta(days=70)  # longer than any month, and than any message is late


def kind_of(cause: str) -> Kind | None:
    """The kind of act that a cause names; None where nothing is earned but given: a prize, an operator's present."""
    kind = cause.partition(":")[0]
    return next((one for one in KINDS if one == kind), None)


def worth(config: Config, kind: Kind) -> int:
    """The points that `points.earn` has for this kind of act; 0 where it has none, or another section says how many."""
    rules = config.of_kind(EarnRules)
    bounds = rules.bounds(kind) if rules is not None else None
    return bounds.points if isinstance(bounds, Pays) else 0


@dataclass(frozen=True, slots=True)
class Earned:
    """What an act earned: 0 points where there was nothing to earn, or it had been paid before (`new` is False then).

    Where it is new, `points` is `base` × `times` rounded down, less `capped`: what a cap took.
    """

    points: int
    balance: int
    new: bool
    base: int = 0
    times: Fraction = ONCE
    capped: int = 0


@dataclass(frozen=True, slots=True)
class _Act:
    """What is to be paid, before caps."""

    follower: int
    kind: Kind
    cause: str
    at: datetime
    base: int
    times: Fraction = ONCE
    points: int = 0
    growth: int = 0


_wanted, _cap = bindparam("wanted", type_=BigInteger), bindparam("cap", type_=BigInteger)
_KEYS = ("follower_id", "kind", "span", "begins")
_first = insert(windows).values({name: bindparam(name) for name in (*_KEYS, "points", "last")})
_room = case((windows.c.points < _cap, _cap - windows.c.points), else_=0)
_granted = case((_wanted < _room, _wanted), else_=_room)
# It locks the row: whoever comes at the same time goes by what this one was granted.
_TAKE = Hot(
    _first.on_conflict_do_update(
        index_elements=[windows.c[name] for name in _KEYS], set_={"points": windows.c.points + _granted, "last": _granted}
    ).returning(windows.c.last)
)
_GIVE_BACK = Hot(
    update(windows)
    .where(*(windows.c[name] == bindparam(f"of_{name}") for name in _KEYS))
    .values(points=windows.c.points - bindparam("too_many", type_=BigInteger))
)
_PAID = Hot(
    select(ledger.c.id).where(ledger.c.follower_id == bindparam("follower"), ledger.c.asset == POINTS, ledger.c.cause == bindparam("what"))
)


def earn(db: Connection, config: Config, follower: int, kind: Kind, amount: int, cause: str, at: datetime) -> Earned:
    """Afterwards the act that the cause names has been paid, once, in points and in growth, by the formula at the top of this file.

    Nothing is paid outside of the kind's dates. Above a cap only what is missing to it is paid; a cause that was paid before takes no
    part of any cap. `at` decides the business day.
    """
    if not amount:
        return Earned(0, points.balance(db, follower), new=True)
    rules, number = config.of_kind(EarnRules), level.multiplier(db, config, follower)
    privilege = ONCE if number == 1 else Fraction(number)
    bounds = rules.bounds(kind) if rules is not None else None
    if rules is None or (bounds is None and not rules.multipliers):
        return _pay(db, config, _act(follower, kind, cause, at, amount, ONCE, privilege))
    day = business_day(at, config.zone)
    if bounds is not None and day not in bounds:
        return Earned(0, points.balance(db, follower), new=True, base=amount)
    best = festival.highest(rules.multipliers, kind, day)
    act = _act(follower, kind, cause, at, amount, best.exactly if best is not None else ONCE, privilege)
    caps = tuple(bounds.windows(day)) if bounds is not None else ()
    return _pay_within(db, config, act, caps) if caps else _pay(db, config, act)


def was_paid(db: Connection, follower: int, cause: str) -> bool:
    """Whether this was paid already; one statement."""
    return _PAID.value(db, follower=follower, what=cause) is not None


def multiplied(base: int, times: Fraction, privilege: Fraction = ONCE) -> tuple[int, int]:
    """The points and the growth of a base: rounded down, never less than the base, never more than the ledger takes in one entry."""
    return _rounded(base, _both(times, privilege)), _rounded(base, times)


def _both(times: Fraction, privilege: Fraction) -> Fraction:
    return times if privilege is ONCE else times * privilege  # fractions are slow, and mostly there is nothing to multiply


def _rounded(base: int, times: Fraction) -> int:
    return min(base if times is ONCE else max(floor(base * times), base), MOST)


def _act(follower: int, kind: Kind, cause: str, at: datetime, base: int, times: Fraction, privilege: Fraction) -> _Act:
    return _Act(follower, kind, cause, at, base, _both(times, privilege), *multiplied(base, times, privilege))


def _pay(db: Connection, config: Config, act: _Act, capped: int = 0) -> Earned:
    """The act is paid, less what a cap took."""
    gain, growth = act.points - capped, act.growth * (act.points - capped) // act.points
    posted = points.post(db, act.follower, gain, act.cause, act.at, account=act.kind, expires_at=expiry.of(config, act.at))
    if posted.new and growth:
        points.post(db, act.follower, growth, act.cause, act.at, account=act.kind, asset=GROWTH)
    return Earned(gain if posted.new else 0, posted.balance, posted.new, act.base, act.times, capped if posted.new else 0)


def _pay_within(db: Connection, config: Config, act: _Act, caps: Sequence[Window]) -> Earned:
    """The act is paid as far as the caps allow; what it took of them is given back where it had been paid before."""
    granted, taken = act.points, list[tuple[Window, int]]()
    for window in caps:
        if not granted:
            break
        granted = _take(db, act, window, granted)
        taken.append((window, granted))
    if granted:
        earned = _pay(db, config, act, act.points - granted)
    else:
        new = not was_paid(db, act.follower, act.cause)
        earned = Earned(0, points.balance(db, act.follower), new, act.base, act.times, act.points if new else 0)
    for window, took in taken:
        if took > earned.points:
            _GIVE_BACK.count(db, too_many=took - earned.points, **{f"of_{name}": value for name, value in _key(act, window).items()})
    return earned


def _key(act: _Act, window: Window) -> dict[str, object]:
    return {"follower_id": act.follower, "kind": act.kind, "span": window.span, "begins": window.begins}


def _take(db: Connection, act: _Act, window: Window, wanted: int) -> int:
    """How much of what is wanted the window has room for: it is taken."""
    some = min(wanted, window.cap)
    took: int = _TAKE.value(db, **_key(act, window), points=some, last=some, wanted=wanted, cap=window.cap)
    return took


_keys = [windows.c[name] for name in _KEYS]
_old = select(*_keys).where(windows.c.begins < bindparam("before", type_=Date)).limit(50)
_FORGET = Hot(delete(windows).where(tuple_(*_keys).in_(_old)))


def forget_windows(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 windows in which nothing can be earned any more are forgotten. Returns how many. A chore."""
    return _FORGET.count(db, before=business_day(now, config.zone) - _KEPT)
