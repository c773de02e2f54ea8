"""Segments: which followers are meant, written as a small sentence: `checked_in_within(7d) and not tag('员工')`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, RootModel
from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true

from models.clock import span
from models.config import Rules, wrong
from models.follower import follower_tags, followers, tags
from models.staff import staff
from models.streak import checkins
from models.survey import Key

Condition = Callable[[datetime], ColumnElement[bool]]

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]+)|(?P<text>'[^']*'|\"[^\"]*\")|(?P<span>\d+[mhdw])|(?P<sign>[()])|(?P<other>\S))")


def _tag(name: str) -> Condition:
    return lambda now: exists().where(
        follower_tags.c.follower_id == followers.c.id, follower_tags.c.tag_id.in_(select(tags.c.id).where(tags.c.name == name))
    )


def _channel(scene: str) -> Condition:
    return lambda now: and_(followers.c.channel.is_not(None), followers.c.channel == scene)  # NULL would make `not` NULL too


def _checked_in_within(length: timedelta) -> Condition:
    return lambda now: exists().where(checkins.c.follower_id == followers.c.id, checkins.c.at > now - length)


def _active_within(length: timedelta) -> Condition:
    return lambda now: and_(followers.c.last_seen_at.is_not(None), followers.c.last_seen_at > now - length)


def _followed_within(length: timedelta) -> Condition:
    return lambda now: followers.c.first_seen_at > now - length


def _staff(now: datetime) -> ColumnElement[bool]:
    return exists().where(staff.c.follower_id == followers.c.id, staff.c.disabled_at.is_(None))


def _all(now: datetime) -> ColumnElement[bool]:
    return true()


_ALONE: dict[str | None, Condition] = {"all": _all, "staff": _staff}
_OF_TEXT = {"tag": _tag, "channel": _channel}
_OF_SPAN = {"checked_in_within": _checked_in_within, "active_within": _active_within, "followed_within": _followed_within}
_WORDS = "all、staff、tag('标签')、channel('store_01')、checked_in_within(7d)、active_within(7d)、followed_within(7d)、and、or、not"


_DEEPEST = 20  # brackets and nots in one another


@dataclass
class _Reader:
    """Reads `or` of `and` of `not` of a condition, by recursive descent."""

    text: str
    at: int = 0
    depth: int = 0

    def whole(self) -> Condition:
        condition = self._any()
        if self._peek() is not None:
            raise self._wrong()
        return condition

    def _any(self) -> Condition:
        parts = [self._every()]
        while self._take("or"):
            parts.append(self._every())
        return parts[0] if len(parts) == 1 else lambda now: or_(false(), *(part(now) for part in parts))

    def _every(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda now: and_(true(), *(part(now) for part in parts))

    def _one(self) -> Condition:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._wrong()
        condition = self._alone()
        self.depth -= 1
        return condition

    def _alone(self) -> Condition:
        if self._take("not"):
            inner = self._one()
            return lambda now: not_(inner(now))
        if self._take("("):
            inner = self._any()
            self._expect(")")
            return inner
        word = self._next("word")
        if word in _ALONE:
            return _ALONE[word]
        if word in _OF_TEXT:
            return _OF_TEXT[word](self._argument("text")[1:-1])
        if word in _OF_SPAN:
            return _OF_SPAN[word](span(self._argument("span")))
        raise self._wrong(word)

    def _argument(self, kind: str) -> str:
        self._expect("(")
        value = self._next(kind)
        self._expect(")")
        return value

    def _peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.at)

    def _take(self, wanted: str) -> bool:
        found = self._peek()
        if found is None or found[0].strip() != wanted:
            return False
        self.at = found.end()
        return True

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            raise self._wrong()

    def _next(self, kind: str) -> str:
        found = self._peek()
        if found is None or found[kind] is None:
            raise self._wrong()
        self.at = found.end()
        return found[kind]

    def _wrong(self, word: str = "") -> Exception:
        here = word or self.text[self.at :].strip() or "（句尾）"
        zh, en = f"看不懂人群条件，在“{here}”处；可用：{_WORDS}", f"cannot read the segment at {here!r}; it may use: {_WORDS}"
        return wrong(zh, en, word=word or self.text[self.at :].strip())


def understand(where: str) -> Condition:
    """The sentence as a condition on the follower table at an instant. Raises the operator's error where it cannot be read."""
    return _Reader(where).whole()


def _check(where: str) -> str:
    understand(where)
    return where


Where = Annotated[str, AfterValidator(_check)]


class Segment(Rules):
    """A named group of followers."""

    key: Key = Field(description="人群代号")
    where: Where = Field(max_length=1000, description="条件，例如 checked_in_within(7d) and not tag('员工')；所有人写 all")


class SegmentsSection(RootModel[list[Segment]]):
    """人群：群发发给谁。"""

    key: ClassVar[str] = "segments"

    def named(self, key: str) -> Segment | None:
        """The segment of this key. `all` needs no definition."""
        known = {segment.key: segment for segment in self.root}
        return known.get(key) or (Segment(key="all", where="all") if key == "all" else None)
