"""The crowd's life: virtual days, one after the other, as fast as the webhook answers.

Everybody's day is drawn beforehand from the seed and the date, so that the same seed gives the same acts however many of them
are under way at once. The clock stands still between acts and jumps to each; acts begin in the order of their moments, and none
begins more than five minutes of the clock ahead of one that is not finished.
"""

import asyncio
import contextlib
import heapq
import time
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from simulator import habits
from simulator.clock import DAY, SHANGHAI, midnight
from simulator.crowd import Follower
from simulator.gestures import NotFollowing
from simulator.visits import Tally, Visit
from simulator.world import World

AT_ONCE = 32
AHEAD = 300.0
BREATH = 500
"""Followers planned in one go; between two goes everybody else has a turn."""
JOINS, RETURNS, LEAVES, MUTES, SCANS = 0.003, 0.01, 0.0004, 0.0003, 0.002
"""Shares of the followers (of those gone, for RETURNS) who do so on a day."""
HOPELESS = 50
"""Failures in a row after which it makes no sense to go on."""


class Plan(NamedTuple):
    """Somebody will do this then. `who` is None for a newcomer, who is born at the door; `number` settles ties."""

    at: float
    number: int
    act: str
    who: Follower | None


@dataclass(slots=True)
class Progress:
    """How far the crowd has come."""

    days: int
    began: float
    ends: float
    real_began: float = field(default_factory=time.monotonic)
    real_ended: float | None = None
    tally: Tally = field(default_factory=Tally)
    problem: str | None = None


class Life:
    """At most one life goes on at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._task: asyncio.Task[None] | None = None
        self._progress: Progress | None = None
        self._opens = array("d")
        self._under_way: dict[asyncio.Task[None], Visit] = {}
        self._freed = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether days are going by."""
        return self._task is not None and not self._task.done()

    def start(self, days: int, at_once: int = AT_ONCE) -> None:
        """So many days begin now. Call it when none is going on."""
        now = self._world.clock.now()
        self._progress = Progress(days, now, now + days * DAY)
        self._task = asyncio.create_task(self._live(self._progress, at_once))

    async def stop(self) -> None:
        """Nobody does anything by themselves any more; acts under way are broken off."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def described(self) -> dict[str, Any]:
        """The progress in numbers: all zero before the first life."""
        told = self._progress or Progress(0, 0.0, 1.0, 0.0, 0.0)
        lived = min(self._world.clock.now(), told.ends) - told.began if self._progress else 0.0
        done = self._progress is not None and not self.running and told.problem is None and lived >= told.ends - told.began
        acts = told.tally.acts.total()
        seconds = (told.real_ended if told.real_ended is not None else time.monotonic()) - told.real_began
        return {
            "running": self.running,
            "days": told.days,
            "day": min(told.days, int(lived // DAY) + 1) if self._progress else 0,
            "progress": 1.0 if done else max(0.0, lived / (told.ends - told.began)) if self._progress else 0.0,
            "acts": acts,
            "counts": dict(sorted(told.tally.acts.items())),
            "failed": told.tally.failed,
            "seconds": round(seconds, 2),
            "rate": round(acts / seconds, 1) if seconds > 0 else 0.0,
            "problem": told.problem,
        }

    async def _live(self, progress: Progress, at_once: int) -> None:
        clock, speed = self._world.clock, self._world.clock.speed
        clock.run_at(0)
        try:
            day = midnight(progress.began)
            while day < progress.ends and progress.problem is None:
                plans = [plan async for plan in self._plan(day) if progress.began <= plan.at < progress.ends]
                heapq.heapify(plans)
                await self._carry_out(plans, progress, at_once)
                day = midnight(day + 1.5 * DAY)
            await asyncio.gather(*self._under_way, return_exceptions=True)
            if progress.problem is None:
                clock.reach(progress.ends)
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            clock.run_at(speed)
            progress.real_ended = time.monotonic()

    async def _carry_out(self, plans: list[Plan], progress: Progress, at_once: int) -> None:
        """The day's plans are begun, and whatever the account's messages drive people to in between."""
        while (plans or self._world.moods.fed_up) and progress.problem is None:
            self._add_reactions(plans)
            plan = plans[0]
            earliest = min((visit.at for visit in self._under_way.values()), default=plan.at)
            if len(self._under_way) >= at_once or plan.at > earliest + AHEAD:
                self._freed.clear()
                await self._freed.wait()
                continue
            heapq.heappop(plans)
            self._world.clock.reach(plan.at)
            self._begin(plan, progress)

    def _add_reactions(self, plans: list[Plan]) -> None:
        moods = self._world.moods
        while moods.fed_up:
            follower, since = moods.fed_up.popleft()
            delay = Random(f"reaction:{follower.number}:{since:.3f}").uniform(20, 600)
            heapq.heappush(plans, Plan(max(since, self._world.clock.now()) + delay, follower.number, "react", follower))

    def _begin(self, plan: Plan, progress: Progress) -> None:
        follower = plan.who or self._world.crowd.join(plan.at)
        if plan.act != "join" and not follower.subscribed:
            return  # they left since the day was planned
        visit = Visit(self._world, follower, plan.at, progress.tally)
        task = asyncio.create_task(self._watch(visit, plan.act, progress))
        self._under_way[task] = visit
        task.add_done_callback(self._end)

    async def _watch(self, visit: Visit, act: str, progress: Progress) -> None:
        with contextlib.suppress(NotFollowing):  # somebody at the controls made them leave
            await getattr(visit, act)()
        if progress.tally.in_a_row >= HOPELESS:
            progress.problem = f"消息推送地址 {self._world.options.webhook} 连续失败，粉丝们先不来了；服务好了再开始"

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._freed.set()

    async def _plan(self, day: float) -> AsyncIterator[Plan]:
        """Who will do what on the day that begins at this midnight: two draws for each follower, whatever comes of them, and the newcomers."""
        date = datetime.fromtimestamp(day, SHANGHAI).date().isoformat()
        seed = self._world.options.seed
        random = Random(f"day:{seed}:{date}")
        crowd = self._world.crowd.everyone()
        for number, follower in enumerate(crowd):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            opens, fate = random.random(), random.random()
            if not follower.subscribed:
                if fate < RETURNS:
                    yield Plan(_moment(random, day), number, "join", follower)
                continue
            if opens < self._share_of(number):
                yield Plan(self._hour(follower, day, date), number, "chat", follower)
            if act := _stroke(fate):
                yield Plan(_moment(random, day), number, act, follower)
        for newcomer in range(int(len(crowd) * JOINS + random.random())):
            yield Plan(_moment(random, day), len(crowd) + newcomer, "join", None)

    def _share_of(self, number: int) -> float:
        """How probably this follower opens the chat on a day; remembered, because everybody is asked every day."""
        while len(self._opens) <= number:
            self._opens.append(habits.of(len(self._opens), self._world.options.seed).opens)
        return self._opens[number]

    def _hour(self, follower: Follower, day: float, date: str) -> float:
        seed = self._world.options.seed
        person = habits.of(follower.number, seed)
        hour = Random(f"hour:{seed}:{follower.number}:{date}").gauss(person.hour, person.spread)
        return day + 3600 * min(max(hour, 6.0), 23.9)


def _stroke(fate: float) -> str | None:
    """What comes over a few followers every day."""
    for act, share in (("leave", LEAVES), ("mute", MUTES), ("scan", SCANS)):
        if fate < share:
            return act
        fate -= share
    return None


def _moment(random: Random, day: float) -> float:
    """Any moment between seven in the morning and eleven at night."""
    return day + random.uniform(7, 23) * 3600
