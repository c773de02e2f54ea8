"""What goes on after a call was answered: a mass message on its way, an article being published."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from simulator.clock import Clock


class Jobs:
    """The jobs under way. They end with the platform's process, as everything here does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._jump = asyncio.Event()
        clock.on_jump.append(self._look_again)

    def start(self, job: Coroutine[Any, Any, None]) -> None:
        """The job runs beside everything else. Call it inside the running loop."""
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def until(self, instant: float) -> None:
        """Returns when it is this late by the simulator's clock; others have run in between."""
        await asyncio.sleep(0)
        while (left := self._clock.real_seconds_until(instant)) != 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._jump.wait(), left)

    def _look_again(self) -> None:
        self._jump.set()
        self._jump = asyncio.Event()

    async def stop(self) -> None:
        """No job is under way any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
