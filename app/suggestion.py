"""Misses as entries for `faq:`, to be pasted into config.yaml or kept as a file that it includes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import handlers
from app.yaml_text import Piece, printable, section
from handlers import routing
from handlers.faq import FILL_IN, FaqSection
from handlers.keyword import KeywordsSection
from handlers.routing import normal, section_of
from models.config import Config, Location
from models.miss import Group, Miss, likeness
from models.relevance import Found, Index, form, terms

MOST_VARIANTS = 6
_LONGEST_ASK, _LONGEST_VARIANT = 50, 100
_HARDLY_DIFFERS = 0.8  # so alike are two texts of which one is enough
_NEAR = 0.15  # below that what is nearest is not near
_WORDS = ("exact", "prefix", "contains", "contains_all")


@dataclass(frozen=True, slots=True)
class Known:
    """Something of the file that answers: an entry or a rule, what it is called, and where it stands."""

    kind: str
    name: str
    where: Location


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A group of misses, what the file has that is nearest to it, and what could be added: an entry, or variants of the one there is."""

    group: Group
    ask: str
    variants: list[str]
    nearest: Known | None
    score: float
    belongs_to: Known | None  # the entry that these are other ways to ask for; None where a new one is suggested

    def entry(self) -> dict[str, object]:
        """The new entry; `check` refuses it until somebody has written the answer."""
        return {"ask": self.ask, **({"variants": self.variants} if self.variants else {}), "answer": FILL_IN}


class Suggesting:
    """What one version of config.yaml answers, and what it lacks."""

    def __init__(self, config: Config) -> None:
        self._triggers = routing.lay(config, handlers.FEATURES).triggers
        on = [(feature, section) for feature in handlers.FEATURES if (section := section_of(feature, config)) is not None]
        self._hearings = [feature.hears(section) for feature, section in on if feature.hears]
        faq = config.get(FaqSection)
        self._perhaps = faq.perhaps if faq else 1.0
        known = list(_known(config))
        self._known, self._index = [one for one, _ in known], Index([words for _, words in known])

    def open(self, groups: Iterable[Group]) -> Iterator[Group]:
        """The groups without what the file answers by now, at some time of the day and for somebody."""
        for group in groups:
            left = tuple(miss for miss in group.misses if not self._is_answered(miss.text))
            if left:
                yield Group(left)

    def _is_answered(self, text: str) -> bool:
        return normal(text) in self._triggers or any(hearing.could_answer(text) for hearing in self._hearings)

    def of(self, group: Group) -> Suggestion:
        """What to add for this group."""
        ask, *variants = _distinct(group.misses)
        nearest = max((found for one in (ask, *variants) for found in self._index.ask(one, _NEAR, 1)), key=_score, default=None)
        known = self._known[nearest.entry] if nearest else None
        score = nearest.score if nearest else 0.0
        belongs_to = known if known and known.kind == "问答" and score >= self._perhaps else None
        return Suggestion(group, ask, variants, known, round(score, 2), belongs_to)


def _score(found: Found) -> float:
    return found.score


def _known(config: Config) -> Iterator[tuple[Known, list[str]]]:
    faq, keywords = config.get(FaqSection), config.get(KeywordsSection)
    for number, entry in enumerate(faq.entries if faq else ()):
        yield Known("问答", entry.ask, ("faq", "entries", number)), [entry.ask, *entry.variants]
    for number, rule in enumerate(keywords.rules if keywords else ()):
        words = [word for name in _WORDS for word in getattr(rule.when, name, None) or ()]
        yield Known("关键词规则", rule.name, ("keywords", "rules", number)), [rule.name, *words]


def _distinct(misses: Sequence[Miss]) -> list[str]:
    """What followers wrote, the most frequent first, fit to stand in the file: none too long, and none that hardly differs from another."""
    kept: list[tuple[str, dict[str, float]]] = []
    for miss in misses:
        text = plain(miss.text)[: _LONGEST_VARIANT if kept else _LONGEST_ASK]
        made_of = terms(text)
        if form(text) and not any(likeness(made_of, other) >= _HARDLY_DIFFERS for _, other in kept):
            kept.append((text, made_of))
        if len(kept) > MOST_VARIANTS:
            break
    return [text for text, _ in kept] or [form(misses[0].text)[:_LONGEST_ASK]]


def plain(text: str) -> str:
    """A follower's text on one line, without what no YAML file may have and without what could be a link."""
    return " ".join(re.sub("[<>]", " ", printable(text)).split())


def file_of(suggestions: Sequence[Suggestion]) -> str:
    """A file that config.yaml can include, even where nothing is suggested."""
    return written(suggestions) + ("" if any(one.belongs_to is None for one in suggestions) else "faq: {}\n")


def written(suggestions: Iterable[Suggestion]) -> str:
    """The suggestions as YAML; those that only belong to an entry that is there stand in it as comments."""
    new, others = [], []
    for one in suggestions:
        if one.belongs_to is None:
            new.append(Piece(one.entry(), [_remark(one)]))
        else:
            items = section("variants", [one.ask, *one.variants]).rstrip()
            others.append(Piece(None, [f"{_remark(one)}：加到问答“{one.belongs_to.name}”的 variants 里", items]))
    return section("faq", {"entries": [*new, *others]}) if new else "".join(_commented(others))


def _commented(pieces: Iterable[Piece]) -> Iterator[str]:
    for piece in pieces:
        yield section("faq", Piece(None, piece.remarks))


def _remark(one: Suggestion) -> str:
    return f"{one.group.times} 条，{one.group.followers} 位粉丝"
