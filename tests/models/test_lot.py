"""Lots, as properties: replaying entries tells what a plain model with one coin per point tells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.lot import NEVER, lots

DAY = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class Entry:
    """An entry as the ledger has it."""

    id: int
    amount: int
    expires_at: datetime | None = None
    reverses_id: int | None = None
    account: str = ""


def plain(entries: list[Entry]) -> Counter[int]:
    """One coin per point, taken one by one. Returns how many are left of each gain."""
    coins: list[tuple[datetime, int]] = []
    owed = 0
    for entry in entries:
        if entry.amount > 0:
            coins += [(entry.expires_at or NEVER, entry.id)] * entry.amount
        else:
            own = [coin for coin in coins if coin[1] == entry.reverses_id][: -entry.amount]
            for coin in own:
                coins.remove(coin)
            owed += -entry.amount - len(own)
        while owed and coins:
            coins.remove(min(coins))
            owed -= 1
    return Counter(number for _, number in coins)


ENTRIES = st.lists(st.tuples(st.integers(-8, 8).filter(bool), st.none() | st.integers(1, 4), st.integers(0, 5)), max_size=25)


@given(ENTRIES)
def test_what_is_left_of_each_gain_is_what_is_left_of_its_coins(drawn: list[tuple[int, int | None, int]]) -> None:
    entries: list[Entry] = []
    for number, (amount, days, back) in enumerate(drawn, 1):
        before = entries[-back] if 0 < back <= len(entries) else None
        reverses = before.id if before and amount < 0 < before.amount else None
        entries.append(Entry(number, amount, DAY + timedelta(days=days) if days and amount > 0 else None, reverses))
    left = lots(entries)
    assert Counter({lot.id: lot.left for lot in left}) == plain(entries)
    assert [(lot.expires_at, lot.id) for lot in left] == sorted((lot.expires_at, lot.id) for lot in left)
    assert sum(lot.left for lot in left) == max(sum(entry.amount for entry in entries), 0)


def test_what_expires_first_is_spent_first_then_what_was_gained_first() -> None:
    later, sooner = DAY + timedelta(days=9), DAY + timedelta(days=2)
    gains = [Entry(1, 5), Entry(2, 5, later), Entry(3, 5, sooner), Entry(4, 5, later)]
    assert [(lot.id, lot.left) for lot in lots([*gains, Entry(5, -7)])] == [(2, 3), (4, 5), (1, 5)]


def test_what_is_taken_back_is_taken_from_its_own_gain_and_the_rest_from_the_others() -> None:
    gains = [Entry(1, 5, DAY), Entry(2, 5)]
    assert [(lot.id, lot.left) for lot in lots([*gains, Entry(3, -5, None, 2)])] == [(1, 5)]
    assert [(lot.id, lot.left) for lot in lots([*gains, Entry(3, -8), Entry(4, -1, None, 1)])] == [(2, 1)]
