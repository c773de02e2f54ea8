"""What a lottery promises: prizes with odds and stock, when, to whom and for what; written in the file, then pinned and published."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from models import draw
from models.clock import start_of_day
from models.condition import Conditions
from models.config import Looks, Rules, says, wrong
from models.key import Key
from models.points import Amount
from models.reward import RewardRules

HIGHEST_VALUE = 50_000  # yuan; 《规范促销行为暂行规定》 (国家市场监督管理总局令第 32 号), article 17
_MOST_PLACES = 12  # decimal places of odds: one in a million million is finer than any draw will ever tell


def _exact(value: Any) -> Any:
    """`1%`, 0.01 or "0.01" as the decimal that was written, not the binary fraction next to it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    text = str(value).strip()
    try:
        found = Decimal(text[:-1].strip()) / 100 if text.endswith("%") else Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise wrong(f"中奖概率要写成 1% 或 0.01；这里是 {text[:20]}", f"write odds as 1% or 0.01; this is {text[:20]}")
    if not 0 < found <= 1:
        hint = f"；百分之 {text} 写成 {text}%" if 1 < found <= 100 and not text.endswith("%") else f"；这里是 {text}"
        raise wrong(f"中奖概率要大于 0、不超过 1（也就是 100%）{hint}", "odds are more than 0 and at most 1 (or 100%)")
    if found != round(found, _MOST_PLACES):
        raise wrong(f"中奖概率最多 {_MOST_PLACES} 位小数", f"odds have at most {_MOST_PLACES} decimal places")
    return found


def plain(odds: Decimal) -> str:
    """The odds as digits: 0.0007, never 7E-4."""
    return format(odds.normalize(), "f")


def percent(odds: Decimal) -> str:
    """The odds as a person reads them: 0.07%."""
    return f"{format((odds * 100).normalize(), 'f')}%"


Odds = Annotated[
    Decimal,
    BeforeValidator(
        _exact, json_schema_input_type=float | Annotated[str, Looks(r"^\s*([0-9]+(\.[0-9]+)?\s*%|0?\.[0-9]+|1)\s*$", ("1%", "0.05%"))]
    ),
    PlainSerializer(plain),
]


_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2})?")


def _check_moment(text: str) -> str:
    try:
        if not _MOMENT.fullmatch(text.strip()):
            raise ValueError(text)
        datetime.fromisoformat(text.strip())
    except ValueError:
        raise wrong(
            f'要写成 2026-12-01 或 "2026-12-01 10:00"；这里是 {text!r}', f'write 2026-12-01 or "2026-12-01 10:00"; this is {text!r}'
        ) from None
    return text.strip()


Moment = Annotated[
    str,
    AfterValidator(_check_moment),
    Looks(r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2})?\s*$", ("2026-12-01", "2026-12-01 10:00")),
]


def _instant(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    if " " in text:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    return start_of_day(date.fromisoformat(text) + timedelta(days=end), zone)


class PrizeRules(Rules):
    """One prize: what it is, how many there are, and which share of the draws it is."""

    key: Key = Field(description="奖品代号")
    name: str = Field(min_length=1, max_length=40, description="奖品名称，粉丝看到的")
    odds: Odds = Field(description="中奖概率：每次抽奖抽中它的机会，例如 1% 或 0.01")
    stock: Annotated[int, Field(ge=1, le=10_000_000)] = Field(description="一共几份；发完以后抽到它算没中")
    reward: RewardRules | None = Field(None, description="中了自动发什么：points、cards、draws 等；实物不写这个，写 goods: true")
    goods: bool = Field(False, description="实物或要另外领的奖品：按 claim 里说的办法，凭领奖码领")
    ship: bool = Field(False, description="实物要寄：中奖后请粉丝填收货地址（要有 shop 一节），到「我的订单」里查")
    value: Annotated[int, Field(ge=0)] | None = Field(None, description="一份值多少元；实物必须写（法律要求公布奖品价格）")

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if (self.reward is None) != self.goods:
            raise wrong(
                "奖品要么写 reward（自动发的），要么写 goods: true（实物）", "a prize is a reward or goods: true, not both, not neither"
            )
        if self.ship and not self.goods:
            raise wrong("ship: true 是寄实物，要和 goods: true 一起写", "only goods are shipped: write goods: true too", "ship")
        if self.goods and self.value is None:
            raise wrong(
                "实物奖品要写 value（多少元）：《规范促销行为暂行规定》第十三条要求公布奖品价格",
                "goods need their value in yuan: article 13 of 《规范促销行为暂行规定》 asks for the price to be published",
            )
        if self.value is not None and self.value > HIGHEST_VALUE:
            raise wrong(
                f"最高奖不能超过 {HIGHEST_VALUE} 元：《规范促销行为暂行规定》第十七条",
                f"no prize may be worth more than {HIGHEST_VALUE} yuan: article 17 of 《规范促销行为暂行规定》",
                "value",
            )
        return self


class HoldsLotteries:
    """Marks the section of config.yaml that has the lotteries."""

    @property
    def lotteries(self) -> Sequence[LotteryRules]:
        """Those of the file, in its order."""
        return ()


class LotteryRules(Rules):
    """A lottery as it is promised; all of it is pinned with the first draw."""

    key: Key = Field(description="抽奖代号，不要改：改了就是另一个抽奖。第一次抽奖以后规则不能改，要改就换一个代号重新办")
    title: str = Field(min_length=1, max_length=40, description="抽奖名称")
    organiser: str = Field(min_length=1, max_length=100, description="主办方名称（法律要求公布）")
    contact: str = Field("", max_length=200, description="主办方的联系方式，例如电话（法律要求公布）")
    from_: Moment | None = Field(None, alias="from", description='什么时候开始：2026-12-01 或 "2026-12-01 10:00"；不写就是现在')
    to: Moment = Field(description='到什么时候为止：2026-12-31（含这一天）或 "2026-12-31 22:00"；之后公开种子，不能再抽')
    cost: Amount | None = Field(None, description="抽一次要多少积分；0 是不要积分；不写就不能用积分抽")
    free_per_day: Annotated[int, Field(ge=0, le=1000)] = Field(0, description="每天免费几次")
    per_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(None, description="每人每天最多几次（含免费的）")
    per_follower: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(None, description="每人一共最多几次")
    who: Conditions | None = Field(None, description="谁能参加：level、tags、segment、days 等条件")
    eligible: Annotated[str, says()] = Field("", max_length=200, description="谁能参加，写给粉丝看；写了 who 就要写，例如 金卡会员")
    prizes: Annotated[list[PrizeRules], Field(min_length=1, max_length=20)] = Field(description="奖品，从上往下")
    consolation: RewardRules | None = Field(None, description="没抽中时送什么，例如 {points: 1}")
    claim: Annotated[str, says()] = Field(
        "", max_length=500, description="兑奖办法与期限，例如：到店出示「我的奖品」里的领奖码，12 月 31 日前有效"
    )
    terms: Annotated[str, says()] = Field("", max_length=1000, description="还要说明的，例如弃奖条件")

    @model_validator(mode="after")
    def _promises(self) -> Self:
        if sum(prize.odds for prize in self.prizes) > 1:
            total = percent(sum((prize.odds for prize in self.prizes), Decimal()))
            raise wrong(f"所有奖品的中奖概率加起来是 {total}，超过了 100%", f"the odds of all prizes add up to {total}", "prizes")
        for place, prize in enumerate(self.prizes):
            if prize.key in [before.key for before in self.prizes[:place]]:
                raise wrong(f"已经有一个奖品叫 {prize.key}", f"there is a prize {prize.key} already", "prizes", place, "key")
        if any(prize.goods for prize in self.prizes) and not self.claim:
            raise wrong(
                "有实物奖品，要写 claim（兑奖办法与期限）", "there are goods among the prizes: write how they are claimed (`claim`)"
            )
        if self.who is not None and not self.eligible:
            raise wrong(
                "写了 who，还要写 eligible：谁能参加，粉丝看得懂的话",
                "with `who` write `eligible` too: for whom it is, as followers read it",
                "who",
            )
        if self.who is not None and (self.who.nth is not None or self.who.probability is not None):
            raise wrong("who 里不能写 nth 和 probability", "`who` takes neither nth nor probability", "who")
        if self.from_ is not None and _instant(self.from_, _ANY) >= _instant(self.to, _ANY, end=True):
            raise wrong("to 在 from 之前，谁也抽不到", "`to` is before `from`: nobody could draw", "to")
        return self

    def begins(self, zone: ZoneInfo) -> datetime | None:
        """The instant of the first draw at the earliest; None: at once."""
        return _instant(self.from_, zone) if self.from_ is not None else None

    def ends(self, zone: ZoneInfo) -> datetime:
        """The instant after the last draw."""
        return _instant(self.to, zone, end=True)

    def prize(self, key: str | None) -> PrizeRules | None:
        """The prize of this key."""
        return next((prize for prize in self.prizes if prize.key == key), None)

    @property
    def shares(self) -> tuple[int, ...]:
        """Where the prizes' shares of the numbers end (models.draw.ends)."""
        return _shares(tuple(prize.odds for prize in self.prizes))


_ANY = ZoneInfo("UTC")


@lru_cache(256)
def _shares(odds: tuple[Decimal, ...]) -> tuple[int, ...]:
    return draw.ends(odds)


def pinned(rules: LotteryRules) -> str:
    """The rules as canonical JSON: what the commitment covers and the page shows. What stands at its default is left out."""
    # A lottery of the file knows its words too; those may change.
    return draw.canonical(rules.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=set(LotteryRules.model_fields)))


@lru_cache(256)
def unpinned(text: str) -> LotteryRules:
    """The rules that this canonical JSON pins."""
    return LotteryRules.model_validate_json(text)


def as_published(text: str) -> dict[str, Any]:
    """The pinned rules as the values that JSON knows."""
    found: dict[str, Any] = json.loads(text)
    return found
