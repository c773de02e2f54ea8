"""The ledger as a machine: whatever is gained, spent, taken back, adjusted and let expire in whatever order, the books are right.

The model keeps one coin per point, with its entry and its expiry, and takes them one by one.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, text

from models import bookkeeping, expiry, follower, points, seal
from models.config import Config
from models.database import Database, undone_on_error
from models.lot import NEVER
from models.points import CARD, GROWTH, POINTS, NotEnoughPoints, Posted, UnknownEntry

START = datetime(2026, 11, 21, tzinfo=UTC)
CONFIG = Config(ZoneInfo("Asia/Shanghai"))
PEOPLE, ASSETS = 3, (POINTS, CARD)

Coin = tuple[datetime, int]  # when it expires, and the entry it came by
Purse = tuple[int, str]


@dataclass
class Known:
    """An entry, as the model remembers it."""

    id: int
    purse: Purse
    cause: str
    amount: int
    taken_back: bool = False


class Books(RuleBasedStateMachine):
    """Several people and assets, in one transaction that is rolled back in the end."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self._open: AbstractContextManager[Connection] = self.database.rehearsal()
        self.db = self._open.__enter__()
        self.now = START
        self.people = [follower.seen(self.db, f"p{number}", START, START).id for number in range(PEOPLE)]
        self.expired: Counter[int] = Counter()  # coins of each entry that nobody spent in time
        self.coins: dict[Purse, list[Coin]] = {(person, asset): [] for person in self.people for asset in (*ASSETS, GROWTH)}
        self.entries: dict[tuple[Purse, str], Known] = {}

    def teardown(self) -> None:
        try:
            found = bookkeeping.prove(self.db)
            assert found.right, found
            assert sum(line.amount * (1 if line.account == "followers" else -1) for line in found.trial) == 0
        finally:
            self._open.__exit__(None, None, None)

    # What is done

    @rule(
        who=st.integers(0, PEOPLE - 1),
        asset=st.sampled_from(ASSETS),
        amount=st.integers(1, 9),
        cause=st.integers(0, 9),
        days=st.none() | st.integers(1, 5),
        grows=st.booleans(),
    )
    def gains(self, who: int, asset: str, amount: int, cause: int, days: int | None, grows: bool) -> None:
        ends = self.now + timedelta(days=days) if days else None
        self._post((self.people[who], asset), amount, f"gift:{cause}", ends)
        if grows and asset == POINTS:
            self._post((self.people[who], GROWTH), amount, f"gift:{cause}", None)

    @rule(who=st.integers(0, PEOPLE - 1), asset=st.sampled_from(ASSETS), amount=st.integers(1, 15), cause=st.integers(0, 9))
    def spends(self, who: int, asset: str, amount: int, cause: int) -> None:
        self._post((self.people[who], asset), -amount, f"shop:{cause}", None)

    @rule(who=st.integers(0, PEOPLE - 1), amount=st.integers(-9, 9).filter(bool), request=st.integers(0, 3))
    def is_adjusted(self, who: int, amount: int, request: int) -> None:
        purse, cause = (self.people[who], POINTS), f"operator:{request}"

        def adjust() -> Posted:
            return points.adjust(self.db, purse[0], amount, "小张", "补发", self.now, str(request))

        before = self.entries.get((purse, cause))
        if before is not None and before.amount != amount:
            with pytest.raises(points.RequestUsed), undone_on_error(self.db):
                adjust()
            return
        self._expect(purse, amount, cause, None, adjust)

    @rule(number=st.integers(0, 60), at_most=st.booleans(), days=st.none() | st.integers(1, 5))
    def is_taken_back(self, number: int, at_most: bool, days: int | None) -> None:
        known = [*self.entries.values(), None][number % (len(self.entries) + 1)]
        ends = self.now + timedelta(days=days) if days else None

        def reverse(entry: int) -> Posted:
            return points.reverse(self.db, entry, self.now, by="小张", reason="刷分", at_most=at_most, expires_at=ends)

        if known is None or known.cause.startswith("reversal:"):
            with pytest.raises(UnknownEntry):
                reverse(known.id if known else 10**9)
            return
        amount, coins = -known.amount, self.coins[known.purse]
        if amount < 0:  # what has expired of it is not taken a second time
            amount += self.expired[known.id] + sum(coin[1] == known.id and coin[0] <= self.now for coin in coins)
        if at_most and amount < 0:
            amount = -min(-amount, sum(coin[0] > self.now for coin in coins))
        if amount and not known.taken_back:
            refund = ends if amount > 0 and known.purse[1] == POINTS else None
            if not self._expect(known.purse, amount, f"reversal:{known.id}", refund, lambda: reverse(known.id), known.id):
                return
            known.taken_back = True
        else:
            assert not reverse(known.id).new
            if known.amount > 0 and not known.taken_back:
                self._fresh(known.purse)  # whoever tries to take something lets expire what has expired
        grown = self.entries.get(((known.purse[0], GROWTH), known.cause)) if known.purse[1] == POINTS and known.amount > 0 else None
        if grown is not None and not grown.taken_back and self._coins(grown.purse):
            self._note(grown.purse, -min(grown.amount, len(self._coins(grown.purse))), f"reversal:{grown.id}", None, grown.id)
            grown.taken_back = True

    @rule(days=st.integers(1, 4), tidy=st.booleans())
    def time_passes(self, days: int, tidy: bool) -> None:
        self.now += timedelta(days=days)
        if tidy:
            while expiry.expire(self.db, CONFIG, self.now):
                pass
            for purse in self.coins:
                self._fresh(purse)
        while seal.seal(self.db, CONFIG, self.now):
            pass

    # What must hold

    @invariant()
    def balances_are_the_coins_and_the_lots(self) -> None:
        for (person, asset), coins in self.coins.items():
            assert points.balance(self.db, person, asset) == len(coins)
            lots = points.lots_of(self.db, person, asset)
            assert [lot.expires_at for lot in lots for _ in range(lot.left)] == sorted(ends for ends, _ in coins)
            earliest = points.holding(self.db, person, asset)[1] or NEVER
            assert all(earliest <= ends for ends, _ in coins)

    # The model

    def _coins(self, purse: Purse) -> list[Coin]:
        return self.coins[purse]

    def _fresh(self, purse: Purse) -> list[Coin]:
        """The coins that have not expired; the others are gone."""
        self.expired.update(coin[1] for coin in self.coins[purse] if coin[0] <= self.now)
        self.coins[purse] = [coin for coin in self.coins[purse] if coin[0] > self.now]
        return self.coins[purse]

    def _post(self, purse: Purse, amount: int, cause: str, ends: datetime | None) -> None:
        self._expect(
            purse, amount, cause, ends, lambda: points.post(self.db, purse[0], amount, cause, self.now, asset=purse[1], expires_at=ends)
        )

    def _expect(
        self, purse: Purse, amount: int, cause: str, ends: datetime | None, do: Callable[[], Any], takes: int | None = None
    ) -> bool:
        """Does it, and compares with what the model makes of it. Returns whether it came through."""
        known = (purse, cause) in self.entries
        there = [coin for coin in self.coins[purse] if coin[0] > self.now]
        if not known and amount < 0 and -amount > len(there):
            with pytest.raises(NotEnoughPoints), undone_on_error(self.db):
                do()
            return False
        done = do()
        assert done.new == (not known)
        if amount < 0:
            self._fresh(purse)
        if not known:
            self._note(purse, amount, cause, ends, takes)
        assert done.balance == len(self.coins[purse])
        return True

    def _note(self, purse: Purse, amount: int, cause: str, ends: datetime | None, takes: int | None) -> None:
        found = self.db.execute(
            text("SELECT id FROM ledger_entry WHERE follower_id = :who AND asset = :asset AND cause = :cause"),
            {"who": purse[0], "asset": purse[1], "cause": cause},
        ).scalar_one()
        self.entries[purse, cause] = Known(found, purse, cause, amount)
        coins = self.coins[purse]
        coins += [(ends or NEVER, found)] * max(amount, 0)
        own = [coin for coin in coins if coin[1] == takes][: max(-amount, 0)]
        for coin in own:
            coins.remove(coin)
        for _ in range(max(-amount, 0) - len(own)):
            coins.remove(min(coins))


def books_on(url: str) -> type[Books]:
    """The machine on this database."""
    return type("BooksHere", (Books,), {"database": Database(url)})


def prove(url: str, examples: int, steps: int, chosen: int | None = None) -> None:
    """Runs so many examples."""
    machine = books_on(url)
    if chosen is not None:
        machine = seed(chosen)(machine)
    how = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(machine, settings=how)
    finally:
        machine.database.close()


@pytest.mark.parametrize(("which", "examples"), [("sqlite", 15), ("postgres", 4)])
def test_whatever_is_done_the_books_are_right(request: pytest.FixtureRequest, which: str, examples: int) -> None:
    prove(request.getfixturevalue(f"{which}_url"), examples, 20)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("which", "examples"), [("sqlite", 3000), ("postgres", 500)])
def test_whatever_is_done_the_books_are_right_thousands_of_times(request: pytest.FixtureRequest, which: str, examples: int) -> None:
    chosen = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={chosen}")
    prove(request.getfixturevalue(f"{which}_url"), examples, 50, chosen)
