"""What no single section can see: triggers that two features claim, words that lead nowhere, and each feature's own checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from typing import Any

from pydantic import BaseModel, RootModel

from handlers.routing import Feature, Said, Trigger, normal, section_of
from models.config import Config, Location, Problem, Unread

Check = Callable[[Config], Iterable[Problem]]


def checks(features: Sequence[Feature]) -> list[Check]:
    """What no single section can see, one by one: triggers that two features claim, words that lead nowhere, each feature's own checks."""
    own = [partial(_own, feature) for feature in features if feature.checks]
    return [partial(_claimed_twice, features), partial(_leading_nowhere, features), *own]


def _own(feature: Feature, config: Config) -> Iterator[Problem]:
    if feature.checks and section_of(feature, config) is not None:
        yield from feature.checks(config)


def _claimed_twice(features: Sequence[Feature], config: Config) -> Iterator[Problem]:
    claimed: dict[str, Trigger] = {}
    for trigger in _triggers(features, config):
        first = claimed.setdefault(normal(trigger.word), trigger)
        if first is not trigger:
            # What the operator wrote is named, rather than the words that a section goes by without a line of theirs.
            here, other = (
                (trigger, first) if _is_written(config, trigger.where) or not _is_written(config, first.where) else (first, trigger)
            )
            there = ".".join(map(str, other.where))
            yield Problem(
                here.where,
                f"触发词“{here.word}”已经被 {there} 用了，一个词只能归一个功能",
                f"the trigger {here.word!r} is taken by {there}; a word leads to one feature only",
                there=other.where,
            )


def _is_written(config: Config, where: Location) -> bool:
    """Whether the file has this, and not a default."""
    value: Any = next((section for kind, section in config.sections.items() if getattr(kind, "key", "") == where[0]), None)
    for part in where[1:]:
        value = value.root if isinstance(value, RootModel) else value
        if value is None or (isinstance(value, BaseModel) and part not in value.model_fields_set):
            return False
        value = getattr(value, str(part)) if isinstance(value, BaseModel) else value[part]
    return value is not None


def _triggers(features: Sequence[Feature], config: Config) -> Iterator[Trigger]:
    """The triggers of all features whose sections are good: two of them that are the same are so whatever the others have."""
    for feature in features:
        with suppress(Unread):
            section = section_of(feature, config)
            yield from feature.triggers(section) if feature.triggers and section is not None else ()


def _leading_nowhere(features: Sequence[Feature], config: Config) -> Iterator[Problem]:
    on = [(feature, section) for feature in features if (section := section_of(feature, config)) is not None]
    claimed = {normal(trigger.word) for trigger in _triggers(features, config)}
    said = [one for feature, section in on if feature.says for one in feature.says(section) if normal(one.words) not in claimed]
    hearings = [feature.hears(section) for feature, section in on if feature.hears] if said else []
    for one in said:
        if not any(hearing.could_answer(one.words) for hearing in hearings):
            yield _unheard(one, [*claimed, *(word for hearing in hearings for word in hearing.words)])


def _unheard(said: Said, known: Sequence[str]) -> Problem:
    # Rather one that begins alike: 签道 is 签到 rather than 补签.
    near = get_close_matches(normal(said.words), known, 3, 0.5)
    near.sort(key=lambda word: word[:1] != normal(said.words)[:1])
    zh, en = f"没有规则会回答“{said.words}”", f"no rule answers {said.words!r}"
    if near:
        return Problem(said.where, f"{zh}，是不是想写“{near[0]}”？", f"{en}; did you mean {near[0]!r}?")
    return Problem(
        said.where, f"{zh}；请加一条关键词规则，或者把 say 改成 reply", f"{en}; add a keyword rule, or write reply instead of say"
    )
