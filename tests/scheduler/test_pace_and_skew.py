"""Senders share one pace, slow down together, and keep their hands off where the machine's clock is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from models import pace
from models.clock import utc_now
from scheduler.timetable import Timetable
from tests.scheduler.stage import DROP, Platform, Stage, looks, play, sender, under_way

Staged = Callable[..., Stage]


def most_within(times: list[float], span: float) -> int:
    """The most calls in any window of so many seconds."""
    ordered = sorted(times)
    return max(sum(1 for later in ordered[at:] if later - moment <= span) for at, moment in enumerate(ordered))


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_url"])
def test_several_senders_together_keep_the_pace_of_one(request: pytest.FixtureRequest, database: str) -> None:
    stage = Stage(request.getfixturevalue(database), pace=200)
    stage.clock = utc_now  # type: ignore[method-assign]
    stage.crowd(100)
    runs, platform = [stage.run(key) for key in "ab"], Platform(stage)

    async def scene() -> None:
        async with platform.open(), sender(stage, platform) as one, sender(stage, platform) as two:
            await asyncio.gather(looks(stage, one, 1), looks(stage, two, 1))
            await asyncio.gather(looks(stage, one, 1), looks(stage, two, 1))

    asyncio.run(scene())
    assert sum(stage.states(run)["sent"] for run in runs) == len(platform.asked) == 200
    for span in (0.0, 0.1, 0.5, 1.0):
        assert most_within(platform.times, span) <= 200 * (span + 0.5) + 1
    assert platform.times[-1] - platform.times[0] >= 199 / 200 - 0.5
    stage.database.close()


def test_slots_that_nobody_used_in_time_are_not_made_up_for_by_a_burst(staged: Staged) -> None:
    stage = staged(pace=60)
    stage.crowd(85)
    run, platform = stage.run(), Platform(stage)

    async def scene() -> None:
        async with platform.open(), sender(stage, platform) as made:
            await made.look()
            while len(platform.asked) < 22:
                await asyncio.sleep(0.01)
            while made._slots._value:
                await made._slots.acquire()  # all calls at once are taken: nothing of ours can be begun
            await asyncio.sleep(1.2)
            for _ in range(256):
                made._slots.release()
            await looks(stage, made, 4)

    asyncio.run(scene())
    assert stage.states(run) == {"sent": 85}
    assert len(platform.asked) == 85
    assert all(most_within(platform.times, span) <= 60 * (span + 0.5) + 1 for span in (0.0, 0.05, 0.2))


@pytest.mark.parametrize("answer", [-1, 45011, DROP])
def test_an_overburdened_platform_halves_the_pace_of_all_once(staged: Staged, answer: object) -> None:
    stage = staged(pace=400)
    stage.crowd(10)
    stage.run()
    play(stage, Platform(stage, lambda platform, openid, key: answer if len(platform.asked) <= 4 else None))
    assert stage.sql("SELECT share FROM pace") == [(0.5,)]
    stage.later(seconds=90)
    with stage.database.snapshot() as db:
        assert 300 < pace.look(db, pace.ACCOUNT, 400, stage.at).rate < 400


def test_a_machine_whose_clock_is_wrong_sends_nothing_and_says_so(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    stage, off = Stage(postgres_url), timedelta(seconds=7)
    stage.clock = lambda: utc_now() + off  # type: ignore[method-assign]
    stage.crowd(5)
    run, platform = stage.run(), Platform(stage)

    async def scene() -> None:
        nonlocal off
        async with platform.open(), sender(stage, platform) as made:
            timetable = Timetable(stage.database, stage.config, stage.clock)
            await timetable._look(made)
            assert under_way() == []
            assert not timetable.skew.is_tolerable
            assert "clock is +7.0 s off" in caplog.text
            off, timetable.skew._looked = timedelta(seconds=3), -10.0
            await timetable._look(made)
            await asyncio.wait(under_way())
            assert abs(made.timeline.off + off) < timedelta(seconds=0.5), "slots go by the database's clock, so that machines agree on them"

    asyncio.run(scene())
    assert stage.states(run) == {"sent": 5}
    stage.database.close()
