"""The platform's limits on calls: per day and per minute of Shanghai, and how often an account may set its counters back.

The daily numbers of the endpoints are those of a new, verified account (official page API_Call_Limits); the minute's are in
PER_MINUTE, those of the pages on mass messages, on tokens and on web sign-in.
"""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from simulator.clock import SHANGHAI, Clock
from simulator.errors import Refused

PER_MINUTE = {
    "/cgi-bin/message/mass/sendall": 60,
    "/cgi-bin/message/mass/send": 60,
    "/cgi-bin/stable_token": 10_000,
    "/sns/oauth2/access_token": 50_000,
    "/sns/oauth2/refresh_token": 50_000,
    "/sns/userinfo": 50_000,
}
CLEARINGS = 10
"""Times a month an account may set all its counters back, by clear_quota, by its second version and on the console together."""
SINGLE_CLEARINGS = 50
"""Times a month it may set back the counter of one path."""
EIGHT_HOURS = 8 * 3600


class Quota(NamedTuple):
    """One path's calls of a day. `limit` is None where no number is published."""

    limit: int | None
    used: int


class Quotas:
    """Counts calls and refuses the one too many. `limits` and `rates` replace the usual numbers of a day and of a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._day = 0
        self._minute = 0
        self._within_minute: Counter[str] = Counter()
        self._clearings: Counter[tuple[str, str]] = Counter()
        self.used: Counter[str] = Counter()
        self.limits: dict[str, int] = {}
        self.rates: dict[str, int] = dict(PER_MINUTE)

    def spend(self, path: str, daily: int | None) -> None:
        """One call more. Raises 45009 when the day's calls are used up, 45011 when the minute's are."""
        self._turn()
        limit = self.limits.get(path, daily)
        if limit is not None and self.used[path] >= limit:
            raise Refused(45009)
        if (rate := self.rates.get(path)) is not None:
            if self._within_minute[path] >= rate:
                raise Refused(45011)
            self._within_minute[path] += 1
        self.used[path] += 1

    def of(self, path: str, daily: int | None) -> Quota:
        """How the path stands today."""
        self._turn()
        return Quota(self.limits.get(path, daily), self.used[path])

    def clear(self) -> None:
        """Every counter of the day is back at nothing. Raises 48006 for the eleventh time in a month."""
        self._spend_clearing("all", CLEARINGS)
        self.used.clear()

    def clear_one(self, path: str) -> None:
        """The path's counter of the day is back at nothing. Raises 48006 for the fifty-first time in a month."""
        self._spend_clearing("one", SINGLE_CLEARINGS)
        self.used.pop(path, None)

    def _turn(self) -> None:
        now = self._clock.now()
        if (day := int(now + EIGHT_HOURS) // 86400) != self._day:
            self._day = day
            self.used.clear()
        if (minute := int(now) // 60) != self._minute:
            self._minute = minute
            self._within_minute.clear()

    def _spend_clearing(self, kind: str, monthly: int) -> None:
        key = kind, datetime.fromtimestamp(self._clock.now(), SHANGHAI).strftime("%Y-%m")
        if self._clearings[key] >= monthly:
            raise Refused(48006)
        self._clearings[key] += 1
