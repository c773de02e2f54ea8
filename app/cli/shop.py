"""Commands about the shop's orders: orders, show, ship, deliver, cancel, return."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, who
from app.logs import mask
from app.shipping_list import shipping_list
from models import address, audit, order
from models.clock import utc_now
from models.config import Config
from models.order import PARTIES, STATES, Order, State, UnknownOrder, WrongState

cli = typer.Typer(no_args_is_help=True, help="积分商城：订单、发货、退款")

Number = Annotated[str, typer.Argument(help="订单号，例如 D7K2…")]
ReasonOption = Annotated[str, typer.Option("--reason", help="原因，粉丝会看到")]
ByOption = Annotated[str | None, typer.Option("--by", help="谁处理的；不写就是登录名 / who says so", show_default=False)]


@cli.command()
def orders(
    state: Annotated[State | None, typer.Option(help="只看这个状态的")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="最多几条")] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="待发货的订单连同地址，导出 CSV；会记进操作记录")] = False,
    by: ByOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """订单，新的在前；地址只显示一部分 / orders, newest first."""
    settings = settings_of(config)
    with database_of(settings) as database:
        if as_csv:
            with database.transaction() as db:
                text = shipping_list(db, by or who(), settings.zone, utc_now())
            sys.stdout.write(text)
            return
        with database.snapshot() as db:
            found = order.listed(db, state, most)
    if as_json:
        print_json([{**_told(one), "openid": mask(openid)} for one, openid in found])
        return
    rows = [
        (o.number, STATES[o.state], o.name, o.price, mask(who), o.placed_at, f"{o.carrier or ''} {o.shipment or ''}") for o, who in found
    ]
    print_table(["订单号", "状态", "商品", "积分", "粉丝", "下单", "快递"], rows, settings.zone)


def _told(one: Order) -> dict[str, object]:
    return {key: value for key, value in asdict(one).items() if key not in ("id", "follower_id", "cause")}


@cli.command()
def show(
    number: Number,
    whole: Annotated[bool, typer.Option("--address", help="显示完整地址；会记进操作记录")] = False,
    by: ByOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """一个订单、它的地址和经过 / one order, its address and its history."""
    settings = settings_of(config)
    with database_of(settings) as database, database.transaction() as db:
        try:
            one = order.find(db, number)
        except UnknownOrder:
            raise _unknown(number) from None
        kept, history = address.of(db, one.id), order.history(db, one.id)
        if whole and kept is not None:
            audit.note(db, by or who(), "address_shown", utc_now(), subject=f"order:{one.number}")
    recipient = address.recipient_of(kept)
    shown_to = recipient if whole else recipient.masked
    if as_json:
        events = [{"at": row.at, "by": row.by, "was": row.was, "state": row.state, "note": row.note} for row in history]
        print_json({**_told(one), "recipient": shown_to, "erased_at": kept.erased_at if kept else None, "history": events})
        return
    out.print(f"{one.number} {one.name} {STATES[one.state]} {one.price} 积分", markup=False)
    if kept is not None:
        out.print("地址已删除" if kept.erased_at else f"{shown_to.name} {shown_to.phone} {shown_to.address}", markup=False)
    rows = [(row.at, PARTIES.get(row.by, row.by), STATES[row.state], row.note) for row in history]
    print_table(["时间", "谁", "状态", "备注"], rows, settings.zone)


@cli.command()
def ship(
    number: Number,
    carrier: Annotated[str, typer.Option(help="快递公司，例如 顺丰")],
    shipment: Annotated[str, typer.Option("--number", help="快递单号")],
    by: ByOption = None,
    config: ConfigOption = None,
) -> None:
    """发货了：告诉粉丝快递公司和单号 / sent."""
    if not carrier.strip() or not shipment.strip() or len(carrier) > 30 or len(shipment) > 40:
        raise WrongInput("快递公司（最多 30 个字）和单号（最多 40 个）都要写 / carrier and number are needed")
    _act(
        number,
        by,
        config,
        "order_shipped",
        f"{carrier} {shipment}",
        lambda db, c, who, now: order.ship(db, c, number, carrier, shipment, who, now),
    )


@cli.command()
def deliver(number: Number, by: ByOption = None, config: ConfigOption = None) -> None:
    """粉丝收到了 / arrived."""
    _act(number, by, config, "order_delivered", "", lambda db, c, who, now: order.deliver(db, number, who, now))


@cli.command()
def cancel(number: Number, reason: ReasonOption = "", by: ByOption = None, config: ConfigOption = None) -> None:
    """取消没发货的订单：退积分，放回库存，告诉粉丝 / cancel and refund."""
    _act(number, by, config, "order_cancelled", reason, lambda db, c, who, now: order.cancel(db, c, number, who, reason, now))


@cli.command(name="return")
def return_(number: Number, reason: ReasonOption = "", by: ByOption = None, config: ConfigOption = None) -> None:
    """发货以后退回来了：退积分，告诉粉丝；库存不动 / sent back, refund."""
    _act(number, by, config, "order_returned", reason, lambda db, c, who, now: order.take_back(db, c, number, who, reason, now))


_Verb = Callable[[Connection, Config, str, datetime], Order]


def _act(number: str, by: str | None, config: ConfigOption, action: str, detail: str, verb: _Verb) -> None:
    """The verb and its note are one transaction."""
    settings, now, person = settings_of(config), utc_now(), by or who()
    with database_of(settings) as database:
        try:
            with database.transaction() as db:
                done = verb(db, settings.config, person, now)
                audit.note(db, person, action, now, subject=f"order:{done.number}", detail=detail)
        except UnknownOrder:
            raise _unknown(number) from None
        except WrongState as wrong:
            raise WrongInput(f"订单 {number} 现在是“{STATES[wrong.state]}”，不能这样做 / the order is {wrong.state}") from None
    out.print(f"{done.number}：{STATES[done.state]}", markup=False)


def _unknown(number: str) -> WrongInput:
    return WrongInput(f"没有订单 {number} / no such order")
