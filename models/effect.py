"""Effects: what a broadcast led to, held against followers who were meant and did not get it; and what it cost in followers who left.

Everybody who was meant is compared with everybody held out, reached or not: whom a limit or quiet hours kept out is part of the effect, and
nothing is selected afterwards. A run counts once the time its goal allows is over, so that a comparison never changes under one's eyes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    union_all,
)

from models import cohort
from models.act import ACTS, LEAVING
from models.broadcast import HELD_OUT, Broadcast, runs
from models.clock import span
from models.delivery import deliveries
from models.follower import followers
from models.inference import FALSE_ALARMS, Group, Interval, Verdict, always, needed, verdict

MOST_RUNS = 8  # the newest: what worked a year ago says little
COST_WITHIN = timedelta(hours=48)
CALLED = ("sent", "delivered", "unknown")

_HELD = and_(deliveries.c.state == "skipped", deliveries.c.reason == HELD_OUT)
_BLOCKED = and_(deliveries.c.state == "failed", deliveries.c.reason.like("%block%"))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Followers who were meant, followers held out, and how much the first are ahead. `more`: so many more would probably tell."""

    treated: Group
    held: Group
    gain: Interval
    verdict: Verdict
    more: int | None


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant among those who got it. `behind`: the leader's lead over it; None for the leader."""

    variant: str
    group: Group
    behind: Interval | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the newest runs of a broadcast led to. None where there is nothing to compare yet."""

    name: str
    plan: Broadcast
    runs: int
    watched: int  # runs that are still within the time their goal allows
    goal: Comparison | None
    cost: Comparison | None
    blocked: int
    arms: Sequence[Arm]
    winner: Verdict


def measured(db: Connection) -> list[str]:
    """The names of the broadcasts and steps of journeys that were sent with a goal or in variants, the newest first."""
    sent = select(runs.c.broadcast, func.max(runs.c.id).label("newest")).where(~runs.c.test)
    telling = or_(runs.c.plan.like('%"goal":{%'), runs.c.plan.like('%"variants":[{%'))
    found = sent.where(telling).group_by(runs.c.broadcast).order_by(func.max(runs.c.id).desc())
    return [row.broadcast for row in db.execute(found)]


def of(db: Connection, name: str, now: datetime) -> Effect | None:
    """What the runs of this name led to; None where none was sent with a goal or in variants."""
    rows = db.execute(_RUNS.where(runs.c.broadcast == name)).all()
    plans = [(row, Broadcast.model_validate_json(row.plan)) for row in rows]
    telling = [(row, plan) for row, plan in plans if plan.goal or plan.variants]
    if not telling:
        return None
    plan = telling[0][1]
    same = [row for row, other in telling if other.goal == plan.goal]
    within = span(plan.goal.within) if plan.goal else COST_WITHIN
    over = [row for row in same if row.state == "done" and row.created_at + within <= now][:MOST_RUNS]
    late = [row for row in same if row.created_at + COST_WITHIN <= now and row.state == "done"][:MOST_RUNS]
    goal = _compared(db, over, ACTS[plan.goal.do].happened, within) if plan.goal and plan.held_out else None
    cost = _compared(db, late, LEAVING.happened, COST_WITHIN) if plan.held_out else None
    arms = _arms(db, over, plan, within)
    return Effect(name, plan, len(over), len(same) - len(over), goal, cost, _blocked(db, late), arms, _won(arms))


_RUNS = (
    select(runs.c.id, runs.c.plan, runs.c.state, runs.c.created_at)
    .where(~runs.c.test, runs.c.state.in_(("planning", "sending", "paused", "done")))
    .order_by(runs.c.id.desc())
    .limit(4 * MOST_RUNS)
)

_Did = Callable[..., ColumnElement[bool]]


def _people(over: Sequence[Any], label: ColumnElement[Any], did: _Did, within: timedelta, which: ColumnElement[bool] | None) -> Select[Any]:
    """Each follower of these runs with their group and the share of the runs after which they did it: a follower is one observation, however often meant."""
    each = []
    for run in over:
        acted = did(deliveries.c.follower_id, run.created_at, run.created_at + within)
        part = select(deliveries.c.follower_id, label.label("part"), case((acted, 1), else_=0).label("did")).where(
            deliveries.c.run_id == run.id
        )
        each.append(part if which is None else part.where(which))
    every = union_all(*each).subquery()
    return select(every.c.part, cast(func.avg(every.c.did), Float).label("y")).group_by(every.c.follower_id, every.c.part)


def _groups(db: Connection, people: Select[Any]) -> Mapping[Any, Group]:
    one = people.subquery()
    found = db.execute(select(one.c.part, func.count(), func.avg(one.c.y), func.avg(one.c.y * one.c.y)).group_by(one.c.part)).all()
    return {part: Group(int(size), float(mean), max(0.0, float(square) - float(mean) ** 2)) for part, size, mean, square in found}


def _compared(db: Connection, over: Sequence[Any], did: _Did, within: timedelta) -> Comparison | None:
    if not over:
        return None
    groups = _groups(db, _people(over, cast(case((_HELD, 1), else_=0), Integer), did, within, None))
    return _comparison(groups[0], groups[1]) if len(groups) == 2 else None


def _comparison(treated: Group, held: Group) -> Comparison:
    gain = always(treated, held)
    said = verdict(gain)
    return Comparison(treated, held, gain, said, _more(treated, held) if said == "unknown" else None)


def _more(treated: Group, held: Group) -> int | None:
    """How many more followers would probably tell a difference as large as the one seen, if it is real."""
    seen = abs(treated.mean - held.mean)
    if seen < 0.001:
        return None
    size = treated.size + held.size
    return max(1, needed(held.mean, treated.mean - held.mean, held.size / size) - size)


def _arms(db: Connection, over: Sequence[Any], plan: Broadcast, within: timedelta) -> list[Arm]:
    if not (over and plan.variants and plan.goal):
        return []
    called = and_(deliveries.c.state.in_(CALLED), deliveries.c.variant.is_not(None))
    groups = _groups(db, _people(over, deliveries.c.variant, ACTS[plan.goal.do].happened, within, called))
    ranked = sorted(groups.items(), key=lambda one: -one[1].mean)
    pairs = max(1, len(list(combinations(ranked, 2))))
    lead = ranked[0][1] if ranked else None
    return [Arm(key, group, None if group is lead or lead is None else always(lead, group, FALSE_ALARMS / pairs)) for key, group in ranked]


def _won(arms: Sequence[Arm]) -> Verdict:
    """`better`: the first has won; `same`: there is no difference that matters; `unknown`: not enough data yet."""
    said = {verdict(arm.behind) for arm in arms if arm.behind is not None}
    if not said:
        return "unknown"
    if said == {"better"}:
        return "better"
    return "same" if said == {"same"} else "unknown"


def _blocked(db: Connection, over: Sequence[Any]) -> int:
    """How many deliveries came back because the follower has switched our messages off."""
    found = select(func.count()).select_from(deliveries).where(deliveries.c.run_id.in_([run.id for run in over]), _BLOCKED)
    return int(db.execute(found).scalar_one()) if over else 0


LOOK_BACK = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Overall:
    """All marketing together over the last four weeks: who came, who left, against the control group that got none."""

    came: Comparison
    left: Comparison


def overall(db: Connection, control: float, now: datetime) -> Overall | None:
    """What marketing as a whole leads to; None without a control group, or with nobody in it who has followed for four weeks."""
    if not control:
        return None
    since = now - LOOK_BACK
    part = case((cohort.in_control(followers.c.id, control), 1), else_=0).label("part")

    def groups(did: _Did) -> Mapping[Any, Group]:
        acted = case((did(followers.c.id, since, now), 1), else_=0)
        found = select(part, func.count(), func.sum(acted)).where(followers.c.first_seen_at <= since).group_by(part)
        return {which: Group.counted(int(size), int(many)) for which, size, many in db.execute(found)}

    each = [groups(ACTS["message"].happened), groups(LEAVING.happened)]
    if any(len(found) < 2 for found in each):
        return None
    came, left = (_comparison(found[0], found[1]) for found in each)
    return Overall(came, left)
