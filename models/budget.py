"""Budgets: whether a follower may be pushed to now, and when next: pure rules over what was sent to them.

The same bounds are conditions in SQL where deliveries are reserved (models/reservation.py); here they are applied to a list, for the plan
of weeks ahead, for the next slot of whoever has to wait, and as the oracle of that SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models import push
from models.push import PushSection, window

# What is charged is called a little later, within its lease: so much longer must the next one stay away (delivery.LEASE).
GAP_MARGIN = timedelta(seconds=40)
PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")  # the platform's days and months, wherever the account counts its own
_TICK = timedelta(microseconds=1)  # what instants are counted in


class Charge(NamedTuple):
    """A push that was called for: it counts from then on. An exempt one counts for the platform only."""

    at: datetime
    way: str
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """The follower may be pushed to now."""


@dataclass(frozen=True, slots=True)
class Capped:
    """Not now, and why. At `next_slot` they may be, if nothing else comes first; None: never under these rules."""

    reason: str
    next_slot: datetime | None


@dataclass(frozen=True, slots=True)
class Bound:
    """At most `most` charges of one way (None: of all) in each window. `exempt` ones count too where it is the platform's own."""

    most: int
    per: str
    way: str | None
    zone: ZoneInfo
    margin: timedelta
    reason: str
    platform: bool = False

    def since(self, now: datetime) -> datetime:
        """From when on a charge counts now."""
        return window(self.per, now, self.zone, self.margin)[0]

    def counts(self, charge: Charge) -> bool:
        """Whether it is such a charge, whenever it was made."""
        return (self.way is None or charge.way == self.way) and (self.platform or not charge.exempt)

    def free_at(self, charges: Sequence[Charge], now: datetime) -> datetime | None:
        """When one more is within the bound, if nothing else comes first: `now` if it is already, None if never."""
        begin, following = window(self.per, now, self.zone, self.margin)
        counted = sorted(charge.at for charge in charges if charge.at >= begin and self.counts(charge))
        if len(counted) < self.most:
            return now
        if self.most == 0:
            return None
        return following or counted[-self.most] + (now - begin) + _TICK


def bounds(rules: PushSection, way: str, zone: ZoneInfo, *, urgent: bool = False, exempt: bool = False) -> Iterator[Bound]:
    """What holds for a push of this way, in the order it is looked at. An exempt one has only the platform's own bounds."""
    for limit in () if exempt else rules.limits:
        if limit.channel in (None, way):
            of = f" ({limit.channel})" if limit.channel else ""
            reason = f"上限 limit: {limit.max} per {limit.per}{of}"
            yield Bound(rules.allowed(limit, urgent), limit.per, limit.channel, zone, push.ROLLING_MARGIN, reason)
    if rules.gap and not exempt:
        yield Bound(1, rules.gap, None, zone, GAP_MARGIN, f"间隔 gap: {rules.gap}")
    if way == "mass":
        most = rules.quotas.mass_per_month
        yield Bound(most, "month", way, PLATFORM_ZONE, timedelta(0), f"平台配额 quota: {most} per month ({way})", platform=True)


def verdict(
    rules: PushSection, charges: Sequence[Charge], way: str, urgent: bool, now: datetime, zone: ZoneInfo, *, exempt: bool = False
) -> Allowed | Capped:
    """Whether one more push of this way is within every bound at `now`; the first bound that is full is the reason.

    Quiet hours are the account's and not the follower's: whether `now` lies in them is not asked here, but the next slot never does.
    """
    free = [(bound.free_at(charges, now), bound) for bound in bounds(rules, way, zone, urgent=urgent, exempt=exempt)]
    full = [(at, bound) for at, bound in free if at != now]
    if not full:
        return Allowed()
    times = [at for at, _ in full if at is not None]
    slot = after_quiet(rules, max(times), zone) if len(times) == len(full) else None
    return Capped(full[0][1].reason, slot)


def full(
    rules: PushSection, charges: Sequence[Charge], ways: Iterable[str], urgent: bool, now: datetime, zone: ZoneInfo, *, exempt: bool = False
) -> frozenset[str]:
    """Those of these ways of which one more is beyond a bound of their own: another way may still be open."""
    return frozenset(
        way
        for way in ways
        for bound in bounds(rules, way, zone, urgent=urgent, exempt=exempt)
        if bound.way is not None and bound.free_at(charges, now) != now
    )


def after_quiet(rules: PushSection, at: datetime, zone: ZoneInfo) -> datetime:
    """The first instant from then on that lies outside the quiet hours."""
    return rules.quiet_until(at, zone) or at


def remembered(rules: PushSection, zone: ZoneInfo, now: datetime) -> datetime:
    """From when on charges may still count for anything: what is older need not be read."""
    every = (bound.since(now) for bound in bounds(rules, "mass", zone))
    ways = (limit.since(now, zone) for limit in rules.limits)
    return min((*every, *ways), default=now)
