"""Reservations: which deliveries of a run may be called for now: the right way, within every limit and quota, in one transaction.

    candidates → their followers locked → a way for each → the account's quota → consent and limits, as one conditional UPDATE

Whoever may not be pushed to now is skipped with the reason; with `wait` they stay pending until their next slot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, literal, or_, select, update

from models import broadcast, delivery, quota, route, topic
from models.base import Instant
from models.broadcast import Run
from models.budget import Bound, Charge, bounds, full, remembered, verdict
from models.clock import span
from models.cohort import CONTROL, in_control
from models.delivery import ABANDONED, LEASE, NO_ANSWER, POISON, POISONED, WAITING, Reserved, deliveries
from models.follower import followers
from models.push import WAYS, PushSection, Way

WAITS = "等下一个时段 waits: "
TOO_LATE = "（等不及 beyond its wait）"

# Two senders that reserve for one follower at once must see each other's charges: the follower's row is the lock (SQLite has one writer).
# In the order in which all hold several of them (follower.hold). Not FOR UPDATE: that would keep the webhook from inserting anything that refers to the follower.
_LOCK_FOLLOWERS = (
    select(followers.c.id)
    .where(followers.c.id.in_(bindparam("people", expanding=True)))
    .order_by(followers.c.id.desc())
    .with_for_update(key_share=True)
)
_THESE = deliveries.c.id.in_(bindparam("ids", expanding=True))
_HERE = and_(_THESE, or_(ABANDONED, WAITING))
_LEASED = {
    "state": "sending",
    "reason": None,
    "attempts": deliveries.c.attempts + 1,
    "unsettled": deliveries.c.unsettled + 1,  # until it is settled
    "fence": deliveries.c.fence + 1,
    "first_attempt_at": func.coalesce(deliveries.c.first_attempt_at, bindparam("now", type_=Instant)),
    "lease_until": bindparam("lease", type_=Instant),
    "revision": func.coalesce(deliveries.c.revision, bindparam("plan")),  # what was begun is repeated with what it was begun with
}


def reserve_batch(db: Connection, run: Run, push: PushSection, zone: ZoneInfo, now: datetime, size: int) -> list[Reserved] | None:
    """Looks at up to `size` deliveries of a run and takes those that may be called for now, each charged to its follower's limits.

    Whoever left, refused, is blacklisted or is at a limit is skipped with the reason, or waits. Deliveries whose sender died come first:
    they are repeated where all that still holds and the platform still remembers their client_msg_id, else they are `unknown`.
    Returns None where there is nothing to look at, or the account's quota is used up (the run is then held until it is not); [] where
    there was something, and none of it may be called for.
    """
    found = delivery.candidates(db, run.id, now, size)
    if not found:
        return None
    if db.dialect.name != "sqlite":  # there the writer is alone
        db.execute(_LOCK_FOLLOWERS, {"people": sorted({row.follower_id for row in found})})
    terms = Terms.of(run, push, zone)
    ways, reasons = _ways(db, run, terms, found, now)
    granted = _granted(db, run, ways, terms, now)
    if granted is None:
        return None
    if not granted:
        return []
    ids = [one for each in granted.values() for one in each]
    conditions = [
        Condition(_repeatable(now), NO_ANSWER),
        Condition(deliveries.c.unsettled < POISON, POISONED),
        *terms.conditions(granted, now),
    ]
    values = {"ids": ids, "now": now, "lease": now + LEASE, "plan": run.revision}
    taken = set(admit(db, terms, conditions, _HERE, _LEASED, values, len(ids)))
    spent = _spent(db, run, granted, {row.id: row.follower_id for row in found if row.id in taken}, now)
    taken -= {one for one, of_it in spent.items() if of_it is None}
    for reason in set(reasons.values()):
        db.execute(_SAYS, {"ids": [one for one in taken if reasons.get(one) == reason], "why": reason})
    for way, asked in granted.items():
        if left := sum(one not in taken for one in asked):
            quota.give_back(db, way, left, now)
    by_way = {one: way for way, each in granted.items() for one in each}
    reserved = [delivery.about_to_be(row, by_way[row.id], run.revision, now) for row in found if row.id in taken]
    return [replace(one, reason=reasons.get(one.id), spent=spent.get(one.id)) for one in reserved] if reasons or spent else reserved


class Condition(NamedTuple):
    """What must hold of a delivery and its follower, and what to say where it does not. A bound may let them through later."""

    holds: ColumnElement[bool]
    reason: str
    bound: Bound | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a run's deliveries are reserved."""

    push: PushSection
    zone: ZoneInfo
    urgent: bool = False
    exempt: bool = False  # outside the operator's limits, and not counted in them
    test: bool = False  # outside the platform's limits per follower, too
    marketing: bool = False  # not to whoever is in the control group of all marketing
    topic: str | None = None  # only to whoever is subscribed to it
    patience: datetime | None = None  # until then the capped ones wait for their next slot; None: they are skipped

    @classmethod
    def of(cls, run: Run, push: PushSection, zone: ZoneInfo) -> Terms:
        """Those of this run, under these rules."""
        patience = run.created_at + span(run.plan.wait) if run.plan.wait and not run.test else None
        urgent, exempt = run.plan.priority == "urgent", run.plan.is_exempt or run.test
        return cls(push, zone, urgent, exempt, run.test, run.plan.is_marketing, run.plan.topic, patience)

    def conditions(self, ways: Collection[Way], now: datetime) -> Iterator[Condition]:
        """Consent, and what limits a push by any of these ways: of deliveries whose way is written on them."""
        yield from _CONSENT
        if self.topic:
            yield Condition(_is(topic.subscribed(self.topic)), route.not_subscribed(self.topic))
        if route.MUTED_WAYS.issuperset(ways):  # where there are others, they are gone by
            yield Condition(_is(route.can_be_reached(now)), route.MUTED)
        if self.test:
            return
        if self.marketing and self.push.control:
            yield Condition(~in_control(deliveries.c.follower_id, self.push.control), CONTROL)
        every = dict.fromkeys(bound for way in ways for bound in bounds(self.push, way, self.zone, urgent=self.urgent, exempt=self.exempt))
        for bound in every:
            within = _used(bound, now) < bound.most
            if bound.way is not None and set(ways) != {bound.way}:
                within = or_(deliveries.c.channel != bound.way, within)
            yield Condition(within, bound.reason, bound)


def _repeatable(now: datetime) -> ColumnElement[bool]:
    return func.coalesce(deliveries.c.first_attempt_at, now) > now - delivery.REPEATABLE


def _is(fact: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(followers.c.id).where(followers.c.id == deliveries.c.follower_id, fact).correlate(deliveries).exists()


# Built once: every batch has them.
_CONSENT = (
    Condition(_is(followers.c.subscribed), "未关注 not following"),
    Condition(_is(followers.c.refused_at.is_(None)), "已退订 refused"),
    Condition(_is(followers.c.blocked_at.is_(None)), "黑名单 blacklisted"),
)
_charged = deliveries.alias("charged")
_COUNTED = (
    select(func.count()).select_from(_charged).where(_charged.c.follower_id == deliveries.c.follower_id, _charged.c.id != deliveries.c.id)
)


def _used(bound: Bound, now: datetime) -> ColumnElement[int]:
    """How many of a follower's other deliveries count in this bound now."""
    used = _COUNTED.where(_charged.c.charged_at >= bound.since(now))
    if bound.way is not None:
        used = used.where(_charged.c.channel == bound.way)
    if not bound.platform:
        used = used.where(~_charged.c.exempt)
    return used.correlate(deliveries).scalar_subquery()


def admit(
    db: Connection,
    terms: Terms,
    conditions: Sequence[Condition],
    which: ColumnElement[bool],
    taken: Mapping[str, Any],
    values: Mapping[str, Any],
    number: int,
) -> list[int]:
    """Takes those of these deliveries for which the conditions hold: afterwards they are as `taken` says, and charged. Returns their ids.

    The others are skipped with the reason, or wait; what may have been called for before is unknown. `number` is how many there are;
    `which` is true of none that was taken. `values` are those of the parameters; `now` is one of them.
    """
    charged = {"charged_at": bindparam("now", type_=Instant), "exempt": terms.exempt}  # a repeat moves its charge: it may be this call
    take = update(deliveries).where(which, *(one.holds for one in conditions)).values({**charged, **taken}).returning(deliveries.c.id)
    ids = list(db.execute(take, values).scalars())
    if len(ids) < number:
        _leave(db, terms, conditions, which, values)
    return ids


_OVER = {
    "state": case((deliveries.c.state == "pending", "skipped"), else_="unknown"),
    "lease_until": None,
    "settled_at": bindparam("now", type_=Instant),
}


def _leave(db: Connection, terms: Terms, conditions: Sequence[Condition], which: ColumnElement[bool], values: Mapping[str, Any]) -> None:
    why = case(*((~one.holds, literal(one.reason)) for one in conditions), else_="")
    if terms.patience is None:
        db.execute(update(deliveries).where(which).values(**_OVER, reason=why), values)
        return
    facts = (deliveries.c.id, deliveries.c.follower_id, deliveries.c.channel, deliveries.c.state, why.label("why"))
    rows = db.execute(select(*facts).where(which), values).all()
    bounded = {one.reason for one in conditions if one.bound}
    waiting = [row for row in rows if row.state == "pending" and row.why in bounded]
    slots = _slots(db, terms, waiting, values["now"])
    put_off(db, {row.id: (slot, WAITS + row.why) for row in waiting if (slot := slots[row.id]) is not None})
    rest = [row for row in rows if slots.get(row.id) is None]
    late = {row.id for row in waiting}
    _end(db, {row.id: row.why + (TOO_LATE if row.id in late else "") for row in rest}, values["now"])


def _slots(db: Connection, terms: Terms, rows: Sequence[Any], now: datetime) -> dict[int, datetime | None]:
    """When each of these deliveries may be called for; None where that is later than the run waits, or never."""
    assert terms.patience is not None
    charges = charges_of(db, [row.follower_id for row in rows], remembered(terms.push, terms.zone, now))
    found: dict[int, datetime | None] = {}
    for row in rows:
        said = verdict(terms.push, charges[row.follower_id], row.channel, terms.urgent, now, terms.zone, exempt=terms.exempt)
        slot = getattr(said, "next_slot", now)
        found[row.id] = slot if slot is not None and slot <= terms.patience else None
    return found


_CHARGES = select(deliveries.c.follower_id, deliveries.c.charged_at, deliveries.c.channel, deliveries.c.exempt).where(
    deliveries.c.follower_id.in_(bindparam("people", expanding=True)), deliveries.c.charged_at >= bindparam("since", type_=Instant)
)


def charges_of(db: Connection, people: Collection[int], since: datetime) -> defaultdict[int, list[Charge]]:
    """What each of these followers was called for since then, as far as it may have been taken."""
    found: defaultdict[int, list[Charge]] = defaultdict(list)
    for follower, at, way, exempt in db.execute(_CHARGES, {"people": list(people), "since": since}):
        found[follower].append(Charge(at, way or "template", exempt))
    return found


_PUT_OFF = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("delivery"))
    .values(lease_until=bindparam("again", type_=Instant), reason=bindparam("why"))
)
_END = update(deliveries).where(deliveries.c.id == bindparam("delivery")).values(**_OVER, reason=bindparam("why"))


def put_off(db: Connection, until: Mapping[int, tuple[datetime, str]]) -> None:
    """Afterwards these deliveries, by id, are left alone until their time, and say why."""
    if until:
        db.execute(_PUT_OFF, [{"delivery": one, "again": at, "why": why} for one, (at, why) in until.items()])


def _end(db: Connection, reasons: Mapping[int, str], now: datetime) -> None:
    if reasons:
        db.execute(_END, [{"delivery": one, "why": why, "now": now} for one, why in reasons.items()])


_GOES = update(deliveries).where(_THESE).values(channel=bindparam("way"))


def _full(db: Connection, run: Run, terms: Terms, found: Sequence[Row[Any]], now: datetime) -> dict[int, Collection[str]]:
    """Which of the plan's ways are at a limit of their own, by follower, where there is another way to go."""
    push, ways, urgent, exempt = terms.push, run.plan.ways, terms.urgent, terms.exempt
    own = (bound.way for way in ways[:-1] for bound in bounds(push, way, terms.zone, urgent=urgent, exempt=exempt))
    if not any(own):
        return {}
    charges = charges_of(db, [row.follower_id for row in found], remembered(push, terms.zone, now))
    return {row.follower_id: full(push, charges[row.follower_id], ways, urgent, now, terms.zone, exempt=exempt) for row in found}


def _ways(db: Connection, run: Run, terms: Terms, found: Sequence[Row[Any]], now: datetime) -> tuple[dict[Way, list[int]], dict[int, str]]:
    """The deliveries by the way they go, which is written on them, and why they go it, where there was a choice.

    Those for which none is lawful are over; mass goes in lists.
    """
    ways: defaultdict[Way, list[int]] = defaultdict(list)
    written: defaultdict[Way, list[int]] = defaultdict(list)
    none: dict[int, str] = {}
    choices = route.propose(db, run.plan, found, now, _full(db, run, terms, found, now))
    for row in found:
        way, reason = choices[row.id].way, choices[row.id].reason
        if way is None:
            none[row.id] = reason or ""
            continue
        if way != row.channel:
            written[way].append(row.id)
        if way != "mass":
            ways[way].append(row.id)
    _end(db, none, now)
    for way, ids in written.items():
        db.execute(_GOES, {"ids": ids, "way": way})
    return ways, {number: choice.reason for number, choice in choices.items() if choice.way is not None and choice.reason is not None}


_SAYS = update(deliveries).where(_THESE).values(reason=bindparam("why"))
_LET_GO = (
    update(deliveries)
    .where(_THESE)
    .values(
        state="pending",
        attempts=deliveries.c.attempts - 1,
        unsettled=deliveries.c.unsettled - 1,
        revision=None,
        first_attempt_at=None,
        charged_at=None,
        lease_until=bindparam("again", type_=Instant),
    )
)


def _spent(
    db: Connection, run: Run, granted: Mapping[Way, list[int]], taken: Mapping[int, int], now: datetime
) -> dict[int, route.Spent | None]:
    """What the calls of these deliveries (id: follower) use up of their followers'; where somebody else was faster, None: let go again."""
    spent: dict[int, route.Spent | None] = {}
    for way, ids in granted.items():
        for one in sorted(taken.keys() & set(ids), key=lambda one: taken[one]) if way in route.SPENDS else ():
            try:
                spent[one] = route.spend(db, run.plan, taken[one], way, now)
            except route.NothingLeft:
                spent[one] = None
    if late := [one for one, of_it in spent.items() if of_it is None]:
        db.execute(_LET_GO, {"ids": late, "again": now})
    return spent


def _granted(db: Connection, run: Run, ways: Mapping[Way, list[int]], terms: Terms, now: datetime) -> dict[Way, list[int]] | None:
    """Those for whom the account's quota holds a call, which is taken. The others wait until it is reset: a run of one way as a whole."""
    granted: dict[Way, list[int]] = {}
    for way in (one for one in WAYS if one in ways):  # in one order, whatever that of the deliveries is
        ids = ways[way]
        got = quota.take(db, way, len(ids), terms.push.quotas, now, urgent=terms.urgent)
        if got.number:
            granted[way] = ids[: got.number]
        if got.until is None:
            continue
        if run.plan.ways != (way,):
            put_off(db, dict.fromkeys(ids[got.number :], (got.until, got.reason)))
        elif not got.number:
            broadcast.hold(db, run.id, got.until, got.reason)
            return None
    return granted
