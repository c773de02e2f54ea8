"""The shared pace: whoever claims, in however many processes and with whatever clock, no two calls have slots that are too near."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from models import pace
from models.database import Database
from models.pace import ACCOUNT

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
RATE = 400


def slots_of(claimed: pace.Slots, number: int) -> list[datetime]:
    """Each slot of a claim."""
    return [claimed.first + place * claimed.gap for place in range(number)]


def claiming(url: str, seed: int) -> list[datetime]:
    """What one process claims: blocks of all sizes, now and then, by a clock of its own that is a little off, and some are never claimed."""
    database, dice, slots = Database(url), random.Random(seed), []
    now = NOON + timedelta(seconds=dice.uniform(-0.2, 0.2))
    for _ in range(30):
        now += timedelta(seconds=dice.expovariate(10))
        number = dice.randint(1, 40)
        try:
            with database.transaction() as db:
                claimed = pace.claim(db, ACCOUNT, RATE, number, now)
                assert claimed.first >= now - timedelta(microseconds=1)
                if dice.random() < 0.1:
                    raise InterruptedError  # killed before the commit
        except InterruptedError:
            continue
        slots += slots_of(claimed, number)
    database.close()
    return slots


def test_however_many_processes_claim_there_is_never_more_than_the_pace(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(claiming, [database_url] * 4, range(4)))
    slots = sorted(slot for process in claims for slot in process)
    assert len(slots) > 1000
    nearest = min(after - before for before, after in pairwise(slots))
    assert nearest >= timedelta(seconds=1 / RATE) - timedelta(microseconds=2)
    # So, called within LATE of its slot, no window can have more: the worst is that all are called as late as they may be but the last.
    for span in (0.0, 0.01, 0.3, 1.0, 2.0):
        reach = timedelta(seconds=span) + pace.LATE
        most, first = 0, 0
        for last, slot in enumerate(slots):
            while slot - slots[first] > reach:
                first += 1
            most = max(most, last - first + 1)
        assert most <= RATE * reach.total_seconds() + 1


def test_the_pace_is_halved_once_in_ten_seconds_and_grows_back(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    database = databases[0]

    def rate(seconds: float) -> float:
        with database.snapshot() as db:
            return pace.look(db, ACCOUNT, RATE, NOON + timedelta(seconds=seconds)).rate

    def slower(seconds: float, database: Database = database) -> bool:
        with database.transaction() as db:
            return pace.slow_down(db, ACCOUNT, NOON + timedelta(seconds=seconds))

    assert (slower(0), rate(0)) == (False, RATE), "nobody has called yet"
    with database.transaction() as db:
        pace.claim(db, ACCOUNT, RATE, 1, NOON)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda each: slower(0, each), databases)) == [False, False, False, True]
    assert rate(0) == RATE / 2
    assert not slower(9.9)
    assert [round(rate(seconds)) for seconds in (60, 120, 3600)] == [RATE * 3 / 4, RATE, RATE]
    for again in range(12):
        assert slower(10 + 10 * again)
    assert rate(120) == pytest.approx(RATE * pace.SLOWEST)
    assert rate(-3600) == RATE, "what a wrong clock wrote binds nobody"
    for each in databases:
        each.close()


def test_slots_too_far_ahead_are_waited_for_and_those_of_a_wrong_clock_bind_nobody(database_url: str) -> None:
    database = Database(database_url)
    with database.transaction() as db:
        assert pace.look(db, ACCOUNT, 10, NOON).wait <= timedelta(0)
        assert pace.claim(db, ACCOUNT, 10, 20, NOON) == pace.Slots(NOON, timedelta(seconds=0.1))
        assert pace.look(db, ACCOUNT, 10, NOON).wait == timedelta(seconds=2) - pace.AHEAD
        assert pace.claim(db, ACCOUNT, 10, 1, NOON).first == NOON + timedelta(seconds=2)
        pace.claim(db, ACCOUNT, 10, 1, NOON + timedelta(days=1))
        assert pace.look(db, ACCOUNT, 10, NOON).wait <= timedelta(0)
        assert pace.claim(db, ACCOUNT, 10, 1, NOON).first == NOON
    database.close()
