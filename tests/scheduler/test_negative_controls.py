"""Does the judge see it? Each scene is played with the real code, where it finds nothing, and with a bug sown in, where it must find it.

An oracle that never failed proves nothing. The bugs are numbered as in the list of protocol mistakes that broadcast tools make.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, update
from sqlalchemy.exc import OperationalError

from models import broadcast, delivery, pace, push
from models import database as databases
from models.broadcast import Broadcast, Run
from models.delivery import Outcome, deliveries
from models.reservation import Terms
from scheduler import sender as sending
from tests.scheduler.stage import ZONE, Platform, Stage, looks, play, sender, shanghai

Staged = Callable[..., Stage]
Patch = pytest.MonkeyPatch


# M1: the cursor moves when a page is fetched, in a transaction of its own


@pytest.mark.parametrize("bug", [False, True])
def test_m1_a_cursor_moved_at_fetch_loses_a_page_at_a_crash(stage: Stage, monkeypatch: Patch, bug: bool) -> None:
    monkeypatch.setattr(broadcast.run, "CHUNK", 7)
    stage.crowd(40)
    run = stage.run(planned=False)
    with stage.database.snapshot() as db:
        loaded = broadcast.load(db, run)
    if bug:
        stage.do("UPDATE broadcast_run SET cursor = cursor + 7")
    with pytest.raises(KeyboardInterrupt), stage.database.transaction() as db:
        broadcast.plan_chunk(db, loaded)
        raise KeyboardInterrupt
    stage.plan(run)
    assert (sum(stage.states(run).values()) < 40) is bug


# M3: every try has an id of its own


def got_two(stage: Stage, times: int = 6, seconds: float = 1) -> set[str]:
    """The first answer to everybody is lost after acceptance."""

    def lost(platform: Platform, openid: str, key: str) -> object:
        taken = platform.take(openid, key)
        return -1 if platform.tries(openid) == 1 else taken

    stage.crowd(15)
    stage.run()
    platform = Platform(stage, lost)
    play(stage, platform, times, seconds)
    assert len(platform.delivered) == 15
    return {openid for openid, number in platform.delivered.items() if number > 1}


@pytest.mark.parametrize("bug", [False, True])
def test_m3_a_new_id_for_every_try_sends_twice(stage: Stage, monkeypatch: Patch, bug: bool) -> None:
    if bug:
        monkeypatch.setattr(Run, "client_msg_id", lambda self, number: secrets.token_hex(8))
    assert bool(got_two(stage)) is bug


# M4: repeated after the platform has forgotten


@pytest.mark.parametrize("bug", [False, True])
def test_m4_a_repeat_after_ten_minutes_sends_twice(stage: Stage, monkeypatch: Patch, bug: bool) -> None:
    if bug:
        monkeypatch.setattr(delivery, "REPEATABLE", timedelta(hours=2))
    assert bool(got_two(stage, times=3, seconds=11 * 60)) is bug


# M5: a rolling window of exactly seven days, though a call is made a little after it is charged


@pytest.mark.parametrize("bug", [False, True])
def test_m5_an_exact_window_allows_two_calls_within_it(staged: Staged, monkeypatch: Patch, bug: bool) -> None:
    if bug:
        monkeypatch.setattr(push, "ROLLING_MARGIN", timedelta(0))
    stage = staged(limits=[{"max": 1, "per": "7d"}])
    stage.crowd(1)
    called = []
    for pause in (timedelta(seconds=25), timedelta(0)):  # between the reservation and the call, as when the loop is busy
        for one in stage.reserve(stage.run()):
            stage.at += pause
            called.append(stage.at)
            stage.settle(Outcome(one.id, one.fence, "sent", msgid=str(one.id)))
        stage.at = shanghai("2026-11-28 10:00:01")
    assert (len(called) == 2 and called[1] - called[0] < timedelta(days=7)) is bug


# M6: the limit is looked at in one transaction and charged in another


@pytest.mark.parametrize("bug", [False, True])
def test_m6_a_limit_checked_outside_the_transaction_is_exceeded(staged: Staged, monkeypatch: Patch, bug: bool) -> None:
    stages = [staged(limits=[{"max": 1, "per": "day"}]) for _ in range(4)]
    stages[0].crowd(20)
    numbers = [stages[0].run(f"b{number}") for number in range(4)]
    together = threading.Barrier(4)

    def looked_before(stage: Stage, run: int) -> None:
        with stage.database.snapshot() as db:
            holds = [one.holds for one in Terms(stage.push, ZONE).conditions(["template"], stage.at)]
            free = list(db.execute(deliveries.select().where(deliveries.c.run_id == run, *holds)))
        together.wait()
        with stage.database.transaction() as db:
            ids = [row.id for row in free]
            db.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(state="sent", charged_at=stage.at))

    work = looked_before if bug else lambda stage, run: stage.send(run)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, stages, numbers))
    most = stages[0].sql("SELECT max(n) FROM (SELECT count(*) AS n FROM delivery WHERE state = 'sent' GROUP BY follower_id) AS each")[0][0]
    assert (most > 1) is bug


# M7: a sender that was stopped past its lease goes on as if nothing had happened


@pytest.mark.parametrize("bug", [False, True])
def test_m7_without_a_look_at_the_lease_a_zombie_sends_again(staged: Staged, monkeypatch: Patch, bug: bool) -> None:
    if bug:
        monkeypatch.setattr(delivery, "LATEST_CALL", timedelta(days=1))
        monkeypatch.setattr(pace, "LATE", timedelta(days=1))
    stage = staged(pace=10_000)
    stage.crowd(15)
    run, platform = stage.run(), Platform(stage, remembers=False)

    async def scene() -> None:
        async with platform.open(), sender(stage, platform) as zombie, sender(stage, platform) as heir:
            for _ in range(sending.IN_FLIGHT):
                await zombie._slots.acquire()
            await zombie.look()
            while not stage.states(run).get("sending"):
                await asyncio.sleep(0.01)
            stage.later(seconds=41)
            await heir.look()
            while stage.states(run).get("sent") != 15:
                await asyncio.sleep(0.01)
            for _ in range(sending.IN_FLIGHT):
                zombie._slots.release()
            await asyncio.sleep(0.3)  # before it looks, and finds that the run is over
            await looks(stage, zombie, 2)

    asyncio.run(scene())
    assert (max(platform.delivered.values()) > 1) is bug


def test_m7_without_the_fence_a_zombie_overwrites_what_became_of_it(stage: Stage, monkeypatch: Patch) -> None:
    def overwritten() -> bool:
        run = stage.run()
        (zombie,) = stage.reserve(run)
        stage.later(seconds=41)
        stage.reserve(run)
        stage.settle(Outcome(zombie.id, zombie.fence, "failed", proved=True))
        return stage.states(run) != {"sending": 1}

    stage.crowd(1)
    assert not overwritten()
    unfenced = update(deliveries).where(deliveries.c.id == bindparam("delivery")).values(state=bindparam("new"))
    monkeypatch.setattr(
        Stage,
        "settle",
        lambda self, *outcomes: self.verb(lambda db: [db.execute(unfenced, {"delivery": o.delivery, "new": o.state}) for o in outcomes]),
    )
    assert overwritten()


# M8: the run is named for the moment it is made, not for the moment it was due


@pytest.mark.parametrize("bug", [False, True])
def test_m8_a_run_named_for_now_is_made_by_every_process(staged: Staged, monkeypatch: Patch, bug: bool) -> None:
    stage, plan = staged(), Broadcast.model_validate({"key": "digest", "template": "T", "cron": "0 9 * * *"})
    if bug:
        real = broadcast.begin
        monkeypatch.setattr(
            broadcast.due, "begin", lambda db, p, where, rules, due, now, **more: real(db, p, where, rules, now, now, **more)
        )
    stage.at = shanghai("2026-11-21 08:59:50")
    stage.verb(broadcast.claim_due, plan, "all", ZONE, stage.at)
    for _ in range(4):  # four processes that looked before any of them had written
        stage.do("UPDATE schedule SET checked_until = :then", then=shanghai("2026-11-21 08:59:50"))
        stage.later(seconds=11)
        stage.verb(broadcast.claim_due, plan, "all", ZONE, stage.at)
    made = stage.sql("SELECT count(*) FROM broadcast_run")[0][0]
    assert (made > 1) is bug


# M11: no answer gives the budget back


@pytest.mark.parametrize("bug", [False, True])
def test_m11_a_budget_released_on_a_timeout_is_spent_twice(staged: Staged, monkeypatch: Patch, bug: bool) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    if bug:
        real = delivery.settle_batch

        def forgiving(db: Any, outcomes: list[Outcome], now: Any) -> None:
            real(db, [dataclasses.replace(one, proved=True) if one.reason and "-1" in one.reason else one for one in outcomes], now)

        monkeypatch.setattr(delivery, "settle_batch", forgiving)
    stage.crowd(15)
    first = stage.run("first")

    def lost(platform: Platform, openid: str, key: str) -> object:
        platform.take(openid, key)
        return -1

    deaf = Platform(stage, lost)
    play(stage, deaf)
    stage.verb(broadcast.pause, first, "x")
    stage.run("second")
    heard = Platform(stage)
    play(stage, heard)
    assert any(number > 1 for number in (deaf.delivered + heard.delivered).values()) is bug


# M12: a transaction that only later finds out that it wants to write


@pytest.mark.parametrize("bug", [False, True])
def test_m12_a_deferred_begin_fails_under_load(sqlite_url: str, monkeypatch: Patch, bug: bool) -> None:
    if bug:
        real = databases._sqlite
        monkeypatch.setattr(databases, "_sqlite", lambda url, begin: real(url, "BEGIN"))
    stages = [Stage(sqlite_url) for _ in range(4)]
    stages[0].crowd(200)
    run = stages[0].run()
    failed: list[Exception] = []

    def work(stage: Stage) -> None:
        for _ in range(20):
            try:
                stage.send(run, 5)
            except (OperationalError, sqlite3.OperationalError) as locked:
                failed.append(locked)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, stages))
    for stage in stages:
        stage.database.close()
    assert bool(failed) is bug
