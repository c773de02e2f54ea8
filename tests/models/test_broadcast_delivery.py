"""Deliveries: planned once, reserved within the limits, settled under the fence, reconciled with their receipts."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models import broadcast, follower
from models.broadcast import UnknownRun, WrongState
from models.delivery import Outcome, Reserved
from tests.scheduler.stage import Stage, shanghai

Staged = Callable[..., Stage]


def outcome(one: Reserved, state: str, **more: object) -> Outcome:
    return Outcome(one.id, one.fence, state, **more)  # type: ignore[arg-type]


# Planning


def test_planning_that_is_killed_between_chunks_leaves_nobody_out_and_nobody_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast.run, "CHUNK", 7)
    stage.crowd(40)
    run = stage.run(planned=False)
    with stage.database.snapshot() as db:
        loaded = broadcast.load(db, run)
    stage.verb(broadcast.plan_chunk, loaded)
    with pytest.raises(KeyboardInterrupt), stage.database.transaction() as db:
        broadcast.plan_chunk(db, loaded)
        raise KeyboardInterrupt  # killed before the commit
    stage.crowd(5, first=40)  # who comes later is not meant
    stage.plan(run)
    assert stage.states(run) == {"pending": 40}
    assert stage.sql("SELECT count(DISTINCT follower_id) FROM delivery") == [(40,)]


def test_two_processes_plan_one_run_together(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast.run, "CHUNK", 5)
    stage.crowd(200)
    run = stage.run(planned=False)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: stage.plan(run), range(4)))
    assert stage.states(run) == {"pending": 200}
    assert stage.of(run).state == "sending"


def test_who_does_not_follow_is_no_target(stage: Stage) -> None:
    stage.crowd(3)
    stage.do("UPDATE follower SET subscribed = false WHERE id = 2")
    assert stage.states(stage.run()) == {"pending": 2}


# Limits


@pytest.mark.parametrize(
    ("per", "full_until", "free_at"),
    [
        ("day", "2026-11-21 23:59:59", "2026-11-22 00:00:00"),
        ("week", "2026-11-22 23:59:59", "2026-11-23 00:00:00"),
        ("month", "2026-11-30 23:59:59", "2026-12-01 00:00:00"),
        ("7d", "2026-11-28 10:09:59", "2026-11-28 10:10:01"),
        ("90m", "2026-11-21 11:39:59", "2026-11-21 11:40:01"),
    ],
)
def test_a_limit_holds_to_the_last_second_of_its_window(staged: Staged, per: str, full_until: str, free_at: str) -> None:
    stage = staged(limits=[{"max": 1, "per": per}])
    stage.crowd(2)
    assert stage.send(stage.run()) == 2
    stage.at = shanghai(full_until)
    full = stage.run()
    assert stage.send(full) == 0
    assert stage.states(full) == {"skipped": 2}
    assert stage.reasons(full) == {f"上限 limit: 1 per {per}"}
    stage.at = shanghai(free_at)
    assert stage.send(stage.run()) == 2


@pytest.mark.parametrize("day", ["2026-12-27", "2027-01-03", "2027-03-14", "2027-11-07"])
def test_the_week_ends_on_sunday_at_midnight_in_shanghai(staged: Staged, day: str) -> None:
    stage = staged(limits=[{"max": 1, "per": "week"}])
    stage.crowd(1)
    stage.at = shanghai(f"{day} 23:59:59")
    assert stage.send(stage.run()) == 1
    stage.later(seconds=1)
    assert stage.send(stage.run()) == 1
    stage.later(days=6, hours=23, minutes=59, seconds=59)
    assert stage.send(stage.run()) == 0


def test_several_limits_hold_together_and_the_first_that_is_full_is_named(staged: Staged) -> None:
    stage = staged(limits=[{"max": 3, "per": "week"}, {"max": 1, "per": "day"}])
    stage.crowd(1)
    stage.at = shanghai("2026-11-16 10:00:00")
    sent, said = [], []
    for _ in range(5):
        for _ in range(2):
            run = stage.run()
            sent.append(stage.send(run))
            said.append(stage.reasons(run).pop())
        stage.later(days=1)
    assert sent == [1, 0, 1, 0, 1, 0, 0, 0, 0, 0]
    assert said[1] == "上限 limit: 1 per day"
    assert said[-1] == "上限 limit: 3 per week"


def test_the_reserve_is_for_urgent_broadcasts_only(staged: Staged) -> None:
    stage = staged(limits=[{"max": 3, "per": "week"}], reserve=1)
    stage.crowd(1)
    stage.at = shanghai("2026-11-16 10:00:00")
    assert [stage.send(stage.run()) for _ in range(3)] == [1, 1, 0]
    assert [stage.send(stage.run(priority="urgent")) for _ in range(2)] == [1, 0]


def test_no_limit_allows_nobody_at_all(staged: Staged) -> None:
    stage = staged(limits=[{"max": 0, "per": "day"}])
    stage.crowd(1)
    assert stage.send(stage.run()) == 0


@pytest.mark.parametrize("per", ["day", "week", "7d"])
def test_overlapping_broadcasts_from_four_processes_never_exceed_a_limit(staged: Staged, per: str) -> None:
    dice = random.Random(int(os.environ.get("SEED", "1")))
    stages = [staged(limits=[{"max": 2, "per": per}]) for _ in range(4)]
    stages[0].crowd(60)
    runs = [stages[0].run(f"b{number}") for number in range(5)]

    def send_all(stage: Stage) -> None:
        left = set(runs)
        while left:
            run = dice.choice(sorted(left))
            batch = stage.take(run, dice.randrange(1, 12))
            if batch is None:
                left.discard(run)
            else:
                stage.settle(*(outcome(one, "sent", msgid=str(one.id)) for one in batch))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send_all, stages))
    each = stages[0].sql("SELECT follower_id, count(*) FROM delivery WHERE state = 'sent' GROUP BY follower_id")
    assert len(each) == 60
    assert {number for _, number in each} == {2}
    assert sum(sum(stages[0].states(run).values()) for run in runs) == 300


# Who is skipped, and why


def test_whoever_left_refused_or_is_blacklisted_is_skipped_with_the_reason(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    stage.crowd(5)
    before = stage.run("before")
    stage.settle(*(outcome(one, "sent", msgid="1") for one in stage.reserve(before, 1)))
    run = stage.run()
    stage.do("UPDATE follower SET subscribed = false WHERE id = 2")
    stage.do("UPDATE follower SET refused_at = state_at WHERE id = 3")
    stage.do("UPDATE follower SET blocked_at = state_at WHERE id = 4")
    assert [one.follower.id for one in stage.reserve(run)] == [5]
    said = stage.sql("SELECT follower_id, reason FROM delivery WHERE run_id = :run AND state = 'skipped' ORDER BY 1", run=run)
    assert [tuple(row) for row in said] == [
        (1, "上限 limit: 1 per day"),
        (2, "未关注 not following"),
        (3, "已退订 refused"),
        (4, "黑名单 blacklisted"),
    ]


def test_a_batch_of_nobody_but_skipped_ones_is_not_the_end(staged: Staged) -> None:
    stage = staged()
    stage.crowd(30)
    run = stage.run()
    stage.do("UPDATE follower SET refused_at = state_at WHERE id <= 20")
    assert stage.take(run, 10) == []
    assert stage.reserve(run, 10) == []
    assert len(stage.reserve(run, 10)) == 10
    assert stage.take(run, 10) is None


# Leases, the fence and the nine minutes


def test_what_is_reserved_is_nobody_elses_until_its_lease_ends(stage: Stage) -> None:
    stage.crowd(3)
    run = stage.run()
    first = stage.reserve(run)
    stage.later(seconds=39)
    assert stage.reserve(run) == []
    stage.later(seconds=2)
    again = stage.reserve(run)
    assert [one.id for one in again] == [one.id for one in first]
    assert [one.first for one in first + again] == [True] * 3 + [False] * 3


def test_a_zombie_that_settles_late_changes_nothing(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()
    (zombie,) = stage.reserve(run)
    stage.later(seconds=41)
    (owner,) = stage.reserve(run)
    for state in ("failed", "pending", "sent", "unknown", "sending"):
        stage.settle(outcome(zombie, state, proved=True, msgid="7", again_at=stage.at))
        assert stage.states(run) == {"sending": 1}
        assert stage.sql("SELECT charged_at IS NULL, msgid, fence FROM delivery") == [(False, None, owner.fence)]
    stage.settle(outcome(owner, "sent", msgid="8"))
    stage.settle(outcome(owner, "failed", proved=True))
    assert stage.sql("SELECT state, msgid FROM delivery") == [("sent", "8")]


def test_after_nine_minutes_it_is_unknown_and_never_repeated_and_keeps_its_budget(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    stage.crowd(2)
    run = stage.run()
    batch = stage.reserve(run)
    stage.settle(*(outcome(one, "sending", reason="-1", again_at=stage.at + timedelta(seconds=2)) for one in batch))
    stage.later(minutes=8, seconds=59)
    again = stage.reserve(run, 1)
    assert len(again) == 1
    stage.later(seconds=41)
    assert stage.reserve(run) == []
    assert stage.states(run) == {"unknown": 2}
    assert stage.reasons(run) == {"平台没有回答 no answer"}
    assert stage.verb(broadcast.finish, run, stage.at)
    assert stage.send(stage.run()) == 0


def test_a_proved_refusal_gives_the_budget_back_and_an_ambiguous_one_keeps_it(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    stage.crowd(5)
    run = stage.run()
    refused, given_back, silent, failed_later, sent = stage.reserve(run)
    stage.settle(
        outcome(refused, "failed", reason="43004", proved=True),
        outcome(given_back, "pending", proved=True),
        outcome(silent, "unknown"),
        outcome(failed_later, "sending", again_at=stage.at),
        outcome(sent, "sent", msgid="1"),
    )
    stage.later(seconds=1)
    taken = {one.id: one for one in stage.reserve(run)}
    assert set(taken) == {given_back.id, failed_later.id}
    assert (taken[given_back.id].first, taken[failed_later.id].first) == (True, False)
    stage.settle(outcome(taken[failed_later.id], "failed", proved=taken[failed_later.id].first))
    stage.settle(outcome(taken[given_back.id], "failed", proved=taken[given_back.id].first))
    other = stage.run("other")
    assert {one.follower.id for one in stage.reserve(other)} == {1, 2}


def test_a_delivery_that_was_given_back_begins_its_nine_minutes_anew(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()
    for _ in range(3):
        (one,) = stage.reserve(run)
        assert one.first
        stage.settle(outcome(one, "pending", proved=True))
        stage.later(hours=3)
    (one,) = stage.reserve(run)
    stage.settle(outcome(one, "sent", msgid="1"))
    assert stage.states(run) == {"sent": 1}


def test_a_pending_one_is_left_alone_until_its_time(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()
    (one,) = stage.reserve(run)
    stage.settle(outcome(one, "pending", proved=True, again_at=stage.at + timedelta(seconds=8)))
    stage.later(seconds=7)
    assert stage.reserve(run) == []
    stage.later(seconds=2)
    assert len(stage.reserve(run)) == 1


def test_a_repeat_asks_again_whether_it_may(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    stage.at = shanghai("2026-11-21 23:59:55")
    stage.crowd(4)
    run = stage.run()
    for one in stage.reserve(run):
        stage.settle(outcome(one, "sending", again_at=stage.at))
    stage.verb(follower.refuse_pushes, 2, stage.at)
    stage.later(seconds=10)  # another day, and in it somebody else sends to the third
    other = stage.run("other")
    stage.do("DELETE FROM delivery WHERE run_id = :run AND follower_id <> 3", run=other)
    assert stage.send(other) == 1
    assert [one.follower.id for one in stage.reserve(run)] == [1, 4]
    left = stage.sql("SELECT follower_id, state, reason FROM delivery WHERE run_id = :run AND state = 'unknown' ORDER BY 1", run=run)
    assert [tuple(row) for row in left] == [(2, "unknown", "已退订 refused"), (3, "unknown", "上限 limit: 1 per day")]
    third = stage.run("third")
    stage.verb(follower.allow_pushes, 2)
    assert [one.follower.id for one in stage.reserve(third)] == [2], "a repeat counts for the day it is made in"


# Pause, resume, cancel


def test_counts_add_up_through_pause_resume_and_cancel(stage: Stage) -> None:
    stage.crowd(10)
    run = stage.run()

    def total() -> int:
        return sum(stage.states(run).values())

    stage.send(run, 3)
    reserved = stage.reserve(run, 2)
    stage.verb(broadcast.pause, run, "饭点")
    assert (stage.of(run).state, stage.of(run).reason, total()) == ("paused", "饭点", 10)
    with pytest.raises(WrongState):
        stage.verb(broadcast.pause, run, "again")
    stage.verb(broadcast.resume, run)
    stage.plan(run)
    assert (stage.of(run).state, stage.of(run).reason, total()) == ("sending", None, 10)
    with pytest.raises(WrongState):
        stage.verb(broadcast.resume, run)
    stage.verb(broadcast.cancel, run, stage.at)
    assert stage.states(run) == {"sent": 3, "sending": 2, "cancelled": 5}
    for verb in (broadcast.resume, lambda db, number: broadcast.cancel(db, number, stage.at)):
        with pytest.raises(WrongState):
            stage.verb(verb, run)
    stage.settle(outcome(reserved[0], "sent", msgid="1"), outcome(reserved[1], "pending", proved=True))
    stage.reconcile()
    assert stage.states(run) == {"sent": 4, "cancelled": 6}
    assert stage.of(run).finished_at == stage.at


def test_what_a_dead_sender_left_of_a_cancelled_run_ends_as_unknown(stage: Stage) -> None:
    stage.crowd(4)
    runs = [stage.run(key) for key in ("cancelled", "paused")]
    for run in runs:
        stage.reserve(run, 3)
    stage.verb(broadcast.cancel, runs[0], stage.at)
    stage.verb(broadcast.pause, runs[1], "x")
    stage.later(minutes=8)
    stage.reconcile()
    assert stage.states(runs[0]) == {"sending": 3, "cancelled": 1}
    stage.later(minutes=2)
    stage.reconcile()
    assert stage.states(runs[0]) == {"unknown": 3, "cancelled": 1}
    assert stage.states(runs[1]) == {"unknown": 3, "pending": 1}


def test_a_run_nobody_knows_is_said_to_be_unknown(stage: Stage) -> None:
    for verb in (broadcast.resume, broadcast.status):
        with pytest.raises(UnknownRun):
            stage.verb(verb, 99)


def test_a_run_that_waits_says_until_when_and_for_whom(stage: Stage) -> None:
    stage.crowd(3)
    run = stage.run()
    stage.send(run, 1)
    stage.verb(broadcast.hold, run, stage.at + timedelta(hours=1), "免打扰")
    with stage.database.snapshot() as db:
        status = broadcast.status(db, run)
        assert (broadcast.active(db, stage.at), broadcast.active(db, status.held_until or stage.at)) == ([], [run])
    assert (status.reason, status.counts) == ("免打扰", [("pending", "免打扰", 2), ("sent", None, 1)])
    stage.verb(broadcast.go_on, run)
    assert (stage.of(run).held_until, stage.of(run).reason) == (None, None)


def test_one_request_is_one_run_and_two_commands_are_two(stage: Stage) -> None:
    plan = broadcast.Broadcast.model_validate({"key": "digest", "template": "T"})

    def start(request: str | None) -> int | None:
        stage.later(microseconds=1)
        with stage.database.transaction() as db:
            return broadcast.start(db, plan, "all", stage.at, stage.at, request=request)

    with ThreadPoolExecutor(8) as pool:
        made = [number for number in pool.map(start, ["r"] * 8) if number]
    assert len(made) == 1
    assert stage.verb(broadcast.requested, "r") == made[0]
    assert start(None) != start(None)


# Receipts


@pytest.mark.parametrize("order", ["answer first", "receipt first"])
@pytest.mark.parametrize(("status", "ends"), [("success", ("delivered", None)), ("failed:user block", ("failed", "failed:user block"))])
def test_a_receipt_settles_its_delivery_in_either_order_and_only_once(
    stage: Stage, order: str, status: str, ends: tuple[str, str | None]
) -> None:
    stage.crowd(1)
    run = stage.run()
    (one,) = stage.reserve(run)
    if order == "receipt first":
        stage.receipt("77", status=status)
    stage.settle(outcome(one, "sent", msgid="77"))
    if order == "answer first":
        stage.receipt("77", status=status)
    assert stage.sql("SELECT state, reason FROM delivery") == [ends]
    stage.receipt("77", status="failed:system failed")  # doubled, and lying
    stage.reconcile()
    assert stage.sql("SELECT state, reason FROM delivery") == [ends]
    assert stage.sql("SELECT count(*) FROM receipt") == [(0,)]


def test_a_receipt_and_an_answer_that_did_not_see_each_other_are_matched_later(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()
    (one,) = stage.reserve(run)
    stage.settle(outcome(one, "sent", msgid="77"))
    stage.do("INSERT INTO receipt (msgid, openid, status, at) VALUES ('77', 'o', 'success', :at)", at=stage.at)
    stage.reconcile()
    assert stage.states(run) == {"delivered": 1}


def test_a_receipt_with_a_number_we_never_learned_goes_to_the_one_it_can_belong_to(stage: Stage) -> None:
    stage.crowd(2)
    run, other = stage.run("a"), stage.run("b")
    batch = stage.reserve(run)
    stage.settle(*(outcome(one, "sending", again_at=stage.at) for one in batch))
    stage.do("DELETE FROM delivery WHERE run_id = :run AND follower_id = 1", run=other)
    stage.settle(*(outcome(one, "unknown") for one in stage.reserve(other)))
    stage.later(seconds=5)
    stage.receipt("501", 0)
    stage.receipt("502", 1)
    stage.receipt("503", 9)  # somebody we do not know
    stage.later(minutes=5)
    stage.reconcile()
    assert stage.states(run) == {"sending": 2}, "may still be repeated, which will tell its number"
    stage.later(minutes=5)
    stage.reconcile()
    stage.reconcile()
    assert stage.states(run) == {"delivered": 1, "unknown": 1}, "the second's may belong to either run: nobody guesses"
    assert stage.states(other) == {"unknown": 1}
    stage.later(days=1, minutes=1)
    stage.reconcile()
    assert stage.sql("SELECT count(*) FROM receipt") == [(0,)]


def test_a_receipt_of_long_ago_or_of_later_is_not_taken_for_ours(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()
    stage.receipt("1")
    stage.later(seconds=10)
    (one,) = stage.reserve(run)
    stage.settle(outcome(one, "unknown"))
    stage.later(minutes=31)
    stage.receipt("2")
    stage.later(minutes=2)
    stage.reconcile()
    assert stage.states(run) == {"unknown": 1}


def test_reserved_says_which_follower_and_how_many_points(stage: Stage) -> None:
    stage.crowd(1)
    stage.do("UPDATE follower SET remark = '老王'")
    (one,) = stage.reserve(stage.run())
    assert (one.follower.name, one.at, one.attempts) == ("老王", stage.at, 1)
    assert dataclasses.replace(one, fence=2) != one
