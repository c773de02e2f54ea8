"""YZ702: questions of the FAQ that nobody hears there, because a trigger or a keyword rule takes their words before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.faq import FaqSection
from handlers.keyword import KeywordsSection
from handlers.lint.trigger import triggers_of
from handlers.routing import Feature, normal
from models.condition import Conditions
from models.config import Config, Location, Problem

_SOMETIMES = frozenset(Conditions.model_fields)


def taken(config: Config, features: Sequence[Feature]) -> Iterator[Problem]:
    """Questions and their variants that somebody else answers, always and to everybody: triggers and keyword rules come first."""
    section, keywords = config.get(FaqSection), config.get(KeywordsSection)
    triggers = triggers_of(config, features) if section and section.entries else {}
    for number, entry in enumerate(section.entries if section else ()):
        for place, words in enumerate((entry.ask, *entry.variants)):
            where = ("faq", "entries", number, *(("variants", place - 1) if place else ("ask",)))
            trigger = triggers.get(normal(words))
            if trigger is not None:
                zh, en = f"{trigger.where[0]} 的触发词", f"a trigger of {trigger.where[0]}"
                yield _taken(where, words, zh, en, trigger.where)
            elif keywords is not None and (rule := _rule(keywords, words)) is not None:
                name = keywords.rules[rule].name
                yield _taken(where, words, f"关键词规则“{name}”", f"the keyword rule {name!r}", ("keywords", "rules", rule))


def _rule(keywords: KeywordsSection, words: str) -> int | None:
    """The first keyword rule that takes these words whoever says them, whenever."""
    return next((one for one in keywords.matcher.candidates(words) if not _SOMETIMES & keywords.rules[one].when.model_fields_set), None)


def _taken(where: Location, words: str, zh: str, en: str, by: Location) -> Problem:
    return Problem(
        where,
        f"“{words}”轮不到问答：{zh}先接住了；删掉这个问法，或者改掉那边的词",
        f"{words!r} never gets to the FAQ: {en} takes it first; delete it here, or change the word there",
        "YZ702",
        by,
    )
