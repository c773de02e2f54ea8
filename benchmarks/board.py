"""How long a board takes over a month of a million entries by a hundred thousand followers.

    python -m benchmarks.board [--entries 1000000] [--followers 100000] [--database URL]

Without --database it is a SQLite file of its own; a PostgreSQL database must be an empty one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from models import board_closing, ranking
from models.board import BoardRules, Period
from models.config import Config
from models.database import Database
from models.migrations import upgrade

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)
BOARD = BoardRules.model_validate_json('{"key": "b", "title": "贡献榜", "formula": {"checkin": 1, "survey": 5, "points": 0.1}}')
WEEK = BOARD.model_copy(update={"per": "week"})

_FOLLOWERS = """
INSERT INTO follower (id, openid, subscribed, state_at, first_seen_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT i, 'o' || i, true, {at}, {at} FROM n
"""
_ENTRIES = """
INSERT INTO ledger_entry (follower_id, asset, account, amount, cause, at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most)
SELECT 1 + i % :followers, 'points', CASE WHEN i % 10 = 0 THEN 'survey' ELSE 'checkin' END, 5,
       CASE WHEN i % 10 = 0 THEN 'survey:' || i ELSE 'checkin:' || (1000 + i / 80000) || '-11-' || (10 + i / 1000 % 80) END, {at} FROM n
"""


def fill(database: Database, entries: int, followers: int) -> None:
    """The month's entries, evenly over it."""
    if database.is_sqlite:
        then, at = "'2026-11-01 00:00:00.000000'", "strftime('%Y-%m-%d %H:%M:%f000', '2026-11-01', (i * 2505000 / :most) || ' seconds')"
    else:
        then, at = "timestamptz '2026-11-01 00:00Z'", "timestamptz '2026-11-01 00:00Z' + (i * 2505000.0 / :most) * interval '1 second'"
    with database.transaction() as db:
        db.execute(text(_FOLLOWERS.format(at=then)), {"most": followers})
        db.execute(text(_ENTRIES.format(at=at)), {"most": entries, "followers": followers})
    with database.transaction() as db:
        db.execute(text("ANALYZE"))


def timed(what: str, work: Callable[[], object]) -> None:
    """Prints how long it took, and how long this process worked on it (SQLite works in it, PostgreSQL does not), in milliseconds."""
    begun, worked = time.perf_counter(), time.process_time()
    work()
    took, worked = time.perf_counter() - begun, time.process_time() - worked
    print(f"{what:58} {took * 1000:9.1f} ms {worked * 1000:9.1f} ms of work", flush=True)


def main() -> None:
    """Fills, then measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--followers", type=int, default=100_000)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(given.database or f"sqlite:///{folder}/board.db")
        upgrade(database)
        timed(f"{given.entries} entries of {given.followers} followers are made", lambda: fill(database, given.entries, given.followers))
        month, week = BOARD.current(NOW, ZONE), WEEK.current(NOW, ZONE)
        with database.transaction() as db:
            for board, period in ((BOARD, month), (WEEK, week)):
                measure(db, board, period)
        freeze(database, month)
        database.close()


def measure(db: Connection, board: BoardRules, period: Period) -> None:
    """The board and one's own score, as they are asked for in chat."""
    timed(f"{board.per}: worked out", lambda: ranking.standing(db, board, period, ZONE, NOW))
    timed(f"{board.per}: again within the minute", lambda: ranking.standing(db, board, period, ZONE, NOW))
    timed(f"{board.per}: one follower's score", lambda: ranking.score_of(db, board, period, ZONE, NOW, 77))


def freeze(database: Database, month: Period) -> None:
    """The whole closing of the month."""
    with database.transaction() as db:
        timed("month: frozen", lambda: board_closing.freeze(db, Config(ZONE), BOARD, month, NOW))


if __name__ == "__main__":
    main()
