"""Schedules become runs: once per due time, whatever happens to the processes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from models import broadcast, schedule
from models.broadcast import Broadcast
from tests.scheduler.stage import ZONE, Stage, shanghai

DAILY = "0 9 * * *"


def planned(cron: str = DAILY, **more: Any) -> Broadcast:
    return Broadcast.model_validate({"key": "digest", "template": "T", "cron": cron} | more)


def claim(stage: Stage, plan: Broadcast) -> int | None:
    found: int | None = stage.verb(broadcast.claim_due, plan, "all", ZONE, stage.at)
    return found


def rows(stage: Stage) -> list[Any]:
    return stage.sql("SELECT state, reason FROM broadcast_run ORDER BY id")


def test_eight_at_once_make_one_run(staged: Callable[..., Stage]) -> None:
    stage, plan = staged(), planned()
    stage.at = shanghai("2026-11-21 08:59:50")
    claim(stage, plan)
    stage.at = shanghai("2026-11-21 09:00:01")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: claim(stage, plan), range(8)))
    assert sum(number is not None for number in made) == 1
    assert [tuple(row) for row in rows(stage)] == [("planning", None)]


def test_a_new_schedule_does_not_catch_up_the_past(stage: Stage) -> None:
    stage.at = shanghai("2026-11-21 09:05:00")
    assert claim(stage, planned(late="7d")) is None
    assert rows(stage) == []


@pytest.mark.parametrize(
    ("late", "back_at", "state", "said"),
    [
        ("skip", "2026-11-21 09:14:59", "planning", None),
        ("skip", "2026-11-21 09:15:01", "missed", "晚了 15 分钟 late"),
        ("2h", "2026-11-21 10:59:59", "planning", "晚了 119 分钟 late"),
        ("2h", "2026-11-21 11:00:01", "missed", "晚了 120 分钟 late"),
        ("ask", "2026-11-21 09:30:00", "asked", "晚了 30 分钟 late"),
    ],
)
def test_what_comes_late_is_sent_asked_for_or_missed_but_never_in_a_burst(
    stage: Stage, late: str, back_at: str, state: str, said: str | None
) -> None:
    plan = planned(late=late)
    stage.at = shanghai("2026-11-21 08:00:00")
    claim(stage, plan)
    stage.at = shanghai(back_at)
    claim(stage, plan)
    stage.later(seconds=2)
    claim(stage, plan)
    assert [tuple(row) for row in rows(stage)] == [(state, said)]


@pytest.mark.parametrize(
    ("late", "back_at", "older", "state", "said"),
    [
        ("skip", "2026-11-24 08:00:00", 2, "missed", "晚了 1380 分钟 late"),
        ("2d", "2026-11-24 08:00:00", 2, "planning", "晚了 1380 分钟 late"),
        ("skip", "2026-11-24 09:01:00", 3, "planning", None),
    ],
)
def test_every_due_time_that_an_outage_missed_has_a_row_that_nothing_overwrites(
    stage: Stage, late: str, back_at: str, older: int, state: str, said: str | None
) -> None:
    stage.at = shanghai("2026-11-21 08:00:00")
    claim(stage, planned(late=late))
    stage.at = shanghai(back_at)
    for _ in range(2):
        claim(stage, planned(late=late))
    down = "到时间时程序没在运行 down"
    assert [tuple(row) for row in rows(stage)] == [("missed", down)] * older + [(state, said)]
    due = stage.sql("SELECT due_at FROM broadcast_run ORDER BY id")
    assert len(set(due)) == older + 1
    number = stage.sql("SELECT max(id) FROM broadcast_run")[0][0]
    stage.verb(broadcast.hold, number, stage.at, "免打扰")
    stage.verb(broadcast.go_on, number)
    assert [tuple(row) for row in rows(stage)][:older] == [("missed", down)] * older


def test_a_long_outage_of_a_line_of_every_minute_fills_no_list(stage: Stage) -> None:
    stage.at = shanghai("2026-11-21 08:00:00")
    claim(stage, planned("* * * * *"))
    stage.later(minutes=60, seconds=1)
    claim(stage, planned("* * * * *"))
    found = [tuple(row) for row in rows(stage)]
    assert [state for state, _ in found] == ["missed"] * 10 + ["planning"]
    assert found[0][1] == "到时间时程序没在运行 down；之前还错过 49 次"


def test_the_same_due_time_after_a_restart_is_the_same_run(stage: Stage) -> None:
    stage.at = shanghai("2026-11-21 08:59:00")
    claim(stage, planned())
    stage.at = shanghai("2026-11-21 09:00:01")
    claim(stage, planned())
    stage.do("UPDATE schedule SET checked_until = :then", then=shanghai("2026-11-21 08:59:00"))  # a backup, another replica's clock
    claim(stage, planned())
    assert len(rows(stage)) == 1


def test_an_idle_schedule_is_not_written_to_at_every_look(stage: Stage) -> None:
    def wants() -> bool:
        with stage.database.snapshot() as db:
            return broadcast.wants_claim(db, planned(), ZONE, stage.at)

    stage.at = shanghai("2026-11-21 08:58:30")
    assert wants()
    claim(stage, planned())
    stage.later(seconds=2)
    assert not wants()
    stage.later(seconds=59)
    assert wants()
    claim(stage, planned())
    stage.at = shanghai("2026-11-21 09:00:00")
    assert wants()


def test_another_cron_line_says_nothing_about_the_days_before(stage: Stage) -> None:
    stage.at = shanghai("2026-11-20 21:00:00")
    claim(stage, planned("0 20 * * fri", late="7d"))
    for _ in range(3):
        stage.later(days=1)
        claim(stage, planned("0 20 * * fri", late="7d"))
    stage.later(seconds=90)
    claim(stage, planned("0 9 * * *", late="7d"))
    assert rows(stage) == []


# The lines themselves


def expected(line: str, after: datetime, count: int) -> list[datetime]:
    """crontab(5), minute by minute: a day matches by date or by weekday where both are given; 0 and 7 are Sunday, 1 is Monday."""
    minutes, hours, days, months, weekdays = (_numbers(part, top) for part, top in zip(line.split(), (59, 23, 31, 12, 7), strict=True))
    fields = line.split()
    found: list[datetime] = []
    at = after.astimezone(ZONE).replace(second=0, microsecond=0)
    while len(found) < count:
        at += timedelta(minutes=1)
        by_date, by_week = at.day in days, at.isoweekday() % 7 in {number % 7 for number in weekdays}
        right_day = (by_date or by_week) if fields[2] != "*" and fields[4] != "*" else (by_date and by_week)
        if not (right_day and at.month in months):
            at = at.replace(hour=23, minute=59)
        elif at.hour not in hours:
            at = at.replace(minute=59)
        elif at.minute in minutes:
            found.append(at.astimezone(UTC))
    return found


def _numbers(part: str, top: int) -> set[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        first, _, last = (f"0-{top}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def test_three_hundred_lines_are_due_when_crontab_says() -> None:
    seed = int(os.environ.get("SEED", "20261121"))
    dice = random.Random(seed)
    for _ in range(300):
        line = " ".join(
            [
                dice.choice(["0", "30", "*/15", "5,35"]),
                dice.choice(["9", "20", "8-10", "*/6"]),
                dice.choice(["*", "*", "1", "15", "1-7"]),
                dice.choice(["*", "*", "11,12", "1-3"]),
                dice.choice(["*", "0", "1", "5", "6", "7", "1-5", "0,3", "5-7"]),
            ]
        )
        after = shanghai("2026-11-21 00:00:00") + timedelta(minutes=dice.randrange(60 * 24 * 40))
        wanted = expected(line, after, 3)
        got = list(schedule.due_between(line, ZONE, after, wanted[-1]))
        assert got == wanted, f"seed {seed}: {line!r} after {after}"


@pytest.mark.parametrize(("day", "weekday"), [("1", 1), ("0", 7), ("7", 7), ("fri", 5), ("sat", 6)])
def test_one_is_monday_and_both_zero_and_seven_are_sunday(day: str, weekday: int) -> None:
    after = shanghai("2026-11-21 12:00:00")
    due = next(schedule.due_between(f"0 9 * * {day}", ZONE, after, after + timedelta(days=8)))
    assert due.astimezone(ZONE).isoweekday() == weekday
    assert due.astimezone(ZONE).hour == 9


@pytest.mark.parametrize("line", ["", "0 9 * *", "0 0 9 * * 1", "@daily", "0 9 * * 8", "61 9 * * 1", "0 9 30 2 *", "每天九点"])
def test_a_line_that_crontab_would_not_take_is_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="cron"):
        planned(line)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai", "Pacific/Auckland"])
def test_due_times_are_the_accounts_whatever_zone_the_host_lives_in(zone: str) -> None:
    program = (
        "from datetime import *; from zoneinfo import ZoneInfo; from models import schedule;"
        "a=datetime(2026,11,21,tzinfo=UTC); z=ZoneInfo('Asia/Shanghai');"
        "print(next(schedule.due_between('0 9 * * 1', z, a, a+timedelta(days=9))).isoformat())"
    )
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | {"TZ": zone}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2026-11-23T01:00:00+00:00"


def test_an_hour_that_the_clocks_skip_is_not_lost_nor_doubled() -> None:
    new_york = ZoneInfo("America/New_York")
    after = datetime(2027, 3, 13, 12, tzinfo=UTC)
    due = list(schedule.due_between("30 2 * * *", new_york, after, after + timedelta(days=3)))
    assert len(due) == 3
