"""The plan in an operator's words: what it assumes, the steps of its waterfalls, what it proposes."""

from __future__ import annotations

from models.plan import Advice, Forecast

ASSUMES = "照现在的样子推算：这期间没有人关注、离开、退订、来说话，程序一直在运行，要批准的都按时批准；人群条件按发的那一刻算；旅程发的不算"
STAGES = {
    "all": "全部粉丝",
    "following": "正在关注",
    "consented": "愿意接收",
    "topic": "订阅了主题",
    "segment": "在人群里",
    "way": "有合规的通道",
    "capped": "没到上限",
    "quiet": "这几周内轮得到",
    "holdout": "不在对照组",
    "final": "会收到",
}


def advised(one: Advice) -> str:
    """A proposal in an operator's words."""
    by = "、".join(f"{key}（{many} 人次）" for key, many in one.starved_by[:3])
    if one.then is None:
        return f"{one.broadcast} 发不到人：被 {by} 挤掉；换到别的日子也不会更多，要么少发几次，要么放宽 push.limits"
    what = f"改成 cron: {one.then}（现在 {one.now}）" if one.setting == "cron" else f"加上 wait: {one.then}"
    others = "，".join(f"{key} {'多' if change > 0 else '少'} {abs(change)}" for key, change in one.others.items())
    return f"{one.broadcast} 发不到人：被 {by} 挤掉。{what}：从 {one.reaches} 条变成 {one.would_reach} 条" + (
        f"；{others}" if others else "；别的都不变"
    )


def differences(before: Forecast, after: Forecast) -> list[tuple[str, int, int]]:
    """How many each broadcast reaches in the one plan and in the other, where that differs."""
    one, other = before.totals(), after.totals()
    return [(key, one.get(key, 0), other.get(key, 0)) for key in sorted(one | other) if one.get(key, 0) != other.get(key, 0)]
