"""Pace: how fast this process may call the platform."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """Lets callers through one after another, `rate` of them a second; after a pause no burst makes up for it."""

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self, rate: int) -> None:
        """Returns when it is the caller's turn."""
        now = time.monotonic()
        mine = max(self._next, now)
        self._next = mine + 1 / rate
        if mine > now:
            await asyncio.sleep(mine - now)
