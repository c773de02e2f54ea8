"""Message ids: 64-bit, rising, and never the same again after a restart, because receivers keep them. And the rids of refused calls."""

from itertools import count
from random import Random


class Ids:
    """Hands out ids that begin at the millisecond the simulator started."""

    def __init__(self, started: float, seed: int = 1) -> None:
        self._ids = count(int(started * 1000) << 20)
        self._rids = Random(f"rids:{seed}:{int(started)}")

    def next(self) -> int:
        """An id of 19 digits that no earlier call and no earlier run has given."""
        return next(self._ids)

    def rid(self, now: float) -> str:
        """The request id of a refused call; its first group is the time in hex, as recorded answers show."""
        return f"{int(now):08x}-{self._rids.getrandbits(32):08x}-{self._rids.getrandbits(32):08x}"
