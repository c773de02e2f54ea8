"""Message ids: 64-bit, rising, and never the same again after a restart, because receivers keep them."""

from itertools import count


class Ids:
    """Hands out ids that begin at the millisecond the simulator started."""

    def __init__(self, started: float) -> None:
        self._ids = count(int(started * 1000) << 20)

    def next(self) -> int:
        """An id of 19 digits that no earlier call and no earlier run has given."""
        return next(self._ids)
