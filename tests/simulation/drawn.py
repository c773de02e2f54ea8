"""What the four weeks of a simulation are drawn from: calendars, rules, weather, kinds of trouble."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from models.broadcast import Broadcast
from tests.simulation.tencent import Weather

ZONE = ZoneInfo("Asia/Shanghai")
DAY, WEEK = 86400.0, 7 * 86400.0
WEEKS = 4
CALM = 3 * DAY  # after the weeks: nothing goes wrong any more, and everything must come to its end

# Mondays, 00:00 in Shanghai: an ordinary month, one that ends in between, the end of a year with 53 weeks.
MONDAYS = ("2026-11-02", "2026-11-16", "2026-12-14")
CRONS = ("0 9 * * 1", "0 20 * * fri", "59 23 * * sun", "30 21 * * wed", "0 9 1 * *", "0 0 * * 1", "0 9 * * 1-5", "0 9 * * 2,4,6")
RULES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"limits": [{"max": 5, "per": "week"}, {"max": 2, "per": "day"}]},
    {"limits": [{"max": 1, "per": "24h"}]},
    {"limits": [{"max": 1, "per": "7d"}]},
    {"limits": [{"max": 1, "per": "7d"}]},
    {"limits": [{"max": 1, "per": "day"}]},
    {"limits": [{"max": 2, "per": "week"}]},
    {"limits": [{"max": 2, "per": "week"}], "reserve": 1},
    {"limits": [{"max": 2, "per": "7d"}, {"max": 1, "per": "day"}]},
    {"limits": [{"max": 3, "per": "month"}]},
    {"limits": [{"max": 1, "per": "week"}], "quiet_hours": "22:00-08:00"},
    {"limits": [{"max": 1, "per": "7d"}], "quiet_hours": "21:30-09:30"},
)
STORMS: tuple[Weather, ...] = (
    Weather(answer_lost=0.3, slow=0.5),
    Weather(answer_lost=0.6),
    Weather(answer_lost=0.9),
    Weather(answer_lost=1.0),
    Weather(request_lost=0.3, request_late=0.2),
    Weather(request_lost=1.0),
    Weather(busy=0.5, broken=0.2, garbled=0.2),
    Weather(refused=0.3),
    Weather(refused=0.9, codes=(45011,)),
    Weather(refused=0.9, codes=(45009,)),
    Weather(refused=0.5, codes=(47003, 43004)),
    Weather(slow=4.9),
    Weather(slow=20.0, answer_lost=0.1),
)


@dataclass
class Planned:
    """A broadcast of config.yaml, whose content the operators change for every due time: a content is sent once."""

    key: str
    cron: str | None
    priority: str
    late: str
    dues: list[float] = field(default_factory=list)  # seconds of the loop

    def at(self, moment: float, manual: int = 0) -> Broadcast:
        """As the file has it then."""
        which = f"r{manual}" if manual else f"{bisect_right(self.dues, moment)}"
        return _broadcast(self.key, self.cron, self.priority, self.late, f"https://x.example/{self.key}/{which}")


@cache
def _broadcast(key: str, cron: str | None, priority: str, late: str, url: str) -> Broadcast:
    shape = {"key": key, "cron": cron, "priority": priority, "late": late, "url": url, "template": "T", "data": {"thing1": "hi {name}"}}
    return Broadcast.model_validate(shape)


@dataclass(frozen=True)
class Focus:
    """In place of what would be drawn: these broadcasts, these rules, and at every due time one kind of trouble.

    kill, stop; outage (all are killed, for a quarter of an hour); deploy (all processes begin anew, on machines with other clocks); deaf (no answer arrives for twelve minutes); same (clocks).
    """

    what: str
    crons: Sequence[str] = ("0 9 * * *",)
    rules: Mapping[str, Any] = field(default_factory=dict)
