"""Consent: 退订 stops every push, 恢复订阅 allows them again; both work in the middle of a survey too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from handlers.routing import Context, Feature, Trigger
from models import follower
from models.config import Rules, fill, says
from wechat.reply import Text


class ConsentWording(Rules):
    """The words of consent."""

    refused: Annotated[str, says()] = Field("好的，不会再主动给您发消息。回复「恢复订阅」可以重新打开", description="退订之后")
    allowed: Annotated[str, says()] = Field("好的，已恢复订阅", description="恢复之后")


class ConsentSection(Rules):
    """退订与恢复：粉丝不想被打扰时用的词。不写这一段也有效。"""

    key: ClassVar[str] = "consent"

    refuse: list[Annotated[str, Field(min_length=1)]] = Field(["退订", "拒收", "TD"], min_length=1, description="退订的词")
    allow: list[Annotated[str, Field(min_length=1)]] = Field(["恢复订阅"], min_length=1, description="恢复的词")
    replies: ConsentWording = Field(default_factory=ConsentWording, description="文案")


def refuse(ctx: Context, section: ConsentSection) -> Text:
    """They are not pushed to any more."""
    follower.refuse_pushes(ctx.db, ctx.follower.id, ctx.now)
    return Text(fill(section.replies.refused, {}))


def allow(ctx: Context, section: ConsentSection) -> Text:
    """They may be pushed to again."""
    follower.allow_pushes(ctx.db, ctx.follower.id)
    return Text(fill(section.replies.allowed, {}))


def _triggers(section: ConsentSection) -> Iterator[Trigger]:
    for number, word in enumerate(section.refuse):
        yield Trigger(("consent", "refuse", number), word, lambda ctx: refuse(ctx, section), section.replies, always=True)
    for number, word in enumerate(section.allow):
        yield Trigger(("consent", "allow", number), word, lambda ctx: allow(ctx, section), section.replies, always=True)


# Without a section the defaults hold: a way to refuse is the follower's right (PIPL, article 24).
feature = Feature(name="consent", section=ConsentSection, triggers=_triggers, default=lambda config: ConsentSection())
