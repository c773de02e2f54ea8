"""YZ811, YZ812, YZ813: multipliers and earnings that are over, earnings that nothing leads to, caps below what is earned at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from handlers.checkin import CheckinSection
from handlers.poll import PollsSection
from handlers.survey import SurveysSection
from models.code_word import CodeWordRules
from models.config import Config, Location, Problem
from models.earn_rules import Bounds, Pays
from models.festival import KINDS, Kind, Multiplier

_A_LUNAR_YEAR = timedelta(days=400)  # and more: whatever comes back every year is in it
_SECTIONS: dict[Kind, str] = {"checkin": "checkin", "survey": "surveys", "vote": "polls", "birthday": "birthday", "referral": "referral"}


def over(config: Config, today: date) -> Iterator[Problem]:
    """What names days, none of which are to come."""
    rules = config.of_kind(CodeWordRules)
    if rules is None:
        return
    for number, one in enumerate(rules.multipliers):
        if not any(day in one for day in _to_come(one, today)):
            yield _over(
                ("points", "multipliers", number), f"“{one.name}”", repr(one.name), "没有哪一天会翻倍", "multiplies on no day to come"
            )
    for kind in KINDS:
        bounds = rules.bounds(kind)
        if bounds is not None and bounds.to is not None and bounds.to < today:
            yield _over(("points", "earn", kind, "to"), kind, kind, f"{bounds.to} 已经过去，不再给分", f"earns nothing since {bounds.to}")
    for number, word in enumerate(rules.words):
        if word.to is not None and word.to < today:
            where = ("points", "words", number, "to")
            yield _over(where, f"口令“{word.word}”", repr(word.word), f"{word.to} 已经结束", f"was over on {word.to}")


def _over(where: Location, zh: str, en: str, what_zh: str, what_en: str) -> Problem:
    return Problem(where, f"{zh}{what_zh}；过期的可以删掉，或者改日期", f"{en} {what_en}; delete it, or change its dates", "YZ811")


def _to_come(one: Multiplier, today: date) -> Iterator[date]:
    """The days that may count: a year and more from now, or from where each of its stretches begins."""
    for begins in {today} if one.dates is None else {max(today, dates.from_ or today) for dates in one.dates}:
        yield from (begins + timedelta(days=number) for number in range(_A_LUNAR_YEAR.days))


def untriggered(config: Config) -> Iterator[Problem]:
    """Kinds of acts that are paid, or multiplied, and that nothing in the file leads to."""
    rules = config.of_kind(CodeWordRules)
    if rules is None:
        return
    there = {getattr(kind, "key", "") for kind, section in config.sections.items() if getattr(section, "root", True)}  # no empty lists
    missing = {kind: key for kind, key in _SECTIONS.items() if key not in there}
    if not rules.words:
        missing["activity"] = "points.words"
    for kind, key in missing.items():
        if rules.bounds(kind) is not None:
            yield _untriggered(("points", "earn", kind), kind, key)
    for number, one in enumerate(rules.multipliers):
        for place, kind in enumerate(one.for_ if "for_" in one.model_fields_set else ()):
            if kind in missing:
                yield _untriggered(("points", "multipliers", number, "for", place), kind, missing[kind])


def _untriggered(where: Location, kind: str, key: str) -> Problem:
    return Problem(
        where,
        f"没有什么会按 {kind} 给分：文件里没有 {key} 这一段；加上它，或者删掉这里",
        f"nothing earns by {kind}: the file has no {key}; add it, or delete this",
        "YZ812",
    )


def capped(config: Config) -> Iterator[Problem]:
    """Caps below what is earned at once: nobody ever gets all of it."""
    rules = config.of_kind(CodeWordRules)
    for kind in KINDS if rules is not None else ():
        bounds = rules.bounds(kind) if rules is not None else None
        most = max(_gains(config, kind, bounds), default=0)
        for span in ("day", "week", "month") if bounds is not None else ():
            cap = getattr(bounds, f"max_per_{span}")
            if cap is not None and cap < most:
                yield Problem(
                    ("points", "earn", kind, f"max_per_{span}"),
                    f"上限 {cap} 比一次的 {most} 分还少，谁也得不全；上限写大一点，或者一次少给一点",
                    f"the cap of {cap} is below the {most} points of one time: nobody gets all of it; raise it, or give less at once",
                    "YZ813",
                )


def _gains(config: Config, kind: Kind, bounds: Bounds | None) -> Iterator[int]:
    """What one act of the kind earns, multiplied by nothing."""
    if isinstance(bounds, Pays):
        yield bounds.points
    if kind == "checkin" and (checkin := config.get(CheckinSection)) is not None:
        yield checkin.rules.points
    rewarded: Sequence[Any] = ()
    if kind == "survey" and (surveys := config.get(SurveysSection)) is not None:
        rewarded = surveys.root
    elif kind == "vote" and (polls := config.get(PollsSection)) is not None:
        rewarded = polls.root
    yield from (one.reward.points for one in rewarded if one.reward is not None and one.reward.points is not None)
    rules = config.of_kind(CodeWordRules)
    if kind == "activity" and rules is not None:
        yield from (word.points for word in rules.words if word.points is not None)
