"""Fields of templates: what the platform takes in `thing1`, `time2`, `amount3`, by the type in the name.

A value of another type is refused with 47003; since 2023-05-04 what is longer than 20 characters, or follows a line break, is silently
dropped, and `first` and `remark` are not shown (《关于规范公众号模板消息的再次公告》, 2023-03-30; the types are those of subscription messages).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

LONGEST = 20  # characters of a thing, and of whatever has no type
HIDDEN = frozenset({"first", "remark"})

_DAY = r"\d{4}(年|-|/|\.)\d{1,2}(月|-|/|\.)\d{1,2}日?"
_HOUR = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def _is_symbol(text: str) -> bool:
    return len(text) <= 5 and all(unicodedata.category(sign)[0] in "PS" for sign in text)


def _is_name(text: str) -> bool:
    longest = 10 if any("\u4e00" <= sign <= "\u9fff" for sign in text) else 20
    return len(text) <= longest and not any(sign.isdigit() for sign in text)


_TYPES: Mapping[str, tuple[Callable[[str], bool], str, str]] = {
    "thing": (_matches(f".{{1,{LONGEST}}}"), "最多 20 个字", "20 characters at most"),
    "const": (_matches(f".{{1,{LONGEST}}}"), "最多 20 个字", "20 characters at most"),
    "number": (_matches(r"-?\d{1,32}(\.\d+)?"), "只能是数字", "a number"),
    "letter": (_matches("[A-Za-z]{1,32}"), "只能是字母，最多 32 个", "32 letters at most"),
    "symbol": (_is_symbol, "只能是符号，最多 5 个", "5 symbols at most"),
    "character_string": (_matches(r"[\x20-\x7e]{1,32}"), "只能是数字、字母、符号，最多 32 个", "32 digits, letters and symbols at most"),
    "time": (
        _matches(rf"(({_DAY}\s*)?{_HOUR}|{_DAY})(\s*~\s*(({_DAY}\s*)?{_HOUR}|{_DAY}))?"),
        "是 15:01 或 2026年11月22日 15:01 这样的时间",
        "a time such as 15:01 or 2026年11月22日 15:01",
    ),
    "date": (
        _matches(rf"{_DAY}(\s*{_HOUR})?(\s*~\s*{_DAY}(\s*{_HOUR})?)?"),
        "是 2026年11月22日 这样的日期",
        "a date such as 2026年11月22日",
    ),
    "amount": (_matches(r"[¥￥$€£]?\d{1,10}(\.\d+)?元?"), "是 12.50元 这样的金额", "an amount such as 12.50元"),
    "phone_number": (_matches(r"[\d+\-() ]{1,17}"), "是电话号码，最多 17 位", "a phone number of 17 signs at most"),
    "car_number": (_matches(r"[\u4e00-\u9fffA-Za-z0-9]{3,8}"), "是车牌号", "a car's number"),
    "name": (_is_name, "最多 10 个汉字或 20 个字母，没有数字", "10 Chinese characters or 20 letters at most, no digits"),
    "phrase": (_matches("[\u4e00-\u9fff]{1,5}"), "最多 5 个汉字", "5 Chinese characters at most"),
}
_KEY = re.compile(r"([a-z_]+?)\d*")


def _kind(key: str) -> str:
    found = _KEY.fullmatch(key)
    return found[1] if found and found[1] in _TYPES else ""


def misfit(key: str, text: str) -> tuple[str, str] | None:
    """What the field of this name takes (Chinese, English) where it does not take this text; None where it does."""
    if not text.strip():
        return "不能是空的", "not empty"
    if "\n" in text:
        return "不能换行，换行后面的不会显示", "one line: what follows is not shown"
    fits, zh, en = _TYPES.get(_kind(key), _TYPES["thing"])
    return None if fits(text) else (zh, en)


def fitted(key: str, text: str) -> str:
    """A text that variables made too long, as it is shown whole: on one line, and cut where the field takes any words."""
    plain = " ".join(text.split("\n"))
    if _kind(key) in ("", "thing", "const") and len(plain) > LONGEST:
        return f"{plain[: LONGEST - 1]}…"
    return plain
