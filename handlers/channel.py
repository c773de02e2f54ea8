"""Channels: what someone hears who comes through one of our codes, for the first time, again, or while they follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, RootModel

from handlers import replies
from handlers.replies import ReplyText, ReplyWith
from handlers.routing import Context, Feature
from models.channel import ChannelRules
from models.config import Config, Problem
from wechat.reply import Reply


class Channel(ChannelRules):
    """A code that leads to us, and what it says."""

    reply: ReplyText | ReplyWith | None = Field(None, description="扫这个码进来的人听到什么（新老粉丝都是）；不写就用 welcome")


class ChannelsSection(RootModel[list[Channel]]):
    """渠道二维码：每个码一个参数，知道粉丝从哪里来。"""

    key: ClassVar[str] = "channels"

    def of(self, scene: str) -> Channel | None:
        """The channel whose code has this parameter."""
        return next((channel for channel in self.root if channel.key == scene), None)


def came(ctx: Context, section: ChannelsSection) -> Reply | None:
    """Someone follows or comes again by a code: its words, if it has any."""
    channel = section.of(ctx.inbound.event_key.removeprefix("qrscene_"))
    return replies.say(channel.reply, ctx) if channel is not None and channel.reply is not None else None


def _check(config: Config) -> Iterator[Problem]:
    section = config.get(ChannelsSection)
    seen: set[str] = set()
    for number, channel in enumerate(section.root if section else ()):
        if channel.key in seen:
            where = ("channels", number, "key")
            yield Problem(where, f"二维码 {channel.key} 写了两次；一个参数只能有一个码", f"the code {channel.key} is written twice")
        seen.add(channel.key)


feature = Feature(name="channel", section=ChannelsSection, events={"subscribe": came, "scan": came}, checks=_check)
