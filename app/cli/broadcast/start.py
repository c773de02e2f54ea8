"""broadcast run, test: a run begins; whichever serve has the worker role sends it."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import runs
from app.cli.broadcast.told import OVER, Because, Name, OverrideAs, cli, override_of, planned_of, state_of
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, err, out, print_json, settings_of, who
from models import broadcast
from models.broadcast import NobodyToTestWith, Status, StillADraft, Unlawful
from models.clock import utc_now
from models.database import Database

Request = Annotated[str | None, typer.Option(help="同一个编号重复执行只算一次")]
Wait = Annotated[bool, typer.Option(help="等到发完")]
_LONGEST = timedelta(hours=1)


@cli.command()
def run(
    name: Name,
    config: ConfigOption = None,
    request: Request = None,
    wait: Wait = False,
    undo: Annotated[str, typer.Option(help="先等这么久再发，例如 60s、5m；这段时间可以 cancel")] = "0s",
    override_as: OverrideAs = None,
    because: Because = None,
    json: JsonOption = False,
) -> None:
    """现在执行一次；由正在运行的 serve 发送 / one run, now; whichever serve has the worker role sends it."""
    settings, now, delay, override = settings_of(config), utc_now(), _delay(undo), override_of(override_as, because)
    planned_of(settings, name)
    with database_of(settings) as database:
        try:
            with database.transaction() as db:
                number = runs.start(db, settings.config, name, who(), now, request=request, undo=delay, override=override)
        except StillADraft:
            raise WrongInput(
                f"{name} 还是草稿（state: draft），不会发给粉丝。定稿了就写 state: approved；先发给店员看看：yizhan broadcast test {name}"
                f" / {name} is a draft"
            ) from None
        except Unlawful as refused:
            raise WrongInput(
                f"{refused.details['offence']}。改一改内容；确实要发，写明谁负责、为什么：--override-as 名字 --because 理由"
                " / the platform punishes this; change it, or say who answers for it"
            ) from None
        _told(database, number, settings.zone, json=json, wait=wait)


@cli.command(name="test")
def to_staff(name: Name, config: ConfigOption = None, request: Request = None, wait: Wait = False, json: JsonOption = False) -> None:
    """只发给店员看看，草稿也行；不占上限 / to staff only, drafts too; outside every limit."""
    settings, now = settings_of(config), utc_now()
    planned_of(settings, name)
    with database_of(settings) as database:
        try:
            with database.transaction() as db:
                number = runs.send_to_staff(db, settings.config, name, who(), now, request=request)
        except NobodyToTestWith:
            raise WrongInput("没有关注着的店员可以收测试；加店员：yizhan staff invite / there is no staff that follows") from None
        except Unlawful as refused:
            raise WrongInput(f"{refused.details['offence']}；店员也不能收 / the platform punishes this") from None
        _told(database, number, settings.zone, json=json, wait=wait)


def _delay(text: str) -> timedelta:
    found = re.fullmatch(r"\s*([0-9]{1,4})\s*([sm])\s*", text)
    delay = timedelta(seconds=int(found[1]) * (60 if found[2] == "m" else 1)) if found else None
    if delay is None or delay > _LONGEST:
        raise WrongInput(f"--undo 写成 60s 或 5m，最多 60m；这里是 {text!r} / write 60s or 5m")
    return delay


def _told(database: Database, number: int | None, zone: ZoneInfo, *, json: bool, wait: bool) -> None:
    if number is None:
        raise WrongInput("同一时刻已经有一次执行，请再试 / a run for this very instant exists; try again")
    with database.snapshot() as db:
        begun = broadcast.glance(db, number)
    asked = {"state": begun.state, "reason": begun.reason} if begun.state == "asked" else {}
    if json:
        print_json({"id": number} | asked)
    elif asked:
        out.print(
            f"已建立执行 {number}，还没有发：{begun.reason}\n由另一位批准：控制台，或者 yizhan broadcast approve {number}", markup=False
        )
    else:
        out.print(f"已建立执行 {number}；查看进度：yizhan broadcast status {number}")
    if wait:
        _follow(database, number, zone, quiet=json)


def _follow(database: Database, number: int, zone: ZoneInfo, *, quiet: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=quiet) as progress:
        task = progress.add_task(f"执行 {number}", total=None)
        while True:
            with database.snapshot() as db:
                now = broadcast.status(db, number)
            total, open_ = sum(many for _, _, many in now.counts), _open(now)
            progress.update(task, total=total or None, completed=total - open_, description=f"执行 {number} {state_of(now, zone)}")
            if now.state in OVER:
                return
            if now.state in ("paused", "asked"):
                raise WrongInput(f"执行 {number} 停下了：{now.reason} / stopped: {now.reason}")
            time.sleep(0.5)


def _open(run_: Status) -> int:
    return sum(many for state, _, many in run_.counts if state in ("pending", "sending"))
