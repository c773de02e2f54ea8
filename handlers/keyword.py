"""Keyword replies: the operator's own rules, asked in the order of the file; the first that matches answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Self

import ahocorasick_rs
import re2
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from handlers import replies
from handlers.replies import ReplyText, ReplyWith
from handlers.routing import Answer, Context, Feature, Hearing, normal
from models import condition
from models.condition import Conditions
from models.config import Config, Problem, Rules, wrong
from wechat.reply import Reply

_RE2 = re2.Options()
_RE2.log_errors = False
_RE2.max_mem = 4 << 20


def _check_pattern(pattern: str) -> str:
    try:
        re2.compile(pattern, _RE2)
    except re2.error as error:
        what = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise wrong(
            f"正则 {pattern!r} 不能用：{what}（用 RE2 语法，不支持 (?=…)、(?!…)、\\1 这类写法）",
            f"the regex {pattern!r} cannot be used: {what} (RE2: no lookaround, no backreferences)",
        ) from None
    return pattern


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Some = Annotated[str, Field(min_length=1)]
Words = Annotated[list[_Some], BeforeValidator(_listed), Field(min_length=1)]
Patterns = Annotated[list[Annotated[_Some, AfterValidator(_check_pattern)]], BeforeValidator(_listed), Field(min_length=1)]


class When(Conditions):
    """When a rule answers: any of the words, within all of the conditions."""

    exact: Words | None = Field(None, description="整句等于其中一个")
    contains: Words | None = Field(None, description="句子里有其中一个")
    prefix: Words | None = Field(None, description="以其中一个开头")
    regex: Patterns | None = Field(None, description="正则表达式（RE2），句子里找到就算")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.exact or self.contains or self.prefix or self.regex):
            raise wrong("when 里至少要有 exact、contains、prefix、regex 之一", "when needs at least one of exact, contains, prefix, regex")
        return self


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


class Matcher:
    """Finds the first rule that matches, in time that does not grow with the number of rules' words."""

    def __init__(self, section: KeywordsSection) -> None:
        self._rules = section.rules
        self._exact: dict[str, list[int]] = {}
        self._patterns: list[tuple[int, Any]] = []
        parts: dict[str, list[tuple[int, bool]]] = {}  # word → (rule, whether only at the start)
        for number, rule in enumerate(section.rules):
            for word in rule.when.exact or ():
                self._exact.setdefault(normal(word), []).append(number)
            for word in rule.when.contains or ():
                parts.setdefault(word.casefold(), []).append((number, False))
            for word in rule.when.prefix or ():
                parts.setdefault(word.casefold(), []).append((number, True))
            self._patterns += [(number, re2.compile(pattern, _RE2)) for pattern in rule.when.regex or ()]
        self._parts = list(parts.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(parts)) if parts else None

    def candidates(self, text: str) -> list[int]:
        """The rules whose words match, in the order of the file."""
        plain = normal(text)
        found = set(self._exact.get(plain, ()))
        if self._automaton:
            for word, start, _ in self._automaton.find_matches_as_indexes(plain, overlapping=True):
                found.update(rule for rule, only_at_start in self._parts[word] if start == 0 or not only_at_start)
        found.update(number for number, pattern in self._patterns if number not in found and pattern.search(text))
        return sorted(found)

    def answer(self, ctx: Context) -> Reply | None:
        """The reply of the first rule that matches in words and conditions."""
        if not ctx.text:
            return None
        for number in self.candidates(ctx.text):
            rule = self._rules[number]
            why_not = condition.unmet(rule.when, rule.name, ctx.circumstances)
            if why_not is None:
                ctx.answered_by = f"keywords:{rule.name}"[:200]
                ctx.explain(f"关键词规则“{rule.name}” 匹配", ("keywords", "rules", number))
                return replies.say(rule.reply, ctx)
            ctx.explain(f"关键词规则“{rule.name}” 的词匹配，但{why_not}", ("keywords", "rules", number))
        return None


def _hearing(section: KeywordsSection) -> Hearing:
    matcher = Matcher(section)
    words = [word for rule in section.rules for word in (*(rule.when.exact or ()), *(rule.when.contains or ()), *(rule.when.prefix or ()))]
    return Hearing(lambda said: bool(matcher.candidates(said)), words)


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
        yield from condition.check(rule.when, ("keywords", "rules", number, "when"), config)


feature = Feature(
    name="keywords",
    section=KeywordsSection,
    listens=lambda section: Matcher(section).answer,
    last_word=_fallback,
    hears=_hearing,
    checks=_check,
)
