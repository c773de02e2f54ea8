"""订单: what followers got in the shop, and what an operator does about it: ship, cancel, take back. Addresses are masked until asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.console.desk import Visit
from app.logs import mask
from app.shipping_list import shipping_list
from models import address, audit, order
from models.config import Config
from models.order import PARTIES, STATES, Order, UnknownOrder, WrongState

_MOST = 50


class _Act(NamedTuple):
    """What a form does to an order, and how the trail calls it."""

    action: str
    verb: Callable[[Connection, Config, str, dict[str, str], str, datetime], Order]
    needs: tuple[str, ...] = ()


_ACTS = {
    "ship": _Act(
        "order_shipped",
        lambda db, config, number, form, by, now: order.ship(db, config, number, form["carrier"], form["shipment"], by, now),
        ("carrier", "shipment"),
    ),
    "deliver": _Act("order_delivered", lambda db, config, number, form, by, now: order.deliver(db, number, by, now)),
    "cancel": _Act("order_cancelled", lambda db, config, number, form, by, now: order.cancel(db, config, number, by, form["reason"], now)),
    "return": _Act(
        "order_returned", lambda db, config, number, form, by, now: order.take_back(db, config, number, by, form["reason"], now)
    ),
}


async def listed(visit: Visit) -> Response:
    """Those to be sent; with `?state=` others, with `?state=all` all of them, the newest first."""
    asked = visit.request.query_params.get("state", "placed")
    state = next((one for one in STATES if one == asked), None)
    if state is None and asked != "all":
        raise HTTPException(404)
    page, may = visit.page_number, visit.operator.may("editor")
    found = await visit.desk.database.read(lambda db: order.listed(db, state, _MOST + 1, skip=(page - 1) * _MOST))
    more = len(found) > _MOST
    return visit.page("orders.html", found=found[:_MOST], more=more, page=page, state=asked, names=STATES, mask=mask, may=may)


async def one(visit: Visit) -> Response:
    """One order: its way so far, to whom it goes, masked, and the forms for the next step."""
    return await _page(visit)


async def _page(visit: Visit, *, said: str = "", whole: bool = False, status: int = 200) -> Response:
    number = visit.request.path_params["number"]
    found, kept, history = await visit.desk.database.read(lambda db: _look(db, number))
    who = address.recipient_of(kept)
    return visit.page(
        "order.html",
        status,
        order=found,
        kept=kept,
        who=who if whole else who.masked,
        whole=whole,
        history=history,
        names=STATES,
        parties=PARTIES,
        said=said,
        may=visit.operator.may("editor"),
    )


def _look(db: Connection, number: str) -> tuple[Order, Row[Any] | None, Sequence[Row[Any]]]:
    try:
        found = order.find(db, number)
    except UnknownOrder:
        raise HTTPException(404) from None
    return found, address.of(db, found.id), order.history(db, found.id)


async def show_address(visit: Visit) -> Response:
    """The whole address, for whoever has to write it on a parcel; the trail says who looked."""
    number, now, person = visit.request.path_params["number"], visit.now, visit.operator.name

    def work(db: Connection) -> None:
        found, *_ = _look(db, number)
        audit.note(db, person, "address_shown", now, subject=f"order:{found.number}", address=visit.address)

    await visit.desk.database.run(work)
    return await _page(visit, whole=True)


async def act(visit: Visit) -> Response:
    """One step of the order's way. Of two operators who press at once, or a follower who was faster, one is told so."""
    number, what, now, person = (
        visit.request.path_params["number"],
        _ACTS.get(visit.request.path_params["act"]),
        visit.now,
        visit.operator.name,
    )
    if what is None:
        raise HTTPException(404)
    form = {name: visit.form.get(name, "").strip() for name in ("carrier", "shipment", "reason")}
    if any(not form[name] for name in what.needs) or len(form["carrier"]) > 30 or len(form["shipment"]) > 40 or len(form["reason"]) > 100:
        return await _page(visit, said="快递公司（最多 30 个字）和单号（最多 40 个）都要写；原因最多 100 个字。", status=400)
    config = visit.desk.live.config

    def work(db: Connection) -> None:
        done = what.verb(db, config, number, form, person, now)
        detail = f"{form['carrier']} {form['shipment']}".strip() or form["reason"]
        audit.note(db, person, what.action, now, subject=f"order:{done.number}", detail=detail, address=visit.address)

    try:
        await visit.desk.database.run(work)
    except UnknownOrder:
        raise HTTPException(404) from None
    except WrongState as wrong:
        return await _page(visit, said=f"没有做：订单现在是“{STATES[wrong.state]}”。", status=409)
    return visit.go(f"/orders/{number}")


async def export(visit: Visit) -> Response:
    """What is to be sent, with addresses, as a file; the trail says who took it."""
    zone, now, person = visit.desk.live.config.zone, visit.now, visit.operator.name
    text = await visit.desk.database.run(lambda db: shipping_list(db, person, zone, now, visit.address))
    name = f"orders-{now.astimezone(zone):%Y%m%d-%H%M}.csv"
    return Response(text, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'})
