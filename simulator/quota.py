"""Daily quotas: calls per path and Shanghai day. The numbers of the endpoints are those of a new, verified account."""

from collections import Counter

from simulator.clock import Clock
from simulator.errors import Refused


class Quotas:
    """Counts calls and refuses the one too many. `limits` replaces an endpoint's own number."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._day = clock.day()
        self.used: Counter[str] = Counter()
        self.limits: dict[str, int] = {}

    def spend(self, path: str, daily: int | None) -> None:
        """One call more. Raises 45009 when the day's calls are used up."""
        if (day := self._clock.day()) != self._day:
            self._day = day
            self.used.clear()
        limit = self.limits.get(path, daily)
        if limit is not None and self.used[path] >= limit:
            raise Refused(45009)
        self.used[path] += 1
