"""What `points.earn` and `points.multipliers` say: what each kind of act earns, how much at most, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from models.config import Rules, says, wrong
from models.day import BusinessDay
from models.festival import Kind, Multiplier
from models.points import Amount

Some = Annotated[Amount, Field(ge=1)]
SAYS = says("points", "balance")


class Window(NamedTuple):
    """A stretch of business days, and how many points one follower can earn in it by one kind of act."""

    span: str  # day week month
    begins: date
    cap: int


class Bounds(Rules):
    """When an act earns, and how much at most."""

    max_per_day: Some | None = Field(None, description="每位粉丝每天最多得多少分，多出来的不给；一天从 timezone 的零点算起")
    max_per_week: Some | None = Field(None, description="每位粉丝每周（周一起）最多得多少分")
    max_per_month: Some | None = Field(None, description="每位粉丝每月最多得多少分")
    from_: BusinessDay | None = Field(None, alias="from", description="从哪天开始给，例如 2026-12-01；不写就一直给")
    to: BusinessDay | None = Field(None, description="给到哪天（含），例如 2026-12-31；不写就一直给")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ and self.to and self.to < self.from_:
            raise wrong("to 在 from 之前，永远不会给分", "`to` is before `from`: this never earns anything", "to")
        return self

    def __contains__(self, day: date) -> bool:
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)

    def windows(self, day: date) -> Iterator[Window]:
        """The stretches with a cap that the day is in."""
        if self.max_per_day is not None:
            yield Window("day", day, self.max_per_day)
        if self.max_per_week is not None:
            yield Window("week", day - timedelta(days=day.weekday()), self.max_per_week)
        if self.max_per_month is not None:
            yield Window("month", day.replace(day=1), self.max_per_month)


class Pays(Bounds):
    """An act whose points stand here."""

    points: Some = Field(description="多少分")


class PaysFollow(Pays):
    """Following for the first time."""

    reply: Annotated[str, SAYS] = Field("新人礼：+{points} 积分，共 {balance}", description="加在欢迎语下面的一句")


class PaysMessage(Pays):
    """The first message of a business day."""

    reply: Annotated[str, SAYS] = Field("今天第一次来聊天，+{points} 积分，共 {balance}", description="加在回复下面的一句")


# What the platform punishes by the name of 诱导分享, whatever is paid for it.
_SHARING = ("share", "sharing", "forward", "repost", "moments", "like", "分享", "转发", "朋友圈", "集赞", "点赞")
_ELSEWHERE = {
    "checkin": "checkin.rules.points",
    "survey": "surveys 里每份问卷的 reward.points",
    "activity": "points.words 里每个口令的 points",
    "referral": "referral 这一段",
}


class EarnKinds(Rules):
    """What each kind of act earns: caps and dates for all of them, points for those that have no section of their own."""

    checkin: Bounds | None = Field(None, description="签到；多少分写在 checkin.rules.points")
    survey: Bounds | None = Field(None, description="填问卷；多少分写在问卷的 reward.points")
    vote: Pays | None = Field(None, description="投票；自己写了 reward 的投票，以那边为准")
    activity: Bounds | None = Field(None, description="活动口令；多少分写在 points.words")
    follow: PaysFollow | None = Field(None, description="第一次关注，每位粉丝一辈子一次")
    birthday: Pays | None = Field(None, description="生日，一年一次；粉丝回复“生日 0512”告诉我们")
    message: PaysMessage | None = Field(None, description="每天的第一条消息")
    referral: Bounds | None = Field(None, description="带来新粉丝；多少分写在 referral 这一段")

    @model_validator(mode="before")
    @classmethod
    def _earned_elsewhere(cls, value: Any) -> Any:
        for kind in value if isinstance(value, dict) else ():
            if kind in _SHARING:
                zh = "分享、转发、点赞不能给积分：《微信公众平台运营规范》3.3.1 诱导分享，会封号；想奖励带来新粉丝的人，用 referral"
                raise wrong(
                    zh, "《微信公众平台运营规范》 3.3.1: no reward for sharing; for whoever brings newcomers there is referral", kind
                )
            if kind in _ELSEWHERE and isinstance(value[kind], dict) and "points" in value[kind]:
                place = _ELSEWHERE[kind]
                raise wrong(f"多少分写在 {place}，这里只写上限和日期", f"the points stand in {place}", kind, "points")
        return value


class EarnRules(Rules):
    """How much what followers do earns, and when it earns more."""

    earn: EarnKinds = Field(default_factory=EarnKinds, description="每种行为得多少分、最多多少、从哪天到哪天")
    multipliers: list[Multiplier] = Field(
        default_factory=list, max_length=100, description="哪些日子积分翻倍；同一天有几个，按最高的一个算，不相乘"
    )

    def bounds(self, kind: Kind) -> Bounds | None:
        """The caps and dates of this kind; None where there are none."""
        found: Bounds | None = getattr(self.earn, kind)
        return found
