"""Message templates of the account, how a field's value is checked by its type, and what the follower reads in the end."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from simulator.errors import Refused

_SLOT = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_EMOJI = re.compile("[\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff]")
_KEY = re.compile(r"([a-z_]+?)\d*$")
_DAY = r"(?P<y{n}>\d{{4}})(?:年|-|/|\.)(?P<m{n}>\d{{1,2}})(?:月|-|/|\.)(?P<d{n}>\d{{1,2}})日?"
_HOUR = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"


def _moment(number: int, day_needed: bool) -> str:
    day = _DAY.format(n=number)
    return rf"{day}(?:\s*{_HOUR})?" if day_needed else rf"(?:{day}\s*)?{_HOUR}|{day.replace(f'{number}>', f'{number}_>')}"


_DATE = re.compile(rf"(?:{_moment(1, True)})(?:\s*~\s*(?:{_moment(2, True)}))?")
_TIME = re.compile(rf"(?:{_moment(1, False)})(?:\s*~\s*(?:{_moment(2, False)}))?")

_PATTERNS = {
    "thing": re.compile(r"(?s).{1,20}"),
    "number": re.compile(r"-?(?=[\d.]{1,33}$)\d{1,32}(\.\d+)?"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "character_string": re.compile(r"[\x20-\x7e]{1,32}"),
    "time": _TIME,
    "date": _DATE,
    "amount": re.compile(r"[¥￥$€£]?\d{1,10}(\.\d+)?元?"),
    "phone_number": re.compile(r"[\d+\-() ]{1,17}"),
    "car_number": re.compile(r"[\u4e00-\u9fffA-Z0-9a-z][A-Za-z0-9]{1,6}[\u4e00-\u9fffA-Z0-9a-z]"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "const": re.compile(r"(?s).{1,20}"),
}
TYPES = frozenset(_PATTERNS) | {"symbol", "name"}


@dataclass(frozen=True, slots=True)
class Template:
    """A template in use: its id, its title and its lines, `标签：{{thing1.DATA}}`."""

    template_id: str
    title: str
    content: str
    example: str

    def slots(self) -> list[str]:
        """The parameters' names in the order of the lines."""
        return _SLOT.findall(self.content)


SHIPPED = (
    Template(
        "TEMPLATE_ID",
        "每周精选更新通知",
        "更新内容：{{thing1.DATA}}\n更新时间：{{time2.DATA}}",
        "更新内容：本周精选\n更新时间：2026年11月20日 20:00",
    ),
    Template(
        "CHECKIN_REMINDER",
        "签到提醒",
        "活动名称：{{thing1.DATA}}\n连续签到：{{number2.DATA}}\n提醒时间：{{time3.DATA}}",
        "活动名称：每日签到\n连续签到：6\n提醒时间：20:30",
    ),
    Template(
        "ORDER_SHIPPED",
        "订单发货通知",
        "商品名称：{{thing1.DATA}}\n发货日期：{{date2.DATA}}\n商品件数：{{number3.DATA}}",
        "商品名称：帆布袋\n发货日期：2026年11月30日\n商品件数：1",
    ),
    Template(
        "ACTIVITY_START",
        "活动开始提醒",
        "活动名称：{{thing1.DATA}}\n开始时间：{{time2.DATA}}\n活动地点：{{thing3.DATA}}\n报名状态：{{phrase4.DATA}}",
        "活动名称：周末读书会\n开始时间：2026年11月21日 14:00\n活动地点：二楼阅读区\n报名状态：已报名",
    ),
)


def check(template: Template, data: Mapping[str, Any]) -> None:
    """Returns when every slot has a value its type allows; raises 47003 with the field's name as the real platform words it."""
    for slot in template.slots():
        given = data.get(slot)
        raw = given.get("value") if isinstance(given, Mapping) else None
        value = "" if raw is None else str(raw)
        if not value.strip():
            raise Refused(47003, f"argument invalid! data.{slot}.value is empty")
        if not isinstance(raw, str | int | float) or not fits(slot, value):
            raise Refused(47003, f"argument invalid! data.{slot}.value invalid")


def fits(slot: str, value: str) -> bool:
    """Whether the type in the slot's name allows the value. A name without a known type, as in old templates, allows any."""
    match = _KEY.match(slot)
    kind = match.group(1) if match else ""
    if kind == "symbol":
        return len(value) <= 5 and all(unicodedata.category(sign)[0] in "PS" for sign in value)
    if kind == "name":
        return len(value) <= (10 if any("\u4e00" <= sign <= "\u9fff" for sign in value) else 20) and not any(
            sign.isdigit() for sign in value
        )
    pattern = _PATTERNS.get(kind)
    if pattern is None:
        return True
    found = pattern.fullmatch(value)
    return found is not None and (kind not in ("date", "time") or _days_exist(found))


def lines(template: Template, data: Mapping[str, Any]) -> list[dict[str, str]]:
    """The card's lines as label and value: line breaks end a value and emoji vanish, silently, as on real phones since May 2023."""
    card = []
    for line in template.content.split("\n"):
        label, colon, rest = line.partition("：")
        if colon:  # a line that is a bare variable, as `first` and `remark` were, is not shown
            card.append({"label": label, "value": _SLOT.sub(lambda slot: _shown(data.get(slot.group(1))), rest)})
    return card


def _shown(given: object) -> str:
    text = str(given.get("value", "")) if isinstance(given, Mapping) else ""
    first = text.splitlines()[0] if text else ""
    return _EMOJI.sub("", first)


def _days_exist(found: re.Match[str]) -> bool:
    groups = found.groupdict()
    for suffix in ("1", "2", "1_", "2_"):
        if groups.get(f"y{suffix}"):
            try:
                date(*(int(groups[f"{part}{suffix}"]) for part in "ymd"))
            except ValueError:
                return False
    return True
