"""Pace: how fast this process may call the platform."""

from __future__ import annotations

import asyncio
import time

SLACK = 0.02  # seconds that a late wake-up may be made up for: without it, timers of a millisecond would halve a pace of 2,000


class Pace:
    """Lets callers through one after another, `rate` of them a second; a pause is not made up for by a burst."""

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self, rate: int) -> None:
        """Returns when it is the caller's turn."""
        now = time.monotonic()
        mine = max(self._next, now - SLACK)
        self._next = mine + 1 / rate
        if mine > now:
            await asyncio.sleep(mine - now)
