"""Points: 积分 shows the balance, 积分明细 every entry, each with what it is for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from handlers.routing import Answer, Context, Feature, Hearing, Trigger
from models import expiry, points
from models.code_word import CodeWordRules
from models.config import Rules, fill, says
from models.expiry import ExpiryRules
from models.level import level_of
from models.lot import NEVER
from models.membership import MemberLevels
from models.notice import LeavesNotices
from models.reward import NamesRules
from wechat.reply import Reply, Text

# What followers read for each account, and for causes that begin so; an operator's `causes` come first.
CAUSES: Mapping[str, str] = {
    "checkin": "签到",
    "checkin:made_up": "补签到的那天",
    "makeup": "补签",
    "checkin:milestone": "连签奖励",
    "checkin:total": "累计签到奖励",
    "survey": "问卷奖励",
    "vote": "投票",
    "activity": "活动奖励",
    "follow": "关注",
    "birthday": "生日",
    "message": "每天来说句话",
    "referral": "带来的朋友",
    "invited": "新朋友的礼物",
    "level": "升级礼",
    "board": "榜单奖励",
    "lottery": "抽奖",
    "coupon": "券",
    "shop": "兑换礼品",
    "refund": "退回",
    "expiry": "过期",
    "reversal": "撤回",
    "operator": "人工调整",
    "rehearsal": "测试",
}
_REASON = 30  # characters of an operator's reason in one line


class PointsWording(Rules):
    """The words of a balance and of a statement."""

    balance: Annotated[str, says("balance", "level", "entries", "expiring")] = Field(
        "积分：{balance}{expiring}{level}{entries}", description="查询积分时的回复"
    )
    level: Annotated[str, says("level")] = Field("\n等级：{level}", description="有等级时加的一行")
    expiring: Annotated[str, says("points", "date")] = Field("\n其中 {points} 积分有效期到 {date}", description="有积分会过期时加的一行")
    entry: Annotated[str, says("date", "amount", "cause", "balance")] = Field(
        "\n{date} {amount} {cause}", description="查询积分时的最近记录，每条一行"
    )
    statement: Annotated[str, says("balance", "page", "pages", "lines", "expiring", "more")] = Field(
        "积分：{balance}（明细第 {page}/{pages} 页）{lines}{expiring}{more}", description="积分明细"
    )
    line: Annotated[str, says("date", "amount", "cause", "balance")] = Field(
        "\n{date} {amount} {cause}，余 {balance}", description="明细里每条一行，balance 是这一条之后的余额"
    )
    more: Annotated[str, says("word", "page")] = Field("\n回复“{word} {page}”看更早的", description="还有更早的记录时加的一行")
    no_entries: Annotated[str, says()] = Field("还没有积分记录", description="明细是空的")
    no_such_page: Annotated[str, says("pages")] = Field("明细一共 {pages} 页", description="没有这一页")
    reversed: Annotated[str, says("cause")] = Field("撤回：{cause}", description="一条被撤回的记录的叫法")
    explained: Annotated[str, says("cause", "reason")] = Field("{cause}（{reason}）", description="运营写了理由的记录的叫法")
    causes: Mapping[str, str] = Field(
        default_factory=dict,
        description="积分来源的叫法，按来源：checkin: 每日签到、operator: 店长加减分；也可以写到某一份：“survey:satisfaction”: 满意度调查",
    )


class StatementRules(Rules):
    """How followers get at all their entries."""

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["积分明细"], description="触发词，后面可以带页数：积分明细 2")
    lines: Annotated[int, Field(ge=1, le=20)] = Field(10, description="一页几条")


class PointsSection(MemberLevels, NamesRules, CodeWordRules, ExpiryRules, LeavesNotices):
    """积分与等级。"""

    key: ClassVar[str] = "points"

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["积分"], min_length=1, description="触发词")
    entries: Annotated[int, Field(ge=0, le=20)] = Field(5, description="显示最近几条记录")
    statement: StatementRules = Field(default_factory=StatementRules, description="积分明细")
    replies: PointsWording = Field(default_factory=PointsWording, description="文案")


def answer(ctx: Context, section: PointsSection) -> Text:
    """The balance, what of it expires next, the level where there are levels, and the newest entries."""
    words, (balance, expires_at) = section.replies, points.holding(ctx.db, ctx.follower.id)
    level = level_of(ctx.db, ctx.config, ctx.follower.id)
    entries = points.statement(ctx.db, ctx.follower.id, section.entries) if section.entries else ()
    values = {
        "balance": balance,
        "expiring": _expiring(ctx, words) if expires_at else "",
        "level": fill(words.level, {"level": level}) if level else "",
        "entries": "".join(_line(words.entry, row, words, ctx) for row in entries),
    }
    return Text(fill(words.balance, values))


def statement(ctx: Context, section: PointsSection, page: int) -> Text:
    """One page of the entries, the newest first, with the balance after each."""
    words, most, (balance, expires_at) = section.replies, section.statement.lines, points.holding(ctx.db, ctx.follower.id)
    total = points.count(ctx.db, ctx.follower.id)
    pages = -(-total // most)
    if not total:
        return Text(fill(words.no_entries, {}))
    if not 1 <= page <= pages:
        return Text(fill(words.no_such_page, {"pages": pages}))
    rows = points.statement(ctx.db, ctx.follower.id, most, skip=(page - 1) * most)
    values = {
        "balance": balance,
        "page": page,
        "pages": pages,
        "lines": "".join(_line(words.line, row, words, ctx) for row in rows),
        "expiring": _expiring(ctx, words) if expires_at else "",
        "more": fill(words.more, {"word": section.statement.triggers[0], "page": page + 1}) if page < pages else "",
    }
    return Text(fill(words.statement, values))


def _line(template: str, row: Any, words: PointsWording, ctx: Context) -> str:
    local = row.at.astimezone(ctx.zone)
    values = {"date": f"{local.month}月{local.day}日", "amount": f"{row.amount:+d}", "cause": why(row, words), "balance": row.balance}
    return fill(template, values)


def why(row: Any, words: PointsWording) -> str:
    """What an entry is for, as its follower reads it."""
    taken_back = row.cause.startswith("reversal:")
    said = _cause(row.account if taken_back else row.cause, row.account, words)
    if taken_back:
        said = fill(words.reversed, {"cause": said})
    if row.reason:
        said = fill(words.explained, {"cause": said, "reason": row.reason[:_REASON]})
    return said


def _cause(cause: str, account: str, words: PointsWording) -> str:
    """By the longest beginning of the cause that has a name, else by the account."""
    parts = cause.split(":")
    for known in (words.causes, CAUSES):
        for length in range(len(parts), 0, -1):
            if (name := known.get(":".join(parts[:length]))) is not None:
                return name
        if (name := known.get(account)) is not None:
            return name
    return account


def _expiring(ctx: Context, words: PointsWording) -> str:
    """What expires next, and on which day."""
    left = points.lots_of(ctx.db, ctx.follower.id)
    if not left or left[0].expires_at == NEVER:
        return ""
    first = left[0].expires_at
    total = sum(lot.left for lot in left if lot.expires_at == first)
    return fill(words.expiring, {"points": total, "date": expiry.told(first, ctx.zone, ctx.said_at)})


def _triggers(section: PointsSection) -> Iterator[Trigger]:
    for number, word in enumerate(section.triggers):
        yield Trigger(("points", "triggers", number), word, lambda ctx: answer(ctx, section), section.replies)
    for number, word in enumerate(section.statement.triggers):
        yield Trigger(("points", "statement", "triggers", number), word, lambda ctx: statement(ctx, section, 1), section.replies)


_PAGE = re.compile(r"\s*第?\s*([0-9]{1,5})\s*页?\s*")


def _page(section: PointsSection) -> Callable[[str], int | None]:
    words = tuple(section.statement.triggers)

    def page(said: str) -> int | None:
        """The page they ask for: `积分明细 2`; None where they say something else."""
        if not said.startswith(words):
            return None
        plain = unicodedata.normalize("NFKC", said)
        rests = (plain[len(word) :] for word in words if plain.startswith(word))
        return next((int(found[1]) for rest in rests if (found := _PAGE.fullmatch(rest))), None)

    return page


def _listens(section: PointsSection) -> Answer:
    asked = _page(section)

    def listened(ctx: Context) -> Reply | None:
        page = asked(ctx.text)
        return statement(ctx, section, page) if page is not None else None

    return listened


def _hears(section: PointsSection) -> Hearing:
    asked = _page(section)
    return Hearing(lambda said: asked(said.strip()) is not None, section.statement.triggers)


# Without a section the defaults hold: whoever has points can always ask for them.
feature = Feature(
    name="points",
    section=PointsSection,
    triggers=_triggers,
    listens=_listens,
    hears=_hears,
    default=lambda config: PointsSection(),
)
