#!/usr/bin/env python3
"""Recomputes a whole lottery from what was published of it; needs Python 3.9 and nothing else, and shares no code with the program that drew.

    python3 verify.py https://bot.example.com/draws/spring        (or a file: spring.json)
    python3 verify.py spring.json --commitment 5f0c… --ticket 1a2b…   what you wrote down before the end, and your own draws

Prints OK, or the first thing that is wrong. Exit code: 0 right, 1 wrong, 2 the seed is not published yet, 3 this cannot be read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
import urllib.request
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any


def wrong(doc: dict[str, Any]) -> str | None:
    """The first thing that does not come out as published, in words; None where all of it does."""
    rules, seed = doc["rules"], bytes.fromhex(doc["seed"])
    text = json.dumps(rules, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    promised = hashlib.sha256(seed + hashlib.sha256(text.encode()).digest()).hexdigest()
    if promised != doc["commitment"]:
        return f"承诺不符：种子和规则算出来是 {promised} / the seed and the rules are not those that were promised"
    if len(doc["list"]) != doc["draws"]:
        return f"公布了 {len(doc['list'])} 次，一共抽了 {doc['draws']} 次 / draws are missing"
    left: dict[str, int] = {}
    share, ends, seen = Fraction(0), [], set()
    for prize in rules["prizes"]:
        share += _odds(prize["odds"])
        ends.append((share * 2**64, prize["key"]))
        left[prize["key"]] = prize["stock"]
    first, last = (doc[name] and datetime.fromisoformat(doc[name]) for name in ("begins_at", "ends_at"))
    for expected, (number, at, ticket, fell_on, won) in enumerate(doc["list"], 1):
        if number != expected or ticket in seen:
            return f"第 {expected} 次：编号不连续或凭证重复 / draw {expected}: a gap, or a ticket twice"
        seen.add(ticket)
        when = datetime.fromisoformat(at)
        if when >= last or (first and when < first):
            return f"第 {number} 次：{at} 不在抽奖时间里 / draw {number} was made outside of the time"
        digest = hmac.new(seed, f"{rules['key']}|{number}|{ticket}".encode(), hashlib.sha256).digest()
        lot = int.from_bytes(digest[:8], "big")
        right = next((key for end, key in ends if lot < end), None)
        prize = right if right and left[right] else None
        if (fell_on, won) != (right, prize):
            return (
                f"第 {number} 次（{ticket}）：公布 {fell_on}/{won}，应当是 {right}/{prize} / draw {number} should have come out otherwise"
            )
        if prize:
            left[prize] -= 1
    return None


def _odds(text: str) -> Fraction:
    if not re.fullmatch(r"[01](\.[0-9]{1,20})?", text):
        raise ValueError(text)
    return Fraction(text)


def published(where: str) -> Any:
    """What was published, from an address or a file."""
    if where.startswith(("http://", "https://")):
        with urllib.request.urlopen(where if where.endswith(".json") else where.rstrip("/") + ".json", timeout=60) as answer:
            return json.load(answer)
    return json.loads(Path(where).read_text("utf-8"))


def main(where: str, *options: str) -> int:
    """The exit code."""
    given = [(name, value.strip().lower()) for name, value in zip(options[::2], options[1::2])]  # noqa: B905  (Python 3.9)
    if len(options) % 2 or not {name for name, _ in given} <= {"--commitment", "--ticket"}:
        sys.exit(__doc__)
    try:
        code, lines = judged(published(where), given)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        code, lines = 3, [f"读不出来，不是抽奖公示的 JSON：{error!r:.200} / this is no published lottery, or it cannot be reached"]
    for line in lines:
        print("".join(letter if letter.isprintable() else "?" for letter in line))
    return code


def judged(doc: dict[str, Any], given: list[tuple[str, str]]) -> tuple[int, list[str]]:
    """The exit code, and what is printed."""
    for name, noted in given:
        if name == "--commitment" and noted != doc["commitment"]:
            return 1, [f"承诺不符：公布的是 {doc['commitment']} / this is not the commitment that you wrote down"]
    if not doc["seed"]:
        return 2, [f"还没有公开种子，{doc['ends_at']} 以后再来；承诺是 {doc['commitment']} / the seed is not published yet"]
    found = wrong(doc)
    mine = [row for row in doc["list"] if ("--ticket", row[2]) in given]
    lines = [f"第 {number} 次，{at}，凭证 {ticket}：{won or '没中 / nothing'}" for number, at, ticket, _, won in mine]
    return bool(found), [*lines, found or f"OK：{doc['draws']} 次抽奖全部重算无误 / all {doc['draws']} draws are right"]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
