"""Referrals: 我的邀请码 gives a follower a QR code of their own, 我的邀请 tells whom it brought; whoever comes by one is noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from handlers.routing import Context, Feature, FollowUp, Trigger
from models import referral, referral_code, referral_payment
from models.config import Config, Problem, Rules, fill, says
from models.notice import LeavesNotices
from models.referral import ReferralRules
from wechat.reply import Image, Reply, Text

MINE = says("came", "stayed", "waiting", "counted", "points", "days")
_SECTIONS = {"checkin": "checkin", "survey": "surveys", "vote": "polls"}  # where what newcomers are asked to do can be done


class ReferralWording(Rules):
    """The words of referrals."""

    making: Annotated[str, says()] = Field("正在做您的专属二维码，几秒钟就发给您", description="要二维码，还没有")
    mine: Annotated[str, MINE] = Field(
        "扫您的二维码来的有 {came} 位，还在的 {stayed} 位，已计入 {counted} 位，等待计入 {waiting} 位，共 {points} 积分",
        description="问带来了几位",
    )
    nobody: Annotated[str, says()] = Field("还没有人扫过您的二维码。回复「我的邀请码」可以拿到它", description="还没有带来谁")
    welcomed: Annotated[str, says("referrer")] = Field("您扫的是{referrer}的二维码", description="扫码来的人，加在欢迎语下面；写 '' 就不说")


class ReferralSection(ReferralRules, LeavesNotices):
    """粉丝自己的二维码：谁带来了谁；新来的人留下并做了事，才给带人来的人积分。"""

    key: ClassVar[str] = "referral"

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["我的邀请码"], min_length=1, description="要自己的二维码")
    mine: list[Annotated[str, Field(min_length=1)]] = Field(["我的邀请"], description="问带来了几位")
    replies: ReferralWording = Field(default_factory=ReferralWording, description="文案")


def code(ctx: Context, section: ReferralSection) -> Reply:
    """Their code, at once where its picture is there; else it is asked for, and follows in seconds."""
    ready = referral_code.ask(ctx.db, ctx.follower.id, section.code_days, ctx.now)
    if ready is None:
        return Text(fill(section.replies.making, {}))
    words = fill(section.notices.code, {"until": referral_code.told(ready.until, ctx.zone)})
    ctx.follow_ups.append(FollowUp(timedelta(), Text(words)))
    return Image(ready.media_id)


def mine(ctx: Context, section: ReferralSection) -> Text:
    """Whom their code has brought, in numbers."""
    brought = referral.mine(ctx.db, ctx.follower.id)
    if not brought.came:
        return Text(fill(section.replies.nobody, {}))
    values = {"came": brought.came, "stayed": brought.stayed, "waiting": brought.waiting, "counted": brought.counted}
    return Text(fill(section.replies.mine, values | {"points": brought.points, "days": section.after.days}))


def _notice(section: ReferralSection) -> Callable[[Context], None]:
    """Who follows is noted with whoever brought them, and who leaves; the answer is left to others."""

    def note(ctx: Context) -> None:
        event = ctx.inbound.event
        if event == "subscribe":
            scene = ctx.inbound.event_key.removeprefix("qrscene_")
            referral.arrived(ctx.db, section.after, ctx.follower, scene, ctx.said_at)
        elif event == "unsubscribe":
            referral_payment.left(ctx.db, ctx.config, ctx.follower.id, ctx.said_at, ctx.now)

    return note


def _postscript(section: ReferralSection) -> Callable[[Context], str | None]:
    own = f"qrscene_{referral_code.PREFIX}"

    def by_whom(ctx: Context) -> str | None:
        if ctx.inbound.event != "subscribe" or not ctx.inbound.event_key.startswith(own) or not section.replies.welcomed:
            return None
        name = referral.brought_by(ctx.db, ctx.follower.id, ctx.said_at)
        return fill(section.replies.welcomed, {"referrer": name}) if name is not None else None

    return by_whom


def _triggers(section: ReferralSection) -> Iterator[Trigger]:
    for place, word in enumerate(section.triggers):
        yield Trigger(("referral", "triggers", place), word, lambda ctx: code(ctx, section), section.replies)
    for place, word in enumerate(section.mine):
        yield Trigger(("referral", "mine", place), word, lambda ctx: mine(ctx, section), section.replies)


def _check(config: Config) -> Iterator[Problem]:
    section = config[ReferralSection]
    yield from _rewarded(section)
    yield from _unreached(section, {getattr(kind, "key", "") for kind, one in config.sections.items() if getattr(one, "root", True)})
    if section.after.within < section.after.days:
        zh = f"within 是 {section.after.within} 天，比要留下的 {section.after.days} 天还短"
        yield Problem(("referral", "after", "within"), zh, "`within` is less than `days`")


def _rewarded(section: ReferralSection) -> Iterator[Problem]:
    """YZ871 and YZ872: what the platform may punish, whatever the texts say."""
    if section.points:
        zh = (
            f"带来一位新人给 {section.points} 积分，平台可能看成用奖励诱导关注（《微信公众平台运营规范》，二维码和积分都算在内），重的会封号。"
            "稳妥的是 points: 0，只记录谁带来了谁；要给，就不要拿它宣传，并写明理由忽略这一条"
        )
        en = (
            f"{section.points} points for each newcomer: the platform may take it for a reward that induces people to follow, and close the "
            "account. Safe is points: 0, which only notes who brought whom; else never advertise it, and silence this with a reason"
        )
        yield Problem(("referral", "points"), zh, en, "YZ871")
    if (section.points or section.newcomer) and not section.after.acts:
        zh = "新来的人什么都不用做就有奖励，这就是用奖励换关注；写上 acts，例如 acts: {checkin: 1}"
        yield Problem(("referral", "after"), zh, "newcomers earn a reward by following alone; write acts: {checkin: 1}", "YZ872")


def _unreached(section: ReferralSection, here: set[str]) -> Iterator[Problem]:
    """YZ873: what newcomers are asked to do and cannot."""
    for act in section.after.acts:
        needed = _SECTIONS.get(act)
        if needed is not None and needed not in here:
            zh = f"要新来的人做 {act}，可是没有 {needed} 这一段：谁也做不到，一分也不会给"
            yield Problem(("referral", "after", "acts", act), zh, f"there is no section {needed}: nobody can do {act}", "YZ873")


feature = Feature(name="referral", section=ReferralSection, triggers=_triggers, notices=_notice, postscript=_postscript, checks=_check)
