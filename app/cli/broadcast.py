"""Commands about broadcasts: list, preview, run, status, pause, resume, cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Connection, select

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, err, out, print_json, print_table, settings_of
from app.config_file import Settings
from models import broadcast, schedule
from models.broadcast import Broadcast, BroadcastsSection, Status, UnknownRun
from models.clock import utc_now
from models.config import fill
from models.database import Database
from models.follower import Follower, followers
from models.refusal import Refusal
from models.segment import SegmentsSection, understand

cli = typer.Typer(no_args_is_help=True, help="群发：查看、预览、执行、暂停")

Name = Annotated[str, typer.Argument(help="群发代号（config.yaml 里的 key）")]
RunId = Annotated[int, typer.Argument(help="执行编号")]
OVER = ("done", "cancelled", "missed")


def _planned(settings: Settings, key: str) -> tuple[Broadcast, str]:
    planned = settings.config[BroadcastsSection].named(key)
    if planned is None:
        known = "、".join(one.key for one in settings.config[BroadcastsSection].root) or "（无）"
        raise WrongInput(f"没有群发 {key}；配置里有：{known} / no broadcast {key}; the file has: {known}")
    segment = settings.config[SegmentsSection].named(planned.segment)
    assert segment is not None  # the file was checked
    return planned, segment.where


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """配置里的群发和最近的执行 / what is planned and the newest runs."""
    settings, now = settings_of(config), utc_now()
    planned = settings.config[BroadcastsSection].root
    with database_of(settings) as database, database.snapshot() as db:
        newest = broadcast.newest(db, 20)
    coming = [(one, _next_due(one, settings, now)) for one in planned]
    if as_json:
        plans = [{"key": one.key, "segment": one.segment, "cron": one.cron, "next": due} for one, due in coming]
        print_json({"broadcasts": plans, "runs": [_as_json(run) for run in newest]})
        return
    print_table(["代号", "人群", "cron", "下次"], [(one.key, one.segment, one.cron, due) for one, due in coming], settings.zone)
    if newest:
        out.print()
        print_table(
            ["编号", "代号", "应发时间", "状态", "计数"],
            [(r.id, r.broadcast, r.due_at, _state(r, settings.zone), _counted(r)) for r in newest],
            settings.zone,
        )


def _next_due(planned: Broadcast, settings: Settings, now: datetime) -> datetime | None:
    if planned.cron is None:
        return None
    return next(schedule.due_between(planned.cron, settings.zone, now, datetime.max.replace(tzinfo=now.tzinfo)), None)


@cli.command()
def preview(name: Name, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """会发给多少人、内容长什么样；什么都不发 / how many, and what they would read; sends nothing."""
    settings, now = settings_of(config), utc_now()
    planned, where = _planned(settings, name)
    with database_of(settings) as database, database.snapshot() as db:
        number, sample = broadcast.audience(db, where, now), _sample(db, where, now)
    local = now.astimezone(settings.zone)
    date = f"{local.year}年{local.month}月{local.day}日"
    values = {"name": sample.name if sample else "粉丝", "points": 0, "date": date, "time": f"{local:%H:%M}"}
    data = {key: fill(text, values) for key, text in planned.data.items()}
    if as_json:
        print_json({"broadcast": name, "segment": planned.segment, "targets": number, "template": planned.template, "data": data})
        return
    out.print(f"{name} → 人群 {planned.segment}（{where}）：{number} 人", markup=False)
    for key, text in data.items():
        out.print(f"  {key}：{text}", markup=False)


def _sample(db: Connection, where: str, now: datetime) -> Follower | None:
    columns = (followers.c.id, followers.c.openid, followers.c.remark)
    row = db.execute(select(*columns).where(followers.c.subscribed, understand(where)(now)).limit(1)).one_or_none()
    return row and Follower(row.id, row.openid, True, True, row.remark)


@cli.command()
def run(
    name: Name,
    config: ConfigOption = None,
    request: Annotated[str | None, typer.Option(help="同一个编号重复执行只算一次")] = None,
    wait: Annotated[bool, typer.Option(help="等到发完")] = False,
    as_json: JsonOption = False,
) -> None:
    """现在执行一次；由正在运行的 serve 发送 / one run, now; whichever serve has the worker role sends it."""
    settings, now = settings_of(config), utc_now()
    planned, where = _planned(settings, name)
    with database_of(settings) as database:
        with database.transaction() as db:
            number = broadcast.start(db, planned, where, now, now, request=request)
            if number is None and request:
                number = broadcast.requested(db, request)
        if number is None:
            raise WrongInput("同一时刻已经有一次执行，请再试 / a run for this very instant exists; try again")
        if as_json:
            print_json({"id": number})
        else:
            out.print(f"已建立执行 {number}；查看进度：yizhan broadcast status {number}")
        if wait:
            _follow(database, number, settings.zone, quiet=as_json)


def _follow(database: Database, number: int, zone: ZoneInfo, *, quiet: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=quiet) as progress:
        task = progress.add_task(f"执行 {number}", total=None)
        while True:
            with database.snapshot() as db:
                now = broadcast.status(db, number)
            total = sum(many for _, _, many in now.counts)
            open_ = sum(many for state, _, many in now.counts if state in ("pending", "sending"))
            progress.update(task, total=total or None, completed=total - open_, description=f"执行 {number} {_state(now, zone)}")
            if now.state in OVER:
                return
            if now.state in ("paused", "asked"):
                raise WrongInput(f"执行 {number} 停下了：{now.reason} / stopped: {now.reason}")
            time.sleep(0.5)


@cli.command()
def status(number: RunId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一次执行的状态：各状态多少人、为什么 / how many are in which state, and why."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        try:
            found = broadcast.status(db, number)
        except UnknownRun:
            raise WrongInput(f"没有执行 {number} / there is no run {number}") from None
    if as_json:
        print_json(_as_json(found))
        return
    out.print(f"执行 {found.id} {found.broadcast}：{_state(found, settings.zone)}", markup=False)
    print_table(
        ["状态", "原因", "人数"], [(_STATES.get(state, state), reason, many) for state, reason, many in found.counts], settings.zone
    )


_STATES = {
    "pending": "待发 pending",
    "sending": "发送中 sending",
    "sent": "已接收 sent",
    "delivered": "已送达 delivered",
    "failed": "失败 failed",
    "skipped": "跳过 skipped",
    "unknown": "未知 unknown",
    "cancelled": "已取消 cancelled",
}
_RUN_STATES = {
    "planning": "准备中 planning",
    "sending": "发送中 sending",
    "held": "等待中 held",
    "paused": "已暂停 paused",
    "asked": "等人确认 asked（resume 补发，cancel 放弃）",
    "missed": "已错过 missed",
    "done": "完成 done",
    "cancelled": "已取消 cancelled",
}


def _state(run_: Status, zone: ZoneInfo) -> str:
    held = f"，到 {run_.held_until.astimezone(zone):%m-%d %H:%M}" if run_.held_until else ""
    reason = f"：{run_.reason}" if run_.reason else ""
    return f"{_RUN_STATES[_word(run_)]}{held}{reason}"


def _word(run_: Status) -> str:
    return "held" if run_.held_until else run_.state


def _counted(run_: Status) -> str:
    totals: dict[str, int] = {}
    for state, _, many in run_.counts:
        totals[state] = totals.get(state, 0) + many
    return " ".join(f"{state} {many}" for state, many in totals.items())


def _as_json(run_: Status) -> dict[str, object]:
    totals: dict[str, int] = {}
    for state, _, many in run_.counts:
        totals[state] = totals.get(state, 0) + many
    return {
        "id": run_.id,
        "broadcast": run_.broadcast,
        "state": _word(run_),
        "reason": run_.reason,
        "due_at": run_.due_at,
        "held_until": run_.held_until,
        "finished_at": run_.finished_at,
        "targets": sum(totals.values()),
        "counts": totals,
        "reasons": [{"state": state, "reason": reason, "count": many} for state, reason, many in run_.counts],
    }


@cli.command()
def pause(number: RunId, config: ConfigOption = None) -> None:
    """暂停 / pause."""
    _do(config, number, lambda db: broadcast.pause(db, number, "由运营暂停 paused by an operator"), "已暂停")


@cli.command()
def resume(number: RunId, config: ConfigOption = None) -> None:
    """继续 / resume."""
    _do(config, number, lambda db: broadcast.resume(db, number), "已继续")


@cli.command()
def cancel(number: RunId, config: ConfigOption = None) -> None:
    """取消，不再继续发 / cancel."""
    _do(config, number, lambda db: broadcast.cancel(db, number, utc_now()), "已取消")


def _do(config: ConfigOption, number: int, verb: Callable[[Connection], None], done: str) -> None:
    with database_of(settings_of(config)) as database:
        try:
            with database.transaction() as db:
                verb(db)
        except Refusal as refused:
            state = refused.details.get("state")
            now = f"现在是 {_RUN_STATES.get(str(state), state)}" if state else "没有这个执行 / there is no such run"
            raise WrongInput(f"执行 {number}：{now}") from None
    out.print(f"执行 {number} {done}")
