"""The crowd that a plan is replayed for: who follows, who may be pushed to, what they got lately, and who is in which segment when."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select, true

from models import allowance, cohort, topic
from models.broadcast import HELD_OUT, Broadcast
from models.broadcast import load as begun
from models.cohort import CONTROL
from models.delivery import deliveries
from models.follower import followers
from models.grant import grants
from models.plan.occasion import Occasion
from models.route import MUTED_FOR, Facts
from models.segment import understand

FOLLOWS, WANTS = 1, 2
REFUSED = "已退订或黑名单 refused"
PLAIN = Facts(muted=False, messages=0, permissions=0, evidence=None)  # nothing special is known of most followers
AWAKE = timedelta(hours=48)  # whoever did nothing for so long has no allowance
BATCH = 5_000  # followers asked for in one statement
# A sentence with a span means other followers at another time.
_MOVES = re.compile(r"\w_within\s*\(")


@dataclass(slots=True)
class Source:
    """The charges of one sending: who was reached and when, by ascending position in the crowd."""

    broadcast: str
    spends: str = ""  # the template whose permissions its subscription notices use up
    who: array[int] = field(default_factory=lambda: array("I"))
    at: array[int] = field(default_factory=lambda: array("q"))  # microseconds since 1970
    first: int = 0
    last: int = 0

    def add(self, who: int, at: int) -> None:
        """One charge more."""
        self.who.append(who)
        self.at.append(at)

    def seen(self) -> None:
        """Everything was added."""
        self.first, self.last = min(self.at), max(self.at)


class Parted(NamedTuple):
    """The followers a segment means."""

    left: array[int]  # to be reached
    refused: array[int]  # do not want to be pushed to, or are blacklisted
    held_out: dict[str, array[int]]  # to measure what pushes do, by reason
    to_topic: int | None  # of all followers so many want to be pushed to and are subscribed to the topic


@dataclass
class Crowd:
    """Followers by position, ascending by id: what the replay needs to know of them. With `one_in`, every so manieth of them only."""

    one_in: int
    ids: list[int]
    facts: bytearray  # FOLLOWS, WANTS
    history: dict[tuple[str, str, bool, int], Source]  # of broadcast, way, whether exempt, run
    place: Mapping[int, int] = field(repr=False)
    muted: dict[int, datetime] = field(default_factory=dict, repr=False)  # who switched messages off, and when we learned it
    awake: dict[int, datetime] = field(default_factory=dict, repr=False)  # who did something lately, and when
    _segments: dict[object, array[int]] = field(default_factory=dict, repr=False)
    _parted: dict[object, Parted] = field(default_factory=dict, repr=False)
    _topics: dict[str, Set[int]] = field(default_factory=dict, repr=False)
    _out: dict[tuple[str, float], bytearray] = field(default_factory=dict, repr=False)

    @property
    def following(self) -> int:
        """How many follow."""
        return sum(1 for one in self.facts if one & FOLLOWS)

    @property
    def consented(self) -> int:
        """How many of them want to be pushed to."""
        return sum(1 for one in self.facts if one == FOLLOWS | WANTS)

    def parted(self, db: Connection, occasion: Occasion, control: float) -> Parted:
        """The followers an occasion means, if nobody does anything until then: who are to be reached, and who are not for good reason."""
        if occasion.run is not None:
            return self._part(self._waiting(db, occasion), self._groups(occasion.planned, control, begun=True))
        planned = occasion.planned
        key = self._key(occasion.where, occasion.due), planned.topic, planned.key, planned.held_out
        if key not in self._parted:
            meant, wanting = self._meant(db, occasion.where, occasion.due), None
            if planned.topic:
                subscribed = self._subscribed(db, planned.topic)
                wanting = sum(self.facts[who] == FOLLOWS | WANTS for who in subscribed)
                meant = array("I", (who for who in meant if who in subscribed))
            self._parted[key] = self._part(meant, self._groups(planned, control, begun=False), wanting)
        return self._parted[key]

    def _part(self, meant: array[int], groups: Mapping[str, bytearray], to_topic: int | None = None) -> Parted:
        facts, wants = self.facts, FOLLOWS | WANTS
        refused = array("I", (who for who in meant if facts[who] != wants))
        left = array("I", (who for who in meant if facts[who] == wants)) if refused else meant
        held_out = {}
        for reason, group in groups.items():
            held_out[reason] = array("I", (who for who in left if group[who]))
            left = array("I", (who for who in left if not group[who]))
        return Parted(left, refused, held_out, to_topic)

    def _groups(self, planned: Broadcast, control: float, *, begun: bool) -> dict[str, bytearray]:
        """Who does not get it so that effects can be measured: a flag for each follower, by reason."""
        found = {}
        if planned.held_out and not begun:
            found[HELD_OUT] = self._cohort(f"holdout:{planned.key}", planned.held_out)
        if planned.is_marketing and control:
            found[CONTROL] = self._cohort("control", control)
        return found

    def _cohort(self, purpose: str, share: float) -> bytearray:
        if (purpose, share) not in self._out:
            self._out[purpose, share] = bytearray(cohort.within(one, purpose, share) for one in self.ids)
        return self._out[purpose, share]

    def _meant(self, db: Connection, where: str, at: datetime) -> array[int]:
        key = self._key(where, at)
        if key not in self._segments:
            query = select(followers.c.id).where(followers.c.subscribed, understand(where)(at), thinned(self.one_in))
            place = self.place
            self._segments[key] = array("I", (place[one] for one in db.execute(query.order_by(followers.c.id)).scalars() if one in place))
        return self._segments[key]

    def _key(self, where: str, at: datetime) -> tuple[str, datetime | None]:
        return where, at if _MOVES.search(where) else None

    def _subscribed(self, db: Connection, to: str) -> Set[int]:
        if to not in self._topics:
            query = select(followers.c.id).where(topic.subscribed(to), thinned(self.one_in))
            self._topics[to] = {self.place[one] for one in db.execute(query).scalars() if one in self.place}
        return self._topics[to]

    def facts_of(self, db: Connection, planned: Broadcast, at: datetime) -> dict[int, Facts]:
        """What decides by which way each follower gets it at this time; whoever is missing is like most: PLAIN."""
        found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for who, since in self.muted.items():
            if since > at - MUTED_FOR:
                found[who]["muted"] = True
        if "customer_message" in planned.ways:
            people = [self.ids[who] for who, seen in self.awake.items() if seen > at - AWAKE]
            for some in (people[begin : begin + BATCH] for begin in range(0, len(people), BATCH)):
                for one, left in allowance.left_of(db, some, at).items():
                    found[self.place[one]]["messages"] = left
        if planned.subscription:
            query = select(grants.c.follower_id, grants.c.unused).where(
                grants.c.template == planned.subscription.template, grants.c.unused > 0
            )
            for one, left in db.execute(query):
                if one in self.place:
                    found[self.place[one]]["permissions"] = left
        return {who: replace(PLAIN, **facts) for who, facts in found.items()}

    def _waiting(self, db: Connection, occasion: Occasion) -> array[int]:
        """Whom a run that is under way has still to reach."""
        run = occasion.run
        assert run is not None
        place = self.place
        rows = select(deliveries.c.follower_id).where(deliveries.c.run_id == run.id, deliveries.c.state == "pending")
        left = [place[one] for one in db.execute(rows.order_by(deliveries.c.follower_id)).scalars() if one in place]
        ids = self.ids
        new = (one for one in self._meant(db, occasion.where, run.created_at) if occasion.cursor < ids[one] <= occasion.bound)
        to = occasion.planned.topic
        left += [one for one in new if to is None or one in self._subscribed(db, to)]
        return array("I", left)


def thinned(one_in: int) -> ColumnElement[bool]:
    """The condition that keeps every so manieth follower, by chance: ids may come in a rhythm."""
    return cohort.of(followers.c.id, "plan") % one_in == 0 if one_in > 1 else true()


def size(db: Connection) -> int:
    """How many followers we know."""
    return int(db.execute(select(func.count()).select_from(followers)).scalar_one())


def load(db: Connection, since: datetime, now: datetime, one_in: int = 1) -> Crowd:
    """The crowd as it is now, with what was charged to it since then."""
    ids, facts = [], bytearray()
    names = (followers.c.id, followers.c.subscribed, followers.c.refused_at.is_(None), followers.c.blocked_at.is_(None))
    for number, follows, wants, free in db.execute(select(*names).where(thinned(one_in)).order_by(followers.c.id)):
        ids.append(number)
        facts.append((FOLLOWS if follows else 0) | (WANTS if wants and free else 0))
    place = {number: at for at, number in enumerate(ids)}
    muted = {place[one]: at for one, at in db.execute(_lately(followers.c.muted_at, now - MUTED_FOR)) if one in place}
    awake = {place[one]: at for one, at in db.execute(_lately(followers.c.last_seen_at, now - AWAKE)) if one in place}
    return Crowd(one_in, ids, facts, _history(db, since, place), place, muted, awake)


def _lately(column: Column[datetime], since: datetime) -> Select[int, datetime]:
    return select(followers.c.id, column).where(column > since)


def _history(db: Connection, since: datetime, place: Mapping[int, int]) -> dict[tuple[str, str, bool, int], Source]:
    way = func.coalesce(deliveries.c.channel, "template")
    query = select(deliveries.c.run_id, way, deliveries.c.follower_id, deliveries.c.charged_at).where(deliveries.c.charged_at >= since)
    found: defaultdict[tuple[str, str, bool, int], Source] = defaultdict(lambda: Source(""))
    plans: dict[int, Broadcast] = {}
    for run, by, follower, at in db.execute(query.order_by(deliveries.c.follower_id)):
        if follower in place:
            if run not in plans:
                plans[run] = begun(db, run).plan
            source = found[plans[run].key, by, plans[run].is_exempt, run]
            source.broadcast = plans[run].key
            source.add(place[follower], micros(at))
    for source in found.values():
        source.seen()
    return dict(found)


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970."""
    return round(at.timestamp() * 1_000_000)


def instant(at: int) -> datetime:
    """Microseconds since 1970 as an instant."""
    return datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(microseconds=at % 1_000_000)
