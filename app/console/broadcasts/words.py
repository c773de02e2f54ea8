"""The words the pages about broadcasts use: states, numbers, spans of time."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.broadcast import Status

RUNS = {
    "undo": "马上开始，还可以撤回",
    "planning": "正在准备名单",
    "sending": "正在发",
    "held": "等着发",
    "paused": "已暂停",
    "asked": "等人决定",
    "missed": "错过了，没有发",
    "done": "发完了",
    "cancelled": "已取消",
}
DELIVERIES = {
    "pending": "还没轮到",
    "sending": "正在发",
    "sent": "微信收下了，等送达回执",
    "delivered": "送到了",
    "failed": "没有发成",
    "skipped": "没有发（按规矩跳过）",
    "unknown": "不知道（微信没有回答，不敢再发）",
    "cancelled": "取消了，没有发",
}
LISTS = {
    "sending": "正在发",
    "sent": "微信收下了，等报告",
    "finished": "微信报告了结果",
    "failed": "没有发成",
    "refused": "微信没有收，换一份名单再发",
    "unknown": "不知道（微信没有回答，不敢再发）",
}
_DIGITS = "零一二三四五六七八九"


def key(run: Status, now: datetime) -> str:
    """The run's state at this instant: undo, held, or what it says itself."""
    if run.held_until is None or run.held_until <= now or run.state not in ("planning", "sending"):
        return run.state
    return "undo" if run.state == "planning" else "held"


def word(run: Status, now: datetime) -> str:
    """What a person calls it."""
    return RUNS[key(run, now)]


def spelled(number: int) -> str:
    """A number as it is read aloud: 1005000 is 一百万五千."""
    text, gap = "", False
    for size, unit in ((10**8, "亿"), (10**4, "万"), (1, "")):
        group = number // size % (10**8 if unit == "亿" else 10**4)
        if group:
            text += ("零" if text and (gap or group < 1000) else "") + _thousands(group) + unit
            gap = False
        else:
            gap = bool(text)
    return text.removeprefix("一") if text.startswith("一十") else text or "零"


def _thousands(number: int) -> str:
    text, gap = "", False
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            text += ("零" if gap and text else "") + _DIGITS[digit] + unit
            gap = False
        else:
            gap = True
    return text


def span(length: timedelta) -> str:
    """A span of time, about."""
    seconds = int(length.total_seconds())
    if seconds < 90:
        return f"{max(1, seconds)} 秒"
    if seconds < 3600:
        return f"{round(seconds / 60)} 分钟"
    return f"{seconds // 3600} 小时 {seconds % 3600 // 60} 分钟"
