"""Replays the coming weeks: every occasion in its time, every follower against their limits, the account's pace and quiet hours.

Followers with the same charges behind them are one class, and each class is judged once for as long as its verdict cannot change: once with
everything as late as any of them had it and once with everything as early. Where the two agree they hold for all; where they do not,
each follower is judged by their own times. Whose class they are in, each follower keeps: the exact ids are always at hand.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from models import budget, quota
from models.broadcast import Broadcast
from models.budget import PLATFORM_ZONE, Allowed, Capped, Charge
from models.clock import business_day, start_of_day
from models.plan.crowd import PLAIN, REFUSED, Crowd, Parted, Source, instant, micros
from models.plan.occasion import Occasion
from models.push import PushSection
from models.route import Choice, Facts, cheapest

ENDLESS = 2**62
BREAK = 3_600_000_000  # microseconds after which a run that goes on has a source of its own
BATCH, BATCH_SECONDS = 256, 4  # of the sender: what it reserves at once, and for how long at most
SPENT = ("customer_message", "subscription")  # what these use up is counted for as long as the plan goes
_RANK = {"urgent": 0, "normal": 0, "low": 1}  # only what is low gives way (broadcast.active)
Used = Mapping[tuple[str, datetime], int]  # calls that were made by a way in the window that began then
FactsOf = Callable[[Broadcast, datetime], Mapping[int, Facts]]
_Behind = tuple[int, str, bool]  # a charge: number of the source, way, whether it was exempt
_Class = tuple[_Behind, ...]  # the charges behind a follower


@dataclass(slots=True)
class Sending:
    """What became of one occasion."""

    occasion: Occasion
    number: int  # in the order in which their runs are made: the sender takes the older ones first
    wanting: int  # in the segment and want to be pushed to
    to_topic: int | None = None  # followers who want to be pushed to and are subscribed to its topic; None: it has none
    no_way: set[str] = field(default_factory=set)  # of the reasons in `left_out`: those that say that no way is open
    left_out: defaultdict[str, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("I")))  # by reason
    reached: list[Source] = field(default_factory=list)
    by_way: Counter[str] = field(default_factory=Counter)
    starved_by: Counter[str] = field(default_factory=Counter)  # followers who would have got it without that broadcast
    contested: set[int] = field(default_factory=set)  # of whom it depends on which of two runs at the same time is the quicker
    delayed: int = 0  # sent later than due because of quiet hours
    waited: int = 0  # sent later than due because of a limit
    held: bool = False  # for some time, because the account's quota of the day was used up
    open: int = 0  # still waiting when the plan ends
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def final(self) -> int:
        """How many get it."""
        return sum(len(source.who) for source in self.reached)


@dataclass(slots=True)
class _Stream:
    """Followers of one occasion who are next, in the order in which they are sent to."""

    sending: Sending
    number: int  # of its source
    targets: Sequence[int]
    next: int = 0
    began: int = 0  # when it could first send: whoever was charged since then may have been the slower one
    again: bool = False  # these have waited for their limit
    quiet: bool = False  # these have waited for the end of quiet hours
    held: bool = False  # until the platform counts anew
    odd: Mapping[int, Facts] | None = None  # who is not like most, as things stood when it last began

    @property
    def rank(self) -> int:
        return _RANK[self.sending.occasion.planned.priority]


@dataclass(slots=True, eq=False)
class _Verdict:
    """What happens to a follower of a class: sent to and afterwards of another class, left out, or to be tried again."""

    after: int = -1
    way: str = ""
    reason: str = ""
    slot: datetime | None = None
    by: tuple[str, ...] = ()  # without one of these broadcasts it would have been sent
    contested: bool = False
    people: list[int] = field(default_factory=list)  # of this turn who are not sent to


_EACH = _Verdict(reason="each")  # of this class every follower is judged alone


class Replay:
    """One replay of the weeks from `now`: `play` it, then read `sendings`."""

    def __init__(
        self, crowd: Crowd, rules: PushSection, zone: ZoneInfo, now: datetime, until: datetime, facts_of: FactsOf, used: Used
    ) -> None:
        self._crowd, self._rules, self._zone, self._until, self._facts_of = crowd, rules, zone, until, facts_of
        self._pace = rules.pace / crowd.one_in
        self._step = 1_000_000 / self._pace  # microseconds from one call to the next
        self._used = Counter(used)
        self._clock = now
        self.sendings: list[Sending] = []
        self.sources: list[Source] = []
        self._classes: list[_Class] = [()]
        self._numbers: dict[_Class, int] = {(): 0}
        self._of = array("I", bytes(4 * len(crowd.ids)))
        self._coming: list[tuple[datetime, int, int, _Stream]] = []  # from when, of which sending, by which source
        self._again: dict[tuple[datetime, int], _Stream] = {}
        self._active: list[_Stream] = []
        for (_, way, exempt, _), source in crowd.history.items():
            number = self._source(source)
            for who in source.who:
                self._of[who] = self._charged(self._of[who], (number, way, exempt))
        self._planned_from = len(self.sources)

    def add(self, occasion: Occasion, parted: Parted) -> None:
        """One occasion more, with everybody the segment means."""
        sending = Sending(occasion, len(self.sendings), len(parted.left) + sum(map(len, parted.held_out.values())), parted.to_topic)
        self.sendings.append(sending)
        for reason, people in ((REFUSED, parted.refused), *parted.held_out.items()):
            if people:
                sending.left_out[reason].extend(people)
        self._begin(occasion.begins, _Stream(sending, self._source_of(sending), parted.left))

    def play(self) -> list[Sending]:
        """Everything happens until there is nothing left, or the plan's weeks are over."""
        while self._coming or self._active:
            self._admit()
            if self._clock >= self._until:
                break
            if quiet := self._rules.quiet_until(self._clock, self._zone):
                for stream in self._active:
                    stream.quiet, stream.odd = True, None
                self._clock = quiet
                continue
            self._turn()
        for stream in (*self._active, *(stream for *_, stream in self._coming)):
            stream.sending.open += len(stream.targets) - stream.next
        return self.sendings

    # The order of things

    def _begin(self, at: datetime, stream: _Stream) -> None:
        heapq.heappush(self._coming, (at, stream.sending.number, stream.number, stream))

    def _admit(self) -> None:
        if not self._active:
            self._clock = max(self._clock, self._coming[0][0])
        while self._coming and self._coming[0][0] <= self._clock:
            at, _, _, stream = heapq.heappop(self._coming)
            stream.held, stream.began = False, stream.began or micros(self._clock)
            if stream.again and not stream.next:
                self._again.pop((at, id(stream.sending)), None)
                stream.targets = array("I", sorted(stream.targets))
            self._active.append(stream)

    def _turn(self) -> None:
        """The first of the most urgent runs sends; where there is another like it, no more than its turn."""
        rank = min(stream.rank for stream in self._active)
        among = [stream for stream in self._active if stream.rank == rank]
        stream = among[0]
        self._active.remove(stream)
        self._send(stream, self._boundary(), self._share(len(among)))
        if stream.next < len(stream.targets) and not stream.held:
            self._active.append(stream)

    def _share(self, runs: int) -> int:
        """How many deliveries a run sends before another has its turn, as the sender reserves them."""
        return ENDLESS if runs == 1 else max(1, min(BATCH // self._crowd.one_in, int(self._pace * BATCH_SECONDS) // runs))

    def _boundary(self) -> datetime:
        """When the next thing happens that may change a verdict for everybody: another run, quiet hours, a new day."""
        tomorrow = start_of_day(business_day(self._clock, self._zone) + timedelta(days=1), self._zone)
        ends = [tomorrow, self._until, start_of_day(business_day(self._clock, PLATFORM_ZONE) + timedelta(days=1), PLATFORM_ZONE)]
        if self._coming:
            ends.append(self._coming[0][0])
        if quiet := self._rules.quiet_from(self._clock, self._zone):
            ends.append(quiet)
        return max(min(ends), self._clock + timedelta(microseconds=1))

    # One run's turn

    def _send(self, stream: _Stream, until: datetime, most: int) -> None:
        begin, sending, of = self._clock, stream.sending, self._of
        if 0 < self.sources[stream.number].last < micros(begin) - BREAK:  # charges of two days in one source would be judged one by one
            stream.number = self._source_of(sending)
        source = self.sources[stream.number]
        if stream.odd is None:
            stream.odd = self._facts_of(sending.occasion.planned, begin)
        most = min(most, max(1, int((until - begin).total_seconds() * self._pace)), len(stream.targets) - stream.next)
        start, end = micros(begin), begin + timedelta(microseconds=most * self._step)
        at, odd, room, known, sent = stream.next, stream.odd, self._room(stream, begin), dict[object, _Verdict](), Counter[str]()
        elapsed = 0.0
        while at < len(stream.targets) and most:
            who = stream.targets[at]
            of_class, facts = of[who], odd.get(who, PLAIN) if odd else PLAIN
            alike = of_class if facts is PLAIN else (of_class, facts)
            verdict = known.get(alike)
            if verdict is None:
                verdict = known[alike] = self._of_class(stream, of_class, facts, begin, end)
            if verdict is _EACH:
                verdict = self._of_one(stream, who, facts, start + round(elapsed))
                known[len(known), who] = verdict
            if verdict.after < 0:
                verdict.people.append(who)
            elif sent[verdict.way] >= room.get(verdict.way, ENDLESS):
                self._hold(stream, verdict.way, begin)
                break
            else:
                source.who.append(who)
                source.at.append(start + round(elapsed))
                of[who] = verdict.after
                sent[verdict.way] += 1
                most -= 1
                elapsed += 0 if verdict.way == "mass" else self._step
            at += 1
        stream.next = at
        for verdict in known.values():
            self._not_sent(stream, verdict)
        self._note(stream, begin, elapsed, sent)

    def _note(self, stream: _Stream, begin: datetime, elapsed: float, sent: Counter[str]) -> None:
        self._clock = begin + timedelta(microseconds=round(elapsed))
        sending, many = stream.sending, sum(sent.values())
        if many:
            sending.begins, sending.ends = sending.begins or begin, self._clock
            sending.by_way.update(sent)
            self.sources[stream.number].seen()
            sending.delayed += many if stream.quiet else 0
            sending.waited += many if stream.again else 0
            for way, number in sent.items():
                for window in quota.windows(self._rules.quotas, way):
                    self._used[way, window.begin(begin)] += number * self._crowd.one_in

    # The account's quotas: of mass messages, lists are counted, and a day has room for a million followers

    def _room(self, stream: _Stream, now: datetime) -> dict[str, int]:
        """How many calls of each way the account's quota of the day still has room for."""
        urgent, limits = stream.sending.occasion.planned.priority == "urgent", self._rules.quotas
        room: dict[str, int] = {}
        for way in (way for way in stream.sending.occasion.planned.ways if way != "mass"):
            for window in quota.windows(limits, way):
                free = window.free_for(urgent, limits.reserve) - self._used[way, window.begin(now)]
                room[way] = max(0, free // self._crowd.one_in)
        return room

    def _hold(self, stream: _Stream, way: str, now: datetime) -> None:
        """The account's quota is used up: the run goes on when the platform counts anew."""
        again = min(window.end(now) for window in quota.windows(self._rules.quotas, way))
        stream.odd, stream.held, stream.sending.held = None, True, True
        self._begin(again, stream)

    def _not_sent(self, stream: _Stream, verdict: _Verdict) -> None:
        sending, many = stream.sending, len(verdict.people)
        if not many:
            return
        if verdict.contested:
            sending.contested.update(verdict.people)
        if verdict.slot is not None:
            self._later(stream, verdict.people, verdict.slot)
            return
        sending.left_out[verdict.reason].extend(verdict.people)
        for broadcast in verdict.by:
            sending.starved_by[broadcast] += many

    def _later(self, stream: _Stream, people: list[int], slot: datetime) -> None:
        """They are tried again then, with whoever of the same occasion has the same second."""
        at = slot.replace(microsecond=0) + timedelta(seconds=1 if slot.microsecond else 0)
        key = at, id(stream.sending)
        if key not in self._again:
            self._again[key] = _Stream(stream.sending, self._source_of(stream.sending), array("I"), again=True)
            self._begin(at, self._again[key])
        waiting = self._again[key].targets
        assert isinstance(waiting, array)
        waiting.extend(people)

    # Verdicts

    def _of_class(self, stream: _Stream, number: int, facts: Facts, begin: datetime, end: datetime) -> _Verdict:
        """The verdict for all of a class from begin to end, or _EACH where it is not the same for all."""
        behind, sources = self._classes[number], self.sources
        fullest = [Charge(instant(sources[one].last), way, exempt) for one, way, exempt in behind]
        emptiest = [Charge(instant(sources[one].first), way, exempt) for one, way, exempt in behind]
        choice = self._choice(stream, number, facts, fullest, begin)
        if choice.way is None:
            stream.sending.no_way.add(choice.reason or "")
            return _Verdict(reason=choice.reason or "")
        if choice.way != self._choice(stream, number, facts, emptiest, end).way:
            return _EACH
        said, other = self._ask(stream, fullest, choice.way, begin), self._ask(stream, emptiest, choice.way, end)
        if said != other:
            return _EACH
        one = self._verdict(stream, number, fullest, choice.way, begin, said)
        return one if not one.by or one.by == self._guilty(stream, number, emptiest, choice.way, end)[0] else _EACH

    def _of_one(self, stream: _Stream, who: int, facts: Facts, at: int) -> _Verdict:
        number, now = self._of[who], instant(at)
        charges = [Charge(instant(self._charged_at(one, who)), by, exempt) for one, by, exempt in self._classes[number]]
        way = self._choice(stream, number, facts, charges, now).way
        assert way is not None  # the class has one
        return self._verdict(stream, number, charges, way, now, self._ask(stream, charges, way, now))

    def _choice(self, stream: _Stream, number: int, facts: Facts, charges: Sequence[Charge], now: datetime) -> Choice:
        """The way, when what this plan has sent them before is taken off what they allow."""
        planned = stream.sending.occasion.planned
        template = planned.subscription.template if planned.subscription else ""
        if facts is not PLAIN:
            used = Counter((way, self.sources[one].spends) for one, way, _ in self._classes[number] if one >= self._planned_from)
            messages = facts.messages - sum(many for (way, _), many in used.items() if way == "customer_message")
            facts = replace(facts, messages=max(messages, 0), permissions=max(facts.permissions - used["subscription", template], 0))
        # Whoever is not subscribed to its topic is none of its targets.
        urgent, exempt = planned.priority == "urgent", planned.is_exempt
        full = budget.full(self._rules, charges, planned.ways[1:] and planned.ways, urgent, now, self._zone, exempt=exempt)
        return cheapest(planned.model_copy(update={"topic": None}) if planned.topic else planned, facts, full)

    def _ask(self, stream: _Stream, charges: list[Charge], way: str, now: datetime) -> Allowed | Capped:
        planned = stream.sending.occasion.planned
        said = budget.verdict(self._rules, charges, way, planned.priority == "urgent", now, self._zone, exempt=planned.is_exempt)
        if isinstance(said, Capped) and not (planned.wait and said.next_slot and said.next_slot <= stream.sending.occasion.patience):
            return Capped(said.reason, None)  # nobody waits: it does not matter for how long
        return said

    def _verdict(self, stream: _Stream, number: int, charges: list[Charge], way: str, now: datetime, said: Allowed | Capped) -> _Verdict:
        if isinstance(said, Allowed):
            charge = stream.number, way, stream.sending.occasion.planned.is_exempt
            return _Verdict(self._charged(number, charge, now), way)
        if said.next_slot:
            return _Verdict(
                slot=said.next_slot, contested=any(self.sources[one].last >= stream.began for one, _, _ in self._classes[number])
            )
        by, contested = self._guilty(stream, number, charges, way, now)
        return _Verdict(reason=said.reason, by=by, contested=contested)

    def _guilty(self, stream: _Stream, number: int, charges: list[Charge], way: str, now: datetime) -> tuple[tuple[str, ...], bool]:
        """The broadcasts without each of which it would have been sent (without all of which, where one alone would not do).

        And whether one of them may have been the slower one.
        """
        alone = [at for at in range(len(charges)) if self._ask(stream, charges[:at] + charges[at + 1 :], way, now) == Allowed()]
        behind = self._classes[number]
        numbers = {behind[at][0] for at in alone or range(len(charges))}
        by = tuple(sorted({self.sources[one].broadcast for one in numbers}))
        return by, any(self.sources[one].last >= stream.began for one in numbers)

    # Classes and sources

    def _charged(self, number: int, charge: _Behind, now: datetime | None = None) -> int:
        """The class of those of this class who are charged once more. What is too long ago to count is forgotten."""
        kept = self._classes[number]
        if now is not None:
            since = micros(budget.remembered(self._rules, self._zone, now))
            kept = tuple(one for one in kept if self.sources[one[0]].last >= since or one[1] in SPENT)
        key = (*kept, charge)
        if key not in self._numbers:
            self._numbers[key] = len(self._classes)
            self._classes.append(key)
        return self._numbers[key]

    def _charged_at(self, number: int, who: int) -> int:
        source = self.sources[number]
        return source.at[bisect_left(source.who, who)]

    def _source(self, source: Source) -> int:
        self.sources.append(source)
        return len(self.sources) - 1

    def _source_of(self, sending: Sending) -> int:
        planned = sending.occasion.planned
        source = Source(planned.key, planned.subscription.template if planned.subscription else "")
        sending.reached.append(source)
        return self._source(source)
