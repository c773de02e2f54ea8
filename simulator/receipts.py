"""Reports of what became of a job: each follows a moment later, sixteen at a time however many are waiting, and some go astray."""

import asyncio
import heapq
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any

from simulator.clock import Clock
from simulator.courier import Courier
from simulator.options import Options
from simulator.settings import Settings

WORKERS = 16

Fields = Mapping[str, Any]


class Receipts:
    """The reports that are due later, by the simulator's clock, and the workers that push them."""

    def __init__(self, options: Options, settings: Settings, clock: Clock, courier: Courier) -> None:
        self._original_id = options.original_id
        self._settings = settings
        self._clock = clock
        self._courier = courier
        self._random = Random(f"receipts:{options.seed}")
        self._due: list[tuple[float, int, str, Fields]] = []
        self._number = 0
        self._ready: deque[tuple[str, Fields]] = deque()
        self._at_work = 0
        self._stirred = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delivered = 0
        self.missing = 0
        clock.on_jump.append(self._stirred.set)

    def __len__(self) -> int:
        return len(self._due) + len(self._ready) + self._at_work

    def status(self, muted: bool) -> str:
        """What the receipt of a template message to such a follower will say; only `success` means that it is on the phone."""
        if muted:
            return "failed:user block"
        return "failed: system failed" if self._random.random() < self._settings.receipts.system_failed else "success"

    def expect(self, msgid: int, openid: str, status: str) -> None:
        """A TEMPLATESENDJOBFINISH with this status will be pushed in a moment."""
        self.report(openid, {"Event": "TEMPLATESENDJOBFINISH", "MsgID": msgid, "Status": status})

    def report(self, openid: str, event: Fields, after: float = 0.0) -> None:
        """The event will be pushed in a moment, at least `after` seconds from now; or twice, or never, as the settings have it."""
        chances = self._settings.receipts
        wait = after + self._random.uniform(chances.earliest, max(chances.earliest, chances.latest))
        if self._random.random() < chances.missing:
            self.missing += 1
            return
        for _ in range(2 if self._random.random() < chances.doubled else 1):
            self._number += 1
            heapq.heappush(self._due, (self._clock.now() + wait, self._number, openid, event))
            wait += chances.latest
        self._stirred.set()

    def start(self) -> None:
        """What falls due is pushed until stop()."""
        self._tasks.add(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        """Nothing is pushed any more; receipts that were still waiting are lost, as this platform forgets everything with its process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self) -> None:
        """Moves what is due to the workers, and sleeps until the next is, the clock jumps, or something new comes."""
        while True:
            self._stirred.clear()
            now = self._clock.now()
            while self._due and self._due[0][0] <= now:
                _, _, openid, event = heapq.heappop(self._due)
                self._ready.append((openid, event))
            self._hire()
            wait = self._clock.real_seconds_until(self._due[0][0]) if self._due else None
            try:
                await asyncio.wait_for(self._stirred.wait(), wait)
            except TimeoutError:
                continue

    def _hire(self) -> None:
        for _ in range(min(WORKERS - self._at_work, len(self._ready))):
            self._at_work += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._ready:
                openid, event = self._ready.popleft()
                head = {"ToUserName": self._original_id, "FromUserName": openid, "CreateTime": int(self._clock.now()), "MsgType": "event"}
                await self._courier.push(openid, {**head, **event})
                self.delivered += 1
        finally:
            self._at_work -= 1
