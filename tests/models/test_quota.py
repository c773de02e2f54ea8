"""Quotas: no process calls more often than the platform takes, whoever dies; what was not called is given back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from models import broadcast, push, quota
from models.delivery import Outcome
from models.push import Quotas
from tests.scheduler.stage import Platform, Stage, play, shanghai

Staged = Callable[..., Stage]
MIDNIGHT = shanghai("2026-11-22 00:00:00")


def limits(**more: Any) -> Quotas:
    return Quotas.model_validate(more)


def used(stage: Stage) -> dict[tuple[str, str], int]:
    return {(way, per): number for way, per, number in stage.sql("SELECT way, per, used FROM quota")}


def test_processes_that_take_at_once_get_no_more_than_there_is_and_urgent_ones_have_a_reserve(staged: Staged) -> None:
    stages = [staged() for _ in range(4)]
    small = limits(template_per_day=1000, reserve="10%")

    def take_all(stage: Stage) -> int:
        taken = 0
        while got := stage.verb(lambda db: quota.take(db, "template", 7, small, stage.at)).number:
            taken += got
        return taken

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take_all, stages)) == 900
    stage = stages[0]

    def take(number: int, way: str = "template", of: Quotas = small, *, urgent: bool = False) -> quota.Granted:
        with stage.database.transaction() as db:
            return quota.take(db, way, number, of, stage.at, urgent=urgent)

    assert take(1) == quota.Granted(0, MIDNIGHT, "配额 quota：template 今天的 1000 次用完了")
    assert take(150, urgent=True).number == 100
    assert take(1, urgent=True).number == 0
    stage.verb(quota.give_back, "template", 50, stage.at - timedelta(days=1))
    assert used(stage) == {("template", "day"): 1000}, "yesterday's is no use today"
    stage.verb(quota.give_back, "template", 150, stage.at)
    assert take(100).number == 50, "what is given back is there again"
    assert take(1, of=limits(template_per_day=10)).number == 0, "somebody wrote a smaller number"
    with pytest.raises(IntegrityError):
        stage.do("UPDATE quota SET used = most + 1")
    stage.at = MIDNIGHT
    assert take(3).number == 3
    assert used(stage) == {("template", "day"): 3}
    assert take(70, "mass", limits()).number == 60
    assert used(stage)[("mass", "day")] == 60, "what the minute does not hold is not taken from the day"
    stage.later(minutes=1)
    assert [take(30, "mass", limits()).number, take(30, "mass", limits()).number] == [30, 5]
    standing = {(one.way, one.per): one for one in stage.verb(quota.standing, limits(), stage.at)}
    assert (standing["mass", "day"].used, standing["mass", "day"].kept, standing["mass", "minute"].used) == (95, 5, 35)
    stage.verb(push.stop_channel, "mass", 45028, stage.at + timedelta(hours=1))
    assert take(1, "mass") == quota.Granted(0, stage.at + timedelta(hours=1), "配额 quota：45028")


def test_a_run_stops_when_the_days_calls_are_used_up_and_goes_on_at_midnight_in_shanghai(staged: Staged) -> None:
    stage = staged(quotas={"template_per_day": 40, "reserve": 0.25}, pace=10_000)
    stage.crowd(45)
    run, platform = stage.run(), Platform(stage)
    play(stage, platform, 9)
    assert (len(platform.asked), stage.states(run)) == (30, {"sent": 30, "pending": 15})
    assert (stage.of(run).held_until, stage.of(run).reason) == (MIDNIGHT, "配额 quota：template 今天的 40 次用完了")
    urgent, restarted = stage.run("urgent", priority="urgent"), Platform(stage)
    play(stage, restarted, 9)
    assert (len(restarted.asked), stage.states(urgent)) == (10, {"sent": 10, "pending": 35})
    stage.verb(broadcast.cancel, urgent, stage.at)
    stage.at = MIDNIGHT
    play(stage, Platform(stage), 9)
    assert stage.states(run) == {"sent": 45}


def test_what_was_reserved_and_not_called_is_given_back_and_so_is_what_nobody_may_get(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    stage.crowd(20)
    stage.do("UPDATE follower SET refused_at = state_at WHERE id <= 8")
    run = stage.run()
    batch = stage.reserve(run)
    assert (len(batch), used(stage)) == (12, {("template", "day"): 12})
    stage.settle(*(Outcome(one.id, one.fence, "sent") for one in batch))
    other = stage.run("other")
    assert (stage.take(other), used(stage)) == ([], {("template", "day"): 12})
    paused, platform = stage.run("paused"), Platform(stage, lambda platform, openid, key: 40037)
    stage.do("UPDATE delivery SET charged_at = NULL")
    play(stage, platform)
    assert stage.of(paused).state == "paused"
    assert used(stage) == {("template", "day"): 12 + len(platform.asked)}
    assert stage.verb(broadcast.finish, other, stage.at)
