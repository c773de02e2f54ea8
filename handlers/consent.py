"""Consent: 退订 stops every push and 恢复订阅 allows them again; 关闭统计 and 开启统计 do the same for noting which links are opened.

All of them work in the middle of a survey too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, ClassVar

from pydantic import Field

from handlers.routing import Context, Feature, Trigger
from models import follower, journey
from models.config import Rules, fill, says
from wechat.reply import Text


class ConsentWording(Rules):
    """The words of consent."""

    refused: Annotated[str, says()] = Field("好的，不会再主动给您发消息。回复「恢复订阅」可以重新打开", description="退订之后")
    allowed: Annotated[str, says()] = Field("好的，已恢复订阅", description="恢复之后")
    untracked: Annotated[str, says()] = Field(
        "好的，以后不再记录您点开了哪些链接，链接照常能打开。回复「开启统计」可以重新打开", description="关闭统计之后"
    )
    tracked: Annotated[str, says()] = Field("好的，已开启统计。回复「关闭统计」可以随时关闭", description="开启统计之后")


class ConsentSection(Rules):
    """退订与恢复：粉丝不想被打扰时用的词。不写这一段也有效。"""

    key: ClassVar[str] = "consent"

    refuse: list[Annotated[str, Field(min_length=1)]] = Field(["退订", "拒收", "TD"], min_length=1, description="退订的词")
    allow: list[Annotated[str, Field(min_length=1)]] = Field(["恢复订阅"], min_length=1, description="恢复的词")
    untrack: list[Annotated[str, Field(min_length=1)]] = Field(["关闭统计"], min_length=1, description="不想让人知道点开了哪些链接的词")
    track: list[Annotated[str, Field(min_length=1)]] = Field(["开启统计"], min_length=1, description="重新允许的词")
    replies: ConsentWording = Field(default_factory=ConsentWording, description="文案")


def refuse(ctx: Context, section: ConsentSection) -> Text:
    """They are not pushed to any more."""
    follower.refuse_pushes(ctx.db, ctx.follower.id, ctx.now)
    journey.leave(ctx.db, ctx.follower.id, ctx.now)
    return Text(fill(section.replies.refused, {}))


def allow(ctx: Context, section: ConsentSection) -> Text:
    """They may be pushed to again."""
    follower.allow_pushes(ctx.db, ctx.follower.id)
    return Text(fill(section.replies.allowed, {}))


def untrack(ctx: Context, section: ConsentSection) -> Text:
    """Nobody notes what they open any more."""
    follower.refuse_tracking(ctx.db, ctx.follower.id, ctx.now)
    return Text(fill(section.replies.untracked, {}))


def track(ctx: Context, section: ConsentSection) -> Text:
    """What they open may be noted again."""
    follower.allow_tracking(ctx.db, ctx.follower.id)
    return Text(fill(section.replies.tracked, {}))


def left(ctx: Context, section: ConsentSection) -> None:
    """They unfollowed: what they were under way with is over."""
    journey.leave(ctx.db, ctx.follower.id, ctx.said_at)


_ANSWERS = {"refuse": refuse, "allow": allow, "untrack": untrack, "track": track}


def _triggers(section: ConsentSection) -> Iterator[Trigger]:
    for key, answer in _ANSWERS.items():
        for number, word in enumerate(getattr(section, key)):
            yield Trigger(("consent", key, number), word, partial(_answer, answer, section), section.replies, always=True)


def _answer(answer: Callable[[Context, ConsentSection], Text], section: ConsentSection, ctx: Context) -> Text:
    return answer(ctx, section)


# Without a section the defaults hold: a way to refuse is the follower's right (PIPL, article 24).
feature = Feature(
    name="consent", section=ConsentSection, triggers=_triggers, events={"unsubscribe": left}, default=lambda config: ConsentSection()
)
