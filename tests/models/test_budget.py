"""Budgets: the pure rules and the SQL say the same, several limits at once, gaps, exemptions, waiting for the next slot."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from models import broadcast, budget, delivery, topic
from models.budget import Allowed, Capped, Charge, bounds, verdict
from models.delivery import LEASE, Outcome, deliveries
from models.push import WAYS, PushSection
from models.reservation import TOO_LATE, WAITS, Terms
from tests.scheduler.stage import ZONE, Stage, shanghai

Staged = Callable[..., Stage]
TICK = timedelta(microseconds=1)
NIGHT = "22:00-08:00"


def rules_of(dice: random.Random) -> dict[str, Any]:
    """Rules that somebody might write, and a few that nobody would."""
    pers = ("day", "week", "month", "7d", "1w", "36h", "90m")
    limits = [
        {"max": dice.choice((0, 1, 1, 2, 3)), "per": dice.choice(pers), "channel": dice.choice((None, None, *WAYS))} for _ in range(3)
    ]
    gap, quotas = dice.choice((None, "12h", "30m", "2d")), {"mass_per_month": dice.choice((1, 4))}
    return {"limits": limits[: dice.randrange(4)], "gap": gap, "reserve": dice.choice((0, 1)), "quotas": quotas}


def charges_of(dice: random.Random, rules: PushSection, now: datetime) -> list[Charge]:
    """Pushes of the last weeks, half of them where a window begins."""
    edges = [bound.since(now) for way in WAYS for bound in bounds(rules, way, ZONE)] or [now]
    moments = [min(now, dice.choice(edges) + dice.choice((-1, 0, 0, 1)) * TICK) for _ in range(2)]
    moments += [now - timedelta(hours=dice.uniform(0, 24 * dice.choice((1, 7, 30)))) for _ in range(2)]
    return [Charge(at, dice.choice(WAYS), dice.random() < 0.2) for at in dice.sample(moments, dice.randrange(5))]


def test_the_sql_allows_what_the_rules_allow_and_the_next_slot_is_the_first_one(stage: Stage) -> None:
    dice = random.Random(seed := int(os.environ.get("SEED", "1")))
    stage.crowd(40)
    *past, run = [stage.run(f"b{number}", planned=False) for number in range(5)]
    slots = 0
    for _ in range(25):
        said = rules_of(dice)
        rules, now = PushSection.model_validate(said), shanghai("2026-11-01 00:00:00") + timedelta(seconds=dice.randrange(40 * 86_400))
        urgent, exempt = dice.random() < 0.3, dice.random() < 0.2
        people = {who: (charges_of(dice, rules, now), dice.choice(WAYS)) for who in range(1, 41)}
        rows = [
            {"run_id": past[place], "follower_id": who, "state": "sent", "charged_at": one.at, "channel": one.way, "exempt": one.exempt}
            for who, (charges, _) in people.items()
            for place, one in enumerate(charges)
        ]
        wants = [{"run_id": run, "follower_id": who, "state": "pending", "channel": way} for who, (_, way) in people.items()]
        with stage.database.transaction() as db:
            db.execute(deliveries.delete())
            if rows:
                db.execute(insert(deliveries), rows)
            db.execute(insert(deliveries), wants)
            holds = [one.holds for one in Terms(rules, ZONE, urgent=urgent, exempt=exempt).conditions(WAYS, now)]
            by_sql = set(db.execute(select(deliveries.c.follower_id).where(deliveries.c.run_id == run, *holds)).scalars())
        quiet = PushSection.model_validate(said | {"quiet_hours": NIGHT})
        for who, (charges, way) in people.items():
            at = partial(verdict, charges=charges, way=way, urgent=urgent, zone=ZONE, exempt=exempt)
            found, why = at(rules=rules, now=now), f"seed {seed}: {said} {urgent=} {exempt=} {now} {way} {charges}"
            assert (found == Allowed()) is (who in by_sql), why
            if isinstance(found, Capped) and (slot := found.next_slot):
                assert slot > now and at(rules=rules, now=slot) == Allowed() and isinstance(at(rules=rules, now=slot - TICK), Capped), why  # noqa: PT018
                waking = at(rules=quiet, now=now)
                assert isinstance(waking, Capped)
                assert waking.next_slot == budget.after_quiet(quiet, slot, ZONE), why
                slots += 1
    assert slots > 100


def tried(stage: Stage, **more: Any) -> tuple[int, str | None]:
    """A run to all, as far as it goes now: how many were sent to, and what is said of the last."""
    run = stage.run(**more)
    return stage.send(run), stage.sql("SELECT reason FROM delivery WHERE run_id = :run ORDER BY id DESC", run=run)[0][0]


def test_limits_of_one_way_and_of_all_hold_together_and_a_gap_is_kept(staged: Staged) -> None:
    stage = staged(limits=[{"max": 3, "per": "week"}, {"max": 2, "per": "week", "channel": "template"}], gap="2h")
    stage.crowd(2)
    stage.at = shanghai("2026-11-16 10:00:00")
    assert budget.GAP_MARGIN >= LEASE
    assert tried(stage) == (2, None)
    stage.at = shanghai("2026-11-16 12:00:30")  # the call may have been made as late as this, less two hours
    assert tried(stage) == (0, "间隔 gap: 2h")
    stage.at = shanghai("2026-11-16 12:00:41")
    assert tried(stage) == (2, None)
    stage.later(hours=3)
    assert tried(stage) == (0, "上限 limit: 2 per week (template)")
    stage.do("UPDATE delivery SET channel = 'customer_message' WHERE run_id = 1")
    assert tried(stage) == (2, None)
    stage.later(hours=3)
    stage.do("UPDATE delivery SET channel = 'customer_message' WHERE charged_at IS NOT NULL")
    assert tried(stage) == (0, "上限 limit: 3 per week")


def test_what_followers_asked_for_and_trials_are_outside_the_limits_and_not_counted(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}], gap="2h")
    stage.crowd(2)
    for who in (1, 2):
        stage.verb(topic.subscribe, who, "news", "订阅新闻", stage.at)
    asked_for = {"exempt": True, "topic": "news"}
    trial = stage.run("trial")
    stage.do("UPDATE broadcast_run SET test = true WHERE id = :run", run=trial)
    assert (tried(stage, **asked_for), stage.send(trial)) == ((2, None), 2)
    assert tried(stage) == (2, None)
    assert tried(stage) == (0, "上限 limit: 1 per day")
    assert tried(stage, exempt=True) == (0, "上限 limit: 1 per day"), "nobody asked for what has no topic"
    assert tried(stage, **asked_for) == (2, None)


def test_whoever_is_capped_waits_for_their_next_slot_if_that_is_soon_enough(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}, {"max": 2, "per": "week"}], quiet_hours=NIGHT)
    stage.crowd(3)
    stage.at = shanghai("2026-11-17 20:00:00")
    assert tried(stage) == (3, None)
    stage.do("UPDATE delivery SET charged_at = NULL WHERE follower_id = 3")
    run = stage.run(wait="1d")
    assert stage.send(run) == 1
    assert stage.reasons(run) == {None, WAITS + "上限 limit: 1 per day"}
    assert not stage.verb(broadcast.finish, run, stage.at)
    morning = shanghai("2026-11-18 08:00:00")
    with stage.database.snapshot() as db:
        status = broadcast.status(db, run)
    assert (status.held_until, status.reason) == (morning, WAITS + "上限 limit: 1 per day")
    assert ("pending", WAITS + "上限 limit: 1 per day", 2) in status.counts
    stage.at = morning
    assert stage.take(run) is not None
    stage.settle(*(Outcome(row[0], row[1], "sent") for row in stage.sql("SELECT id, fence FROM delivery WHERE state = 'sending'")))
    assert stage.verb(broadcast.finish, run, stage.at)
    assert stage.states(run) == {"sent": 3}
    full = stage.run(wait="1d")  # the first two have had their week's, and the next one begins in five days
    assert stage.send(full) == 1
    assert stage.states(full) == {"skipped": 2, "sent": 1}
    assert stage.reasons(full) == {None, f"上限 limit: 1 per day{TOO_LATE}"}
    patient = stage.run(wait="1w")
    assert stage.take(patient) == []
    assert stage.states(patient) == {"pending": 3}
    assert stage.verb(delivery.next_time, patient) == (shanghai("2026-11-23 08:00:00"), WAITS + "上限 limit: 1 per day")


def test_one_of_low_priority_gives_way_while_another_is_sent(stage: Stage) -> None:
    stage.crowd(2)
    low = stage.run("low", priority="low")
    with stage.database.snapshot() as db:
        assert broadcast.is_sending(db, low, stage.at)
    run = stage.run("normal")
    assert not stage.verb(broadcast.is_sending, low, stage.at)
    assert stage.verb(broadcast.is_sending, run, stage.at)
    assert not stage.verb(broadcast.finish, low, stage.at)
    assert stage.of(low).reason == "让别的先发 gives way to other runs"
    stage.send(run)
    assert stage.verb(broadcast.finish, run, stage.at)
    stage.later(minutes=1)
    assert stage.verb(broadcast.is_sending, low, stage.at)


@pytest.mark.parametrize(
    "section",
    [
        {"limits": [{"max": 1, "per": "day", "channel": "sms"}]},
        {"gap": "0h"},
        {"gap": "soon"},
        {"quotas": {"template_per_day": -1}},
        {"quotas": {"reserve": 5}},
        {"quotas": {"template_per_week": 1}},
    ],
)
def test_what_makes_no_sense_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PushSection.model_validate(section)
