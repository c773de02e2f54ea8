"""Suspicions: what makes a person look twice at somebody's newcomers before points are paid for them. Each says why, in numbers.

None of them proves anything: a teacher with a class of forty is a burst too. So they hold a payment for an operator and refuse none.
A second account of the same person cannot be seen from here: the platform tells nothing that two of them share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from models.config import Rules


class BurstRules(Rules):
    """So many by one code in so short a time."""

    more_than: int = Field(10, ge=1, le=100_000, description="超过几位")
    minutes: int = Field(60, ge=1, le=44_640, description="多少分钟以内")


class LeaversRules(Rules):
    """A code whose newcomers go again."""

    percent: int = Field(50, ge=1, le=100, description="走掉的占百分之几以上")
    least: int = Field(5, ge=1, le=100_000, description="至少走掉几位才算")


class IdleRules(Rules):
    """A code whose newcomers do what is rewarded and nothing else."""

    percent: int = Field(80, ge=1, le=100, description="除了要求的事什么都没做的占百分之几以上")
    least: int = Field(8, ge=1, le=100_000, description="至少这样的几位才算")


class ChainRules(Rules):
    """A brought B, B brought C, C brought D, all at once."""

    longer_than: int = Field(3, ge=1, le=1000, description="一环接一环超过几环")
    hours: int = Field(24, ge=1, le=744, description="多少小时以内")


class HoldRules(Rules):
    """What an operator looks at before it is paid; `null` turns a check off."""

    burst: BurstRules | None = Field(default_factory=BurstRules, description="一个码短时间里来得太多")
    leavers: LeaversRules | None = Field(default_factory=LeaversRules, description="一个码带来的人大多又走了")
    idle: IdleRules | None = Field(default_factory=IdleRules, description="一个码带来的人大多只做了要求的事")
    chain: ChainRules | None = Field(default_factory=ChainRules, description="一个带一个，短时间里连成长串")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when one newcomer is about to be paid for."""

    came_at: datetime
    others_at: Sequence[datetime] = ()  # when the newcomers of the same code came, this one among them
    brought: int = 0  # by the code in the last 30 days, 100 at most
    left: int = 0  # of those
    settled: int = 0  # of those, who have been here as long as a payment takes
    idle: int = 0  # of the settled, who did no more than a payment takes
    ancestors_at: Sequence[datetime] = ()  # when whoever brought them came, and whoever brought that one, and so on


def reasons(facts: Facts, rules: HoldRules) -> list[str]:
    """Every reason to look twice, in words for an operator; none where there is no reason."""
    checks: tuple[Callable[[Facts, HoldRules], str | None], ...] = (_burst, _leavers, _idle, _chain)
    return [why for check in checks if (why := check(facts, rules))]


def most_within(instants: Sequence[datetime], at: datetime, span: timedelta) -> int:
    """The most of these instants that lie within one span that `at` lies in, too."""
    around = sorted(one for one in instants if abs(one - at) <= span)
    return max((sum(begin <= one <= begin + span for one in around) for begin in around if begin <= at <= begin + span), default=0)


def chained(instants: Sequence[datetime], span: timedelta) -> int:
    """How many links of a chain, its last one first, were made within one span of the last."""
    return sum(instants[0] - one <= span for one in instants) if instants else 0


def _burst(facts: Facts, rules: HoldRules) -> str | None:
    if rules.burst is None:
        return None
    many = most_within(facts.others_at, facts.came_at, timedelta(minutes=rules.burst.minutes))
    return f"{rules.burst.minutes} 分钟内来了 {many} 位（界线 {rules.burst.more_than}）" if many > rules.burst.more_than else None


def _leavers(facts: Facts, rules: HoldRules) -> str | None:
    limit = rules.leavers
    if limit is None or facts.left < limit.least or facts.left * 100 < facts.brought * limit.percent:
        return None
    return f"最近带来的 {facts.brought} 位里，走了 {facts.left} 位（界线 {limit.percent}%）"


def _idle(facts: Facts, rules: HoldRules) -> str | None:
    limit = rules.idle
    if limit is None or facts.idle < limit.least or facts.idle * 100 < facts.settled * limit.percent:
        return None
    return f"带来的 {facts.settled} 位里，{facts.idle} 位除了要求的事什么都没做（界线 {limit.percent}%）"


def _chain(facts: Facts, rules: HoldRules) -> str | None:
    if rules.chain is None:
        return None
    links = chained([facts.came_at, *facts.ancestors_at], timedelta(hours=rules.chain.hours))
    return (
        f"{rules.chain.hours} 小时内一个带一个连了 {links} 环（界线 {rules.chain.longer_than}）"
        if links > rules.chain.longer_than
        else None
    )
