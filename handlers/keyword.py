"""Keyword replies: the operator's own rules, asked in the order of the file; the first that matches answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import ClassVar

import re2
from pydantic import Field

from handlers import replies
from handlers.matching import Index, When
from handlers.matching.account import Account, Told
from handlers.matching.when import KEYED, RE2
from handlers.replies import ReplyText, ReplyWith
from handlers.routing import Answer, Context, Feature, Hearing
from models import condition
from models.config import Config, Location, Problem, Rules, placeholders
from wechat.reply import Reply


class Rule(Rules):
    """One keyword rule."""

    name: str = Field(min_length=1, max_length=100, description="规则名称，给运营自己看")
    when: When = Field(description="什么时候回复")
    reply: ReplyText | ReplyWith = Field(description="回复：文字，或 {text|image|voice|video|music|news|handoff: …}")


SORRY = "系统开小差了，请稍后再试"


class KeywordsSection(Rules):
    """关键词回复：从上往下，第一条匹配的规则回复。"""

    key: ClassVar[str] = "keywords"

    rules: list[Rule] = Field(default_factory=list, description="规则，按顺序")
    fallback: ReplyText | ReplyWith | None = Field(None, description="都不匹配时回复什么；不写就不回复")
    sorry: str = Field(SORRY, min_length=1, description="程序出错时回复什么")

    @cached_property
    def matcher(self) -> Matcher:
        """The rules, ready to be asked; worked out once for all who ask."""
        return Matcher(self)


class Matcher:
    """Finds the first rule that matches, in time that does not grow with the number of rules' words."""

    def __init__(self, section: KeywordsSection) -> None:
        self._rules = section.rules
        self._index = Index([rule.when for rule in section.rules])
        self._counting = frozenset(number for number, rule in enumerate(section.rules) if rule.when.nth is not None)

    def candidates(self, text: str) -> Sequence[int]:
        """The rules whose words match, in the order of the file."""
        return self._index.find(text)

    def answer(self, ctx: Context) -> Reply | None:
        """The reply of the first rule that matches in words (or in the message's type) and conditions."""
        candidates = self._index.find(ctx.text) if ctx.text else self._index.of_type(ctx.inbound.type)
        if ctx.trace is not None:
            kind = "text" if ctx.text else ctx.inbound.type
            account = Account([(rule.name, rule.when) for rule in self._rules], ctx.text, kind, candidates)
            return self._told(ctx, candidates, account)
        for number in candidates:
            if condition.unmet(self._rules[number].when, self._rules[number].name, ctx.circumstances) is None:
                return self._reply(ctx, number, candidates)
        return None

    def notice(self, ctx: Context) -> Reply | None:
        """The reply of the first rule for this event whose conditions hold."""
        inbound, rules = ctx.inbound, self._rules
        candidates = [number for number in self._of_event.get(inbound.event, ()) if _keyed(rules[number].when, inbound.event_key)]
        return self._told(ctx, candidates, None)

    @cached_property
    def _of_event(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            for event in rule.when.event or (KEYED if rule.when.menu_key else ()):
                found.setdefault(event, []).append(number)
        return found

    def _told(self, ctx: Context, candidates: Sequence[int], account: Account | None) -> Reply | None:
        """As `answer`, and every step is noted."""
        _note(ctx, account.begin() if account else ())
        for number in candidates:
            _note(ctx, account.until(number) if account else ())
            rule = self._rules[number]
            by = account.found_by(number) if account else f"（事件 {ctx.inbound.event}）"
            why_not = condition.unmet(rule.when, rule.name, ctx.circumstances)
            if why_not is None:
                ctx.explain(f"关键词规则“{rule.name}” 匹配{by}", _place(number))
                return self._reply(ctx, number, candidates)
            ctx.explain(f"关键词规则“{rule.name}” 的词匹配{by}，但{why_not}", _place(number))
        _note(ctx, account.until(len(self._rules)) if account else ())
        return None

    def _reply(self, ctx: Context, number: int, candidates: Sequence[int]) -> Reply:
        rule = self._rules[number]
        if self._counting:
            self._count_on(ctx, number, candidates)
        ctx.answered_by = f"keywords:{rule.name}"[:200]
        if rule.when.regex:
            ctx.match = _groups(rule.when.regex, ctx.text)
        return replies.say(rule.reply, ctx)

    def _count_on(self, ctx: Context, answering: int, candidates: Sequence[int]) -> None:
        """Afterwards the rules behind the one that answers have counted this time too: `nth: 1`, then `nth: {from: 2}` is what it says."""
        for number in candidates:
            if number > answering and number in self._counting:
                rule = self._rules[number]
                time = condition.count(rule.when, rule.name, ctx.circumstances)
                if time is not None:
                    ctx.explain(f"关键词规则“{rule.name}” 的 nth 也数了一次：这是第 {time} 次", _place(number))


def _note(ctx: Context, steps: Iterable[Told]) -> None:
    for step, number in steps:
        ctx.explain(step, None if number is None else _place(number))


def _place(number: int) -> Location:
    return ("keywords", "rules", number)


def _keyed(when: When, key: str) -> bool:
    return when.menu_key is None or key in when.menu_key


def _groups(patterns: Sequence[str], text: str) -> dict[str, str]:
    """The groups of the first pattern that is found in the text, by number and by name."""
    for pattern in patterns:
        found = re2.compile(pattern, RE2).search(text)
        if found:
            groups = {str(number): group for number, group in enumerate((found.group(), *found.groups()))}
            return {name: group or "" for name, group in {**groups, **found.groupdict()}.items()}
    return {}


def _hearing(section: KeywordsSection) -> Hearing:
    words = [word for rule in section.rules for word in (*(rule.when.exact or ()), *(rule.when.contains or ()), *(rule.when.prefix or ()))]
    return Hearing(lambda said: bool(section.matcher.candidates(said)), words)


def _fallback(section: KeywordsSection) -> Answer:
    last: Callable[[Context], Reply | None] = lambda ctx: replies.say(section.fallback, ctx) if section.fallback else None  # noqa: E731
    return last


def sorry(config: Config) -> str:
    """What a follower reads when a bug of ours stands in the way."""
    section = config.get(KeywordsSection)
    return section.sorry if section else SORRY


def _check(config: Config) -> Iterator[Problem]:
    section = config.get(KeywordsSection)
    for number, rule in enumerate(section.rules if section else ()):
        if rule.when.level is not None or rule.when.segment is not None:
            yield from condition.check(rule.when, (*_place(number), "when"), config)
        if not isinstance(rule.reply, str) or "{match." in rule.reply:
            yield from _unknown_groups(rule, number, config)


def _unknown_groups(rule: Rule, number: int, config: Config) -> Iterator[Problem]:
    """Every {match.…} of the reply is a group of one of the rule's patterns."""
    known = {name for pattern in rule.when.regex or () for name in _names(pattern)}
    for where, text, _ in replies.every(Config(config.zone, sections={Rule: rule})):
        for name in placeholders(text) if "{match." in text else ():
            group = name.removeprefix("match.")
            if name != group and group not in known and where[1] == "reply" and "menu" not in where:
                may = "、".join(f"{{match.{one}}}" for one in sorted(known))
                zh = f"这里可用：{may}" if known else "这条规则没有 regex"
                en = f"here you may use: {may.replace('、', ', ')}" if known else "this rule has no regex"
                zh, en = f"没有 {{{name}}}；{zh}", f"there is no {{{name}}}; {en}"
                yield Problem((*_place(number), *where[1:]), zh, en, word=f"{{{name}")


def _names(pattern: str) -> set[str]:
    """What its groups are called in a reply: 0 for all that was found, 1, 2 … and their names."""
    compiled = re2.compile(pattern, RE2)
    return {str(number) for number in range(compiled.groups + 1)} | set(compiled.groupindex)


feature = Feature(
    name="keywords",
    section=KeywordsSection,
    notices=lambda section: section.matcher.notice,
    listens=lambda section: section.matcher.answer,
    last_word=_fallback,
    hears=_hearing,
    checks=_check,
)
