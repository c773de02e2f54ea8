"""YZ101, YZ104, YZ105: keyword rules that earlier rules keep from being heard, wholly or for some of their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import ahocorasick_rs
import re2

from handlers.keyword import KeywordsSection, Rule
from handlers.lint.word import Way, caseless, ways
from handlers.matching.when import RE2, When
from handlers.routing import normal
from models.condition import Conditions, Times
from models.config import Config, Location, Problem
from models.implication import compatible, follows, week
from models.level import level_rules

_MOST_USES = 32  # of one word by earlier rules that are looked at
_MOST_PAIRS = 150_000  # of a word and an earlier rule that are looked at: files that have more get no more of these warnings
_MOST_FOUND = 2_000_000  # words in other words, likewise
_SEARCHES_PER_PAIR = 2  # of a word in regexes
_PARTS = ("prefix", "contains", "contains_all")
_CONDITIONS = frozenset(Conditions.model_fields)

_Key = tuple[str, Any]
_ANY_TEXT: _Key = ("type", "text")


class _Known:
    """A rule, and what is asked of it again and again."""

    def __init__(self, number: int, rule: Rule) -> None:
        self.number, self.rule, self.when = number, rule, rule.when
        self.ways = list(ways(rule.when))
        self.none = tuple(word.casefold() for word in rule.when.contains_none or ())
        self.free = not self.none and not _CONDITIONS & rule.when.model_fields_set  # it holds always and for everybody


class _Taken(NamedTuple):
    """An earlier rule that takes every text of a way, while it holds."""

    by: _Known
    word: str  # its word; the regex, where it is one


class _Index:
    """Which rules use which words. Most words are used once and lie in no other: these are passed over in no time."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._known: dict[int, _Known] = {}
        self._wholes: dict[_Key, list[int]] = {}  # rules in the order of the file
        self._regexes: list[tuple[str, Any, int]] = []
        self._left, self._most_found = _MOST_PAIRS, _MOST_FOUND
        parts: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            self._note(rule.when, number, parts)
        self._names, self._parts = list(parts), list(parts.values())
        self._automaton = ahocorasick_rs.AhoCorasick(self._names) if parts else None

    def _note(self, when: When, number: int, parts: dict[str, list[int]]) -> None:
        for word in when.exact or ():
            self._wholes.setdefault(("exact", normal(word)), []).append(number)
        for word in (*(when.prefix or ()), *(when.contains or ())):
            parts.setdefault(word.casefold(), []).append(number)
        if when.contains_all:  # the longest leads to the rule, which then looks for the others
            parts.setdefault(max(when.contains_all, key=len).casefold(), []).append(number)
        if when.fuzzy or when.regex or not when.words:
            for way in self.known(number).ways:
                if way.loose:
                    self._wholes.setdefault(_loose_key(way), []).append(number)
                elif way.key not in ("exact", *_PARTS):
                    self._wholes.setdefault(_key(way), []).append(number)
        for regex in when.regex or ():
            self._regexes.append((regex, re2.compile(regex, RE2), number))

    def known(self, number: int) -> _Known:
        """The rule of this number."""
        if number not in self._known:
            self._known[number] = _Known(number, self._rules[number])
        return self._known[number]

    def suspicious(self, number: int) -> bool:
        """Whether another rule may take some text of this one: False is certain."""
        when = self._rules[number].when
        if self._regexes or _ANY_TEXT in self._wholes or when.fuzzy or when.contains_all or not when.words:
            return True
        if any(len(self._wholes["exact", normal(word)]) > 1 or self._inside(normal(word)) for word in when.exact or ()):
            return True
        return any(self._shared(word.casefold()) for word in (*(when.prefix or ()), *(when.contains or ())))

    def _inside(self, text: str) -> list[tuple[int, int, int]]:
        if self._automaton is None or self._most_found <= 0:
            return []
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        self._most_found -= len(found)
        return found

    def _shared(self, part: str) -> bool:
        """Whether it is used twice, or has another word in it."""
        found = self._inside(part)
        return len(found) > 1 or (bool(found) and len(self._parts[found[0][0]]) > 1)

    def taking(self, way: Way, number: int) -> list[_Taken]:
        """The rules before this number whose words match whatever matches in this way, conditions aside.

        [] when too many were looked at.
        """
        if self._left <= 0:
            return []
        found = list(self._used(_loose_key(way), way.shown, number) if way.loose else self._taking(way, number))
        self._left -= len(found)
        return found

    def _taking(self, way: Way, number: int) -> Iterator[_Taken]:
        if way.whole is not None:
            yield from self._used(("exact", way.whole), way.shown, number)
            yield from self._by_regex(way.whole, number) if self._regexes else ()
        elif way.key not in _PARTS:
            yield from self._used(_key(way), way.shown, number)
            if " " in way.shown and way.key in ("event", "menu_key"):
                event = way.shown.split(" ")[0]
                yield from self._used(("event", event), event, number)
        if way.pieces or way.key == "regex":
            yield from self._used(_ANY_TEXT, "type: text", number)
            yield from self._by_parts(way, number)

    def _before(self, uses: Sequence[int], number: int) -> Iterator[_Known]:
        """The first users of a word before this rule."""
        for user in uses[:_MOST_USES]:
            if user >= number:
                return
            yield self.known(user)

    def _used(self, key: _Key, shown: str, number: int) -> Iterator[_Taken]:
        for rule in self._before(self._wholes.get(key, ()), number):
            yield _Taken(rule, shown)
            if rule.free:  # and after it nobody counts
                return

    def _by_parts(self, way: Way, number: int) -> Iterator[_Taken]:
        begun: dict[int, bool] = {}  # words in the way, and whether it begins with them
        for piece in way.pieces:
            for part, start, _ in self._inside(piece):
                begun[part] = begun.get(part, False) or (start == 0 and way.begin == piece)
        for part, begins in begun.items():
            for rule in self._before(self._parts[part], number):
                words = [other for other in rule.ways if self._takes(other, part, begins, way)]
                yield from (_Taken(rule, other.shown) for other in words)
                if rule.free and words:
                    break

    def _takes(self, other: Way, part: int, begins: bool, way: Way) -> bool:
        """Whether the other way, which uses this part of the way, takes whatever matches in the way."""
        if other.key == "contains_all":
            return self._names[part] in other.pieces and all(map(way.has, other.pieces))
        return other.pieces[:1] == (self._names[part],) and (other.key == "contains" or (other.key == "prefix" and begins))

    def _by_regex(self, text: str, number: int) -> Iterator[_Taken]:
        self._left -= len(self._regexes) // _SEARCHES_PER_PAIR
        if caseless(text):
            for shown, regex, user in self._regexes:
                if user < number and regex.search(text):
                    yield _Taken(self.known(user), shown)


def _key(way: Way) -> _Key:
    """Under which a use of the way is kept."""
    return "event" if way.key == "menu_key" else way.key, way.shown


def _loose_key(way: Way) -> _Key:
    return "loose", (way.key, way.shown.casefold(), way.loose)


def shadowed(config: Config) -> Iterator[Problem]:
    """Rules that never answer because earlier ones do (YZ101); else their words that an earlier rule has (YZ104) or has a part of (YZ105)."""
    section = config.get(KeywordsSection)
    rules = section.rules if section else []
    index, levels = _Index(rules), level_rules(config).levels
    for number in range(1, len(rules)):
        if index.suspicious(number):
            yield from _judged(index.known(number), index, levels)


def _judged(rule: _Known, index: _Index, levels: Mapping[str, int]) -> Iterator[Problem]:
    found: list[Problem] = []
    takers: dict[int, _Known] = {}
    open_ways = 0
    for way in rule.ways:
        taken = [one for one in index.taking(way, rule.number) if _may_meet(one.by, rule, way)]
        surely = _covering(taken, rule, levels)
        takers |= {one.number: one for one in surely}
        open_ways += not surely
        if way.key != "menu_key":  # nobody has named these events one by one
            found += _about(way, rule, taken, surely, levels)
    if open_ways:
        yield from found
    else:
        yield _never(rule, [takers[number] for number in sorted(takers)])


def _may_meet(one: _Known, rule: _Known, way: Way) -> bool:
    """Whether the earlier rule's filters may let a text of this way pass, at a time and for a follower for whom the later one holds."""
    if not way.loose and any(map(way.has, one.none)):
        return False
    if _take_turns(one.when, rule.when):
        return False
    return (one.free and rule.free) or compatible(one.when, rule.when)


def _take_turns(one: When, other: When) -> bool:
    """Whether both count the same times, and no time is for both: `nth: 1`, then `nth: {from: 2}`."""
    if one.nth is None or other.nth is None or one.model_copy(update={"nth": None}) != other.model_copy(update={"nth": None}):
        return False
    numbers = [number for nth in (one.nth, other.nth) for number in ([nth.from_] if isinstance(nth, Times) else nth)]
    return not any(number in one.nth and number in other.nth for number in numbers)


def _covering(taken: list[_Taken], rule: _Known, levels: Mapping[str, int]) -> list[_Known]:
    """An earlier rule that takes this way whenever the rule holds, or several that do so hour by hour; [] where some of it is left."""
    left = whole = week(rule.when)
    found: list[_Known] = []
    for by in sorted((one.by for one in taken), key=lambda by: by.number):
        hours = week(by.when)
        if left & hours and _filters_pass(by, rule) and follows(by.when, rule.when, levels):
            if not whole & ~hours:
                return [by]
            found.append(by)
            left &= ~hours
    return [] if left else found


def _filters_pass(one: _Known, rule: _Known) -> bool:
    """Whether the earlier rule surely forbids nothing that the later one does not forbid too."""
    return all(any(word in banned for word in rule.none) for banned in one.none)


def _about(way: Way, rule: _Known, taken: list[_Taken], surely: list[_Known], levels: Mapping[str, int]) -> Iterator[Problem]:
    """What is to be said of a word that an earlier rule takes too. A special case before the general one is as it should be."""
    word = way.whole if way.whole is not None else way.shown.casefold()
    always = len(surely) == 1
    for one in sorted(taken, key=lambda one: (always and one.by is not surely[0], one.by.number)):
        if one.word.casefold() not in (word, way.shown.casefold()):
            yield _has_a_part(way, rule, one, always)
            return
        if surely or not _special_case(one.by, rule, levels):
            yield _both(way, rule, one, always)
            return


def _special_case(one: _Known, rule: _Known, levels: Mapping[str, int]) -> bool:
    """Whether the earlier rule holds only where the later one does, so that it was put before it on purpose."""
    narrower = not week(one.when) & ~week(rule.when) and follows(rule.when, one.when, levels)
    return narrower and all(any(word in banned for word in one.none) for banned in rule.none)


def _here(rule: _Known) -> Location:
    return ("keywords", "rules", rule.number)


def _never(rule: _Known, takers: list[_Known]) -> Problem:
    names = "、".join(f"“{one.rule.name}”" for one in takers[:3]) + (f"等 {len(takers)} 条" if len(takers) > 3 else "")
    names_en = ", ".join(repr(one.rule.name) for one in takers[:3])
    return Problem(
        (*_here(rule), "when"),
        f"规则“{rule.rule.name}”永远轮不到：它能回复的话，都被前面的规则{names}先回复了；把它移到前面，或者删掉",
        f"the rule {rule.rule.name!r} never answers: {names_en} before it always does; move it to the front or delete it",
        "YZ101",
        _here(takers[0]),
    )


def _both(way: Way, rule: _Known, one: _Taken, always: bool) -> Problem:
    zh = "这个词永远轮不到这一条" if always else "两条都符合的时候，先写的那条回复"
    en = "it never comes to this one" if always else "where both hold, the earlier one answers"
    return Problem(
        way.place(rule.number),
        f"“{way.shown}”在前面的规则“{one.by.rule.name}”里也有，{zh}",
        f"{way.shown!r} is a word of the earlier rule {one.by.rule.name!r} too: {en}",
        "YZ104",
        _here(one.by),
    )


def _has_a_part(way: Way, rule: _Known, one: _Taken, always: bool) -> Problem:
    zh = "永远由它先回复" if always else "它符合的时候由它先回复"
    return Problem(
        way.place(rule.number),
        f"“{way.shown}”会被前面的规则“{one.by.rule.name}”（{one.word}）匹配到，{zh}；把这条规则移到它前面",
        f"{way.shown!r} is matched by {one.word!r} of the earlier rule {one.by.rule.name!r}; move this rule before it",
        "YZ105",
        _here(one.by),
    )
