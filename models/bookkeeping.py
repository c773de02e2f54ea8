"""Bookkeeping: the proof that the whole ledger is right, and by name whatever is not.

Every check is one statement, so that it sees one state of the books whoever is posting meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, or_, select

from models import points, seal
from models.follower import followers
from models.points import Difference, balances, ledger
from models.seal import Sealed

_MOST = 100  # faults of one kind that are named


@dataclass(frozen=True, slots=True)
class Account:
    """A line of the trial balance: what this account of ours has given (above zero) or taken. `followers` is what all of them hold."""

    asset: str
    account: str
    entries: int
    amount: int


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry that cannot be: which, and why, in both languages."""

    kind: str
    entry: int
    follower_id: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found; the books are right where `right` says so. Entries, followers and total are those of points."""

    entries: int
    followers: int
    total: int
    differences: tuple[Difference, ...]
    trial: tuple[Account, ...]
    unbalanced: tuple[str, ...]  # assets of which followers hold another sum than the accounts have given
    faults: tuple[Fault, ...]
    seals: Sealed

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.differences or self.unbalanced or self.faults or self.seals.broken)


FOLLOWERS = "followers"


def prove(db: Connection) -> Proof:
    """Adds up and compares everything there is: balances with entries, followers with accounts, reversals with what they take back, seals."""
    audited, trial = points.audit(db), tuple(_trial(db))
    sums: dict[str, int] = {}
    for line in trial:
        sums[line.asset] = sums.get(line.asset, 0) + (line.amount if line.account == FOLLOWERS else -line.amount)
    unbalanced = tuple(asset for asset, rest in sorted(sums.items()) if rest)
    faults = tuple(_faults(db))
    return Proof(audited.entries, audited.followers, audited.total, audited.differences, trial, unbalanced, faults, seal.verify(db))


def _trial(db: Connection) -> Iterator[Account]:
    given = select(ledger.c.asset, ledger.c.account, func.count(), func.sum(ledger.c.amount)).group_by(ledger.c.asset, ledger.c.account)
    held = select(balances.c.asset, literal(FOLLOWERS), func.count(), func.sum(balances.c.amount)).group_by(balances.c.asset)
    for asset, account, entries, amount in sorted(db.execute(given.union_all(held))):
        yield Account(asset, account, int(entries), int(amount))


def _faults(db: Connection) -> Iterator[Fault]:
    for kind, zh, en, wrong in _CHECKS:
        for entry, follower in db.execute(wrong.limit(_MOST)):
            yield Fault(kind, int(entry or 0), int(follower), zh, en)


_entry, _other = ledger.alias("entry"), ledger.alias("other")
_this = (_entry.c.id, _entry.c.follower_id)
_unlike = or_(
    _other.c.id.is_(None),
    _other.c.id >= _entry.c.id,
    _other.c.follower_id != _entry.c.follower_id,
    _other.c.asset != _entry.c.asset,
    _other.c.account != _entry.c.account,
    _other.c.amount * case((_entry.c.amount > 0, 1), else_=-1) >= 0,
    func.abs(_other.c.amount) < func.abs(_entry.c.amount),
)

# What constraints and verbs make impossible, for whoever has got around them.
_CHECKS: tuple[tuple[str, str, str, Any], ...] = (
    (
        "negative",
        "余额小于零",
        "a balance below zero",
        select(literal(0), balances.c.follower_id).where(balances.c.amount < 0),
    ),
    (
        "nobody",
        "流水的主人不存在",
        "an entry of nobody",
        select(*_this).outerjoin(followers, followers.c.id == _entry.c.follower_id).where(followers.c.id.is_(None)),
    ),
    ("nothing", "金额为零的流水", "an entry of nothing", select(*_this).where(_entry.c.amount == 0)),
    (
        "reversal",
        "撤回和原来的流水对不上",
        "a reversal that does not match what it takes back",
        select(*_this).outerjoin(_other, _other.c.id == _entry.c.reverses_id).where(_entry.c.reverses_id.is_not(None), _unlike),
    ),
    (
        "reversed_twice",
        "同一条流水撤回了两次",
        "an entry taken back twice",
        select(*_this).join(_other, and_(_other.c.reverses_id == _entry.c.reverses_id, _other.c.id < _entry.c.id)),
    ),
    (
        "twice",
        "同一件事记了两次",
        "one cause entered twice",
        select(func.max(_entry.c.id), _entry.c.follower_id)
        .group_by(_entry.c.follower_id, _entry.c.asset, _entry.c.cause)
        .having(func.count() > 1),
    ),
    (
        "unsigned",
        "人工调整没有名字或者理由",
        "an adjustment without a name or a reason",
        select(*_this).where(_entry.c.account == "operator", or_(_entry.c.by.is_(None), _entry.c.reason.is_(None))),
    ),
)
