"""YZ102, YZ103, YZ106: keyword rules and conditions that can never hold, by themselves, and hours that are hardly meant so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from itertools import chain

from handlers.keyword import KeywordsSection
from handlers.lint.word import Way, ways
from handlers.matching.when import When
from models import pattern
from models.clock import time_of_day
from models.condition import Conditions
from models.config import Config, Location, Problem
from models.day import DAYS
from models.implication import DAY, contradictions, day_minutes, week
from models.push import PushSection

_LONGEST = 2048  # characters of a text that the platform delivers
_DAYTIME = day_minutes("09:00", "18:00")
_NAMES = "一二三四五六日"


def contradictory(config: Config, today: date) -> Iterator[Problem]:
    """YZ102: conditions that never hold from today on, and words that their own rule's other words, or the texts there are, exclude."""
    for where, conditions in config.every(Conditions):
        for one in contradictions(conditions, today):
            yield Problem((*where, one.key), one.zh, one.en, "YZ102")
    section = config.get(KeywordsSection)
    for number, rule in enumerate(section.rules if section else ()):
        if rule.when.contains_none or any(_odd_word(word) for word in _words(rule.when)):
            yield from _unsayable(rule.when, number)


def _odd_word(word: str) -> bool:
    return word[0].isspace() or len(word) > _LONGEST


def _words(when: When) -> Iterable[str]:
    return chain(when.exact or (), when.prefix or (), when.contains or (), when.contains_all or ())


def _unsayable(when: When, number: int) -> Iterator[Problem]:
    none = [(word, word.casefold()) for word in when.contains_none or ()]
    for way in ways(when):
        if way.loose:
            continue
        banned = next((shown for shown, word in none if way.has(word)), None)
        if banned is not None:
            zh, en = f"“{way.shown}”里有 contains_none 的“{banned}”，永远不会匹配", f"{way.shown!r} has {banned!r} of contains_none in it"
            yield Problem(way.place(number), zh, f"{en}: this never matches", "YZ102")
        elif why := _never_said(way):
            yield Problem(way.place(number), f"“{way.shown}”永远不会匹配：{why[0]}", f"{way.shown!r} never matches: {why[1]}", "YZ102")


def _never_said(way: Way) -> tuple[str, str] | None:
    if way.key == "regex":
        return None
    if any(len(piece) > _LONGEST for piece in way.pieces):
        return f"粉丝的话最多 {_LONGEST} 个字", f"a text has {_LONGEST} characters at most"
    if way.whole == "":
        return "它只有空格", "it is nothing but space"
    if way.key == "prefix" and way.begin[:1].isspace():
        return "前后的空格在比较之前就去掉了，没有一句话以空格开头", "no text begins with space, it is taken away before"
    return None


def impossible(config: Config) -> Iterator[Problem]:
    """YZ103: regexes that no text of a follower can match."""
    section = config.get(KeywordsSection)
    for number, rule in enumerate(section.rules if section else ()):
        for place, regex in enumerate(rule.when.regex or ()):
            if pattern.impossible(regex):
                yield Problem(
                    ("keywords", "rules", number, "when", "regex", place),
                    f"正则 {regex!r} 没有一句话能匹配：看看 ^ 前面、$ 后面是不是还有字，\\b 旁边是不是汉字，开头结尾是不是要求有空格",
                    f"no text can match the regex {regex!r}: is there something before ^ or after $, a \\b beside a Chinese character, "
                    "space at an end?",
                    "YZ103",
                )


def hours(config: Config) -> Iterator[Problem]:
    """YZ106: windows that leave out only minutes or hold only one, nights that `days` or `dates` cut at midnight, quiet hours by day."""
    covered = _hours_of_words(config)
    for where, conditions in config.every(Conditions):
        if conditions.from_ and conditions.to:
            yield from _odd(conditions.from_, conditions.to, where)
            if time_of_day(conditions.from_) > time_of_day(conditions.to) > time(0):
                yield from _cut_week(conditions, conditions.from_, conditions.to, where, covered)
                yield from _cut_day(conditions, conditions.from_, conditions.to, where)
    push = config.get(PushSection)
    if push and push.quiet_hours:
        yield from _quiet(push.quiet_hours)


def _odd(begin: str, end: str, where: Location) -> Iterator[Problem]:
    size = day_minutes(begin, end).bit_count()
    if size == 1:
        zh, en = f"{begin}–{end} 只有一分钟：to 这一刻不算在内", f"{begin}–{end} is one minute: `to` is not in it"
        yield Problem((*where, "to"), zh, en, "YZ106")
    elif size >= DAY - 10:
        zh = f"{begin}–{end} 差不多是一整天，只缺 {DAY - size} 分钟；要一整天就不写 from 和 to"
        en = f"{begin}–{end} is all day but for {DAY - size} minutes; for the whole day leave out from and to"
        yield Problem((*where, "to"), zh, en, "YZ106")


def _cut_week(c: Conditions, begin: str, end: str, where: Location, covered: Mapping[str, int]) -> Iterator[Problem]:
    """A night of which the hours after midnight belong to a day that is not among `days`."""
    days = [day in (c.days or ()) for day in DAYS]
    nights = [number for number in range(7) if days[number] and not days[(number + 1) % 7]]
    lost = sum(day_minutes("00:00", end) << DAY * ((number + 1) % 7) for number in nights)
    if nights and not _elsewhere(c, lost, covered):
        first, second = DAYS[nights[0]], DAYS[(nights[0] + 1) % 7]
        told = "、".join(f"星期{_NAMES[number]}" for number in nights)
        zh = (
            f"{told}夜里到 24:00 就停了：零点以后是第二天，不在 days 里。"
            f"要连着，分成两条：days: [{first}] {begin}–24:00，days: [{second}] 00:00–{end}"
        )
        en = f"after midnight it is the next day, which is not in days; make it two: days: [{first}] until 24:00, days: [{second}] from 00:00"
        yield Problem((*where, "days"), zh, en, "YZ106")


def _cut_day(c: Conditions, begin: str, end: str, where: Location) -> Iterator[Problem]:
    """A single day's night, likewise."""
    for number, span in enumerate(c.dates or ()):
        following = span.from_ + timedelta(days=1) if span.from_ is not None and span.from_ == span.to != date.max else None
        if following is not None and not any(following in other for other in c.dates or ()):
            zh = (
                f"{span.from_} 夜里到 24:00 就停了：零点以后是 {following}，不在 dates 里。"
                f"要连着，分成两条：{span.from_} {begin}–24:00，{following} 00:00–{end}"
            )
            en = f"after midnight it is {following}, which is not in dates; make it two: {span.from_} until 24:00, {following} from 00:00"
            yield Problem((*where, "dates", number), zh, en, "YZ106")


def _elsewhere(c: Conditions, lost: int, covered: Mapping[str, int]) -> bool:
    """Whether other rules for the same words, with days of their own, see to the hours that this one leaves out."""
    words = _texts(c) if isinstance(c, When) else []
    return bool(words) and all(not lost & ~covered.get(word, 0) for word in words)


def _hours_of_words(config: Config) -> dict[str, int]:
    section = config.get(KeywordsSection)
    found: dict[str, int] = {}
    for rule in section.rules if section else ():
        if rule.when.days:
            for word in _texts(rule.when):
                found[word] = found.get(word, 0) | week(rule.when)
    return found


def _texts(when: When) -> list[str]:
    return [word.casefold() for word in _words(when)]


def _quiet(text: str) -> Iterator[Problem]:
    begin, end = text.replace("–", "-").split("-")
    quiet, where = day_minutes(begin, end), ("push", "quiet_hours")
    if quiet.bit_count() >= DAY - 10:
        yield Problem(
            where, f"免打扰 {text} 差不多是一整天，什么也发不出去", f"quiet hours {text}: nearly all day, nothing is sent", "YZ106"
        )
    elif not _DAYTIME & ~quiet:
        zh = f"免打扰 {text} 是整个白天，夜里反而会发；是不是写反了，要写 {end.strip()}-{begin.strip()}？"
        yield Problem(where, zh, f"quiet hours {text} are the day; did you mean {end.strip()}-{begin.strip()}?", "YZ106")
