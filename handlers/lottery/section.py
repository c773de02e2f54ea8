"""The section `lotteries`: each with its words, and which of them a word means now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, RootModel

from handlers.lottery.wording import LotteryWording
from handlers.routing import normal
from models.config import Location, wrong
from models.prize import HoldsLotteries, LotteryRules


def _https(url: str) -> str:
    if not url.startswith(("https://", "http://")) or any(space in url for space in " \t\n") or len(url) > 300:
        raise wrong(
            "要写完整的网址，例如 https://bot.example.com/draws/spring", "write the whole address: https://bot.example.com/draws/spring"
        )
    return url


Words = list[Annotated[str, Field(min_length=1)]]


class Lottery(LotteryRules):
    """A lottery, and how it is reached and worded; what is written here and not in LotteryRules may be changed at any time."""

    triggers: Words = Field(["抽奖"], min_length=1, description="触发词；几个抽奖用同一个词时，说的是正在进行的那个")
    rules_triggers: Words = Field(["抽奖规则"], min_length=1, description="看规则的词")
    wins_triggers: Words = Field(["我的奖品"], min_length=1, description="看自己中了什么的词")
    page: Annotated[str, AfterValidator(_https)] | None = Field(
        None, description="公示页的网址：这台服务器对外的网址加 /draws/ 和代号，例如 https://bot.example.com/draws/spring"
    )
    replies: LotteryWording = Field(default_factory=LotteryWording, description="文案")


class LotteriesSection(RootModel[list[Lottery]], HoldsLotteries):
    """抽奖：奖品有数量和概率，不会多发，谁都能验证。"""

    key: ClassVar[str] = "lotteries"

    @property
    def lotteries(self) -> Sequence[LotteryRules]:
        """Those of the file."""
        return self.root


@dataclass(frozen=True)
class Spoken:
    """A word of some lotteries, and where it stands first."""

    where: Location
    word: str
    lotteries: list[tuple[int, Lottery]]


def words(section: LotteriesSection, kind: str, of: Callable[[Lottery], Sequence[str]]) -> Iterator[Spoken]:
    """Every word of this kind once, with all lotteries that have it."""
    found: dict[str, Spoken] = {}
    for number, one in enumerate(section.root):
        for place, word in enumerate(of(one)):
            known = found.setdefault(normal(word), Spoken(("lotteries", number, kind, place), word, []))
            if one not in [lottery for _, lottery in known.lotteries]:
                known.lotteries.append((number, one))
    yield from found.values()


def meant(lotteries: Sequence[Lottery], at: datetime, zone: ZoneInfo) -> Lottery:
    """The one that goes on at this instant; else the next to begin; else the one that ended last."""
    running = [one for one in lotteries if (one.begins(zone) or at) <= at < one.ends(zone)]
    coming = [one for one in lotteries if (one.begins(zone) or at) > at]
    if running:
        return running[0]
    return min(coming, key=lambda one: one.begins(zone) or at) if coming else max(lotteries, key=lambda one: one.ends(zone))
