"""The simulator's time. Everything here asks this clock, so that a later one may run faster than the day outside."""

import time
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991; needs no time zone database


class Clock:
    """Unix seconds and the platform's calendar day."""

    def now(self) -> float:
        """Seconds since 1970, with fractions."""
        return time.time()

    def moment(self) -> datetime:
        """The same instant on the platform's wall clock."""
        return datetime.fromtimestamp(self.now(), SHANGHAI)

    def day(self) -> str:
        """The platform's day, at whose midnight the daily quotas begin anew."""
        return self.moment().date().isoformat()
