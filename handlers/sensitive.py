"""Forbidden words: what followers say and what we would send, held against the operator's lists before anybody hears or reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from handlers import replies
from handlers.routing import Context, Feature, Guard, Stopped, normal
from models import finding
from models.config import Config, Location, Problem, Rules, says
from models.finding import Direction
from models.forbidden import Action, Finder, Found, WordList
from wechat.reply import Music, News, Reply, Text, Video

_Fixed = Annotated[str, says()]  # no variables: nothing can bring a word in
_DOES = {"block": "拦下", "queue": "等运营看", "log": "记下"}


class SensitiveWording(Rules):
    """What is said instead."""

    blocked: _Fixed = Field("这条消息里有不能出现的内容，请换个说法", description="粉丝的消息被拦下时告诉他什么；空的就什么都不说")
    withheld: _Fixed = Field("抱歉，这条回复暂时不能发出", description="回复被拦下时改发什么；空的就什么都不发")


class SensitiveSection(Rules):
    """敏感词：粉丝说的话、要发出去的话里不能出现的词。"""

    key: ClassVar[str] = "sensitive"

    lists: list[WordList] = Field(min_length=1, description="词表")
    replies: SensitiveWording = Field(default_factory=SensitiveWording, description="文案")

    @cached_property
    def finder(self) -> Finder:
        """Finds the words of all lists."""
        return Finder(self.lists)


class _Watch:
    """The guard of one version of the file."""

    def __init__(self, section: SensitiveSection) -> None:
        self._section, self._finder = section, section.finder
        self._listens = any(one.heard for one in section.lists)
        self._reads = any(one.said for one in section.lists)

    def heard(self, ctx: Context) -> Stopped | None:
        """Stops what is blocked, but never a word that always works: who wants out gets out, however they are called."""
        if not self._listens or not ctx.text or not _own_words(ctx):
            return None
        found = self._found("heard", [ctx.text])
        always = ctx.routes.triggers.get(normal(ctx.text)) if found else None
        if not found or (always is not None and always.always):
            return None
        self._note(ctx, "heard", found, ctx.text)
        if found[0].action != "block":
            return None
        ctx.answered_by = f"sensitive:{found[0].list}"
        return Stopped(Text(self._section.replies.blocked) if self._section.replies.blocked else None)

    def said(self, ctx: Context, reply: Reply) -> Reply | None:
        """The reply, or what is said instead of it."""
        if not self._reads:
            return reply
        texts = [text for text in _texts(reply) if text]
        found = self._found("said", texts)
        self._note(ctx, "said", found, "\n".join(texts))
        if not found or found[0].action == "log":
            return reply
        return Text(self._section.replies.withheld) if self._section.replies.withheld else None

    def _found(self, direction: Direction, texts: Iterable[str]) -> list[_Hit]:
        """What of it counts in this direction, the strictest first."""
        lists = self._section.lists
        hits = [
            _Hit(action, lists[one.list].name, one, text[one.start : one.end])
            for text in texts
            for one in self._finder.find(text)
            if (action := lists[one.list].heard if direction == "heard" else lists[one.list].said)
        ]
        return sorted(hits, key=lambda hit: _STRICTEST.index(hit.action))

    def _note(self, ctx: Context, direction: Direction, found: Iterable[_Hit], whole: str) -> None:
        """Each word is kept once for the message, under the strictest of its lists."""
        for hit in found:
            finding.note(ctx.db, ctx.inbound.key, direction, ctx.follower.id or None, hit.found.word, hit.action, whole, ctx.now)
            who, where = ("粉丝的话", ("sensitive", "lists", hit.found.list)) if direction == "heard" else ("回复", None)
            ctx.explain(f"敏感词：{who}里有“{hit.part}”（词表“{hit.list}”的“{hit.found.word}”）→ {_DOES[hit.action]}", where)


class _Hit(NamedTuple):
    """A word that was found, and what its list wants done."""

    action: Action
    list: str
    found: Found
    part: str  # of the text


_STRICTEST: tuple[Action, ...] = ("block", "queue", "log")


def _own_words(ctx: Context) -> bool:
    """Whether the follower wrote them: what a button or a choice says for them, the operator wrote."""
    return ctx.inbound.type != "event" and not ctx.inbound.fields.get("bizmsgmenuid")


_LINK = re.compile(r"<a\b[^<>]*>", re.IGNORECASE)


def _visible(text: str) -> str:
    """Without the addresses of links, which nobody reads: in %E6%64 there is no 64."""
    return _LINK.sub("", text) if "<" in text else text


def _texts(reply: Reply) -> Iterator[str]:
    """What a follower would read of it."""
    match reply:
        case Text(text):
            yield _visible(text)
        case News(articles):
            for article in articles:
                yield from (article.title, article.description)
        case Video(_, title, description) | Music(title, description):
            yield from (title, description)


def _guard(section: SensitiveSection) -> Guard:
    watch = _Watch(section)
    return Guard(watch.heard, watch.said)


def _check(config: Config) -> Iterator[Problem]:
    """What operators themselves wrote: a word that may not be sent is an error where it stands."""
    section = config[SensitiveSection]
    if not any(one.said for one in section.lists):
        return
    for where, text, kind in replies.every(config):
        visible = "" if kind == "url" else _visible(text)
        for one in section.finder.find(visible):
            yield from _problem(where, section.lists[one.list], one, visible)


def _problem(where: Location, words: WordList, one: Found, text: str) -> Iterator[Problem]:
    part = text[one.start : one.end]
    same = part == one.word
    here, here_en = (f"“{one.word}”", f"{one.word!r}") if same else (f"“{part}”（“{one.word}”）", f"{part!r} ({one.word!r})")
    if words.said == "log":
        zh, en = f"{here}在敏感词表“{words.name}”里", f"{here_en} is in the list {words.name!r}"
        yield Problem(where, f"{zh}；会照发并记下", f"{en}; it will be sent, and noted", "YZ506")
    elif words.said is not None:
        zh, en = f"{here}在敏感词表“{words.name}”里，这句话发不出去", f"{here_en} is in the list {words.name!r}: this cannot be sent"
        yield Problem(
            where,
            f"{zh}；请换个说法，或者把没有问题的长词写进词表的 allow",
            f"{en}; put it differently, or put the harmless longer word into the list's allow",
        )


feature = Feature(name="sensitive", section=SensitiveSection, guard=_guard, checks=_check)
