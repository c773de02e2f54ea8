"""The judge: what the platform took and when, against what was promised. It believes the platform's log and the database as it is at the end,
never the service's own counters, and counts with arithmetic of its own.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from models.push import Limit, PushSection
from tests.simulation.drawn import ZONE
from tests.simulation.tencent import Call, edition_of
from tests.simulation.world import World

SKEW = 4.5  # seconds by which clocks may be off (scheduler/skew.py lets five pass): no boundary of a calendar is sharper
LEASE = 40.0  # seconds within which whatever was begun before somebody said no may still be called
FINAL_RUNS = ("done", "missed", "cancelled")
FINAL = ("sent", "delivered", "failed", "skipped", "unknown", "cancelled")


def found_in(world: World) -> list[str]:
    """Every promise that was broken in this world, in words."""
    return [
        *_twice(world),
        *_over_budget(world),
        *_in_quiet_hours(world),
        *_against_a_no(world),
        *_runs(world),
        *_deliveries(world),
        *(f"an error in the loop: {error!r}" for error in world.loop.errors),
    ]


def _taken(world: World) -> list[Call]:
    return [call for call in world.tencent.calls if call.verdict == "taken"]


def _twice(world: World) -> Iterator[str]:
    for (openid, content), number in Counter((call.openid, call.content) for call in _taken(world)).items():
        if number > 1:
            yield f"twice: {openid} got {content} {number} times"


# Budget, by the time of the API call


def _over_budget(world: World) -> Iterator[str]:
    of_one: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(_taken(world), key=lambda call: call.begun):
        of_one[call.openid].append(call)
    for openid, calls in of_one.items():
        for at, call in enumerate(calls):
            broken = [_broken(world, rules, calls[: at + 1]) for rules in _in_force(world, call.begun)]
            if all(broken):
                yield f"over budget: {openid} got {call.content} at {_when(world, call.begun)}, {broken[-1]}"


def _in_force(world: World, at: float) -> list[PushSection]:
    """The rules that a call at this time may have been reserved under."""
    newest = max(index for index, (since, _) in enumerate(world.rules) if since <= at)
    return [rules for index, (_, rules) in enumerate(world.rules[: newest + 1]) if index == newest or world.rules[index + 1][0] > at - 60]


def _broken(world: World, rules: PushSection, calls: list[Call]) -> str:
    """Which limit the last of one follower's calls is over, if any."""
    for limit in rules.limits:
        counted = [call for call in calls if _counts(world, limit, call.begun, calls[-1].begun)]
        usual = [call for call in counted if world.priority(call.content) != "urgent"]
        kept = rules.reserve if limit.per in ("week", "7d") else 0
        if len(counted) > limit.max or (len(usual) > max(0, limit.max - kept) and usual[-1] is calls[-1]):
            return f"beyond {limit.max} per {limit.per} (reserve {kept})"
    return ""


def _counts(world: World, limit: Limit, call: float, now: float) -> bool:
    """Whether a call lies in the limit's window of another, however the clocks were off."""
    if limit.per[:-1].isdigit():
        return call > now - int(limit.per[:-1]) * {"d": 86400, "h": 3600}[limit.per[-1]]
    return all(_window(world, limit.per, call + off) == _window(world, limit.per, now + off) for off in (-SKEW, SKEW)) and _window(
        world, limit.per, call - SKEW
    ) == _window(world, limit.per, now + SKEW)


def _window(world: World, per: str, at: float) -> object:
    day = world.instant(at).astimezone(ZONE).date()
    return {"day": day, "week": day.isocalendar()[:2], "month": (day.year, day.month)}[per]


# When nothing may be called


def _in_quiet_hours(world: World) -> Iterator[str]:
    for call in world.tencent.calls:
        if all(_quiet(rules, world.instant(call.begun)) for rules in _in_force(world, call.begun)):
            yield f"in quiet hours: {call.openid} was called for at {_when(world, call.begun)}"


def _quiet(rules: PushSection, at: datetime) -> bool:
    if rules.quiet_hours is None:
        return False
    begin, end = (time.fromisoformat(part) for part in rules.quiet_hours.split("-"))
    moments = [(at + timedelta(seconds=off)).astimezone(ZONE).time() for off in (-SKEW, SKEW)]
    return all(begin <= moment < end if begin < end else moment >= begin or moment < end for moment in moments)


def _against_a_no(world: World) -> Iterator[str]:
    for begin, end, who, content, why in world.noes:
        for call in world.tencent.calls:
            if (call.openid == who or call.content == content) and begin + LEASE + SKEW < call.begun < end:
                yield f"against a no: {call.openid} was called for {call.content} at {_when(world, call.begun)}, {why} since {_when(world, begin)}"


# Nothing lost


def _content(plan: str) -> str:
    """What a run says, whichever edition of it."""
    return edition_of(str(json.loads(plan)["url"]))


def _runs(world: World) -> Iterator[str]:
    runs = world.table("SELECT id, broadcast, state, reason, plan FROM broadcast_run ORDER BY id")
    for run in runs:
        if run.state not in FINAL_RUNS:
            yield f"run {run.id} is {run.state} for ever: {run.reason}"
    for content, number in Counter(_content(run.plan) for run in runs).items():
        if number > 1:
            yield f"{number} runs of {content}"
    told = {_content(run.plan) for run in runs}
    for planned in world.planned:
        for due in planned.dues:
            if due > 10 and planned.at(due).url not in told and world.somebody_ran(due - 5, due + 300):
                yield f"the due time {_when(world, due)} of {planned.key} has no run"


def _deliveries(world: World) -> Iterator[str]:
    taken = Counter((call.openid, call.content) for call in _taken(world))
    failed = {number for number, status in world.tencent.reported.items() if status != "success"}
    badly = {(call.openid, call.content) for call in _taken(world) if call.number in failed}
    there: set[tuple[int, str]] = set()
    rows = world.table(
        "SELECT d.id, d.run_id, f.openid, d.state, d.reason, r.plan FROM delivery d"
        " JOIN follower f ON f.id = d.follower_id JOIN broadcast_run r ON r.id = d.run_id ORDER BY d.id"
    )
    for row in rows:
        push = (row.openid, _content(row.plan))
        there.add((row.run_id, row.openid))
        told = f"{row.openid} of run {row.run_id}: {row.state} ({row.reason})"
        if row.state not in FINAL:
            yield f"never settled: {told}"
        elif row.state in ("sent", "delivered") and not taken[push]:
            yield f"lost: {told}, and the platform never took it"
        elif row.state in ("skipped", "cancelled") and taken[push]:
            yield f"untrue: {told}, and the platform took it"
        elif row.state == "failed" and taken[push] and push not in badly:
            yield f"untrue: {told}, and the platform took it and never said that it failed"
        elif row.state == "unknown" and not world.wild:
            yield f"unknown without any trouble: {told}"
    for run in world.table("SELECT id, created_at, finished_at, bound FROM broadcast_run WHERE state = 'done' ORDER BY id"):
        for number, openid in world.followed_throughout(run):
            if number <= run.bound and (run.id, openid) not in there:
                yield f"lost: {openid} is not in run {run.id}"


def _when(world: World, at: float) -> str:
    return f"{world.instant(at).astimezone(ZONE):%Y-%m-%d %a %H:%M:%S.%f}"
