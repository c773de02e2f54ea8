"""Commands about findings: list, pass, dismiss."""

from __future__ import annotations

import getpass
import os
from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from models import finding
from models.clock import utc_now
from models.finding import AlreadySettled, UnknownFinding, Verdict

cli = typer.Typer(no_args_is_help=True, help="敏感词记录：查看、处理")

FindingId = Annotated[int, typer.Argument(help="记录编号")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="谁处理的；不写就是登录名 / who says so (else the login name)", show_default=False)
]
_DIRECTIONS = {"heard": "粉丝说的", "said": "要发的"}
_STATES = {"noted": "已记下", "open": "等处理", "passed": "没问题", "dismissed": "不合适"}


@cli.command(name="list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="也列出已处理的和只是记下的 / those that wait for nobody, too")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """等运营看的敏感词记录，旧的在前 / what waits for an operator, oldest first."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = finding.newest(db) if every else finding.waiting(db)
    if as_json:
        print_json(found)
        return
    rows = [(f.id, f.at, _DIRECTIONS[f.direction], f.openid, f.word, f.text, _state(f)) for f in found]
    print_table(["编号", "时间", "方向", "粉丝", "词", "原文", "状态"], rows, settings.zone)


def _state(found: finding.Finding) -> str:
    return f"{_STATES[found.state]}（{found.settled_by}）" if found.settled_by else _STATES[found.state]


@cli.command(name="pass")
def pass_(number: FindingId, by: ByOption = None, config: ConfigOption = None) -> None:
    """看过了，没有问题 / seen, and harmless."""
    _settle(number, "passed", by, config)


@cli.command()
def dismiss(number: FindingId, by: ByOption = None, config: ConfigOption = None) -> None:
    """看过了，确实不合适 / seen, and rightly found."""
    _settle(number, "dismissed", by, config)


def _settle(number: int, verdict: Verdict, by: str | None, config: ConfigOption) -> None:
    settings = settings_of(config)
    with database_of(settings) as database, database.transaction() as db:
        try:
            finding.settle(db, number, verdict, by or _login(), utc_now())
        except UnknownFinding:
            raise WrongInput(f"没有编号是 {number} 的记录 / no finding {number}") from None
        except AlreadySettled as settled:
            state, who = _STATES[str(settled.details["state"])], settled.details["by"]
            raise WrongInput(f"{number} 不用处理了：{state}{f'（{who}）' if who else ''} / it waits for nobody any more") from None
    out.print(f"{number}：{_STATES[verdict]}", markup=False)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return f"uid {os.getuid()}"
