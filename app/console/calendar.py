"""The calendar of the plan: weeks of days, and in each day what is sent: to how many of those it is meant for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from models.broadcast import Broadcast
from models.clock import business_day
from models.plan import Forecast, Sending


@dataclass(frozen=True, slots=True)
class Chip:
    """One sending on its day: widths are per cent of those it is meant for."""

    time: str
    planned: Broadcast
    meant: int = 0
    final: int = 0
    capped: int = 0
    said: str = ""  # why nothing is sent
    is_new: bool = False

    @property
    def green(self) -> float:
        """Who gets it."""
        return 100 * self.final / self.meant if self.meant else 0

    @property
    def amber(self) -> float:
        """Who does not because of a limit."""
        return 100 * self.capped / self.meant if self.meant else 0

    @property
    def is_starved(self) -> bool:
        """Whether a tenth of them or more are capped: what an operator wants to see first."""
        return self.capped * 10 >= self.meant > 0

    @property
    def name(self) -> str:
        """What the operator calls it."""
        return self.planned.title or self.planned.key


@dataclass(slots=True)
class Day:
    """A day of the calendar."""

    day: date
    is_today: bool
    is_within: bool
    chips: list[Chip] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many pushes there are on it."""
        return sum(chip.final for chip in self.chips)


def chip_of(forecast: Forecast, sending: Sending, new: set[str]) -> Chip:
    """The sending as the calendar shows it."""
    occasion = sending.occasion
    time = f"{occasion.due.astimezone(forecast.zone):%H:%M}"
    meant, final = forecast.scaled(sending.wanting), forecast.scaled(sending.final)
    return Chip(time, occasion.planned, meant, final, forecast.capped(sending), is_new=occasion.planned.key in new)


def calendar(
    forecast: Forecast, idle: Iterable[tuple[datetime, Broadcast, str]] = (), new: Sequence[str] = (), column: str = ""
) -> list[list[Day]]:
    """The weeks from Monday on, with what is sent and, marked, what would be if it were no draft; of one column where it is given."""
    first, last = business_day(forecast.at, forecast.zone), business_day(forecast.until, forecast.zone)
    monday, days = first - timedelta(days=first.weekday()), (last - first).days + first.weekday() + 1
    dates = [monday + timedelta(days=number) for number in range(-(-days // 7) * 7)]
    found = {one: Day(one, one == first, first <= one <= last) for one in dates}
    for sending in forecast.sendings:
        day = max(first, business_day(sending.occasion.due, forecast.zone))  # what is under way goes on today
        found[day].chips.append(chip_of(forecast, sending, set(new)))
    for due, planned, why in idle:
        said = {"draft": "草稿", "review": "待审"}.get(why, "不合规")
        found[business_day(due, forecast.zone)].chips.append(Chip(f"{due.astimezone(forecast.zone):%H:%M}", planned, said=said))
    for one in found.values():
        one.chips = sorted((chip for chip in one.chips if column in ("", chip.planned.column)), key=lambda chip: chip.time)
    return [[found[one] for one in dates[at : at + 7]] for at in range(0, len(dates), 7)]
