"""Routes: which way a message goes to a follower: the lawful one that costs the account least, and why.

    passive reply (free, while they are here) → customer-service message (inside its allowance) → subscription notice (permitted)
    → template message (a service notice) → mass message (four a month)

Whatever a way uses up (an allowance, a permission) is spent in the transaction that reserves the delivery, before the call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select

from models import allowance, grant, topic
from models.base import Instant
from models.follower import followers
from models.push import WAYS, Way
from models.refusal import Refusal
from models.topic import Evidence

SPENDS = frozenset({"customer_message", "subscription"})  # what they use up is the follower's: `spend`
PASSIVE = "passive"  # the way that is no call: below our reply to what they say

# The platform recognises a repeated call by its key, for ten minutes: what got no answer may be called for again. No other way can.
REPEATABLE = frozenset({"template"})
# The platform refused this way (45015, 45047: the window; 43101: no permission; 48002: switched off), and another may be open.
_REFUSALS: Mapping[str, frozenset[int]] = {
    "customer_message": frozenset({45015, 45047, 48002}),
    "subscription": frozenset({43101}),
    "template": frozenset({48002}),
}
# After 48002 nobody tells us when they switch messages on again: so long they are believed to be off.
MUTED_FOR = timedelta(days=30)

MUTED = "粉丝关闭了接收消息 muted"
MUTED_WAYS = frozenset({"customer_message", "template"})  # closed to whoever switched messages off
_NOT_REPEATED = "平台没有回答 no answer"


class _Notice(Protocol):
    @property
    def template(self) -> str: ...


class Plan(Protocol):
    """What is asked of a broadcast."""

    @property
    def ways(self) -> tuple[Way, ...]: ...
    @property
    def topic(self) -> str | None: ...
    @property
    def subscription(self) -> _Notice | None: ...
    @property
    def passive(self) -> str | None: ...
    @property
    def is_marketing(self) -> bool: ...


class Candidate(Protocol):
    """A delivery that wants a way: `state` is sending where an earlier attempt may have been taken, by `channel`."""

    @property
    def id(self) -> int: ...
    @property
    def follower_id(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def channel(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """The way a delivery goes, None where no way is lawful; and why, in an operator's words. No reason: there was no choice."""

    way: Way | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one way is open to one follower, and why, or why not."""

    way: str
    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What one call used up of the follower's, to be given back where the platform proves that it took nothing."""

    follower: int
    at: datetime
    allowance: allowance.Spent | None = None
    template: str = ""  # of the subscription notice whose permission it was


class NothingLeft(Refusal):
    """Somebody else was faster and used up what this way needs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides for one follower."""

    muted: bool
    messages: int
    permissions: int
    evidence: Evidence | None


_MUTED_ONES = select(followers.c.id).where(
    followers.c.id.in_(bindparam("people", expanding=True)), followers.c.muted_at > bindparam("since", type_=Instant)
)


def propose(
    db: Connection, plan: Plan, rows: Sequence[Candidate], now: datetime, full: Mapping[int, Collection[str]] | None = None
) -> dict[int, Choice]:
    """The way of each of these deliveries as things stand. Nothing is spent: `spend` does, for whoever is reserved in the end.

    `full` are the ways, by follower, that are at a limit of their own.

    What was begun goes on by its own way, if that can be repeated; a plan with one way that needs nothing looked up asks nobody (whether
    messages are switched off is one of the conditions of the reservation too).
    """
    chosen = {row.id: _go_on(row.channel) for row in rows if row.state == "sending"}
    anew = [row for row in rows if row.state != "sending"]
    if plan.topic is None and (plan.ways == ("mass",) or (plan.ways == ("template",) and not plan.is_marketing)):
        return chosen | dict.fromkeys((row.id for row in anew), Choice(plan.ways[0]))
    facts = _facts(db, plan, [row.follower_id for row in anew], now)
    return chosen | {row.id: cheapest(plan, facts[row.follower_id], (full or {}).get(row.follower_id, ())) for row in anew}


def _go_on(channel: str | None) -> Choice:
    way = next((way for way in WAYS if way == (channel or "template")), None)
    return Choice(way) if way in REPEATABLE else Choice(None, _NOT_REPEATED)


def _facts(db: Connection, plan: Plan, people: Sequence[int], now: datetime) -> dict[int, Facts]:
    """One statement for each thing that the plan's ways ask for."""
    if not people:
        return {}
    asks = frozenset(plan.ways)
    muted: set[int] = set()
    if asks & MUTED_WAYS:
        muted = set(db.execute(_MUTED_ONES, {"people": people, "since": now - MUTED_FOR}).scalars())
    messages = allowance.left_of(db, people, now) if "customer_message" in asks else {}
    permissions = grant.left(db, people, plan.subscription.template) if plan.subscription else {}
    told = topic.evidence(db, people, plan.topic) if plan.topic else {}
    return {one: Facts(one in muted, messages.get(one, 0), permissions.get(one, 0), told.get(one)) for one in people}


def cheapest(plan: Plan, facts: Facts, full: Collection[str] = ()) -> Choice:
    """The cheapest way that is open to a follower of whom these are the facts; one that is `full` only where all of them are."""
    if plan.topic and facts.evidence is None:
        return Choice(None, not_subscribed(plan.topic))
    verdicts = list(_verdicts(plan, facts))
    allowed = [one for one in verdicts if one.allowed]
    for verdict in ([one for one in allowed if one.way not in full] or allowed)[:1]:
        return Choice(verdict.way, verdict.reason if len(verdicts) > 1 else None)  # type: ignore[arg-type]
    return Choice(None, "；".join(verdict.reason for verdict in verdicts)[:200])


def can_be_reached(now: datetime) -> ColumnElement[bool]:
    """The condition on the follower table that they have not switched messages off, as far as we know."""
    return or_(followers.c.muted_at.is_(None), followers.c.muted_at <= now - MUTED_FOR)


def not_subscribed(key: str) -> str:
    """Why a follower who is not subscribed to the topic does not get it."""
    return f"没有订阅主题 {key} not subscribed"


def _verdicts(plan: Plan, facts: Facts) -> Iterable[Verdict]:
    for way in plan.ways:
        no, yes = _rule(way, plan, facts)
        yield Verdict(way, no is None, no or yes)


def _rule(way: Way, plan: Plan, facts: Facts) -> tuple[str | None, str]:
    """Why this way is closed to them (None where it is open), and why it is open. The texts are few: deliveries are counted by them."""
    if way == "customer_message":
        no = MUTED if facts.muted else None if facts.messages else "客服消息：没有可用的条数（48 小时内没来说过话，或用完了）no allowance"
        return no, "客服消息：粉丝刚来过，不占模板和群发的额度 within the allowance"
    if way == "subscription":
        if plan.is_marketing:
            return "订阅通知：不能发营销 marketing", ""
        return None if facts.permissions else "订阅通知：粉丝没有授权 no permission", "订阅通知：用掉粉丝授权的一次 permitted once"
    if way == "template":
        if plan.is_marketing:
            return "模板消息：不能发营销 marketing", ""
        return MUTED if facts.muted else None, "模板消息：服务通知 service notice"
    return None, "群发消息：占每人每月 4 条 monthly quota"


_PERSON = select(followers.c.subscribed, followers.c.refused_at, followers.c.blocked_at).where(followers.c.id == bindparam("follower"))


def explain(db: Connection, plan: Plan, follower: int, now: datetime) -> list[Verdict]:
    """Every way there is for this follower, open or not, and why; what stands before all of them comes first, if anything does."""
    person = db.execute(_PERSON, {"follower": follower}).one()
    before = [
        (not person.subscribed, "未关注 not following"),
        (person.refused_at is not None, "已退订 refused"),
        (person.blocked_at is not None, "黑名单 blacklisted"),
    ]
    facts = _facts(db, plan, [follower], now)[follower]
    if plan.topic:
        before.append((facts.evidence is None, not_subscribed(plan.topic)))
    waits = f"被动回复：发出后 {plan.passive} 内来说话，就跟在回复后面说，免费 free below a reply"
    passive = [Verdict(PASSIVE, True, waits)] if plan.passive else []
    return [Verdict("", False, reason) for so, reason in before if so] + passive + list(_verdicts(plan, facts))


def spend(db: Connection, plan: Plan, follower: int, way: Way, now: datetime) -> Spent:
    """What one message by this way (one of SPENDS) uses up is spent. Raises NothingLeft.

    Of any number of processes that spend at once, no more get through than there is.
    """
    if way == "customer_message":
        try:
            return Spent(follower, now, allowance=allowance.spend(db, follower, now))
        except allowance.NoAllowance:
            raise NothingLeft from None
    if plan.subscription is None or not grant.spend(db, follower, plan.subscription.template):
        raise NothingLeft
    return Spent(follower, now, template=plan.subscription.template)


def give_back(db: Connection, spent: Spent) -> None:
    """The platform proved that it took nothing: afterwards what was spent on the call is there again."""
    if spent.allowance:
        allowance.give_back(db, spent.follower, spent.allowance)
    if spent.template:
        grant.give_back(db, spent.follower, spent.template, spent.at)


def falls_back(way: str, errcode: int) -> bool:
    """Whether this refusal closes this way only, so that the next one may be tried."""
    return errcode in _REFUSALS.get(way, ())


def turned_down(db: Connection, spent: Spent, errcode: int, now: datetime) -> None:
    """The platform counts otherwise than we did (45015, 45047, 43101): afterwards we count as it does, and propose another way.

    That they switched messages off (48002) is follower.unreachable's to note.
    """
    if spent.allowance and errcode in (45015, 45047):
        allowance.close(db, spent.follower, now)
    if spent.template and errcode == 43101:
        grant.revoke(db, spent.follower, spent.template, now)
