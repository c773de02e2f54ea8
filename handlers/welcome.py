"""Welcome: what someone hears who follows, comes back, or scans one of our codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from handlers import replies
from handlers.replies import ReplyText, ReplyWith
from handlers.routing import Context, Feature
from models.config import Rules
from wechat.reply import Reply


class WelcomeSection(Rules):
    """欢迎语：新关注、再次关注、扫码进来时说什么。"""

    key: ClassVar[str] = "welcome"

    reply: ReplyText | ReplyWith = Field(description="第一次关注时的欢迎语")
    returning: ReplyText | ReplyWith | None = Field(None, description="取消后又回来的人；不写就用 reply")
    scenes: Mapping[str, ReplyText | ReplyWith] = Field(default_factory=dict, description="扫了带参数二维码的人：参数 → 回复")


def followed(ctx: Context, section: WelcomeSection) -> Reply:
    """Someone follows: the words of the code they scanned, else those for who comes back, else the welcome."""
    scene = section.scenes.get(ctx.inbound.event_key.removeprefix("qrscene_"))
    if scene is not None:
        return replies.say(scene, ctx)
    return replies.say(section.returning if ctx.follower.returning and section.returning is not None else section.reply, ctx)


def scanned(ctx: Context, section: WelcomeSection) -> Reply | None:
    """A follower scans a code of ours."""
    scene = section.scenes.get(ctx.inbound.event_key)
    return replies.say(scene, ctx) if scene is not None else None


feature = Feature(name="welcome", section=WelcomeSection, events={"subscribe": followed, "scan": scanned})
