"""What a message costs the database: features that a file does not use cost it nothing, those it uses one look each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.people import SHIPPED, World

PLAIN = """
keywords: {rules: [{name: hours, when: {contains: [营业时间]}, reply: 每天营业}], fallback: 没听懂}
checkin: {rules: {points: 5}}
"""
_EVERY = 4  # the entry in the inbox, the follower, who has the floor, the answer on the entry


@contextmanager
def statements() -> Iterator[list[str]]:
    """What writing transactions say meanwhile, but for BEGIN and COMMIT."""
    seen: list[str] = []

    def note(said: str) -> None:
        if not said.startswith(("BEGIN", "COMMIT", "PRAGMA")):
            seen.append(said)

    def watched(connection: Any, *_: object) -> None:
        connection.set_trace_callback(note)

    event.listen(Pool, "checkout", watched)
    try:
        yield seen
    finally:
        event.remove(Pool, "checkout", watched)


def cost(url: str, folder: Path, config: str) -> dict[str, int]:
    """Statements of one message of somebody we know."""
    found = {}
    with statements() as seen:
        world = World(folder, url, config)
        person = world.person("小王")
        person.says("你好")
        for text in ("请问营业时间", "天上有几颗星星", "签到"):
            seen.clear()
            person.says(text)
            found[text] = len(seen)
        world.close()
    return found


def test_a_message_costs_nothing_for_what_the_file_does_not_use(sqlite_url: str, tmp_path: Path) -> None:
    found = cost(sqlite_url, tmp_path, PLAIN)
    # A check-in: SAVEPOINT and RELEASE, the last day, the points and the growth with their balances, the day.
    assert found == {"请问营业时间": _EVERY, "天上有几颗星星": _EVERY, "签到": _EVERY + 8}


def test_levels_and_notices_cost_one_look_each(sqlite_url: str, tmp_path: Path) -> None:
    shipped = SHIPPED[SHIPPED.index("# ── 关键词回复") :]
    found = cost(sqlite_url, tmp_path, shipped)
    assert found["请问营业时间"] == _EVERY + 2
    assert found["签到"] == _EVERY + 8 + 2 + 2  # the level that multiplies, and the cap of a month
