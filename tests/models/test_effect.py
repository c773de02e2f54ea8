"""Effects, counted from what the database holds: whom a run was sent to, whom it was kept from, and what both did afterwards."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from models import cohort, effect, rhythm
from models.broadcast import HELD_OUT
from models.delivery import deliveries
from models.follower import followers
from models.inbox import inbox_entries
from models.push import PushSection
from models.streak import checkins
from tests.scheduler.stage import ZONE, Stage, shanghai

GOAL: dict[str, Any] = {"goal": {"do": "checkin", "within": "1d"}, "holdout": 0.2}


def sent(stage: Stage, seed: int, treated: float, held: float, key: str = "digest", **more: object) -> tuple[int, dict[bool, list[int]]]:
    """A run to all of them, done a minute later; after it, of each group this share checks in. Returns the run, and who was held out."""
    dice = random.Random(seed)
    run = stage.run(key, **GOAL | more)
    with stage.database.snapshot() as db:
        rows = db.execute(
            select(deliveries.c.follower_id, deliveries.c.reason).where(deliveries.c.run_id == run).order_by(deliveries.c.follower_id)
        ).all()
    groups = {which: [person for person, reason in rows if (reason == HELD_OUT) is which] for which in (False, True)}
    stage.do("UPDATE delivery SET state = 'sent' WHERE run_id = :run AND state = 'pending'", run=run)
    stage.do("UPDATE broadcast_run SET state = 'done' WHERE id = :run", run=run)
    acts = [person for which, share in ((False, treated), (True, held)) for person in groups[which] if dice.random() < share]
    at = stage.at + timedelta(hours=3)
    check_in(stage, acts, at)
    return run, groups


def check_in(stage: Stage, people: list[int], at: datetime) -> None:
    """These check in then."""
    rows = [{"follower_id": person, "day": at.date(), "streak": 1, "earned": 5, "at": at} for person in people]
    if rows:
        with stage.database.transaction() as db:
            db.execute(insert(checkins), rows)


def left(stage: Stage, people: list[int]) -> None:
    """These leave, an hour after now."""
    at = stage.at + timedelta(hours=1)
    rows = [{"key": f"u{one}", "follower_id": one, "kind": "unsubscribe", "said_at": at, "received_at": at} for one in people]
    with stage.database.transaction() as db:
        db.execute(insert(inbox_entries), rows)


def of(stage: Stage, name: str = "digest") -> effect.Effect:
    """What the runs of this name led to."""
    with stage.database.snapshot() as db:
        found = effect.of(db, name, stage.at)
    assert found is not None
    return found


def test_an_effect_is_found_with_its_cost_and_runs_still_under_way_are_not_counted(stage: Stage) -> None:
    stage.at = shanghai("2026-11-02 12:00:00")
    stage.crowd(4_000)
    _, groups = sent(stage, 1, 0.30, 0.20)
    assert len(groups[True]) == pytest.approx(800, abs=80)
    assert of(stage).goal is None
    assert of(stage).watched == 1
    left(stage, groups[False][:160])
    stage.later(hours=49)
    found = of(stage)
    assert found.goal is not None
    assert found.cost is not None
    assert (found.goal.treated.size, found.goal.held.size) == (len(groups[False]), len(groups[True]))
    assert found.goal.gain.low < 0.10 < found.goal.gain.high
    assert found.goal.verdict == "better"
    assert found.cost.treated.mean == pytest.approx(160 / len(groups[False]))
    assert found.cost.held.mean == 0
    assert found.cost.verdict == "worse" or found.cost.gain.low > 0
    _, same = sent(stage, 2, 0.30, 0.20)
    assert same == groups, "the same people are held out every time"
    stage.later(days=1)
    _, other = sent(stage, 3, 0.30, 0.20, key="other")
    assert len(set(other[True]) & set(groups[True])) < 260, "and others for another broadcast"
    stage.later(days=3)
    both = of(stage)
    assert (both.runs, both.goal and both.goal.treated.size) == (2, len(groups[False])), "a follower is one observation"
    assert both.goal is not None
    assert both.goal.gain.high - both.goal.gain.low < found.goal.gain.high - found.goal.gain.low
    with stage.database.snapshot() as db:
        assert effect.measured(db) == ["other", "digest"]
        assert effect.of(db, "nothing", stage.at) is None


def test_where_there_is_no_effect_it_says_that_the_data_do_not_suffice(stage: Stage) -> None:
    stage.at = shanghai("2026-11-02 12:00:00")
    stage.crowd(500)
    sent(stage, 4, 0.2, 0.2)
    stage.later(days=3)
    found = of(stage).goal
    assert found is not None
    assert found.verdict == "unknown"


def test_of_two_variants_the_better_one_wins_when_there_is_enough_data(stage: Stage) -> None:
    stage.at = shanghai("2026-11-02 12:00:00")
    stage.crowd(4_000)
    variants = [{"key": "A"}, {"key": "B", "data": {"thing1": "b"}}]
    run, groups = sent(stage, 5, 0.0, 0.0, variants=variants)
    stage.do(
        "UPDATE delivery SET variant = CASE WHEN follower_id % 2 = 0 THEN 'A' ELSE 'B' END WHERE run_id = :run AND state = 'sent'", run=run
    )
    at, dice = stage.at + timedelta(hours=2), random.Random(5)
    acts = [one for one in groups[False] if dice.random() < (0.2 if one % 2 else 0.3)]
    check_in(stage, acts, at)
    stage.later(days=3)
    found = of(stage)
    assert [arm.variant for arm in found.arms] == ["A", "B"]
    assert found.winner == "better"
    assert found.arms[1].behind is not None
    assert found.arms[1].behind.low < 0.1 < found.arms[1].behind.high


def test_the_database_computes_the_same_cohorts(stage: Stage) -> None:
    stage.crowd(2_000)
    with stage.database.snapshot() as db:
        found = db.execute(select(followers.c.id, cohort.of(followers.c.id, "holdout:digest"))).all()
    assert all(part == cohort.of(number, "holdout:digest") for number, part in found)


def test_cohorts_are_fair_and_independent_of_one_another() -> None:
    size = 60_000
    held = {
        purpose: {one for one in range(1, size + 1) if cohort.of(one, purpose) < 500} for purpose in ("holdout:a", "holdout:b", "control")
    }
    for people in held.values():
        assert len(people) == pytest.approx(3_000, abs=220)
        for low in range(1, size, 20_000):
            assert sum(low <= one < low + 20_000 for one in people) == pytest.approx(1_000, abs=130)
    for one, other in (("holdout:a", "holdout:b"), ("holdout:a", "control"), ("holdout:b", "control")):
        assert len(held[one] & held[other]) == pytest.approx(150, abs=50)


def test_all_marketing_together_is_held_against_the_control_group_which_gets_none(stage: Stage) -> None:
    stage.at = shanghai("2026-10-02 12:00:00")
    stage.crowd(3_000)
    stage.push = PushSection.model_validate({"control": 0.1})
    held = {one for (one,) in stage.sql("SELECT id FROM follower") if cohort.of(one, "control") < 1_000}
    run = stage.run("sale", template=None, text="新品上架", mass={"text": "新品上架"}, purpose="marketing")
    notice = stage.run("notice")
    while stage.reserve(run):
        pass
    skipped = {one for (one,) in stage.sql("SELECT follower_id FROM delivery WHERE run_id = :run AND reason LIKE '总对照组%'", run=run)}
    assert skipped <= held
    assert len(stage.reserve(notice, 3_000)) == 3_000, "notices reach everybody"
    stage.later(days=29)
    rows = [
        {"key": f"m{one}", "follower_id": one, "kind": "text", "said_at": stage.at - timedelta(days=2), "received_at": stage.at}
        for (one,) in stage.sql("SELECT id FROM follower")
        if random.Random(one).random() < (0.2 if one in held else 0.4)
    ]
    with stage.database.transaction() as db:
        db.execute(insert(inbox_entries), rows)
        found = effect.overall(db, 0.1, stage.at)
        assert effect.overall(db, 0, stage.at) is None
    assert found is not None
    assert found.came.held.size == len(held)
    assert found.came.verdict == "better"
    assert found.left.gain.estimate == 0


def test_the_hours_at_which_a_segment_comes_are_told_from_its_own_messages(stage: Stage) -> None:
    stage.at = shanghai("2026-11-20 12:00:00")
    stage.crowd(40)
    people = [row[0] for row in stage.sql("SELECT id FROM follower")]
    rows: list[dict[str, Any]] = []
    for day in range(10):
        for person in people:
            for hour in (20, 20, 9) if person % 4 == 0 else (20,):
                at = shanghai("2026-11-09 00:00:00") + timedelta(days=day, hours=hour, minutes=len(rows) % 60)
                rows.append({"key": str(len(rows)), "follower_id": person, "kind": "text", "said_at": at, "received_at": at})
    with stage.database.transaction() as db:
        db.execute(insert(inbox_entries), rows)
        found = rhythm.of(db, "all", ZONE, stage.at)
        nobody = rhythm.of(db, "tag('x')", ZONE, stage.at)
    assert [one.hour for one in found.best] == [20]
    assert found.hours[20].active.estimate == pytest.approx(400 / (40 * 28)), "twice in an hour is once"
    assert found.hours[9].active.estimate == pytest.approx(100 / (40 * 28))
    assert nobody.best == []
