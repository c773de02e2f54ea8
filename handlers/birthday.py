"""Birthdays: 生日 asks for it, 生日 0512 tells it, 生日 删除 takes it back. Congratulations come by the clock (models.birthday)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from handlers import replies
from handlers.routing import Answer, Context, Feature, Hearing, Trigger, normal, worded
from models import birthday, earning
from models.birthday import Birthday, BirthdayRules, NoSuchDay
from models.config import Rules, fill, says
from models.notice import LeavesNotices
from models.refusal import Refusal
from wechat.reply import Reply, Text

_ASK = says("trigger", "points")


class BirthdayWording(Rules):
    """The words about telling a birthday."""

    ask: Annotated[str, _ASK] = Field(
        "回复「{trigger} 0512」就记住您的生日（农历写「{trigger} 农历八月十五」），生日当天有祝福{points}。只记月和日，"
        "回复「{trigger} 删除」随时可以删掉",
        description="问生日；{points} 是下面 gift 那一句",
    )
    gift: Annotated[str, says("points")] = Field("，还送 {points} 积分", description="有生日积分时，放在 ask 里 {points} 的位置")
    known: Annotated[str, says("birthday", "trigger")] = Field(
        "您的生日是{birthday}。要改就回复「{trigger} 0512」这样的日期，回复「{trigger} 删除」就删掉", description="已经告诉过"
    )
    told: Annotated[str, says("birthday", "trigger")] = Field("记住了，您的生日是{birthday}，到时候见！", description="记下了")
    today: Annotated[str, says("birthday", "wish")] = Field(
        "记住了，您的生日是{birthday}，就是今天！{wish}", description="记下了，而且就是今天；{wish} 是 happy 那一句"
    )
    no_such_day: Annotated[str, says("said", "trigger")] = Field(
        "没看懂“{said}”是哪一天，请写成「{trigger} 0512」，农历写「{trigger} 农历八月十五」", description="没有这一天"
    )
    changed_this_year: Annotated[str, says("birthday", "date")] = Field("生日一年只能改一次，{date} 以后可以再改", description="改得太勤")
    forgotten: Annotated[str, says("trigger")] = Field("已经删掉了，想让我们再记住就回复「{trigger} 0512」", description="删除了")


class BirthdaySection(BirthdayRules, LeavesNotices):
    """生日：粉丝告诉我们，当天祝福；送多少积分写在 points.earn.birthday。"""

    key: ClassVar[str] = "birthday"

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["生日"], min_length=1, description="触发词")
    forget: list[Annotated[str, Field(min_length=1)]] = Field(["删除", "忘记"], min_length=1, description="跟在触发词后面，删掉生日的词")
    replies: BirthdayWording = Field(default_factory=BirthdayWording, description="文案")


def asked(ctx: Context, section: BirthdaySection) -> Text:
    """They ask: what we know, or how to tell us."""
    words, trigger, known = section.replies, section.triggers[0], birthday.known(ctx.db, ctx.follower.id)
    if known is not None:
        return Text(fill(words.known, {"birthday": known, "trigger": trigger}))
    gift = earning.worth(ctx.config, "birthday")
    return Text(fill(words.ask, {"trigger": trigger, "points": fill(words.gift, {"points": gift}) if gift else ""}))


def told(ctx: Context, section: BirthdaySection, said: str) -> Text:
    """They tell a day, or take it back."""
    words, trigger = section.replies, section.triggers[0]
    if normal(said) in map(normal, section.forget):
        birthday.forget(ctx.db, ctx.follower.id)
        return Text(fill(words.forgotten, {"trigger": trigger}))
    try:
        day = birthday.understand(said)
    except NoSuchDay as unknown:
        unknown.details |= {"said": replies.quoted(said), "trigger": trigger}  # how to say it is ours
        raise
    done = birthday.tell(ctx.db, ctx.config, ctx.follower.id, day, ctx.inbound.key, ctx.said_at)
    if done.earned is None:
        return Text(fill(words.told, {"birthday": done.birthday, "trigger": trigger}))
    return Text(fill(words.today, {"birthday": done.birthday, "wish": birthday.wish(section, done.earned)}))


def _after_trigger(section: BirthdaySection, text: str) -> str | None:
    """What is said behind one of our words, where that may be a day: `生日 0512` and `生日0512`, and not `生日快乐`."""
    for trigger in section.triggers:
        rest = text[len(trigger) :].strip(" :：,，是") if text.startswith(trigger) else ""
        if rest and (text[len(trigger)].isspace() or _is_day(rest) or normal(rest) in map(normal, section.forget)):
            return rest
    return None


def _is_day(said: str) -> bool:
    try:
        return isinstance(birthday.understand(said), Birthday)
    except Refusal:
        return False


def _listens(section: BirthdaySection) -> Answer:
    def answer(ctx: Context) -> Reply | None:
        said = _after_trigger(section, ctx.text)
        return worded(ctx, lambda c: told(c, section, said), section.replies) if said is not None else None

    return answer


def _hears(section: BirthdaySection) -> Hearing:
    return Hearing(lambda said: _after_trigger(section, said.strip()) is not None, section.triggers)


def _triggers(section: BirthdaySection) -> Iterator[Trigger]:
    for number, word in enumerate(section.triggers):
        yield Trigger(("birthday", "triggers", number), word, lambda ctx: asked(ctx, section), section.replies)


feature = Feature(name="birthday", section=BirthdaySection, triggers=_triggers, listens=_listens, hears=_hears)
