"""Check-ins and make-ups in any order, held against a set of days and a purse."""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from models import checkin, follower, makeup, points
from models.checkin import AlreadyCheckedIn, CheckinRules
from models.config import Config
from models.database import Database, undone_on_error
from models.makeup import DayNotMissed, MakeupsUsed, NothingToMakeUp, NotOver, TooLongAgo
from models.points import NotEnoughPoints
from models.reward import RewardRules
from models.streak import checkins

ZONE = ZoneInfo("Asia/Shanghai")
CONFIG = Config(ZONE)
BEGIN = date(2026, 11, 1)
RULES = CheckinRules(
    points=5,
    streak_bonus={3: 7, 4: 11},
    milestones={2: RewardRules(points=100), 4: RewardRules(points=1000, cards=1), 7: RewardRules(points=10_000)},
    totals={5: RewardRules(points=100_000)},
    makeup_cost=60,
    makeup_days=7,
    makeup_per_month=4,
    makeup_points=1,
)


class Diary:
    """What should be: no sums that are kept, everything is counted anew from the days there are."""

    def __init__(self) -> None:
        self.days: set[date] = set()
        self.made_up: list[date] = []  # the days on which they made up for one
        self.points = self.cards = 0

    def run(self, day: date) -> list[date]:
        """The days in a row that this one is among."""
        run, first = [], day
        while first - timedelta(1) in self.days:
            first -= timedelta(1)
        while first in self.days:
            run.append(first)
            first += timedelta(1)
        return run

    def add(self, day: date, earned: int, bonus: bool) -> None:
        before = [self.run(near) for near in (day - timedelta(1), day + timedelta(1)) if near in self.days]
        self.days.add(day)
        length, longest = len(self.run(day)), max(map(len, before), default=0)
        reached = [days for days in range(1, 400) if longest < days <= length]
        self.points += earned + sum(RULES.streak_bonus.get(days, 0) for days in reached if bonus)
        rewards = [RULES.milestones[days] for days in reached if days in RULES.milestones]
        rewards += [RULES.totals[len(self.days)]] if len(self.days) in RULES.totals else []
        self.points += sum(one.points or 0 for one in rewards)
        self.cards += sum(one.cards or 0 for one in rewards)


class CheckingIn(RuleBasedStateMachine):
    """One follower, day after day."""

    database: Database

    @initialize()
    def begin(self) -> None:
        self.today, self.diary = BEGIN, Diary()
        self.open = self.database.rehearsal()
        self.db = self.open.__enter__()
        self.who = follower.seen(self.db, "somebody", self.at(BEGIN), self.at(BEGIN)).id

    def teardown(self) -> None:
        if hasattr(self, "open"):
            self.open.__exit__(None, None, None)

    @staticmethod
    def at(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)

    @rule(days=st.sampled_from([1, 1, 1, 1, 2, 3, 9]))
    def days_go_by(self, days: int) -> None:
        self.today += timedelta(days)

    @rule(late=st.sampled_from([0, 0, 0, 0, 1, 2]))
    @precondition(lambda self: hasattr(self, "db"))
    def says_checkin(self, late: int) -> None:
        day = max(self.today - timedelta(late), BEGIN)
        try:
            with undone_on_error(self.db):
                checkin.check_in(self.db, CONFIG, self.who, RULES, self.at(day))
        except AlreadyCheckedIn as refused:
            assert day in self.diary.days
            assert refused.details["streak"] == self.diary.run(day).index(day) + 1
            return
        assert day not in self.diary.days
        self.diary.add(day, RULES.points, bonus=True)

    @rule(back=st.none() | st.integers(-1, 9))
    def says_makeup(self, back: int | None) -> None:
        window = [self.today - timedelta(number) for number in range(1, 8)]
        missed = [one for one in window if one >= BEGIN and one not in self.diary.days]
        day = self.today - timedelta(back) if back is not None else next(iter(missed), None)
        if day is not None and day < BEGIN:
            return  # before they followed: test_checkin_makeup
        used = sum(one.month == self.today.month for one in self.diary.made_up)
        try:
            with undone_on_error(self.db):
                done = makeup.make_up(self.db, CONFIG, self.who, RULES, day if back is not None else None, self.at(self.today))
        except NothingToMakeUp:
            assert day is None
        except NotOver:
            assert day is not None
            assert day >= self.today
        except TooLongAgo:
            assert day is not None
            assert day < self.today - timedelta(7)
        except DayNotMissed:
            assert day in self.diary.days
        except MakeupsUsed:
            assert used >= 4
        except NotEnoughPoints as refused:
            assert self.diary.cards == 0
            assert self.diary.points < 60
            assert refused.details == {"balance": self.diary.points, "needed": 60}
        else:
            assert day in missed
            assert used < 4
            assert done.day == day
            self.diary.cards, self.diary.points = (
                (self.diary.cards - 1, self.diary.points) if self.diary.cards else (0, self.diary.points - 60)
            )
            self.diary.made_up.append(self.today)
            self.diary.add(day, RULES.makeup_points, bonus=False)

    @invariant()
    @precondition(lambda self: hasattr(self, "db"))
    def streaks_are_what_the_days_say(self) -> None:
        kept = {row.day: row.streak for row in self.db.execute(select(checkins.c.day, checkins.c.streak))}
        assert kept == {day: self.diary.run(day).index(day) + 1 for day in self.diary.days}
        assert points.balance(self.db, self.who) == self.diary.points
        assert points.balance(self.db, self.who, points.CARD) == self.diary.cards
        stands = next((day for day in (self.today, self.today - timedelta(1)) if day in self.diary.days), None)
        now = checkin.current_streak(self.db, self.who, ZONE, self.at(self.today))
        assert now == (self.diary.run(stands).index(stands) + 1 if stands else 0)


def _live(database: Database, examples: int, chosen: int | None = None) -> None:
    machine = type("CheckingInHere", (CheckingIn,), {"database": database})
    if chosen is not None:
        machine = seed(chosen)(machine)
    health = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=health)
    )


def test_streaks_points_and_cards_are_those_of_a_plain_model_whatever_is_said_in_whatever_order(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    _live(database, 30)
    database.close()


@pytest.mark.prove
def test_streaks_points_and_cards_are_those_of_a_plain_model_on_both_databases(database_url: str) -> None:
    database = Database(database_url)
    chosen = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={chosen}")
    _live(database, 1000, chosen)
    database.close()
