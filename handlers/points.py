"""Points: 积分 shows the balance and the last entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from handlers.routing import Context, Feature, Trigger
from models import points
from models.config import Rules, fill, says
from models.level import LevelRules, level_of
from models.reward import NamesRules
from wechat.reply import Text


class PointsWording(Rules):
    """The words of a balance."""

    balance: Annotated[str, says("balance", "level", "entries")] = Field("积分：{balance}{level}{entries}", description="查询积分时的回复")
    level: Annotated[str, says("level")] = Field("\n等级：{level}", description="有等级时加的一行")
    entry: Annotated[str, says("date", "amount", "cause")] = Field("\n{date} {amount} {cause}", description="最近记录，每条一行")
    causes: Mapping[str, str] = Field({"checkin": "签到", "survey": "问卷奖励"}, description="积分来源的叫法：checkin、survey")


class PointsSection(LevelRules, NamesRules):
    """积分与等级。"""

    key: ClassVar[str] = "points"

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["积分"], min_length=1, description="触发词")
    entries: Annotated[int, Field(ge=0, le=20)] = Field(5, description="显示最近几条记录")
    replies: PointsWording = Field(default_factory=PointsWording, description="文案")


def answer(ctx: Context, section: PointsSection) -> Text:
    """The balance, the level where there are levels, and the newest entries."""
    balance, words = points.balance(ctx.db, ctx.follower.id), section.replies
    level = level_of(ctx.db, ctx.config, ctx.follower.id)
    entries = "".join(_entry(row, words, ctx) for row in points.statement(ctx.db, ctx.follower.id, section.entries))
    return Text(
        fill(words.balance, {"balance": balance, "level": fill(words.level, {"level": level}) if level else "", "entries": entries})
    )


def _entry(row: Any, words: PointsWording, ctx: Context) -> str:
    local = row.at.astimezone(ctx.zone)
    kind = row.account
    return fill(words.entry, {"date": f"{local.month}月{local.day}日", "amount": f"{row.amount:+d}", "cause": words.causes.get(kind, kind)})


def _triggers(section: PointsSection) -> Iterator[Trigger]:
    for number, word in enumerate(section.triggers):
        yield Trigger(("points", "triggers", number), word, lambda ctx: answer(ctx, section), section.replies)


# Without a section the defaults hold: whoever has points can always ask for them.
feature = Feature(name="points", section=PointsSection, triggers=_triggers, default=lambda config: PointsSection())
