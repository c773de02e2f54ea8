"""Commands about points: audit, statement."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from models import follower, points

cli = typer.Typer(no_args_is_help=True, help="积分账本：核对、明细")


@cli.command()
def audit(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """核对：每位粉丝的余额是否等于流水之和 / proves balance = Σ ledger; exit 2 where it does not hold."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = points.audit(db)
    if as_json:
        print_json(found)
    elif not found.differences:
        out.print(f"账实相符：{found.followers} 位粉丝，{found.entries} 条流水，合计 {found.total} 积分")
    else:
        print_table(
            ["粉丝编号", "种类", "余额", "流水之和"],
            [(d.follower_id, d.asset, d.balance, d.entries) for d in found.differences],
            settings.zone,
        )
    if found.differences:
        raise typer.Exit(2)


@cli.command()
def statement(
    openid: Annotated[str, typer.Argument()],
    most: Annotated[int, typer.Option(min=1, max=100_000, help="最多几条")] = 100,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """一位粉丝的积分明细 / one follower's entries, newest first."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput("没有这位粉丝 / no such follower")
        balance, entries = points.balance(db, person.id), points.statement(db, person.id, most)
    if as_json:
        rows = [{"at": row.at, "amount": row.amount, "cause": row.cause} for row in entries]
        print_json({"balance": balance, "entries": rows})
        return
    print_table(["时间", "积分", "原因"], [(row.at, f"{row.amount:+d}", row.cause) for row in entries], settings.zone)
    out.print(f"余额 {balance}")
