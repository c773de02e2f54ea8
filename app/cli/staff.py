"""Commands about staff: add, invite, list, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, shown, who
from handlers.coupon import CouponsSection
from models import audit, follower, staff
from models.clock import utc_now
from models.coupon import code
from models.staff import NotStaff

cli = typer.Typer(no_args_is_help=True, help="店员：谁能在聊天里核销")

Openid = Annotated[str, typer.Argument()]
NameOption = Annotated[str, typer.Option("--name", help="怎么称呼，核销记录里看得到")]
StoreOption = Annotated[str, typer.Option("--store", help="门店，持券人会看到")]


@cli.command()
def add(openid: Openid, name: NameOption, store: StoreOption = "", config: ConfigOption = None) -> None:
    """一位粉丝成为店员，或改称呼和门店 / this follower may redeem from now on."""
    now = utc_now()
    with database_of(settings_of(config)) as database, database.transaction() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput("没有这位粉丝：请他先给公众号发一句话 / no such follower")
        one = staff.add(db, person.id, name, store, who(), now)
        audit.note(db, who(), "staff_added", now, subject=f"staff:{one.id}", detail=f"{one.name} {one.store}".strip())
    out.print(f"{one.name} 现在是店员，可以回复「核销 券码」", markup=False)


@cli.command()
def invite(name: NameOption, store: StoreOption = "", config: ConfigOption = None) -> None:
    """打印一个一次性绑定码：本人在聊天里说「绑定店员 绑定码」就成为店员 / a code that makes whoever says it first staff."""
    settings, now, fresh = settings_of(config), utc_now(), code.fresh()
    section = settings.config.get(CouponsSection) or CouponsSection()
    with database_of(settings) as database, database.transaction() as db:
        until = staff.invite(db, fresh, name, store, who(), now)
        audit.note(db, who(), "staff_invited", now, subject=name, detail=store)
    out.print(f"请 {name} 在 {shown(until, settings.zone)} 前对公众号说（只能用一次）：", markup=False)
    out.print(f"{section.bind[0]} {code.shown(fresh)}", markup=False)


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """所有店员 / all staff."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = staff.listed(db)
    if as_json:
        print_json(found)
        return
    rows = [(f.name, f.store, f.openid, f.added_at, f.added_by, "已移除" if f.disabled_at else "") for f in found]
    print_table(["称呼", "门店", "粉丝", "加入", "谁加的", "状态"], rows, settings.zone)


@cli.command()
def remove(openid: Openid, config: ConfigOption = None) -> None:
    """不再是店员，马上不能核销；做过的记录还在 / may redeem no more."""
    now = utc_now()
    with database_of(settings_of(config)) as database, database.transaction() as db:
        person = follower.find(db, openid)
        try:
            if person is None:
                raise NotStaff
            staff.remove(db, person.id, now)
        except NotStaff:
            raise WrongInput("这位不是店员 / not one of the staff") from None
        audit.note(db, who(), "staff_removed", now, subject=person.name)
    out.print("已移除", markup=False)
