"""Make-ups: a day that was missed is mended with a make-up card or with points, and the streak is whole again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, bindparam, func, select, update

from models import earning, milestone, points, streak
from models.base import Hot, Instant, insert
from models.clock import business_day, start_of_day
from models.config import Config
from models.follower import followers
from models.milestone import MilestoneRules, Reached
from models.points import CARD, Amount
from models.refusal import Refusal
from models.streak import ONE_DAY, checkins


class MakeupRules(MilestoneRules):
    """What a make-up costs, and how many there may be."""

    makeup_cost: Amount = Field(0, description="没有补签卡时，补签一天要多少积分；0 是不能用积分补")
    makeup_days: Annotated[int, Field(ge=1, le=366)] = Field(7, description="最多补几天以前的")
    makeup_per_month: Annotated[int, Field(ge=1, le=31)] = Field(3, description="每位粉丝每个自然月最多补几次")
    makeup_points: Amount = Field(0, description="补签的那一天给多少积分")


class NothingToMakeUp(Refusal):
    """They missed no day that could still be made up. Details: days."""


class NotOver(Refusal):
    """The day is today or has not come. Details: date."""


class TooLongAgo(Refusal):
    """The day is further back than days may be made up. Details: date, days."""


class NotFollowedYet(Refusal):
    """On that day they did not follow yet. Details: date."""


class DayNotMissed(Refusal):
    """They checked in on that day, or have made up for it. Details: date."""


class MakeupsUsed(Refusal):
    """They made up for as many days this month as they may. Details: most."""


class NoCard(Refusal):
    """They have no make-up card, and for points there is no making up."""


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A day that was mended: `streak` is the one they have now, `cost` is in points, 0 where a card paid."""

    day: date
    streak: int
    cost: int
    cards: int
    earned: int
    balance: int
    reached: tuple[Reached, ...]


# Locked: what is read of a follower's days below stays as it is until the day is mended (SQLite has one writer anyway).
_SINCE = Hot(select(followers.c.first_seen_at).where(followers.c.id == bindparam("follower")).with_for_update(key_share=True))
_mine = checkins.c.follower_id == bindparam("follower")
_DAYS = select(checkins.c.day).where(_mine, checkins.c.day >= bindparam("begin"), checkins.c.day < bindparam("end"))
_this_month = (
    select(func.count())
    .select_from(checkins)
    .where(_mine, checkins.c.made_up_at >= bindparam("month", type_=Instant))
    .correlate(None)
    .scalar_subquery()
)
_columns = ("follower_id", "day", "streak", "earned", "at", "made_up_at")
_values = select(followers.c.id, *(bindparam(name, type_=checkins.c[name].type) for name in _columns[1:])).where(
    followers.c.id == bindparam("follower"), _this_month < bindparam("most")
)
_MEND = Hot(
    insert(checkins)
    .from_select(_columns, _values)
    .on_conflict_do_nothing(index_elements=[checkins.c.follower_id, checkins.c.day])
    .returning(checkins.c.id)
)
_EARNED = update(checkins).where(_mine, checkins.c.day == bindparam("on")).values(earned=bindparam("paid"))


def make_up(db: Connection, config: Config, follower: int, rules: MakeupRules, day: date | None, said_at: datetime) -> MadeUp:
    """Afterwards the day, or the last one they missed, counts as checked in, once; it was paid for, and what it completes is given.

    A card pays, else points. Raises NothingToMakeUp, NotOver, TooLongAgo, NotFollowedYet, DayNotMissed, MakeupsUsed, NoCard and
    NotEnoughPoints; the caller undoes what was done until then.
    """
    today, since = business_day(said_at, config.zone), business_day(_SINCE.value(db, follower=follower), config.zone)
    day = _last_missed(db, follower, rules, today, since) if day is None else _checked(day, rules, today, since)
    before = streak.streak_on(db, follower, day - ONE_DAY)
    month = start_of_day(today.replace(day=1), config.zone)
    values = {"day": day, "streak": before + 1, "earned": 0, "at": said_at, "made_up_at": said_at}
    if _MEND.value(db, follower=follower, month=month, most=rules.makeup_per_month, **values) is None:
        raise DayNotMissed(date=spoken(day)) if streak.streak_on(db, follower, day) else MakeupsUsed(most=rules.makeup_per_month)
    cost = _pay(db, follower, rules, f"makeup:{day.isoformat()}", said_at)
    earned = _earn(db, config, follower, rules, day, said_at)
    after = streak.run_after(db, follower, day)
    streak.join(db, follower, day, before + 1)
    grew = range(max(before, after) + 1, before + after + 2)
    in_all = streak.days(db, follower)
    reached = milestone.reach(db, config, follower, rules, day - before * ONE_DAY, grew, in_all, said_at)
    stands = streak.current_streak(db, follower, config.zone, said_at)
    return MadeUp(day, stands, cost, points.balance(db, follower, CARD), earned, points.balance(db, follower), tuple(reached))


def spoken(day: date) -> str:
    """A day as followers read it."""
    return f"{day.month}月{day.day}日"


def _last_missed(db: Connection, follower: int, rules: MakeupRules, today: date, since: date) -> date:
    """The last day before today that may be made up."""
    begin = max(since, today - rules.makeup_days * ONE_DAY)
    there = set(db.execute(_DAYS, {"follower": follower, "begin": begin, "end": today}).scalars())
    window = (today - back * ONE_DAY for back in range(1, (today - begin).days + 1))
    missed = next((day for day in window if day not in there), None)
    if missed is None:
        raise NothingToMakeUp(days=rules.makeup_days)
    return missed


def _checked(day: date, rules: MakeupRules, today: date, since: date) -> date:
    if day >= today:
        raise NotOver(date=spoken(day))
    if day < since:
        raise NotFollowedYet(date=spoken(day))
    if day < today - rules.makeup_days * ONE_DAY:
        raise TooLongAgo(date=spoken(day), days=rules.makeup_days)
    return day


def _pay(db: Connection, follower: int, rules: MakeupRules, cause: str, at: datetime) -> int:
    """A card is gone, or so many points are."""
    if points.balance(db, follower, CARD):
        points.post(db, follower, -1, cause, at, asset=CARD)
        return 0
    if not rules.makeup_cost:
        raise NoCard
    points.post(db, follower, -rules.makeup_cost, cause, at)
    return rules.makeup_cost


def _earn(db: Connection, config: Config, follower: int, rules: MakeupRules, day: date, at: datetime) -> int:
    if not rules.makeup_points:
        return 0
    earned = earning.earn(db, config, follower, "checkin", rules.makeup_points, f"checkin:made_up:{day.isoformat()}", at).points
    db.execute(_EARNED, {"follower": follower, "on": day, "paid": earned})
    return earned
