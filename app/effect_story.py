"""Effects in words: what a comparison comes to, as operators read it on a page and on a terminal."""

from __future__ import annotations

from models.effect import Comparison, Effect
from models.inference import Interval, Verdict

GOALS = {"checkin": "签到", "survey": "填完问卷", "vote": "投票", "order": "换东西", "message": "来说话", "click": "点开链接"}
_UNITS = {"m": "分钟", "h": "小时", "d": "天", "w": "周"}
_SAID: dict[Verdict, str] = {"better": "有效果", "worse": "适得其反", "same": "看不出差别", "unknown": "数据还不够"}


def percent(share: float) -> str:
    """A share of followers as text."""
    return f"{share * 100:.1f}%"


def points(found: Interval) -> str:
    """A difference of shares, with the interval it lies in; an interval that excludes nothing is no interval."""
    seen, low, high = (f"{round(part * 100, 1) + 0.0:+.1f}" for part in (found.estimate, found.low, found.high))
    said = "人太少，说不准" if found.low <= -1 and found.high >= 1 else f"{low} 到 {high}"
    return f"{seen} 个百分点（{said}）"


def told(found: Comparison) -> str:
    """What a comparison comes to, in words."""
    more = f"，大约还要 {found.more} 人次" if found.more else ""
    return f"{_SAID[found.verdict]}{more}"


def goal(found: Effect) -> str:
    """What the broadcast is meant to lead to."""
    if (wanted := found.plan.goal) is None:
        return "—"
    within = wanted.within.strip()
    return f"{within[:-1].strip()} {_UNITS[within[-1]]}内{GOALS[wanted.do]}"


def winner(found: Effect) -> str:
    """Which variant is the best, or that nobody knows yet."""
    if not found.arms:
        return "—"
    return {"better": f"{found.arms[0].variant} 赢了", "same": "几个版本看不出差别"}.get(found.winner, "还分不出哪个版本好：数据还不够")
