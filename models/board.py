"""Boards: who contributed most in a month or a week, by a formula that everybody can read, and who has the longest streak."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from models.clock import business_day, start_of_day
from models.config import Config, Looks, Rules, fill, says, wrong
from models.festival import Kind
from models.key import Key
from models.notice import LeavesNotices
from models.reward import RewardRules

Per = Literal["month", "week", "streak"]
SCALE = 1000  # scores are whole thousandths: sums of them are exact
MOST_AWARDED = 1000  # places: all awards of a period are granted in one transaction


def _check_weight(number: float) -> float:
    if abs(number * SCALE - round(number * SCALE)) > 1e-6:
        raise wrong(f"最多三位小数；这里是 {number}", f"three decimals at most; this is {number}")
    return number


Score = Annotated[float, AfterValidator(_check_weight), Field(ge=0, le=1_000_000)]
Weight = Annotated[Score, Field(gt=0, le=10_000)]
_PLACES = re.compile(r"([1-9][0-9]{0,3})(?:\s*[-–]\s*([1-9][0-9]{0,3}))?")


def _check_places(text: str) -> str:
    found = _PLACES.fullmatch(text.strip())
    if not found or not int(found[1]) <= int(found[2] or found[1]) <= MOST_AWARDED:
        raise wrong(
            f'名次要写成 1 或 "2-3"，最多到 {MOST_AWARDED}；这里是 {text!r}',
            f'write places as 1 or "2-3", up to {MOST_AWARDED}; this is {text!r}',
        )
    return text


Places = Annotated[str, AfterValidator(_check_places), Looks(r"^\s*[1-9][0-9]{0,3}(\s*[-–]\s*[1-9][0-9]{0,3})?\s*$", ("1", "2-3"))]


@dataclass(frozen=True, slots=True)
class Period:
    """A month or a week of business days."""

    key: str  # 2026-11, 2026-W47
    first: date
    next: date  # the first day after it

    @property
    def name(self) -> str:
        """What followers call it."""
        year, _, number = self.key.partition("-")
        return f"{year}年第{int(number[1:])}周" if number.startswith("W") else f"{year}年{int(number)}月"

    def begins(self, zone: ZoneInfo) -> datetime:
        """The instant it begins."""
        return start_of_day(self.first, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The instant it is over."""
        return start_of_day(self.next, zone)


def period_of(per: Per, day: date) -> Period:
    """The month or the week (from Monday) that the day is in."""
    if per == "week":
        monday = day - timedelta(days=day.weekday())
        year, number, _ = monday.isocalendar()
        return Period(f"{year}-W{number:02}", monday, monday + timedelta(days=7))
    first = day.replace(day=1)
    return Period(f"{first:%Y-%m}", first, (first + timedelta(days=31)).replace(day=1))


def period_called(per: Per, words: str, today: date) -> Period | None:
    """The period that somebody names: 2026-10, 2026-W46, 上月, 上周, 上期; None for anything else, other centuries among them."""
    words = words.strip().upper()
    if words in {"上期", "上月" if per == "month" else "上周", "上个月" if per == "month" else "上一周"}:
        return period_of(per, period_of(per, today).first - timedelta(days=1))
    try:
        if per == "week" and re.fullmatch(r"20\d\d-W\d{2}", words):
            return period_of(per, date.fromisocalendar(int(words[:4]), int(words[6:]), 1))
        if per == "month" and re.fullmatch(r"20\d\d-\d{1,2}", words):
            return period_of(per, date(int(words[:4]), int(words[5:]), 1))
    except ValueError:
        pass
    return None


def shown(score: int) -> str:
    """A score of thousandths as people read it: 12.5."""
    whole, rest = divmod(score, SCALE)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)


class BoardNotices(Rules):
    """What winners are told without asking."""

    won: Annotated[str, says("title", "period", "place", "score", "award")] = Field(
        "恭喜！「{title}」{period}您是第 {place} 名（{score} 分），奖励 {award} 已到账", description="定榜发奖后告诉得奖的人"
    )


class BoardRules(Rules):
    """One board: what counts, for how long, and what the best get."""

    key: Key = Field(description="代号，用英文；定榜和发奖都记在它名下，用了以后不要改")
    title: Annotated[str, Field(min_length=1, max_length=40)] = Field(description="榜名")
    per: Per = Field("month", description="month 月榜、week 周榜（周一起）、streak 连签榜（现在连续签到几天）")
    formula: Mapping[Literal[Kind, "points"], Weight] = Field(
        default_factory=dict,
        description="每做一次得几分：checkin survey vote activity follow birthday message referral；points 是每挣 1 积分得几分",
    )
    top: Annotated[int, Field(ge=1, le=50)] = Field(10, description="榜上显示前几名")
    min_score: Score = Field(0, description="至少几分才上榜")
    awards: Mapping[Places, RewardRules] = Field(
        default_factory=dict, description='名次 → 奖励，期末自动发，例如 {1: {points: 500}, "2-3": {points: 200}}'
    )
    by_remark: bool = Field(False, description="榜上用公众平台里的备注名；不写就都叫会员加四位代号，备注只有你们自己看得到")
    notices: BoardNotices = Field(default_factory=BoardNotices, description="主动告诉粉丝的话")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.per == "streak":
            for key in ("formula", "awards"):
                if getattr(self, key):
                    raise wrong(f"连签榜按连续签到天数排，没有期末，不能有 {key}", f"a streak board has no period: no `{key}`", key)
        elif not self.formula:
            raise wrong("要写 formula，例如 {checkin: 1, survey: 5}", "a formula is needed, such as {checkin: 1, survey: 5}")
        for (_, last, _), (first, _, text) in pairwise(sorted((*_ends(text), text) for text in self.awards)):
            if first <= last:
                zh, en = f"第 {first} 名有两份奖励：“{text}”和前面的重叠", f"place {first} has two awards: {text!r} overlaps with another"
                raise wrong(zh, en, "awards", text)
        return self

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """The formula in thousandths."""
        return {kind: round(weight * SCALE) for kind, weight in self.formula.items()}

    @property
    def least(self) -> int:
        """The lowest score that is on the board, in thousandths."""
        return max(round(self.min_score * SCALE), 1)

    @property
    def last_awarded(self) -> int:
        """The last place that gets something; 0 where none does."""
        return max((_ends(text)[1] for text in self.awards), default=0)

    def award(self, place: int) -> RewardRules | None:
        """What this place gets."""
        return next((reward for text, reward in self.awards.items() if _ends(text)[0] <= place <= _ends(text)[1]), None)

    def current(self, at: datetime, zone: ZoneInfo) -> Period:
        """The period that the instant is in."""
        return period_of(self.per, business_day(at, zone))


def _ends(text: str) -> tuple[int, int]:
    found = _PLACES.fullmatch(text.strip())
    assert found is not None  # the validator has seen it
    return int(found[1]), int(found[2] or found[1])


class HasBoards(LeavesNotices):
    """Marks the section of config.yaml that has the boards."""

    def boards(self) -> Sequence[BoardRules]:
        """All of them, in the order of the file."""
        return ()

    @property
    def leaves_notices(self) -> bool:
        """Only who wins something is told."""
        return any(board.awards for board in self.boards())


def boards_of(config: Config) -> Sequence[BoardRules]:
    """The boards of this configuration."""
    section = config.of_kind(HasBoards)
    return section.boards() if section is not None else ()


def formula_in_words(board: BoardRules, acts: Mapping[str, str], act: str, per_point: str) -> str:
    """The formula as followers read it: `签到一次 1 分，每挣 1 积分 0.1 分`."""

    def parts() -> Iterator[str]:
        for kind, weight in board.weights.items():
            if kind == "points":
                yield fill(per_point, {"weight": shown(weight)})
            else:
                yield fill(act, {"act": acts.get(kind, kind), "weight": shown(weight)})

    return "，".join(parts())
