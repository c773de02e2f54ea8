"""The forecast: per sending who is reached and where the others were left, who starves whom, and what each follower gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import budget, journey, push, quota
from models.broadcast import HELD_OUT, Broadcast, BroadcastsSection
from models.cohort import CONTROL
from models.config import Config
from models.journey import Journey
from models.plan import crowd as crowds
from models.plan.crowd import PLAIN, REFUSED, Crowd
from models.plan.occasion import Occasion, coming, stopped, under_way
from models.plan.replay import Replay, Sending
from models.push import WAYS
from models.route import Facts, cheapest
from models.segment import SegmentsSection


class Step(NamedTuple):
    """One step of the waterfall: so many are left after it, so many fell out at it."""

    stage: str
    left: int
    out: int


class Story(NamedTuple):
    """What one sending means to one follower: sent at that time, or the reason why not."""

    broadcast: str
    due: datetime
    at: datetime | None
    reason: str | None


@dataclass
class Forecast:
    """What the schedules will send within the weeks, if nobody does anything meanwhile."""

    at: datetime
    until: datetime
    zone: ZoneInfo
    crowd: Crowd
    sendings: list[Sending]
    stopped: list[tuple[int, str, str]] = field(default_factory=list)
    travelling: list[tuple[Journey, int]] = field(default_factory=list)  # journeys, and followers with a step within the weeks: not counted

    def scaled(self, number: int) -> int:
        """A count of the sample as one of all followers."""
        return number * self.crowd.one_in

    def waterfall(self, sending: Sending) -> list[Step]:
        """From all followers to those who get it; each follower falls out once."""
        left_out = {reason: len(who) for reason, who in sending.left_out.items()}
        held, _ = left_out.pop(HELD_OUT, 0) + left_out.pop(CONTROL, 0), left_out.pop(REFUSED, 0)
        no_way = sum(many for reason, many in left_out.items() if reason in sending.no_way)
        lawful = sending.wanting - no_way
        free = lawful - sum(left_out.values()) + no_way
        lefts = [("all", len(self.crowd.ids)), ("following", self.crowd.following), ("consented", self.crowd.consented)]
        if sending.to_topic is not None:
            lefts.append(("topic", sending.to_topic))
        lefts.append(("segment", sending.wanting))
        if no_way:
            lefts.append(("way", lawful))
        lefts += [("capped", free), ("quiet", free - sending.open)]
        if held:
            lefts.append(("holdout", free - sending.open - held))
        lefts.append(("final", sending.final))
        before = [left for _, left in lefts[:1] + lefts[:-1]]
        return [Step(stage, self.scaled(left), self.scaled(was - left)) for (stage, left), was in zip(lefts, before, strict=True)]

    def reached(self, sending: Sending) -> list[int]:
        """The ids of the followers who get it, ascending."""
        return sorted(self.crowd.ids[who] for source in sending.reached for who in source.who)

    def times(self, sending: Sending) -> list[tuple[int, datetime]]:
        """The ids of the followers who get it, and when, ascending."""
        got = ((self.crowd.ids[who], at) for source in sending.reached for who, at in zip(source.who, source.at, strict=True))
        return [(follower, crowds.instant(at)) for follower, at in sorted(got)]

    def of_broadcast(self) -> dict[str, list[Sending]]:
        """The sendings of each broadcast, in the order of time."""
        found: dict[str, list[Sending]] = {}
        for sending in self.sendings:
            found.setdefault(sending.occasion.planned.key, []).append(sending)
        return found

    def totals(self) -> dict[str, int]:
        """How many pushes there are of each broadcast."""
        return {key: self.scaled(sum(one.final for one in sendings)) for key, sendings in self.of_broadcast().items()}

    def total(self) -> int:
        """How many pushes there are in all."""
        return self.scaled(sum(sending.final for sending in self.sendings))

    def capped(self, sending: Sending) -> int:
        """How many do not get it because of a limit."""
        other = {HELD_OUT, CONTROL, REFUSED, *sending.no_way}
        return self.scaled(sum(len(who) for reason, who in sending.left_out.items() if reason not in other))

    def shares(self) -> list[tuple[int, int]]:
        """How many of the followers who want to be pushed to get how many pushes, from none upwards."""
        got = Counter(who for sending in self.sendings for source in sending.reached for who in source.who)
        by_number = Counter(got.values())
        by_number[0] = self.crowd.consented - sum(by_number.values())
        return [(number, self.scaled(by_number[number])) for number in range(max(by_number) + 1)]

    def story(self, follower: int) -> Iterator[Story]:
        """What each sending means to one follower; nothing where they are not meant at all."""
        who = self.crowd.place[follower]
        for sending in self.sendings:
            planned, due = sending.occasion.planned, sending.occasion.due
            for source in sending.reached:
                if who in source.who:
                    yield Story(planned.key, due, crowds.instant(source.at[source.who.index(who)]), None)
            for reason, people in sending.left_out.items():
                if who in people:
                    yield Story(planned.key, due, None, reason)


class Planner:
    """Makes forecasts of one crowd at one instant; what it has looked up once serves all of them."""

    def __init__(self, db: Connection, config: Config, now: datetime, weeks: int = 4, one_in: int = 1) -> None:
        self._db, self._config, self._now = db, config, now
        self.until = now + timedelta(weeks=weeks)
        self.rules = push.rules_of(config)
        self.crowd = crowds.load(db, budget.remembered(self.rules, config.zone, now), now, one_in)
        used = {(one.way, one.per): one.used for one in quota.standing(db, self.rules.quotas, now)}
        every = (window for way in WAYS for window in quota.windows(self.rules.quotas, way))
        self._used = {(one.way, one.begin(now)): used[one.way, one.per] for one in every}
        self._under_way = list(under_way(db, now))

    def forecast(self, planned: Sequence[Broadcast] | None = None) -> Forecast:
        """The plan of these broadcasts; of those of config.yaml where none are given."""
        planned = self._planned if planned is None else planned
        return self._play(coming(self._config, planned, self._now, self.until))

    def at_once(self, planned: Broadcast) -> tuple[Forecast, Sending]:
        """The plan with this broadcast begun now, whatever its state is, and what becomes of it."""
        segment = self._config[SegmentsSection].named(planned.segment)
        assert segment is not None  # the file was checked
        forecast = self._play([Occasion(planned, segment.where, self._now), *coming(self._config, self._planned, self._now, self.until)])
        return forecast, forecast.sendings[len(self._under_way)]

    def ways(self, planned: Broadcast, people: Sequence[int], at: datetime) -> dict[int, str]:
        """The way each of these followers gets it at this time; the first of its ways where none is open."""
        facts, free = self.crowd.facts_of(self._db, planned, at), planned.model_copy(update={"topic": None})
        chosen = {one: cheapest(free, facts.get(self.crowd.place[one], PLAIN)).way for one in people}
        return {one: way or planned.ways[0] for one, way in chosen.items()}

    @property
    def _planned(self) -> Sequence[Broadcast]:
        return self._config[BroadcastsSection].root

    def _play(self, occasions: Sequence[Occasion]) -> Forecast:
        replay = Replay(self.crowd, self.rules, self._config.zone, self._now, self.until, self._facts_of, self._used)
        for occasion in [*self._under_way, *occasions]:
            replay.add(occasion, self.crowd.parted(self._db, occasion, self.rules.control))
        travelling = journey.due_by(self._db, self._config, self.until)
        return Forecast(self._now, self.until, self._config.zone, self.crowd, replay.play(), stopped(self._db), travelling)

    def _facts_of(self, planned: Broadcast, at: datetime) -> Mapping[int, Facts]:
        return self.crowd.facts_of(self._db, planned, at)
