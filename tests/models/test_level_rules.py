"""Levels, as a property: whatever is gained, taken back, said and waited for, the level is that of a naive reckoning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models import follower, level, membership, points
from models.config import Config
from models.database import Database
from models.membership import MemberLevels, MembershipRules

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
PERIOD, GRACE = 10, 3
LADDERS = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 6), st.integers(1, 20))),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("gain"), st.sampled_from([-7, 2, 4, 8, 15, 40])),
        st.tuples(st.just("say"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 3, 10, 14])),
        st.tuples(st.just("wait"), st.just(10)),
    ),
    min_size=8,
    max_size=25,
)


class Naive:
    """A follower's level by the handbook: the levels that were lost are kept one by one."""

    def __init__(self, ladder: list[tuple[str, int, int | None]]) -> None:
        self.ladder, self.growth = ladder, 0
        self.level: str | None = None  # the one they were told of; None before there was any
        self.base, self.until, self.falls, self.warned, self.looked = 0, 0, 0, False, False
        self.lost: set[str] = set()

    def keep(self, name: str | None) -> int | None:
        return next((keep for one, _, keep in self.ladder if one == name), None)

    def place(self, name: str | None) -> int:
        return next((place for place, one in enumerate(self.ladder, 1) if one[0] == name), 0)

    def standing(self) -> str:
        held = [
            name
            for name, growth, keep in self.ladder
            if self.growth >= growth and (name not in self.lost or keep is None or self.growth - self.base >= keep)
        ]
        return held[-1] if held else ""

    def begin(self, name: str, day: int) -> None:
        self.level, self.base, self.warned = name, self.growth, False
        self.until = day + PERIOD if self.keep(name) else 0
        self.lost = {one for one in self.lost if self.place(one) > self.place(name)}

    def says(self, day: int) -> None:
        now, before = (
            self.standing(),
            self.level if self.level is not None else next((one for one, growth, _ in self.ladder if not growth), ""),
        )
        regained = self.warned and now == self.level and self.growth - self.base >= (self.keep(now) or 0)
        if self.place(now) > self.place(before) or regained:
            self.begin(now, day)

    def clock(self, day: int) -> None:
        least = [growth for _, growth, keep in self.ladder if keep]
        if not least:
            return
        if not self.looked and self.growth >= min(least) and (self.level is None or not self.until):
            self.says(day)
            if self.level and not self.until and self.keep(self.level):
                self.begin(self.level, day)
        self.looked = True
        while self.until and self.until <= day:
            keep = self.keep(self.level)
            if self.standing() != self.level:
                self.begin(max(self.standing(), str(self.level), key=self.place), day)
            elif self.growth - self.base >= (keep or 0):
                self.begin(str(self.level), day if self.warned else max(self.until, day - PERIOD + 1))
            elif not self.warned:
                self.warned, self.until = True, day + GRACE
            else:
                fallen = str(self.level)
                lower = self.ladder[self.place(fallen) - 2][0] if self.place(fallen) > 1 else ""
                self.begin(lower, day)
                self.lost |= {fallen}
                self.falls += 1


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ladder=LADDERS, events=EVENTS)
def test_the_level_is_that_of_a_naive_reckoning(
    sqlite_template: Path, ladder: list[tuple[int, int | None]], events: list[tuple[str, int]]
) -> None:
    named = [(f"L{number}", growth, keep if growth else None) for number, (growth, keep) in enumerate(sorted(ladder), 1)]
    written = {name: {"growth": growth, **({"keep": keep} if keep else {})} for name, growth, keep in named}
    rules, terms = MemberLevels.model_validate({"levels": written}), MembershipRules(period=f"{PERIOD}d", grace=f"{GRACE}d")
    config = Config(ZoneInfo("Asia/Shanghai"), "", {MemberLevels: rules, MembershipRules: terms})
    naive, day, database = Naive(named), 0, Database(f"sqlite:///{sqlite_template}")
    with database.rehearsal() as db:
        person = follower.seen(db, "p", NOW, NOW).id
        for number, (what, amount) in enumerate(events):
            if what == "gain" and naive.growth + amount >= 0:
                points.post(db, person, amount, f"given:{number}", NOW, asset=points.GROWTH)
                naive.growth += amount
            elif what == "say":
                membership.promote(db, config, person, NOW + timedelta(days=day))
                naive.says(day)
            elif what == "wait":
                day += amount
                while membership.review(db, config, NOW + timedelta(days=day)):
                    pass
                naive.clock(day)
            assert level.level_of(db, config, person) == naive.standing()
            growth, held = level.held(db, person)
            assert (growth, held and held.level) == (naive.growth, naive.level)
            place = naive.place(naive.standing())
            if place < len(named):
                missing = rules.missing(place + 1, growth, held)
                assert missing > 0
                points.post(db, person, missing, f"more:{number}", NOW, asset=points.GROWTH)
                assert rules.rank(level.level_of(db, config, person)) > place, "what is told to be missing is enough"
                points.post(db, person, -missing, f"less:{number}", NOW, asset=points.GROWTH)
        told = db.execute(text("SELECT count(*) FROM notice WHERE key LIKE 'level_fallen%'")).scalar()
        assert told == naive.falls, "each fall is told, once"
    database.close()
