"""Misses: what followers asked and nobody answered, kept by the inbox, and put together where they ask the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest

from sqlalchemy import Connection, String, and_, case, literal, or_, select

from models.inbox import inbox_entries
from models.relevance import form, terms

ANSWERED, OFFERED = "faq:", "faq?"  # `answered_by` of a question that was answered begins with this, and is this where it was asked back

_SPOKEN = ("text", "msgmenu")
ALIKE = 0.45  # Dice's coefficient, of terms as `relevance` weighs them, from which on two texts ask the same
_LOOKED_UP, _COMPARED = 32, 8


@dataclass(frozen=True, slots=True)
class Miss:
    """A text that was not answered, however it was spelt: as most wrote it, how often, by whom, when last, and how often asked back."""

    text: str
    times: int
    by: frozenset[int]  # ids of followers
    last_at: datetime
    offered: int

    @property
    def followers(self) -> int:
        """How many people wrote it."""
        return len(self.by)


@dataclass(frozen=True, slots=True)
class Group:
    """Misses that ask the same, the most frequent first."""

    misses: tuple[Miss, ...]

    @property
    def times(self) -> int:
        """How many messages."""
        return sum(one.times for one in self.misses)

    @property
    def followers(self) -> int:
        """How many people, each counted once."""
        return len(frozenset[int]().union(*(one.by for one in self.misses)))

    @property
    def last_at(self) -> datetime:
        """When it was asked last."""
        return max(one.last_at for one in self.misses)

    @property
    def offered(self) -> int:
        """How many of the messages were asked back, and none of the choices taken."""
        return sum(one.offered for one in self.misses)


_entry, _next = inbox_entries.alias("entry"), inbox_entries.alias("next_entry")
_answered_next = (
    select(_next.c.answered_by)
    .where(_next.c.follower_id == _entry.c.follower_id, _next.c.id > _entry.c.id)
    .order_by(_next.c.id)
    .limit(1)
    .scalar_subquery()
)
_unanswered = or_(_entry.c.answered_by.is_(None), _entry.c.answered_by.like("%:fallback"))
_MISSED = (
    select(
        _entry.c.text,
        _entry.c.follower_id,
        _entry.c.received_at,
        _entry.c.answered_by,
        case((_entry.c.answered_by == OFFERED, _answered_next), else_=literal(None, String)).label("then"),
    )
    .where(_entry.c.kind.in_(_SPOKEN), _entry.c.text.is_not(None), or_(_unanswered, _entry.c.answered_by == OFFERED))
    .order_by(_entry.c.id)
)


def missed(db: Connection, since: datetime, until: datetime | None = None) -> list[Miss]:
    """What was said from `since` on (before `until`) and got nothing but the fallback, or choices none of which was taken next.

    The most frequent first; texts that differ in width, case, punctuation or script only are one.
    """
    when = and_(_entry.c.received_at >= since, *([_entry.c.received_at < until] if until else []))
    found: defaultdict[str, list[tuple[str, int | None, datetime, bool]]] = defaultdict(list)
    for text, follower, at, by, then in db.execute(_MISSED.where(when)):
        if not (by == OFFERED and str(then or "").startswith(ANSWERED)) and (plain := form(text)):
            found[plain].append((text.strip(), follower, at, by == OFFERED))
    return sorted((_miss(said) for said in found.values()), key=_order)


def _miss(said: Sequence[tuple[str, int | None, datetime, bool]]) -> Miss:
    texts = Counter(text for text, _, _, _ in said)
    most = min(texts, key=lambda text: (-texts[text], text))
    by = frozenset(follower for _, follower, _, _ in said if follower is not None)
    return Miss(most, len(said), by, max(at for _, _, at, _ in said), sum(offered for _, _, _, offered in said))


def _order(miss: Miss) -> tuple[int, int, str]:
    return -miss.times, len(miss.text), miss.text


def likeness(one: dict[str, float], other: dict[str, float]) -> float:
    """How much of two texts' terms is shared: 1 for the same, 0 for nothing (Dice's coefficient, weighted)."""
    weight = sum(one.values()) + sum(other.values())
    return 2 * sum([share for term, share in one.items() if term in other]) / weight if weight else 0.0


def grouped(misses: Iterable[Miss], least: float = ALIKE) -> list[Group]:
    """The misses, each with those that ask the same; the group with the most messages first. The same misses make the same groups.

    The more frequent one comes first and leads; each further one joins the leader that it is most like, or leads a group of its own. So no
    chain of small differences ties together what has nothing in common, as single linkage would.
    """
    leaders = _Leaders(least)
    groups: list[list[Miss]] = []
    for miss in sorted(misses, key=_order):
        leader = leaders.nearest_or_new(terms(miss.text))
        if leader == len(groups):
            groups.append([])
        groups[leader].append(miss)
    made = [Group(tuple(group)) for group in groups]
    return sorted(made, key=lambda group: (-group.times, _order(group.misses[0])))


class _Leaders:
    """The leading texts, found by the terms that they share with another.

    A text is held against those leaders only that share most of its terms, and of a term that many leaders have only the first, most
    frequent ones are looked up: so that 50,000 misses take seconds, and a leader that is passed over is a rare one among hundreds.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._texts: list[dict[str, float]] = []
        self._where: defaultdict[str, list[int]] = defaultdict(list)

    def nearest_or_new(self, asked: dict[str, float]) -> int:
        """The number of the leader that this is most like; a new one's where it is like none."""
        found = (0.0, 0)
        telling = [term for term in asked if len(term) > 1] or list(asked)  # a single character that two share says nothing
        for number in self._candidates(asked, telling):
            found = max(found, (round(likeness(asked, self._texts[number]), 9), -number))
        if found[0] >= self._least:
            return -found[1]
        self._texts.append(asked)
        for term in telling:
            self._where[term].append(len(self._texts) - 1)
        return len(self._texts) - 1

    def _candidates(self, asked: dict[str, float], telling: Iterable[str]) -> list[int]:
        shared: defaultdict[int, float] = defaultdict(float)
        for term in telling:
            share = asked[term]
            for number in self._where.get(term, ())[:_LOOKED_UP]:
                shared[number] += share
        return [-number for _, number in nlargest(_COMPARED, [(share, -number) for number, share in shared.items()])]
