"""A month and a day without a year, as people write them: 0512, 5-12, 5月12日, 五月十二, 正月初一, 腊月廿三."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_MONTHS = {"正": 1, "元": 1, "冬": 11, "腊": 12, "臘": 12}
_YEAR = re.compile(r"(?:(?:19|20)\d\d)(?:年|[-/.])?(?=\d)|(?:19|20)\d\d年")
_PLAIN = re.compile(r"(\d\d)(\d\d)")
_PARTED = re.compile(r"(\d{1,2})(?:[-/.]|月)(\d{1,2})[日号號]?")
_CHINESE = re.compile(r"([正元冬腊臘一二三四五六七八九十]{1,2})月([初一二三四五六七八九十廿卅]{1,3})[日号號]?")


def read(text: str) -> tuple[int, int] | None:
    """The month and the day that the text names; None where it names none. Whether there is such a day is not asked here.

    A year of four digits before it is overread: nobody needs it.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    if len(plain) > 4 or "年" in plain:
        plain = _YEAR.sub("", plain, count=1)
    if found := _PLAIN.fullmatch(plain) or _PARTED.fullmatch(plain):
        return int(found[1]), int(found[2])
    if found := _CHINESE.fullmatch(plain):
        month, day = _MONTHS.get(found[1]) or _number(found[1]), _number(found[2].removeprefix("初"))
        return (month, day) if month and day else None
    return None


def _number(written: str) -> int | None:
    """一 … 三十一, 廿三, 卅; None for what is no number."""
    written = written.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = written.rpartition("十")
    if tens and tens not in _DIGITS:
        return None
    if ones and ones not in _DIGITS:
        return None
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)
