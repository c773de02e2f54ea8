"""What a test of the file expects, held against what came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Self

import re2
from pydantic import BeforeValidator, Field, model_validator

from app.rehearsal import Tried
from handlers.matching import Patterns
from models.config import Rules, wrong

Kind = Literal["text", "image", "voice", "video", "music", "news", "handoff"]
_SHOWN = 120  # characters of a reply in a complaint


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Some = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[_Some], BeforeValidator(_listed, json_schema_input_type=list[_Some] | _Some), Field(min_length=1)]


class Expected(Rules):
    """All of it must hold."""

    equals: _Some | None = Field(None, description="回复就是这句话（前后的空格和换行不算）")
    one_of: Texts | None = Field(None, description="回复是其中一句：轮流、随机的回复用")
    contains: Texts | None = Field(None, description="回复里有这些话，每一句都要有")
    lacks: Texts | None = Field(None, description="回复里没有这些话，一句也不能有")
    matches: Patterns | None = Field(None, description="回复里找得到这个正则表达式（RE2），几个就每个都要")
    nothing: bool | None = Field(None, description="true：不回复；false：总要回复点什么")
    rule: str | None = Field(None, min_length=1, description="哪条规则回复的：规则的 name，或功能的键，例如 checkin；fallback 是兜底回复")
    kind: Kind | None = Field(None, description="哪种回复：text image voice video music news handoff")
    then: Texts | None = Field(None, description="之后用客服消息补发的每一条里有的话，按顺序")

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        names = list(type(self).model_fields)
        if all(getattr(self, name) is None for name in names):
            raise wrong(f"expects 里至少写一样：{'、'.join(names)}", f"expects needs at least one of: {', '.join(names)}")
        return self


class Missed(NamedTuple):
    """What did not come true: the key it stands under, in two languages."""

    key: str
    zh: str
    en: str


def missed(expected: str | Expected, came: Tried) -> Missed | None:
    """The first expectation that the answer does not meet; None where it meets all."""
    if isinstance(expected, str):
        expected = Expected(equals=expected)
    return next(_differences(expected, came), None)


def _differences(e: Expected, came: Tried) -> Iterator[Missed]:
    said = (came.reply or "").strip()
    if e.nothing is not None and e.nothing != (came.reply is None):
        yield Missed(
            "nothing", "应该不回复" if e.nothing else "应该回复点什么", "no reply was expected" if e.nothing else "a reply was expected"
        )
    if e.rule is not None and not answered_by(e.rule, came.rule):
        yield Missed("rule", f"应该由“{e.rule}”回复", f"{e.rule!r} should have answered")
    if e.kind is not None and e.kind != came.kind:
        yield Missed("kind", f"应该回复 {e.kind}", f"the reply should have been {e.kind}")
    if e.equals is not None and e.equals.strip() != said:
        yield Missed("equals", f"应该回复“{brief(e.equals)}”", f"expected “{brief(e.equals)}”")
    if e.one_of is not None and said not in [one.strip() for one in e.one_of]:
        yield Missed("one_of", f"应该回复 one_of 里的一句（共 {len(e.one_of)} 句）", f"expected one of {len(e.one_of)} replies")
    yield from _parts(e, said)
    for number, words in enumerate(e.then or ()):
        if number >= len(came.follow_ups) or words not in came.follow_ups[number][1]:
            zh, en = f"之后补发的第 {number + 1} 条里应该有“{brief(words)}”", f"follow-up {number + 1} should have had “{brief(words)}”"
            yield Missed("then", zh, en)


def _parts(e: Expected, said: str) -> Iterator[Missed]:
    for words in e.contains or ():
        if words not in said:
            yield Missed("contains", f"回复里应该有“{brief(words)}”", f"the reply should have had “{brief(words)}”")
    for words in e.lacks or ():
        if words in said:
            yield Missed("lacks", f"回复里不该有“{brief(words)}”", f"the reply should not have had “{brief(words)}”")
    for pattern in e.matches or ():
        if not re2.search(pattern, said):
            yield Missed("matches", f"回复应该匹配 {brief(pattern)}", f"the reply should have matched {brief(pattern)}")


def answered_by(rule: str, answered: str | None) -> bool:
    """Whether what the inbox says of the answer (`keywords:营业时间`, `checkin.triggers.0`) is this rule or this feature."""
    if answered is None:
        return False
    name, colon, subject = answered.partition(":")
    return rule in (answered, subject) if colon and rule in (answered, subject) else rule == (name if colon else answered.partition(".")[0])


def brief(text: str) -> str:
    """The text in one line, cut where it is long."""
    line = text.strip().replace("\n", "⏎")
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
