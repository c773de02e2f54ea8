"""YZ921: mass messages that the platform's four a month never let through as planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from models.broadcast import BroadcastsSection
from models.budget import PLATFORM_ZONE
from models.clock import business_day, start_of_day
from models.config import Config, Problem
from models.push import rules_of
from models.schedule import due_between

_MONTHS = timedelta(days=400)
_ALL = 600


def beyond_the_month(config: Config, today: date) -> Iterator[Problem]:
    """Broadcasts that only go by mass, and oftener in a month than the platform delivers to one follower."""
    section, most = config.get(BroadcastsSection), rules_of(config).quotas.mass_per_month
    begin = start_of_day(today.replace(day=1), PLATFORM_ZONE)
    for number, planned in enumerate(section.root if section else ()):
        if planned.ways != ("mass",) or planned.cron is None:
            continue
        due = islice(due_between(planned.cron, config.zone, begin - timedelta(minutes=1), begin + _MONTHS), _ALL)
        months = Counter(business_day(at, PLATFORM_ZONE).replace(day=1) for at in due)
        often = max(months.values(), default=0)
        if often > most:
            yield Problem(
                ("broadcasts", number, "cron"),
                f"群发“{planned.key}”一个月要发 {often} 次，每位粉丝每个自然月只收得到 {most} 条群发消息，其余 {often - most} 次谁也收不到",
                f"{planned.key!r} runs {often} times in a month; each follower gets {most} mass messages in one: the others reach nobody",
                "YZ921",
            )
