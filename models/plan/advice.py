"""Advice: what to move so that fewer followers are starved, each proposal checked by a replay of all weeks with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.broadcast import Broadcast
from models.plan.forecast import Forecast, Planner

WORST = 3  # broadcasts that advice is given for
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WAIT = "3d"
_FAR = 3  # days that a monthly sending is moved at most


@dataclass(frozen=True, slots=True)
class Advice:
    """One line of a broadcast changed: what it then reaches within the weeks, and what that costs the others."""

    broadcast: str
    setting: str  # cron, wait
    now: str | None
    then: str | None  # None: nothing that can be moved helps
    reaches: int
    would_reach: int
    others: dict[str, int]  # how many more or fewer the other broadcasts reach
    starved_by: list[tuple[str, int]]

    @property
    def gain(self) -> int:
        """How many pushes more there are in all."""
        return self.would_reach - self.reaches + sum(self.others.values())


def advise(planner: Planner, planned: Sequence[Broadcast]) -> list[Advice]:
    """For each of the most starved broadcasts, the change that gets most pushes through; one that takes from others as much is none.

    Of a crowd of thousands a planner of every so manieth follower is enough: some twenty plans are replayed.
    """
    base = planner.forecast(planned)
    starved = Counter({one.key: _capped(base, one.key) for one in planned})
    found = []
    for key, many in starved.most_common(WORST):
        if many:
            one = next(one for one in planned if one.key == key)
            tried = [(then, planner.forecast(_with(planned, then))) for then in _candidates(one)]
            best = max(tried, key=lambda pair: _worth(base, pair[1], key), default=None)
            found.append(_advice(base, one, best if best and _worth(base, best[1], key) > 0 else None))
    return found


def _candidates(one: Broadcast) -> Iterator[Broadcast]:
    for cron in moved(one.cron or ""):
        yield one.model_copy(update={"cron": cron})
    if one.wait is None:
        yield one.model_copy(update={"wait": _WAIT})


def moved(cron: str) -> Iterator[str]:
    """The same time on other days: the other days of the week for a weekly line, days near by for a monthly one; the nearest first."""
    minute, hour, day, month, weekday = (cron.lower().split() + [""] * 5)[:5]
    if day == "*" and re.fullmatch(r"[0-7]|[a-z]{3}", weekday):
        at = _DAYS.index(weekday) if weekday in _DAYS else (int(weekday) - 1) % 7
        for step in (-1, 1, -2, 2, -3, 3):
            yield f"{minute} {hour} * {month} {_DAYS[(at + step) % 7]}"
    elif weekday == "*" and re.fullmatch(r"\d+(,\d+)*", day):
        for step in (sign * far for far in range(1, _FAR + 1) for sign in (-1, 1)):
            days = [int(one) + step for one in day.split(",")]
            if all(1 <= one <= 28 for one in days):
                yield f"{minute} {hour} {','.join(map(str, days))} {month} *"


def _with(planned: Sequence[Broadcast], then: Broadcast) -> list[Broadcast]:
    return [then if one.key == then.key else one for one in planned]


def _worth(base: Forecast, changed: Forecast, key: str) -> int:
    """How many pushes more get through with the change; nothing where the broadcast gains only once.

    That once is a week that is nearly over and has room still: it says nothing of the weeks to come.
    """
    before, after = (sorted(one.final for one in forecast.of_broadcast().get(key, [])) for forecast in (base, changed))
    better = sum(then > now for now, then in zip(before, after, strict=False))
    return changed.total() - base.total() if better >= min(2, len(before)) else 0


def _advice(base: Forecast, one: Broadcast, best: tuple[Broadcast, Forecast] | None) -> Advice:
    before, by = Counter(base.totals()), Counter[str]()
    for sending in base.of_broadcast().get(one.key, []):
        by.update({key: base.scaled(many) for key, many in sending.starved_by.items()})
    if best is None:
        return Advice(one.key, "", None, None, before[one.key], before[one.key], {}, by.most_common())
    then, after = best[0], Counter(best[1].totals())
    others = {key: after[key] - before[key] for key in after | before if key != one.key and after[key] != before[key]}
    setting, was, will = ("cron", one.cron, then.cron) if then.cron != one.cron else ("wait", one.wait, then.wait)
    return Advice(one.key, setting, was, will, before[one.key], after[one.key], others, by.most_common())


def _capped(forecast: Forecast, key: str) -> int:
    return sum(forecast.capped(sending) for sending in forecast.of_broadcast().get(key, []))
