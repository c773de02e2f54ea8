"""How long a million ledger entries take to prove right, with their seals; and how many entries a second are posted.

python -m benchmarks.ledger [--entries 1000000] [--followers 20000] [--database URL]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, text

from models import bookkeeping, points, seal
from models.config import Config
from models.database import Database
from models.follower import followers
from models.migrations import upgrade
from models.points import ledger

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CONFIG = Config(ZoneInfo("Asia/Shanghai"))
PAGE = 10_000


def entries(number: int, people: int) -> Iterator[dict[str, Any]]:
    """So many entries of people who check in every day, and spend every tenth time."""
    for index in range(number):
        day, who = divmod(index // 2, people)
        spends = index % 2 == 0 and day % 10 == 9
        yield {
            "follower_id": who + 1,
            "asset": "growth" if index % 2 else "points",
            "account": "shop" if spends else "checkin",
            "amount": -20 if spends else 5,
            "cause": f"{'shop' if spends else 'checkin'}:{day}",
            "at": NOW - timedelta(days=1000 - day),
            "expires_at": None if spends or index % 2 else NOW + timedelta(days=day + 1),
        }


def fill(db: Connection, number: int, people: int) -> None:
    """The followers, the entries, and the balances that are their sums."""
    known = {"subscribed": True, "state_at": NOW, "first_seen_at": NOW, "last_seen_at": NOW}
    db.execute(insert(followers), [{"id": who + 1, "openid": f"o{who:027}", **known} for who in range(people)])
    waiting = entries(number, people)
    while page := list(islice(waiting, PAGE)):
        db.execute(insert(ledger), page)
    summed = "SELECT follower_id, asset, SUM(amount), MIN(expires_at) FROM ledger_entry GROUP BY follower_id, asset"
    db.execute(text(f"INSERT INTO balance (follower_id, asset, amount, expires_at) {summed}"))


def sealed(database: Database) -> int:
    """Afterwards everything is under a seal. Returns how many entries are."""
    done, at = 0, NOW
    with database.transaction() as db:
        seal.seal(db, CONFIG, at)
    at += seal.MARGIN
    while True:
        with database.transaction() as db:
            more = seal.seal(db, CONFIG, at)
        if not more:
            return done
        done += more


def posted(database: Database, number: int, people: int, amount: int) -> float:
    """Entries a second, 64 in a transaction as under load."""
    begun = time.perf_counter()
    for first in range(0, number, 64):
        with database.transaction() as db:
            for index in range(first, min(first + 64, number)):
                points.post(db, index % people + 1, amount, f"gift:{amount}:{index}", NOW)
    return number / (time.perf_counter() - begun)


def timed(what: str, work: Any) -> Any:
    """What the work returned; tells how long it took."""
    begun = time.perf_counter()
    result = work()
    print(f"{what:<44} {time.perf_counter() - begun:8.2f} s", flush=True)
    return result


def peak() -> int:
    """The most memory this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Fills a database, seals it, proves it, posts to it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--followers", type=int, default=20_000)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(given.database or f"sqlite:///{folder}/ledger.db")
        upgrade(database)
        with database.transaction() as db:
            timed(f"{given.entries:,} entries of {given.followers:,} followers", lambda: fill(db, given.entries, given.followers))
        number = timed("sealed", lambda: sealed(database))
        filled = peak()

        def prove() -> bookkeeping.Proof:
            with database.snapshot() as db:
                return bookkeeping.prove(db)

        proof = timed("proved: sums, accounts, reversals, seals", prove)
        assert proof.right, proof
        print(f"{number:,} entries under {proof.seals.seals:,} seals; peak memory {peak()} MB, {filled} MB before the proof")
        print(f"gains  {posted(database, 20_000, given.followers, 5):8.0f}/s, 64 in a transaction")
        print(f"spends {posted(database, 20_000, given.followers, -1):8.0f}/s")
        database.close()


if __name__ == "__main__":
    main()
