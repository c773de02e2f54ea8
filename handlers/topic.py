"""Topics: 订阅X and 退订X, and what somebody is subscribed to; a broadcast with a topic goes to its subscribers only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar

from pydantic import Field, RootModel

from handlers.routing import Context, Feature, Trigger
from models import follower, topic
from models.broadcast import BroadcastsSection
from models.config import Config, Problem, Rules, fill, says
from models.survey import Key
from wechat.reply import Text

_Word = Annotated[str, Field(min_length=1)]


class TopicWording(Rules):
    """The words of a topic."""

    subscribed: Annotated[str, says("name")] = Field("好的，有「{name}」会告诉您。回复「退订{name}」随时取消", description="订阅之后")
    subscribed_already: Annotated[str, says("name")] = Field("您已经订阅了「{name}」，回复「退订{name}」可以取消", description="早就订阅了")
    all_refused: Annotated[str, says("name")] = Field(
        "已记下您订阅「{name}」。您之前退订了全部消息，回复「恢复订阅」才会收到", description="订阅了，但退订过全部消息"
    )
    left: Annotated[str, says("name")] = Field("好的，不再给您发「{name}」。回复「订阅{name}」可以重新打开", description="退订之后")
    left_already: Annotated[str, says("name")] = Field("您没有订阅「{name}」，回复「订阅{name}」就能收到", description="本来就没订阅")
    on: Annotated[str, says("name", "about")] = Field("✓ {name}{about}（回复「退订{name}」取消）", description="清单里已订阅的一行")
    off: Annotated[str, says("name", "about")] = Field("· {name}{about}（回复「订阅{name}」打开）", description="清单里没订阅的一行")


class Topic(Rules):
    """Something followers may ask to be told about."""

    key: Key = Field(description="主题代号，群发里的 topic 写它")
    name: str = Field(min_length=1, max_length=20, description="主题名，粉丝回复“订阅”加它来订阅，例如 每周精选")
    about: str = Field("", max_length=60, description="清单里跟在名字后面的说明")
    subscribe: list[_Word] = Field(default_factory=list, description="还有哪些词也是订阅")
    leave: list[_Word] = Field(default_factory=list, description="还有哪些词也是退订这个主题")
    list_words: list[_Word] = Field(["我的订阅"], alias="list", description="列出全部主题的词")
    replies: TopicWording = Field(default_factory=TopicWording, description="文案")

    def to_subscribe(self) -> list[str]:
        """Every word that subscribes."""
        return [f"订阅{self.name}", f"订阅 {self.name}", *self.subscribe]

    def to_leave(self) -> list[str]:
        """Every word that unsubscribes."""
        return [f"退订{self.name}", f"退订 {self.name}", *self.leave]


class TopicsSection(RootModel[list[Topic]]):
    """主题：粉丝自己订阅的通知；订阅的时间和原话会留下来作凭据。"""

    key: ClassVar[str] = "topics"

    def named(self, key: str) -> Topic | None:
        """The topic of this key."""
        return next((one for one in self.root if one.key == key), None)


def subscribe(ctx: Context, one: Topic) -> Text:
    """They are subscribed, and what they said for it is kept."""
    new = topic.subscribe(ctx.db, ctx.follower.id, one.key, ctx.text, ctx.said_at)
    words = one.replies
    said = words.all_refused if follower.has_refused(ctx.db, ctx.follower.id) else words.subscribed if new else words.subscribed_already
    return Text(fill(said, {"name": one.name}))


def leave(ctx: Context, one: Topic) -> Text:
    """They are not subscribed any more; the others go on."""
    was = topic.leave(ctx.db, ctx.follower.id, one.key, ctx.said_at)
    return Text(fill(one.replies.left if was else one.replies.left_already, {"name": one.name}))


def listed(ctx: Context, section: TopicsSection) -> Text:
    """All topics, and which of them they are subscribed to."""
    mine = topic.subscribed_to(ctx.db, ctx.follower.id)
    lines = (
        fill(one.replies.on if one.key in mine else one.replies.off, {"name": one.name, "about": one.about and f"：{one.about}"})
        for one in section.root
    )
    return Text("\n".join(lines))


def _triggers(section: TopicsSection) -> Iterator[Trigger]:
    shown: set[str] = set()
    for number, one in enumerate(section.root):
        where = ("topics", number)
        for words, key, verb in ((one.to_subscribe(), "subscribe", subscribe), (one.to_leave(), "leave", leave)):
            for place, word in enumerate(words):
                at = (*where, "name") if place < 2 else (*where, key, place - 2)
                yield Trigger(at, word, _of(verb, one), one.replies, always=True)
        for place, word in enumerate(one.list_words):
            if word not in shown:
                shown.add(word)
                yield Trigger((*where, "list", place), word, lambda ctx: listed(ctx, section), one.replies)


def _of(verb: Callable[[Context, Topic], Text], one: Topic) -> Callable[[Context], Text]:
    return lambda ctx: verb(ctx, one)


def _checks(config: Config) -> Iterator[Problem]:
    section = config.get(TopicsSection) or TopicsSection([])
    keys = [one.key for one in section.root]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            yield Problem(("topics", number, "key"), f"主题 {key} 已经有了，换一个代号", f"{key} is there already; choose another key")
    broadcasts = config.get(BroadcastsSection)
    for number, planned in enumerate(broadcasts.root if broadcasts else ()):
        if planned.topic is not None and planned.topic not in keys:
            known, where = "、".join(keys) or "（无）", ("broadcasts", number, "topic")
            zh, en = f"没有主题 {planned.topic}；可用：{known}", f"there is no topic {planned.topic}; known: {known}"
            yield Problem(where, zh, en)


# Off without a section. 退订 alone stays everything (consent).
feature = Feature(name="topic", section=TopicsSection, triggers=_triggers, checks=_checks)
