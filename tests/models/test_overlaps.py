"""Broadcasts of several ways that overlap in several processes, under every kind of limit at once; and ways that are at a limit of their own."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from models import broadcast, mass, route
from models.broadcast import Broadcast
from models.clock import span
from models.delivery import Outcome, Reserved
from models.mass import MassList
from models.push import PushSection, window
from tests.scheduler.stage import ZONE, Stage, shanghai

Staged = Callable[..., Stage]
RULES: dict[str, Any] = {
    "limits": [
        {"max": 3, "per": "3d"},
        {"max": 2, "per": "day"},
        {"max": 1, "per": "day", "channel": "template"},
        {"max": 2, "per": "36h", "channel": "customer_message"},
        {"max": 3, "per": "week"},
    ],
    "gap": "90m",
}
PLANS: tuple[dict[str, Any], ...] = (
    {"text": "在吗", "wait": "20h"},
    {"wait": "2d"},
    {"template": None, "data": {}, "text": "在吗", "mass": {"text": "各位好"}},
    {"template": None, "data": {}, "mass": {"text": "各位好"}, "wait": "1d"},
    {"text": "在吗", "priority": "urgent"},
)
PEOPLE = 8


class Call(NamedTuple):
    """One call of the platform that it may have taken."""

    at: datetime
    way: str
    run: int


def wrote(stage: Stage, who: int) -> None:
    """This follower has just written."""
    stage.do(
        "INSERT INTO inbox_entry (key, follower_id, kind, said_at, received_at) VALUES (:key, :who, 'text', :at, :at)",
        key=f"{who}:{stage.at}",
        who=who,
        at=stage.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
    )


class Process:
    """One of several: its clock, what it called for, and how often it dies over it."""

    def __init__(self, stage: Stage, dice: random.Random) -> None:
        self.stage, self.dice = stage, dice
        self.calls: defaultdict[int, list[Call]] = defaultdict(list)

    def round(self, runs: list[int]) -> None:
        """A batch or a list of every run, in an order of its own."""
        for run in self.dice.sample(runs, len(runs)):
            for one in self.stage.take(run, self.dice.choice((3, 20))) or []:
                self._call(run, one)
            if formed := self._listed(run):
                self._send(run, formed)
        if (wanted := self.stage.verb(mass.wanted, self.stage.at)) and wanted.list and (again := self._again(wanted.run, wanted.list)):
            self._send(wanted.run, again)

    def _at(self, since: datetime) -> datetime:
        """When the call is made: within the lease, on the same day."""
        at = since + timedelta(seconds=self.dice.uniform(0, 29))
        return at if at.astimezone(ZONE).date() == since.astimezone(ZONE).date() else since

    def _call(self, run: int, one: Reserved) -> None:
        fate = self.dice.random()
        if fate < 0.15:
            self.stage.settle(Outcome(one.id, one.fence, "pending" if one.first else "sending", again_at=self.stage.at, proved=one.first))
            return
        self.calls[one.follower.id].append(Call(self._at(one.at), one.channel, run))
        if fate > 0.3:  # else it dies before it can write down what became of it
            self.stage.settle(Outcome(one.id, one.fence, "sent" if fate > 0.5 else "unknown"))

    def _listed(self, run: int) -> MassList | None:
        made: MassList | None = self.stage.verb(
            lambda db: mass.form(db, broadcast.load(db, run), self.stage.push, ZONE, self.stage.at, self.dice.choice((3, 20)))
        )
        return made

    def _again(self, run: int, number: int) -> MassList | None:
        found: MassList | None = self.stage.verb(
            lambda db: mass.take_over(db, number, broadcast.load(db, run), self.stage.push, ZONE, self.stage.at)
        )
        return found

    def _send(self, run: int, formed: MassList) -> None:
        at = self._at(formed.at)
        if self.dice.random() < 0.2:
            self.stage.verb(mass.give_back, formed, "x", self.stage.at, self.stage.at)
            return
        for (who,) in self.stage.sql("SELECT follower_id FROM delivery WHERE mass_list_id = :id AND state = 'sending'", id=formed.id):
            self.calls[who].append(Call(at, "mass", run))
        if self.dice.random() < 0.7:
            self.stage.verb(mass.sent, formed, None, self.stage.at)


def taken(processes: list[Process], who: int) -> list[Call]:
    """What the platform delivered to this follower at most: a repeat is recognised."""
    first: dict[int, Call] = {}
    for call in sorted(call for one in processes for call in one.calls[who]):
        first.setdefault(call.run, call)
    return sorted(first.values())


def over(push: PushSection, calls: list[Call]) -> list[str]:
    """Which limits these calls break."""
    found = []
    for limit in push.limits:
        counted = [call.at for call in calls if limit.channel in (None, call.way)]
        for at in counted:
            since = at - span(limit.per) if limit.per[0].isdigit() else window(limit.per, at, ZONE, timedelta(0))[0]
            if sum(since < other <= at for other in counted) > limit.max:
                found.append(f"{limit.max} per {limit.per} {limit.channel}: {counted}")
    if push.gap and any(later.at - earlier.at < span(push.gap) for earlier, later in pairwise(calls)):
        found.append(f"gap {calls}")
    return found


def played(staged: Staged, seed: int, rounds: int) -> list[str]:
    """What was broken when three broadcasts at a time overlapped in four processes."""
    dice = random.Random(seed)
    processes = [Process(staged(**RULES), random.Random(f"{seed}:{number}")) for number in range(4)]
    first = processes[0].stage
    first.crowd(PEOPLE)
    runs: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        for number in range(rounds):
            runs += [first.run(f"b{number}_{other}", **dice.choice(PLANS)) for other in range(dice.choice((0, 1, 2)))]
            for who in dice.sample(range(1, PEOPLE + 1), 4):
                wrote(first, who)
            for one in processes:
                one.stage.at = first.at + timedelta(seconds=dice.uniform(-1, 1) if one.stage is not first else 0)
            list(pool.map(Process.round, processes, [runs[-6:]] * 4))
            first.later(seconds=dice.choice((41, 300, 5402, 40000, 129_602)))
    return [wrong for who in range(1, PEOPLE + 1) for wrong in over(first.push, taken(processes, who))]


def test_three_overlapping_broadcasts_in_four_processes_break_no_limit_of_any_kind(staged: Staged) -> None:
    assert not played(staged, int(os.environ.get("SEED") or 7), 8)


def test_a_way_at_a_limit_of_its_own_leaves_the_next_one_open_and_waits_only_where_all_of_them_are(staged: Staged) -> None:
    limits = [{"max": 1, "per": "day", "channel": way} for way in ("customer_message", "template")]
    stage = staged(limits=limits)
    stage.crowd(2)
    wrote(stage, 1)
    ways = []
    for number in range(3):
        run = stage.run(f"b{number}", text="在吗", wait="1d")
        ways.append({one.follower.id: one.channel for one in stage.reserve(run)})
    assert ways == [{1: "customer_message", 2: "template"}, {1: "template"}, {}]
    assert stage.reasons(run) == {f"等下一个时段 waits: 上限 limit: 1 per day ({way})" for way in ("customer_message", "template")}
    assert stage.sql("SELECT used FROM allowance") == [(1,)], "nothing was spent on who could not be called for"
    stage.at = shanghai("2026-11-22 00:00:01")
    assert sorted(one.channel for one in stage.reserve(run)) == ["customer_message", "template"]
    facts = route.Facts(False, 1, 0, None)
    plan = Broadcast.model_validate({"key": "x", "template": "T", "text": "在吗"})
    assert [
        route.cheapest(plan, facts, full).way for full in ((), {"template"}, {"customer_message"}, {"customer_message", "template"})
    ] == [
        *("customer_message", "customer_message"),
        *("template", "customer_message"),
    ]


def test_the_end_of_quiet_hours_is_never_past_where_the_clock_is_put_back_or_forward() -> None:
    zone = ZoneInfo("America/New_York")
    for hours in ("22:00-08:00", "00:30-01:30", "01:15-01:45", "02:15-02:45", "23:00-01:30"):
        rules = PushSection.model_validate({"quiet_hours": hours})
        for day in ("2026-11-01T00:00:00-04:00", "2027-03-14T00:00:00-05:00"):
            for minutes in range(0, 26 * 60, 5):
                now = (datetime.fromisoformat(day) + timedelta(minutes=minutes)).astimezone(UTC)
                until = rules.quiet_until(now, zone)
                assert until is None or (until > now and rules.quiet_until(until, zone) is None), (hours, now, until)


def test_an_edit_of_the_priority_is_heeded_and_a_test_gives_way_to_nobody(stage: Stage) -> None:
    stage.crowd(3)
    stage.run("other")
    low = stage.run("low", priority="low")
    stage.do("UPDATE broadcast_run SET test = :yes WHERE id = :run", yes=True, run=low)
    assert stage.verb(broadcast.is_sending, low, stage.at)
    stage.do("UPDATE broadcast_run SET test = :no WHERE id = :run", no=False, run=low)
    assert not stage.verb(broadcast.is_sending, low, stage.at)
    plan = stage.verb(broadcast.load, low).plan
    stage.verb(broadcast.edit, low, plan.model_copy(update={"priority": "normal"}), "wang", stage.at)
    assert stage.verb(broadcast.is_sending, low, stage.at)
