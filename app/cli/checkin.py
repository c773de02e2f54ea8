"""Commands about check-ins: the evidence that somebody asked to be reminded."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, settings_of, shown
from models import follower, reminder

cli = typer.Typer(no_args_is_help=True, help="签到：谁要了签到提醒")


_SHOWN = ("asked_at", "asked_by", "words", "stopped_at", "stopped_by")


@cli.callback()
def _group() -> None:
    """One command stays a command of its group."""


@cli.command()
def reminders(openid: Annotated[str, typer.Argument()], config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一位粉丝什么时候、用哪条消息要了签到提醒，什么时候取消 / the evidence that a follower asked for reminders."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput("没有这位粉丝 / no such follower")
        rows = [{name: getattr(row, name) for name in _SHOWN} for row in reminder.evidence(db, person.id)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("这位粉丝没有要过签到提醒")
    for row in rows:
        asked, stopped = (shown(row[name], settings.zone) for name in ("asked_at", "stopped_at"))
        until = f"，{stopped} 取消（{row['stopped_by']}）" if row["stopped_at"] else ""
        out.print(f"{asked} 说“{row['words']}”（{row['asked_by']}）{until}", markup=False)
