"""The simulator's time. Everything here asks this clock, which may start elsewhere, jump ahead, run faster than the day outside, or stand still."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991; needs no time zone database
DAY = 86400.0


class Clock:
    """Unix seconds and the platform's calendar day. It never goes back."""

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self._real = time.monotonic()
        self._shown = time.time() if start is None else start
        self.speed = speed
        self.started = self._shown
        self.on_jump: list[Callable[[], None]] = []
        """Called after every jump and change of speed, by those who wait for a moment."""

    def now(self) -> float:
        """Seconds since 1970, with fractions."""
        return self._shown + (time.monotonic() - self._real) * self.speed

    def moment(self) -> datetime:
        """The same instant on the platform's wall clock."""
        return datetime.fromtimestamp(self.now(), SHANGHAI)

    def day(self) -> str:
        """The platform's day, at whose midnight the daily quotas begin anew."""
        return self.moment().date().isoformat()

    def outside(self) -> float:
        """Seconds since 1970 in the world outside, whatever this clock shows."""
        return time.time()

    def advance(self, seconds: float) -> None:
        """So many seconds have passed; a negative number is none."""
        self._settle(self.now() + max(seconds, 0.0), self.speed)

    def reach(self, instant: float) -> None:
        """It is at least this late."""
        if instant > self.now():
            self._settle(instant, self.speed)

    def run_at(self, speed: float) -> None:
        """From now on a second outside is `speed` seconds here; 0 stands still."""
        self._settle(self.now(), speed)

    def real_seconds_until(self, instant: float) -> float | None:
        """Seconds outside until it is this late; None for never, while the clock stands still."""
        left = instant - self.now()
        if left <= 0:
            return 0.0
        return left / self.speed if self.speed > 0 else None

    def _settle(self, shown: float, speed: float) -> None:
        self._shown, self._real, self.speed = shown, time.monotonic(), speed
        for tell in self.on_jump:
            tell()


def instant(text: str) -> float:
    """`2026-11-21`, `2026-11-21 08:00` or the like, in Shanghai unless it says otherwise, as unix seconds. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).timestamp()


def midnight(at: float) -> float:
    """The beginning of this instant's day in Shanghai."""
    moment = datetime.fromtimestamp(at, SHANGHAI)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
