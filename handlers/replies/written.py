"""What an operator may write where a reply belongs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from handlers.replies import chat_menu
from handlers.replies.variables import NAMES, ReplyText, Told
from models.clock import span
from models.condition import Conditions
from models.config import Looks, Rules, says, wrong
from wechat.reply import LONGEST_TEXT

MOST_FOLLOW_UPS = 5  # customer-service messages after a message of theirs (models/allowance.py)
LONGEST_WAIT = timedelta(hours=47)  # the platform takes them for 48 hours; at the end of these nothing is left
DEEPEST = 5


class Media(Rules):
    """A picture, voice or video: a file of ours, or one that is on the platform already."""

    media_id: str = Field(min_length=1, description="media 里的名字，或平台上素材的 media_id")
    title: Told = Field("", description="标题（视频）")
    description: Told = Field("", description="说明（视频）")


class Music(Rules):
    """A piece of music."""

    title: Told = Field("", description="标题")
    description: Told = Field("", description="说明")
    url: str = Field("", description="音乐链接")
    hq_url: str = Field("", description="高质量音乐链接")
    thumb_media_id: str = Field(min_length=1, description="封面图：media 里的名字，或 media_id")


class Article(Rules):
    """A card with a picture that leads somewhere."""

    title: ReplyText = Field(description="标题")
    description: Told = Field("", description="说明")
    picture: str = Field("", description="图片网址")
    url: str = Field(min_length=1, description="点开后的网址")


class Line(Rules):
    """A line that is said to some followers, or at some times."""

    when: Conditions = Field(description="什么时候、对谁有这一行：from、to、days、dates、holiday、tags、level、nth 等等")
    text: ReplyText = Field(description="这一行的文字")
    otherwise: ReplyText | None = Field(None, description="条件不符合时换成这一行；不写就没有这一行")


def _delay(text: str) -> timedelta:
    """`5s`, `10m`, `2h` as a length of time."""
    seconds = re.fullmatch(r"(\d{1,4})s", text.strip())
    return timedelta(seconds=int(seconds[1])) if seconds else span(text)


def _check_delay(text: str) -> str:
    try:
        fits = timedelta(seconds=1) <= _delay(text) <= LONGEST_WAIT
    except ValueError:
        fits = False
    if not fits:
        raise wrong(
            f"after 要写成 5s（秒）、10m（分钟）、2h（小时）这样的时长，最短 1s，最长 47h；这里是 {text!r}",
            f"after is a span such as 5s, 10m or 2h, from 1s to 47h; this is {text!r}",
        )
    return text


class Then(Rules):
    """What follows the first reply, as a customer-service message."""

    after: Annotated[str, AfterValidator(_check_delay), Looks(r"^\s*[0-9]{1,4}[smhdw]\s*$", ("5s", "10m", "2h"))] = Field(
        description="多久以后：5s、10m、2h；最长 47h"
    )
    reply: ReplyText | ReplyWith = Field(description="用客服消息发的回复")

    @property
    def delay(self) -> timedelta:
        """How long after the message that it follows."""
        return _delay(self.after)

    @model_validator(mode="after")
    def _can_follow(self) -> Self:
        for one in _branches(self.reply):
            if one.then:
                raise wrong("then 里面不能再写 then，请都写在外面的列表里", "no then inside a then; write them all in the outer list")
            if one.handoff:
                raise wrong("转人工只能作为第一条回复，不能写在 then 里", "handoff can only be the first reply, it cannot follow")
            if one.news and len(one.news) > 1:
                raise wrong("客服消息里的图文只能有一篇", "a customer-service message has one article at most")
        return self


class Weighted(Rules):
    """A reply that is chosen as often as its weight says."""

    reply: ReplyText | ReplyWith = Field(description="回复")
    weight: int = Field(1, ge=1, le=10_000, description="权重：3 的机会是 1 的三倍")


def _check_label(text: str) -> str:
    if not text.strip() or any(c in text for c in "<>\n\r"):
        raise wrong("选项要有文字，里面不能有 <、> 和换行", "a choice has words in it, without <, > and line breaks")
    if chat_menu.plain(text).rstrip(".、。)").isdecimal():
        raise wrong("选项不能只是一个数字，会和序号混淆", "a choice cannot be a mere number: it would be taken for its position")
    return text


_Label = Annotated[str, says(), AfterValidator(_check_label)]


class Choice(Rules):
    """One choice of a menu, which leads to exactly one thing."""

    name: _Label = Field(description="选项上的字；粉丝点它、回复它或它的序号")
    say: Annotated[str, Field(min_length=1)] | None = Field(None, description="等于粉丝说了这句话")
    reply: ReplyText | ReplyWith | None = Field(None, description="回复")
    menu: ChatMenu | None = Field(None, description="下一层菜单")

    @model_validator(mode="after")
    def _leads_to_one_thing(self) -> Self:
        if [self.say, self.reply, self.menu].count(None) != 2:
            raise wrong(
                f"选项“{self.name}”要有且只有一种：say、reply、menu", f"the choice {self.name!r} leads to exactly one of: say, reply, menu"
            )
        return self


class ChatMenu(Rules):
    """A menu in the chat: a title, and choices to tap or to answer with their number."""

    title: Annotated[str, says(*NAMES), Field(min_length=1)] = Field(description="标题，第一行")
    choices: Annotated[list[Choice], Field(min_length=1, max_length=10)] = Field(description="选项，1–10 个")
    end: Annotated[str, says(*NAMES)] | None = Field(
        None, description='最后一行；不写就和上一层一样，最外层是“回复数字或点一下”；写 "" 就没有这一行'
    )
    back: _Label | None = Field(None, description="回到上一层的词；不写就和上一层一样，最外层是“返回”")
    left: Annotated[str, says(*NAMES), Field(min_length=1)] = Field("好的", description="在最外层说“返回”时的回复")

    @property
    def names(self) -> list[str]:
        """What stands on the choices."""
        return [choice.name for choice in self.choices]

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        top = Level.top(self)
        for level in top.tree():
            if level.depth > DEEPEST:
                raise wrong(f"菜单最多 {DEEPEST} 层", f"menus are nested {DEEPEST} deep at most")
            words = [chat_menu.plain(name) for name in (*level.menu.names, level.back)]
            if twice := next((word for number, word in enumerate(words) if word in words[:number]), None):
                raise wrong(f"选项“{twice}”写了两次，或者和返回的词一样", f"{twice!r} is there twice, or is the word for going back")
            if (size := len(level.text(level.menu.title, level.end).encode())) > LONGEST_TEXT:
                raise wrong(
                    f"菜单“{level.menu.title}”连同链接有 {size} 字节，最多 {LONGEST_TEXT}；请缩短文字，或分成两层",
                    f"the menu {level.menu.title!r} has {size} bytes with its links, {LONGEST_TEXT} at most; shorten it or split it",
                )
        return self


@dataclass(frozen=True, slots=True)
class Level:
    """A menu at its place: under which id, how deep, and with the words that it has from the menus above it."""

    menu: ChatMenu
    id: str
    depth: int
    back: str
    end: str
    above: Level | None

    @classmethod
    def top(cls, menu: ChatMenu) -> Level:
        """The menu as a reply of its own."""
        return cls._at(menu, None, "返回", "回复数字或点一下")

    @classmethod
    def _at(cls, menu: ChatMenu, above: Level | None, back: str, end: str) -> Level:
        path, depth = (above.id, above.depth + 1) if above else ("", 1)
        return cls(
            menu, chat_menu.id_of(path, menu.title, menu.names), depth, menu.back or back, end if menu.end is None else menu.end, above
        )

    def below(self, menu: ChatMenu) -> Level:
        """A menu that one of the choices leads to."""
        return Level._at(menu, self, self.back, self.end)

    def tree(self) -> Iterator[Level]:
        """This one and all below it."""
        yield self
        for choice in self.menu.choices:
            if choice.menu is not None:
                yield from self.below(choice.menu).tree()

    def text(self, title: str, end: str) -> str:
        """What the follower reads."""
        options = [(chat_menu.choice_id(self.id, number), name) for number, name in enumerate(self.menu.names, 1)]
        return chat_menu.shown(title, options, end, (chat_menu.choice_id(self.id, 0), self.back) if self.above else None)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _as_media(value: Any) -> Any:
    return {"media_id": value} if isinstance(value, str) else value


KINDS = ("text", "lines", "image", "voice", "video", "music", "news", "menu", "handoff", "in_turn", "any_of")


class ReplyWith(Rules):
    """Exactly one kind of reply, and what follows it."""

    text: ReplyText | None = Field(None, description="文字")
    lines: Annotated[list[ReplyText | Line], Field(min_length=1)] | None = Field(
        None, description="文字，一行一项；{when: …, text: …, otherwise: …} 的一行只在条件符合时才有"
    )
    image: Annotated[Media, BeforeValidator(_as_media, json_schema_input_type=Media | str)] | None = Field(
        None, description="图片：media 里的名字，或 media_id"
    )
    voice: Annotated[Media, BeforeValidator(_as_media, json_schema_input_type=Media | str)] | None = Field(
        None, description="语音：media 里的名字，或 media_id"
    )
    video: Annotated[Media, BeforeValidator(_as_media, json_schema_input_type=Media | str)] | None = Field(None, description="视频")
    music: Music | None = Field(None, description="音乐")
    news: (
        Annotated[
            list[Article], BeforeValidator(_listed, json_schema_input_type=list[Article] | Article), Field(min_length=1, max_length=8)
        ]
        | None
    ) = Field(None, description="图文")
    menu: ChatMenu | None = Field(None, description="聊天里的菜单：粉丝点选项，或回复序号")
    handoff: str | bool | None = Field(None, description="转人工客服：true，或客服账号")
    in_turn: Annotated[list[ReplyText | ReplyWith], Field(min_length=2)] | None = Field(
        None, description="几条回复轮流：每位粉丝每次听到下一条"
    )
    any_of: Annotated[list[ReplyText | Weighted | ReplyWith], Field(min_length=2)] | None = Field(
        None, description="几条回复随机一条；{reply: …, weight: 3} 的机会是三倍"
    )
    then: (
        Annotated[
            list[Then], BeforeValidator(_listed, json_schema_input_type=list[Then] | Then), Field(min_length=1, max_length=MOST_FOLLOW_UPS)
        ]
        | None
    ) = Field(None, description="过一会儿再用客服消息说的：[{after: 5s, reply: …}]，最多 5 条")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1 or self.handoff is False:
            raise wrong(f"回复要有且只有一种：{'、'.join(KINDS)}", f"a reply is exactly one of: {', '.join(KINDS)}", *given[1:2])
        return self

    @cached_property
    def digest(self) -> str:
        """The same for as long as the reply is written the same."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def _branches(given: str | ReplyWith) -> Iterator[ReplyWith]:
    """The reply and all that it may come to."""
    if isinstance(given, str):
        return
    yield given
    for one in (*(given.in_turn or ()), *(given.any_of or ())):
        yield from _branches(one.reply if isinstance(one, Weighted) else one)


for _model in (Then, Weighted, Choice, ChatMenu):
    _model.model_rebuild()
