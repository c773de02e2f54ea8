"""What the commands about broadcasts share: their group, their arguments, and how a run is told, in words and in JSON."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from app import runs
from app.cli.options import WrongInput
from app.config_file import Settings
from models.broadcast import Broadcast, BroadcastsSection, Override, Status

cli = typer.Typer(no_args_is_help=True, help="群发：查看、预览、执行、暂停")

Name = Annotated[str, typer.Argument(help="群发代号（config.yaml 里的 key）")]
RunId = Annotated[int, typer.Argument(help="执行编号")]
OverrideAs = Annotated[str | None, typer.Option(help="内容违反平台规则也要发：谁负责，写名字；会记进操作记录")]
Because = Annotated[str | None, typer.Option(help="和 --override-as 一起：为什么")]
OVER = ("done", "cancelled", "missed")

DELIVERY_WORDS = {
    "pending": "待发 pending",
    "sending": "发送中 sending",
    "sent": "已接收 sent",
    "delivered": "已送达 delivered",
    "failed": "失败 failed",
    "skipped": "跳过 skipped",
    "unknown": "未知 unknown",
    "cancelled": "已取消 cancelled",
}
LIST_WORDS = {
    "sending": "发送中 sending",
    "sent": "已接收 sent",
    "finished": "已报告 finished",
    "failed": "失败 failed",
    "refused": "没有收 refused",
    "unknown": "未知 unknown",
}
RUN_WORDS = {
    "planning": "准备中 planning",
    "sending": "发送中 sending",
    "held": "等待中 held",
    "paused": "已暂停 paused",
    "asked": "等人确认 asked（resume 补发，cancel 放弃）",
    "missed": "已错过 missed",
    "done": "完成 done",
    "cancelled": "已取消 cancelled",
}


def override_of(name: str | None, because: str | None) -> Override | None:
    """Who takes it upon themselves, and why. Raises WrongInput where one of both is missing."""
    if name is None and because is None:
        return None
    if not (name and name.strip() and because and because.strip()):
        raise WrongInput("--override-as 名字 和 --because 理由 要一起写 / write both --override-as and --because")
    return Override(name.strip(), because.strip())


def planned_of(settings: Settings, key: str) -> tuple[Broadcast, str]:
    """The broadcast and its segment's sentence. Raises WrongInput."""
    found = runs.planned(settings.config, key)
    if found is None:
        known = "、".join(one.key for one in settings.config[BroadcastsSection].root) or "（无）"
        raise WrongInput(f"没有群发 {key}；配置里有：{known} / no broadcast {key}; the file has: {known}")
    return found


def state_of(run: Status, zone: ZoneInfo) -> str:
    """The state, until when, and why."""
    held = f"，到 {run.held_until.astimezone(zone):%m-%d %H:%M}" if run.held_until else ""
    reason = f"：{run.reason}" if run.reason else ""
    test = "（发给店员的测试）" if run.test else ""
    return f"{RUN_WORDS[run.word]}{test}{held}{reason}"


def totals_of(run: Status) -> dict[str, int]:
    """How many deliveries are in each state."""
    totals: dict[str, int] = {}
    for state, _, many in run.counts:
        totals[state] = totals.get(state, 0) + many
    return totals


def as_json(run: Status) -> dict[str, object]:
    """A run for other programs."""
    totals = totals_of(run)
    return {
        "id": run.id,
        "broadcast": run.broadcast,
        "state": run.word,
        "reason": run.reason,
        "due_at": run.due_at,
        "held_until": run.held_until,
        "finished_at": run.finished_at,
        "by": run.by,
        "test": run.test,
        "revision": run.revision,
        "targets": sum(totals.values()),
        "counts": totals,
        "reasons": [{"state": state, "reason": reason, "count": many} for state, reason, many in run.counts],
    }
