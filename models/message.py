"""The message of a run as one follower gets it: their variant, the lines meant for them, their variables, the run's links.

What is known of a follower is read with the reservation (`prepare`), many at once and only what the plan asks for; `compose` then needs
no database. A preview is the same, but for the links.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, case, func, update
from sqlalchemy.engine import Connection

from models import broadcast, cohort, facts, link
from models.broadcast import Broadcast, Run
from models.broadcast.planned import ADDRESS, ENDS, addresses
from models.config import Config, fill
from models.delivery import Reserved, deliveries
from models.facts import UNKNOWN, Facts
from models.field import fitted
from models.follower import Follower
from models.link import Link
from models.push import rules_of


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed to the platform; which parts count depends on the way it goes."""

    template: str = ""
    data: Mapping[str, str] | None = None
    url: str = ""
    text: str = ""


def compose(run: Run, reserved: Reserved, local: datetime) -> Message:
    """The run's content for this follower and the way chosen for them, at a time in the account's zone.

    What was begun with a content that was edited since is repeated with that (`prepare` knows it).
    """
    plan: Broadcast = reserved.facts.begun_with or run.plan
    return _say(plan.contents.get(reserved.variant, plan), reserved.follower, reserved.channel, reserved.facts, local, reserved.id)


def is_the_same_for_all(run: Run, reserved: Reserved) -> bool:
    """Whether everybody who gets the run this way in this minute gets the very message that `compose` makes of this delivery."""
    return reserved.facts is UNKNOWN and "name" not in run.plan.asks


def preview(db: Connection, config: Config, planned: Broadcast, people: Sequence[Follower], way: str, now: datetime) -> list[Message]:
    """What these followers would get by this way now, each in their own variant; the links are the operator's own."""
    variants = {one.id: variant(planned, one.id) for one in people}
    known, local = _read(db, config, planned, variants, now), now.astimezone(config.zone)
    return [_say(planned.contents[variants[one.id]], one, way, known[one.id], local, 0) for one in people]


def variant(planned: Broadcast, follower: int) -> str | None:
    """The variant that this follower always gets; None where there are none."""
    purpose = f"variant:{planned.key}"
    return next((key for key, upto in planned.cuts if cohort.within(follower, purpose, upto)), None)


def prepare(db: Connection, config: Config, run: Run, batch: Sequence[Reserved], now: datetime) -> Sequence[Reserved]:
    """The reserved deliveries with all that their messages say of their followers; to be called in the transaction of the reservation.

    Afterwards each delivery keeps the variant it gets, whatever becomes of the shares, and the run's links have their rows.
    """
    found: dict[int, Reserved] = {}
    for revision in {one.revision for one in batch}:
        same = [one for one in batch if one.revision == revision]
        if revision == run.revision:
            ready = _ready(db, config, run, same, now)
        else:
            before = broadcast.load(db, run.id, revision)
            ready = [_begun(one, before) for one in _ready(db, config, before, same, now)]
        found |= {one.id: one for one in ready}
    return [found[one.id] for one in batch]


def _begun(one: Reserved, before: Run) -> Reserved:
    return replace(one, facts=replace(one.facts, begun_with=before.plan))


def _ready(db: Connection, config: Config, run: Run, batch: Sequence[Reserved], now: datetime) -> Sequence[Reserved]:
    plan, counted = run.plan, rules_of(config).links
    base = counted.base if counted else ""
    if not (plan.variants or plan.lines or plan.asks.intersection(facts.READ) or (base and plan.urls)):
        return batch
    variants = _assign(db, plan, batch) if plan.variants else {one.id: None for one in batch}
    known = _read(db, config, plan, {one.follower.id: variants[one.id] for one in batch}, now)
    if base and plan.urls:
        links, tracked = link.of_run(db, run.id, plan.urls, now), facts.tracked(db, list(known))
        known = {who: Facts(one.values, one.lines, links, base, who in tracked) for who, one in known.items()}
    return [replace(one, variant=variants[one.id], facts=known[one.follower.id]) for one in batch]


def for_all(db: Connection, config: Config, run: Run, text: str, now: datetime) -> str:
    """A text that is the same for everybody, its addresses replaced by ours, which tell of nobody. Afterwards the links have their rows."""
    counted, urls = rules_of(config).links, set(addresses(text))
    if counted is None or not urls:
        return text
    return _linked(text, Facts(links=link.of_run(db, run.id, urls, now), base=counted.base), 0)


def _assign(db: Connection, plan: Broadcast, batch: Sequence[Reserved]) -> Mapping[int, str | None]:
    purpose = f"variant:{plan.key}"
    theirs = case(*((cohort.within(deliveries.c.follower_id, purpose, upto), key) for key, upto in plan.cuts))
    keep = (
        update(deliveries)
        .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
        .values(variant=func.coalesce(deliveries.c.variant, theirs))
        .returning(deliveries.c.id, deliveries.c.variant)
    )
    return dict(db.execute(keep, {"ids": [one.id for one in batch]}).all())


def _read(db: Connection, config: Config, plan: Broadcast, variants: Mapping[int, str | None], now: datetime) -> Mapping[int, Facts]:
    """What the plan asks of these followers, each with their variant."""
    values = facts.values(db, config, plan.asks, list(variants), now)
    lines: defaultdict[int, set[int]] = defaultdict(set)
    by_variant: defaultdict[str | None, list[int]] = defaultdict(list)
    for who, key in variants.items():
        by_variant[key].append(who)
    for key, people in by_variant.items():
        conditions = plan.contents.get(key, plan).conditions
        for place, having in facts.lines(db, config, conditions, f"{plan.key}:{key or ''}", people, now).items():
            for who in having:
                lines[who].add(place)
    return {
        who: Facts({name: found.get(who, facts.NOTHING[name]) for name, found in values.items()}, frozenset(lines[who])) for who in variants
    }


_Filled = Callable[[str], str]


def _say(plan: Broadcast, follower: Follower, way: str, known: Facts, local: datetime, delivery: int) -> Message:
    values = _values(plan, follower, known, local)

    def filled(text: str) -> str:
        return _filled(text, values)

    def led(url: str | None) -> str:
        to = known.links.get(url or "")
        return _address(known, delivery, to) if to else filled(url or "")

    if way == "subscription" and plan.subscription is not None:
        sub = plan.subscription
        return Message(sub.template, _data(sub.data, filled), led(sub.page))
    if way == "template":
        return Message(plan.template or "", _data(plan.data, filled), led(plan.url))
    if way == "mass" and plan.mass is not None:
        return Message(text=fill(plan.mass.text or "", {}))  # the same for everybody: scheduler/mass.py sends it, with for_all
    tame = {name: value.replace("<", "＜") if isinstance(value, str) else value for name, value in values.items()}
    lines = [_linked(line, known, delivery) for line in _lines(plan, known)]
    return Message(text="\n".join(_filled(line, tame) for line in lines))


def _values(plan: Broadcast, follower: Follower, known: Facts, local: datetime) -> dict[str, object]:
    """What the plan's variables are; a million messages are not told what they do not ask."""
    if not plan.asks:
        return {}
    values = {**facts.NOTHING, **known.values}
    if "name" in plan.asks:
        values |= {"name": follower.name, "remark": follower.remark}
    if not plan.asks.isdisjoint(("date", "weekday", "time")):
        values["date"] = f"{local.year}年{local.month}月{local.day}日"
        values["weekday"] = f"星期{'一二三四五六日'[local.weekday()]}"
        values["time"] = f"{local:%H:%M}"
    return values


def _lines(plan: Broadcast, known: Facts) -> Sequence[str]:
    """The lines that this follower gets, before anything is filled in."""
    given: list[str | None] = [plan.text]
    if plan.lines is not None:
        given = [
            line if isinstance(line, str) else line.text if place in known.lines else line.otherwise
            for place, line in enumerate(plan.lines)
        ]
    return [line for line in given if line is not None]


def _data(data: Mapping[str, str], filled: _Filled) -> Mapping[str, str]:
    return {key: fitted(key, filled(text)) if "{" in text else text for key, text in data.items()}


_LITERAL = re.compile(r"\{\{\w+\}\}")


def _filled(text: str, values: Mapping[str, object]) -> str:
    """An operator who wrote `{name|朋友}` wants that rather than the name that tells nothing."""
    if "{" not in text:
        return text
    if "{name|" in text and "{name}" not in _LITERAL.sub("", text):
        values = {**values, "name": values["remark"]}
    return fill(text, values)


def _address(known: Facts, delivery: int, to: Link) -> str:
    return f"{known.base}/l/{to.token(delivery if known.tracked else None)}"


def _linked(text: str, known: Facts, delivery: int) -> str:
    """The operator's text with its addresses replaced by ours; it is filled afterwards, so that no value becomes a link of ours."""
    if not known.links:
        return text

    def put(found: re.Match[str]) -> str:
        url = found[0].rstrip(ENDS)
        to = known.links.get(url)
        return found[0] if to is None else _address(known, delivery, to) + found[0][len(url) :]

    return ADDRESS.sub(put, text)
