"""The public library templates are chosen from, by number: a title and the keywords one may pick. Messages and notices share it."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.templates import Template

CATEGORIES = {"307": "餐饮", "612": "生活服务"}
"""The account's service categories."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One line a template may have: its number, its label, its type, and an example."""

    kid: int
    name: str
    rule: str
    example: str


@dataclass(frozen=True, slots=True)
class Title:
    """One template of the library. Type 2 notices are for one time, 3 are long-term."""

    tid: int
    name: str
    category: str
    kind: int
    keywords: tuple[Keyword, ...]

    def made(self, template_id: str, chosen: Sequence[Keyword]) -> Template:
        """The template of these keywords, in this order."""
        content = "\n".join(f"{word.name}：{{{{{word.rule}{word.kid}.DATA}}}}" for word in chosen)
        return Template(template_id, self.name, content, "\n".join(f"{word.name}：{word.example}" for word in chosen))


def _title(tid: int, name: str, category: str, *keywords: tuple[str, str, str], kind: int = 2) -> Title:
    numbered = (Keyword(kid, label, rule, example) for kid, (label, rule, example) in enumerate(keywords, 1))
    return Title(tid, name, category, kind, tuple(numbered))


LIBRARY = {
    title.tid: title
    for title in (
        _title(
            42984, "签到成功通知", "612",
            ("活动名称", "thing", "每日签到"), ("签到时间", "time", "2026年11月21日 08:30"), ("连续天数", "number", "7"), ("获得积分", "number", "15"),
        ),
        _title(
            43216, "订单发货通知", "612",
            ("商品名称", "thing", "帆布袋"), ("发货日期", "date", "2026年11月30日"), ("快递单号", "character_string", "SF1234567890"),
        ),
        _title(
            43544, "预约成功通知", "307",
            ("门店名称", "thing", "一号店"), ("预约时间", "time", "2026年11月21日 18:30"), ("预约人", "name", "张三"), ("预约状态", "phrase", "已确认"),
        ),
        _title(
            45003, "账户余额变动提醒", "307",
            ("变动金额", "amount", "¥12.50"), ("变动时间", "time", "2026年11月21日 12:00"), ("备注", "thing", "充值到账"),
        ),
    )
}  # fmt: skip


def new_id(number: int) -> str:
    """A template_id as real ones look: 43 signs, another for each number."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"template:{number}".encode()).digest()).decode().rstrip("=")
