"""No lint of keyword rules ever lies: what it says never matches is held against all texts, times and followers of a small world."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from handlers.keyword import KeywordsSection, Matcher, Rule
from handlers.lint.shadow import shadowed
from handlers.lint.word import caseless, ways
from models import condition, follower, pattern, points
from models.clock import within
from models.condition import Circumstances, Conditions
from models.config import Config
from models.database import Database
from models.follower import Follower, follower_tags, tags
from models.implication import compatible, contradictions, day_minutes, follows, week
from models.level import level_rules

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LEVELS = {"铜": 0, "银": 100, "金": 500}
SLOW = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))

# The small world

TEXTS = sorted({text for size in range(1, 5) for letters in product("aB汉 ", repeat=size) if (text := "".join(letters)).strip() == text})
MONDAY = datetime(2026, 9, 28, tzinfo=ZONE)  # a week in which the holidays of October begin, with weekends that are worked around it
TIMES = [MONDAY + timedelta(days=day, hours=hour) for day in range(14) for hour in (0, 6, 12, 18)]


@pytest.fixture(scope="module")
def people(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Connection, list[Follower]]]:
    """A database with a follower of every kind."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('lint') / 'people.db')}")
    with database.transaction() as db:
        db.execute(insert(tags), [{"id": 1, "name": "甲"}, {"id": 2, "name": "乙"}])
        for number, (one, two, amount) in enumerate(product((0, 1), (0, 1), (0, 100, 500))):
            person = follower.seen(db, f"o{number}", NOW, NOW)
            for tag in ([1] if one else []) + ([2] if two else []):
                db.execute(insert(follower_tags).values(follower_id=person.id, tag_id=tag))
            if amount:
                points.post(db, person.id, amount, "gift", NOW)
    with database.snapshot() as db:
        yield db, [found for number in range(12) if (found := follower.find(db, f"o{number}"))]
    database.close()


def holding(conditions: Conditions, people: tuple[Connection, list[Follower]], config: Config) -> frozenset[tuple[int, int]]:
    """The times and followers for which the conditions hold, were they the right time and by luck."""
    db, everybody = people
    plain = conditions.model_copy(update={"nth": None, "probability": None})
    return frozenset(
        (number, person.id)
        for number, at in enumerate(TIMES)
        for person in everybody
        if condition.unmet(plain, "x", Circumstances(db, config, person, at.astimezone(UTC), lambda name: 0.0)) is None
    )


def subsets(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=len(values), unique=True)


HOURS = st.sampled_from(["00:00", "06:00", "12:00", "18:00"])
DATES = st.builds(
    lambda first, size: {"from": f"{MONDAY + timedelta(days=first):%Y-%m-%d}", "to": f"{MONDAY + timedelta(days=first + size):%Y-%m-%d}"},
    st.integers(0, 10),
    st.integers(0, 8),
)
CONDITION = st.one_of(
    *(
        st.fixed_dictionaries({key: values})
        for key, values in {
            "hours": st.tuples(HOURS, HOURS).filter(lambda pair: pair[0] != pair[1]),
            "days": subsets("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
            "dates": st.lists(DATES, min_size=1, max_size=2),
            "holiday": st.one_of(st.booleans(), subsets("国庆节", "春节")),
            "workday": st.booleans(),
            "tags": subsets("甲", "乙"),
            "without_tags": subsets("甲", "乙"),
            "level": st.sampled_from(sorted(LEVELS)),
            "nth": st.just(1),
            "probability": st.sampled_from([0.5, 1.0]),
        }.items()
    )
)
# Few rules have many conditions; with many, nothing would ever follow from anything.
FEW = st.lists(CONDITION, max_size=2).map(lambda some: {key: value for one in some for key, value in one.items()})
WORDS = st.lists(st.text("aB汉", min_size=1, max_size=2), min_size=1, max_size=2)
REGEXES = st.lists(st.sampled_from(["^a", "汉$", "a汉", "^a汉$", "b+", "(?i)a汉", "a.汉", "汉|b", "^(a|b)汉", "B"]), min_size=1, max_size=2)
WHENS = st.fixed_dictionaries(
    {},
    optional={
        "exact": WORDS,
        "prefix": WORDS,
        "contains": WORDS,
        "contains_all": WORDS,
        "regex": REGEXES,
        "contains_none": WORDS,
        "fuzzy": subsets("width", "script", "typo"),
        "type": st.just(["text"]),
    },
)


def written(when: dict[str, Any], conditions: dict[str, Any]) -> dict[str, Any]:
    """What stands in the file."""
    conditions = dict(conditions)
    if hours := conditions.pop("hours", None):
        conditions |= {"from": hours[0], "to": hours[1]}
    return {**when, **conditions}


def made(whens: list[tuple[dict[str, Any], dict[str, Any]]]) -> Config:
    """A configuration of the rules that are good."""
    rules = []
    for number, (when, conditions) in enumerate(whens):
        try:
            rules.append(Rule.model_validate_json(_json({"name": f"第{number}条", "when": written(when, conditions), "reply": "好"})))
        except ValueError:
            continue
    points_section = type(level_rules(Config(ZONE))).model_validate({"levels": LEVELS})
    return Config(ZONE, "", {KeywordsSection: KeywordsSection(rules=rules), type(points_section): points_section})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@SLOW
@given(whens=st.lists(st.tuples(WHENS, FEW), min_size=2, max_size=5))
def test_a_rule_that_is_said_never_to_answer_never_does(
    people: tuple[Connection, list[Follower]], whens: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    config = made(whens)
    rules = config[KeywordsSection].rules
    said = [problem.where[2] for problem in shadowed(config) if problem.code == "YZ101"]
    if not said:
        return
    matcher = Matcher(config[KeywordsSection])
    holds = [holding(rule.when, people, config) for rule in rules]
    for text in TEXTS:
        candidates = list(matcher.candidates(text))
        for number in (number for number in candidates if number in said):
            left = holds[number]
            for earlier in candidates[: candidates.index(number)]:
                surely = rules[earlier].when.nth is None and rules[earlier].when.probability in (None, 1)
                left = left - holds[earlier] if surely else left
            assert not left, (text, rules[number].when, min(left))


@SLOW
@given(one=FEW, other=FEW)
def test_what_follows_from_conditions_holds_where_they_do(
    people: tuple[Connection, list[Follower]], one: dict[str, Any], other: dict[str, Any]
) -> None:
    config = made([])
    wide, narrow = (Conditions.model_validate_json(_json(written({}, given))) for given in (one, other))
    if not week(narrow) & ~week(wide) and follows(wide, narrow, LEVELS):
        assert holding(narrow, people, config) <= holding(wide, people, config)
        assert wide.nth is None
    if not compatible(wide, narrow):
        assert not holding(wide, people, config) & holding(narrow, people, config)
    if list(contradictions(wide, MONDAY.date())):
        assert not holding(wide, people, config)


@SLOW
@given(when=WHENS)
def test_what_is_certain_of_a_rules_texts_is_in_them(when: dict[str, Any]) -> None:
    config = made([({key: when[key] for key in when if key not in ("fuzzy", "contains_none")}, {})])
    for rule in config[KeywordsSection].rules:
        for way in ways(rule.when):
            alone = made([({way.key: [way.shown] if way.number >= 0 else when["contains_all"]}, {})])
            for text in TEXTS:
                if Matcher(alone[KeywordsSection]).candidates(text) and way.key != "type":
                    plain = text.casefold()
                    assert plain.startswith(way.begin), (text, way)
                    assert all(piece in plain for piece in way.pieces), (text, way)
                    assert way.whole in (None, plain)


@given(st.times(), st.times())
def test_the_minutes_of_a_window_are_those_in_which_it_holds(begin: Any, end: Any) -> None:
    begin, end = begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    minutes = day_minutes(f"{begin:%H:%M}", f"{end:%H:%M}")
    for minute in range(0, 24 * 60, 7):
        at = begin.replace(hour=minute // 60, minute=minute % 60)
        assert bool(minutes >> minute & 1) == within(at, begin, end)


# Regexes

ATOMS = [
    "a",
    "B",
    "汉",
    " ",
    "^",
    "$",
    r"\b",
    r"\B",
    r"\A",
    r"\z",
    ".",
    "[ab]",
    "[^a]",
    r"\s",
    r"\S",
    r"\w",
    r"\W",
    r"\d",
    r"[^\s\S]",
    r"\n",
    "(?i:k)",
]
PATTERNS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "*?"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda one: f"(?m:{one})"),
        inner.map(lambda one: f"(?s:{one})"),
    ),
    max_leaves=8,
)
SHORT = sorted({text for size in range(1, 6) for letters in product("a汉 \n", repeat=size) if (text := "".join(letters)).strip() == text})
SHORT += ["K", "k", "aK汉", "B", "aB", "B汉 a", "1", "汉1"]


def test_a_regex_that_is_said_to_be_impossible_matches_nothing() -> None:
    told: list[tuple[str, bool]] = []

    @settings(max_examples=1500, deadline=None)
    @given(PATTERNS)
    def check(text: str) -> None:
        try:
            compiled = re2.compile(text)
        except re2.error:
            return
        found = next((short for short in SHORT if compiled.search(short)), None)
        impossible = pattern.impossible(text)
        told.append((text, impossible))
        assert not (impossible and found is not None), (text, found)
        begin, pieces = pattern.certain(text)
        for short in SHORT if begin or pieces else ():
            if compiled.search(short):
                assert short.startswith(begin), (text, short)
                assert all(piece in short for piece in pieces), (text, short)

    check()
    assert sum(impossible for _, impossible in told) > 50  # or nothing was tested


def test_a_letter_may_be_another_one_without_regard_to_case() -> None:
    kelvin = r"汉\B(?i:k)"  # the sign of the unit is a k, and to RE2 it is no letter of a word
    assert re2.compile(kelvin).search("汉\u212a")
    assert not pattern.impossible(kelvin)
    assert pattern.impossible(r"汉\Bk")


def test_only_texts_without_upper_and_lower_case_are_called_alone_in_their_folding() -> None:
    for character in map(chr, chain(range(0xD800), range(0xE000, 0x110000))):
        folded = character.casefold()
        assert folded == character or not caseless(folded)
