"""What the platform counts while it happens: who came and went, what was written to the account, how its server answered. Day by day."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.clock import SHANGHAI, Clock
from simulator.crowd import Crowd
from simulator.markup import Fields

if TYPE_CHECKING:
    from simulator.courier import Outcome

KEPT = 100
"""Days for which messages and calls are remembered."""
MESSAGE_TYPES = {"text": 1, "image": 2, "voice": 3, "video": 4, "shortvideo": 4, "link": 6}
"""The platform's numbers; it has none for locations."""
SOURCES = {
    "ADD_SCENE_SEARCH": 1,
    "ADD_SCENE_PROFILE_CARD": 17,
    "ADD_SCENE_QR_CODE": 30,
    "ADD_SCENE_PAID": 51,
    "ADD_SCENE_PROFILE_LINK": 57,
    "ADD_SCENE_WECHAT_ADVERTISEMENT": 100,
    "ADD_SCENE_WXA": 149,
    "ADD_SCENE_REPRINT": 161,
    "ADD_SCENE_CHANNELS": 200,
    "ADD_SCENE_LIVESTREAM": 201,
}
OTHER = 0


@dataclass(slots=True)
class Calls:
    """Requests to the account's server. Times in milliseconds."""

    count: int = 0
    failed: int = 0
    total: int = 0
    longest: int = 0

    def add(self, attempt: dict[str, Any]) -> None:
        """One request more."""
        took = round(attempt["elapsed"] * 1000)
        self.count += 1
        self.failed += attempt["error"] is not None
        self.total += took
        self.longest = max(self.longest, took)


@dataclass(slots=True)
class Day:
    """One day's numbers; the inner keys are sources, hours, and message types by hour with their writers."""

    came: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)
    calls: defaultdict[int, Calls] = field(default_factory=lambda: defaultdict(Calls))
    written: defaultdict[tuple[int, int], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


class Statistics:
    """Counts every push as it is delivered. What was before the simulator began is told by when its followers came."""

    def __init__(self, clock: Clock, crowd: Crowd) -> None:
        self._clock = clock
        self._crowd = crowd
        self._following = {follower.openid for follower in crowd if follower.subscribed}
        self._today: date | None = None
        self.days: defaultdict[date, Day] = defaultdict(Day)
        arrivals = Counter(
            ((follower.subscribe_time + 8 * 3600) // 86400, SOURCES.get(follower.scene, OTHER)) for follower in crowd if follower.subscribed
        )
        for (number, source), count in arrivals.items():
            self.days[date(1970, 1, 1) + timedelta(number)].came[source] += count

    def push(self, openid: str, fields: Fields, outcome: "Outcome") -> None:
        """A push has been delivered, or has failed: it is counted at the time of its CreateTime."""
        moment = datetime.fromtimestamp(int(fields["CreateTime"]), SHANGHAI)
        day = self._day(moment.date())
        if (kind := MESSAGE_TYPES.get(str(fields["MsgType"]))) is not None:
            day.written[moment.hour, kind][openid] += 1
        self._move(day, openid, str(fields.get("Event", "")).lower())
        for attempt in outcome.attempts:
            day.calls[moment.hour].add(attempt)

    def following_at_the_end_of(self, asked: date) -> int:
        """How many followed at that day's midnight."""
        later = [day for when, day in self.days.items() if when > asked]
        return len(self._following) - sum(day.came.total() - day.left.total() for day in later)

    def _move(self, day: Day, openid: str, event: str) -> None:
        follower = self._crowd.find(openid)
        source = SOURCES.get(follower.scene, OTHER) if follower else OTHER
        if event == "subscribe" and openid not in self._following:
            self._following.add(openid)
            day.came[source] += 1
        elif event == "unsubscribe" and openid in self._following:
            self._following.remove(openid)
            day.left[source] += 1

    def _day(self, today: date) -> Day:
        if today != self._today:
            self._today = today
            for when in [when for when in self.days if when < today - timedelta(KEPT)]:
                self.days[when] = Day(self.days[when].came, self.days[when].left)
        return self.days[today]
