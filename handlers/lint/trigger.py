"""YZ107: keyword rules that are never heard for a word, because a feature has it as its trigger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.keyword import KeywordsSection
from handlers.routing import Feature, Trigger, normal, section_of
from models.config import Config, Problem


def hidden(config: Config, features: Sequence[Feature]) -> Iterator[Problem]:
    """Whole texts of keyword rules that lead to a feature instead: triggers come first."""
    section = config.get(KeywordsSection)
    if section is None:
        return
    triggers = triggers_of(config, features)
    for number, rule in enumerate(section.rules):
        for place, word in enumerate(rule.when.exact or ()):
            trigger = triggers.get(normal(word))
            if trigger is not None:
                yield Problem(
                    ("keywords", "rules", number, "when", "exact", place),
                    f"“{word}”是 {trigger.where[0]} 的触发词，触发词优先，这条规则听不到它；换一个词，或者改掉那个触发词",
                    f"{word!r} is a trigger of {trigger.where[0]}, and triggers come first: this rule never hears it; change one of them",
                    "YZ107",
                    trigger.where,
                )


def triggers_of(config: Config, features: Sequence[Feature]) -> dict[str, Trigger]:
    """Every trigger by its word as it is compared."""
    found: dict[str, Trigger] = {}
    for feature in features:
        section = section_of(feature, config)
        for trigger in feature.triggers(section) if feature.triggers and section is not None else ():
            found.setdefault(normal(trigger.word), trigger)
    return found
