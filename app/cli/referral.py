"""Commands about referrals: list, pay, refuse."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, who
from models import audit, referral_payment
from models.clock import utc_now
from models.referral_payment import AlreadyDecided, NewcomerLeft, UnknownReferral

cli = typer.Typer(no_args_is_help=True, help="谁带来了谁：查看，处理可疑的")

Number = Annotated[int, typer.Argument(help="编号（referral list 里的）")]
STATES = {"pending": "等待", "held": "等运营看", "paid": "已计入", "refused": "不计", "clawed_back": "已收回"}


@cli.command(name="list")
def list_(
    held: Annotated[bool, typer.Option("--held", help="只看等运营处理的 / those that wait for an operator")] = False,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="最多几条")] = 100,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """新来的人是谁带来的，怎么样了，为什么 / who brought whom, what became of it, and why."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = referral_payment.held(db, most) if held else referral_payment.newest(db, most)
    if as_json:
        print_json([one._asdict() for one in found])
        return
    rows = [(one.id, one.first_at, one.referrer, one.newcomer, STATES[one.state], one.points or "", one.reasons) for one in found]
    print_table(["编号", "来的时间", "谁带来的", "新来的人", "状态", "积分", "原因"], rows, settings.zone)


@cli.command()
def pay(number: Number, config: ConfigOption = None) -> None:
    """看过了，没有问题：照给积分 / seen, and honest: paid."""
    settings, by, now = settings_of(config), who(), utc_now()
    with database_of(settings) as database, database.transaction() as db:
        try:
            referral_payment.pay(db, settings.config, number, by, now)
        except NewcomerLeft:
            raise WrongInput(f"{number} 新来的人已经离开了，不能给 / the newcomer has left") from None
        except (UnknownReferral, AlreadyDecided) as refused:
            raise _wrong(number, refused) from None
        audit.note(db, by, "referral_paid", now, subject=f"referral:{number}")
    out.print(f"{number}：已计入", markup=False)


@cli.command()
def refuse(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="为什么；记在操作记录里 / why")],
    config: ConfigOption = None,
) -> None:
    """看过了，不算数 / seen, and not paid."""
    settings, by, now = settings_of(config), who(), utc_now()
    if not reason.strip():
        raise WrongInput("要写理由：--reason 同一个人的几个号 / say why")
    with database_of(settings) as database, database.transaction() as db:
        try:
            referral_payment.refuse(db, number, reason.strip(), by)
        except (UnknownReferral, AlreadyDecided) as refused:
            raise _wrong(number, refused) from None
        audit.note(db, by, "referral_refused", now, subject=f"referral:{number}", detail=reason)
    out.print(f"{number}：不计", markup=False)


def _wrong(number: int, refused: UnknownReferral | AlreadyDecided) -> WrongInput:
    if isinstance(refused, UnknownReferral):
        return WrongInput(f"没有编号是 {number} 的 / no referral {number}")
    return WrongInput(f"{number} 不等人处理：{STATES[str(refused.details['state'])]} / it waits for no operator")
