"""Findings: noted once, and settled once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from models import finding
from models.database import Database
from models.finding import AlreadySettled, UnknownFinding, Verdict
from tests.people import World

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def note(database: Database, word: str, action: str = "queue", key: str = "k") -> bool:
    with database.transaction() as db:
        return finding.note(db, key, "heard", 1, word, action, f"说了{word}", NOW)


@pytest.fixture
def database(world: World) -> Database:
    world.person("小王").says("你好")
    return world.service.database


def test_a_word_is_noted_once_for_a_message_and_a_direction(database: Database) -> None:
    assert [note(database, "甲"), note(database, "甲", "log"), note(database, "乙"), note(database, "甲", key="k2")] == [
        True,
        False,
        True,
        True,
    ]
    with database.snapshot() as db:
        assert [(one.word, one.action) for one in finding.waiting(db)] == [("甲", "queue"), ("乙", "queue"), ("甲", "queue")]
        assert [str(one.openid)[:1] for one in finding.newest(db)] == ["o"] * 3


def test_what_was_said_to_nobody_in_particular_is_kept_too(database: Database) -> None:
    with database.transaction() as db:
        finding.note(db, "k", "said", None, "甲", "log", "甲", NOW)
        assert [one.openid for one in finding.newest(db)] == [None]


def test_only_what_is_queued_waits(database: Database) -> None:
    for word, action in (("甲", "block"), ("乙", "queue"), ("丙", "log")):
        note(database, word, action)
    with database.snapshot() as db:
        assert [one.word for one in finding.waiting(db)] == ["乙"]
        assert [one.word for one in finding.newest(db)] == ["丙", "乙", "甲"]


def test_a_settled_finding_waits_no_longer_and_says_who_settled_it(database: Database) -> None:
    note(database, "甲")
    with database.transaction() as db:
        [one] = finding.waiting(db)
        finding.settle(db, one.id, "dismissed", "小李", NOW)
        assert finding.waiting(db) == []
        [settled] = finding.newest(db)
    assert (settled.state, settled.settled_by, settled.settled_at) == ("dismissed", "小李", NOW)


def test_of_two_operators_at_once_one_settles_it(database: Database) -> None:
    for number in range(10):
        note(database, "甲", key=f"k{number}")
    with database.snapshot() as db:
        numbers = [one.id for one in finding.waiting(db)]

    def settle(number: int, verdict: Verdict) -> bool:
        try:
            with database.transaction() as db:
                finding.settle(db, number, verdict, verdict, NOW)
        except AlreadySettled as settled:
            assert settled.details["by"] != verdict
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(settle, number, verdict) for number in numbers for verdict in ("passed", "dismissed")]
    assert sum(one.result() for one in tries) == len(numbers)
    with database.snapshot() as db:
        assert all(one.state == one.settled_by for one in finding.newest(db))


def test_what_waits_for_nobody_cannot_be_settled(database: Database) -> None:
    note(database, "甲", "log")
    with database.transaction() as db:
        [one] = finding.newest(db)
        with pytest.raises(AlreadySettled):
            finding.settle(db, one.id, "passed", "小李", NOW)
        with pytest.raises(UnknownFinding):
            finding.settle(db, one.id + 1, "passed", "小李", NOW)
