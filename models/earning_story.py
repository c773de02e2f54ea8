"""How what a follower has just earned came about, in the operator's words: for `yizhan try` and whoever else tries things out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select

from models import earning, festival, level
from models.clock import business_day
from models.config import Config
from models.earn_rules import EarnRules
from models.earning import windows
from models.festival import Kind
from models.points import POINTS, ledger

_SPANS = {"day": "今天", "week": "本周", "month": "本月"}
_ENTRIES = (
    select(ledger.c.account, ledger.c.amount)
    .where(ledger.c.follower_id == bindparam("follower"), ledger.c.asset == POINTS, ledger.c.amount > 0)
    .where(ledger.c.at >= bindparam("since"))
    .order_by(ledger.c.id)
)
_SO_FAR = select(windows.c.span, windows.c.points).where(
    windows.c.follower_id == bindparam("follower"), windows.c.kind == bindparam("what"), windows.c.begins == bindparam("first_day")
)


def told(db: Connection, config: Config, follower: int, since: datetime) -> list[str]:
    """A line for each kind of act that this follower earned something by since then: the amounts, the festival, the caps."""
    rules = config.of_kind(EarnRules)
    if rules is None:
        return []
    gained: dict[Kind, int] = {}
    for account, amount in db.execute(_ENTRIES, {"follower": follower, "since": since}):
        kind = earning.kind_of(account)
        if kind is not None:
            gained[kind] = gained.get(kind, 0) + amount
    day = business_day(since, config.zone)
    return ["；".join([f"{kind} +{amount} 积分", *_why(db, config, rules, follower, kind, day)]) for kind, amount in gained.items()]


def _why(db: Connection, config: Config, rules: EarnRules, follower: int, kind: Kind, day: date) -> Iterator[str]:
    best, privilege = festival.highest(rules.multipliers, kind, day), level.multiplier(db, config, follower)
    if best is not None:
        yield f"{best.name} ×{best.times:g}"
    if privilege != 1:
        yield f"等级 ×{privilege:g}"
    bounds = rules.bounds(kind)
    for window in bounds.windows(day) if bounds is not None else ():
        values = {"follower": follower, "what": kind, "first_day": window.begins}
        so_far = dict(db.execute(_SO_FAR, values).all()).get(window.span, 0)
        yield f"{_SPANS[window.span]}已得 {so_far}，最多 {window.cap}" + ("（到上限了）" if so_far >= window.cap else "")
