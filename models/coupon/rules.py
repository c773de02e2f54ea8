"""What an operator says of coupons: batches with stock and validity, and what followers are told without having asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from models.clock import business_day, start_of_day
from models.config import Config, Rules, says, wrong
from models.key import Key

MOST = 10_000_000  # coupons of one batch
_MORNING = time(10)  # when a reminder is left: nobody is woken by it


class Validity(NamedTuple):
    """From when until when a coupon is good, and when its holder is reminded."""

    begin: datetime
    end: datetime
    remind_at: datetime | None


class Valid(Rules):
    """So many days from the day it was got, or between two days."""

    days: Annotated[int, Field(ge=1, le=3650)] | None = Field(None, description="领到以后几天内有效")
    from_: date | None = Field(None, alias="from", description="从哪天起能用，例如 2026-12-01；不写就是领到以后马上")
    to: date | None = Field(None, description="到哪天（含）为止，例如 2026-12-31")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.days is None) == (self.to is None):
            raise wrong("有效期写 days，或者写 to（可以加 from），只写一种", "write either days, or `to` (and `from` if need be)")
        if self.days is not None and self.from_ is not None:
            raise wrong("有 days 就不写 from", "with days there is no `from`", "from")
        if self.from_ and self.to and self.to < self.from_:
            raise wrong("有效期的 to 在 from 之前，这张券从来不能用", "`to` is before `from`: it is never valid", "to")
        return self

    def last_day(self, day: date) -> date:
        """The last day on which a coupon got on this day is good."""
        return self.to or day + timedelta(days=self.days or 0)


class BatchRules(Rules):
    """A batch of coupons."""

    key: Key = Field(description="券的代号，不要改：改了就是另一批券")
    name: str = Field(min_length=1, max_length=30, description="券的名字，粉丝看到的")
    text: str = Field("", max_length=200, description="怎么用，写给粉丝看")
    stock: Annotated[int, Field(ge=0, le=MOST)] | None = Field(None, description="一共几张；导入的券可以不写，有几个码就是几张")
    per_follower: int = Field(1, ge=1, le=1000, description="每位粉丝自己最多能领几张；奖励和运营送的不受限制，但算在张数里")
    valid: Valid = Field(description="有效期：{days: 30}，或 {from: 2026-12-01, to: 2026-12-31}")
    codes: Literal["generated", "imported"] = Field(
        "generated", description="券码：generated 自动生成；imported 用 yizhan coupon import 导入的"
    )
    remind_days: int = Field(3, ge=0, le=60, description="到期前几天提醒；0 不提醒。不会用模板消息")

    @model_validator(mode="after")
    def _so_many(self) -> Self:
        if self.codes == "generated" and self.stock is None:
            raise wrong("要写 stock：一共几张", "write stock: how many there are")
        return self

    @property
    def subject(self) -> str:
        """What its stock is called."""
        return f"coupon:{self.key}"

    def validity(self, at: datetime, zone: ZoneInfo) -> Validity:
        """How long a coupon is good that is got at this instant. Nobody is reminded of one that they have just got."""
        day = business_day(at, zone)
        last = self.valid.last_day(day)
        begin = start_of_day(self.valid.from_, zone) if self.valid.from_ else at
        reminder = last - timedelta(days=self.remind_days)
        remind_at = datetime.combine(reminder, _MORNING, zone) if self.remind_days and reminder > day else None
        return Validity(max(begin, at), start_of_day(last + timedelta(days=1), zone), remind_at)


_COUPON = says("name", "code", "until", "store")


class CouponNotices(Rules):
    """What followers are told of their coupons without having asked: while we may write to them, else below the next reply."""

    given: Annotated[str, _COUPON] = Field(
        "您收到一张券：{name}\n券码 {code}\n有效期至 {until}\n回复「我的券」可以查看", description="奖励或运营送了一张券"
    )
    used: Annotated[str, _COUPON] = Field("您的「{name}」已在{store|本店}使用", description="券被核销之后告诉本人")
    undone: Annotated[str, _COUPON] = Field("刚才的核销已撤销，您的「{name}」还可以使用", description="核销被撤销之后告诉本人")
    expiring: Annotated[str, says("count", "coupons")] = Field(
        "您有 {count} 张券快到期了：{coupons}\n回复「我的券」可以查看", description="到期提醒；几张券合成一条"
    )
    line: Annotated[str, says("name", "until")] = Field("\n{name}，有效期至 {until}", description="到期提醒里每张券一行")
    owed: Annotated[str, says("name")] = Field("（{name}已发完）", description="奖励里的券发完了，跟在其他奖励后面")


class CouponRules(Rules):
    """All batches, by whatever section they stand in."""

    batches: Sequence[BatchRules] = Field(default=())
    notices: CouponNotices = Field(default_factory=CouponNotices, description="主动告诉粉丝的文案")

    def batch(self, key: str) -> BatchRules | None:
        """The batch of this key."""
        return next((one for one in self.batches if one.key == key), None)


def rules_of(config: Config) -> CouponRules:
    """What this configuration says of coupons; nothing where it has no such section."""
    return config.of_kind(CouponRules) or CouponRules()
