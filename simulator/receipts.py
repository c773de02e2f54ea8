"""Receipts of template messages: each follows its message after a moment, sixteen at a time however many are waiting."""

import asyncio
from random import Random

from simulator.clock import Clock
from simulator.courier import Courier
from simulator.options import Options

WORKERS = 16
DELAY = (0.05, 1.5)
"""Seconds between the acceptance of a message and the first attempt to report it."""


class Receipts:
    """A queue by due time and the workers that empty it."""

    def __init__(self, options: Options, clock: Clock, courier: Courier) -> None:
        self._original_id = options.original_id
        self._clock = clock
        self._courier = courier
        self._random = Random(f"receipts:{options.seed}")
        self._due: asyncio.PriorityQueue[tuple[float, int, str, str]] = asyncio.PriorityQueue()
        self._workers: list[asyncio.Task[None]] = []
        self.delivered = 0

    def __len__(self) -> int:
        return self._due.qsize()

    def expect(self, msgid: int, openid: str, status: str) -> None:
        """A TEMPLATESENDJOBFINISH with this status will be pushed in a moment."""
        self._due.put_nowait((self._clock.now() + self._random.uniform(*DELAY), msgid, openid, status))

    def start(self) -> None:
        """The workers run until stop()."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(WORKERS)]

    async def stop(self) -> None:
        """No worker runs; receipts that were still waiting are lost, as this platform forgets everything with its process."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            due, msgid, openid, status = await self._due.get()
            if (wait := due - self._clock.now()) > 0:
                await asyncio.sleep(wait)
            event = {
                "ToUserName": self._original_id,
                "FromUserName": openid,
                "CreateTime": int(self._clock.now()),
                "MsgType": "event",
                "Event": "TEMPLATESENDJOBFINISH",
                "MsgID": msgid,
                "Status": status,
            }
            await self._courier.push(openid, event)
            self.delivered += 1
