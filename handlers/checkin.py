"""Check-in: 签到 once a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from handlers.routing import Context, Feature, Trigger
from models import checkin
from models.checkin import CheckinRules
from models.config import Rules, fill, says
from wechat.reply import Text


class CheckinWording(Rules):
    """The words of a check-in."""

    done: Annotated[str, says("streak", "earned", "balance")] = Field(
        "签到成功，连续 {streak} 天，+{earned} 积分，共 {balance}", description="签到成功"
    )
    already_checked_in: Annotated[str, says("streak", "balance")] = Field(
        "今天已经签到过了，连续 {streak} 天，明天再来吧", description="今天已签到"
    )


class CheckinSection(Rules):
    """每日签到。"""

    key: ClassVar[str] = "checkin"

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["签到", "打卡"], min_length=1, description="触发词")
    rules: CheckinRules = Field(default_factory=CheckinRules, description="规则")
    replies: CheckinWording = Field(default_factory=CheckinWording, description="文案")


def answer(ctx: Context, section: CheckinSection) -> Text:
    """They are checked in for the business day of their message."""
    done = checkin.check_in(ctx.db, ctx.config, ctx.follower.id, section.rules, ctx.said_at)
    return Text(fill(section.replies.done, {"streak": done.streak, "earned": done.earned, "balance": done.balance}))


def _triggers(section: CheckinSection) -> Iterator[Trigger]:
    for number, word in enumerate(section.triggers):
        yield Trigger(("checkin", "triggers", number), word, lambda ctx: answer(ctx, section), section.replies)


feature = Feature(name="checkin", section=CheckinSection, triggers=_triggers)
