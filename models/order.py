"""Orders: what a follower got for points, or won, on its way to them; each change of state once, points back once."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    select,
    update,
)

from models import address, condition, expiry, goods, notice, points, reward, stock
from models.address import Consent, Recipient
from models.base import Hot, Id, Instant, follower_id, identity, insert, metadata
from models.condition import Circumstances
from models.config import Config, fill
from models.follower import followers, hold
from models.goods import Goods
from models.refusal import Refusal
from models.reward import Granted
from models.shop import ShopRules

# unaddressed (won, and nobody knows yet where to send it) → placed → shipped → delivered; placed → cancelled; shipped → returned
State = Literal["unaddressed", "placed", "shipped", "delivered", "cancelled", "returned"]
STATES: Mapping[State, str] = {  # as operators read them, and followers where the file has no other words
    "unaddressed": "待填地址",
    "placed": "待发货",
    "shipped": "已发货",
    "delivered": "已完成",
    "cancelled": "已取消",
    "returned": "已退货",
}
CLOSED: frozenset[State] = frozenset({"delivered", "cancelled", "returned"})
FOLLOWER, SYSTEM = "the follower", "the clock"  # who changed a state, where it was no operator: their names have no spaces
PARTIES: Mapping[str, str] = {FOLLOWER: "粉丝", SYSTEM: "自动"}  # as operators read them

orders = Table(
    "shop_order",
    metadata,
    identity(),
    Column("number", String(20), nullable=False, unique=True),  # what followers and operators call it; not to be guessed
    follower_id(nullable=False, index=True),
    Column("goods", String(40)),  # its key in the file; NULL: won, not bought
    Column("name", String(100), nullable=False),  # as it was called then
    Column("price", BigInteger, nullable=False),
    Column("cause", String(200), nullable=False),  # `shop:D7K…`, or what it was won by
    Column("state", String(12), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("carrier", String(30)),
    Column("shipment", String(40)),
    UniqueConstraint("follower_id", "cause"),
    CheckConstraint(f"state IN {tuple(STATES)}", name="state"),
    CheckConstraint("price >= 0", name="not_negative"),
)
Index("ix_shop_order_state", orders.c.state, orders.c.changed_at)

events = Table(
    "order_event",
    metadata,
    identity(),
    Column("order_id", Id, ForeignKey("shop_order.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", String(100), nullable=False),  # FOLLOWER, SYSTEM, or the operator's name
    Column("was", String(12)),
    Column("state", String(12), nullable=False),
    Column("note", String(200), nullable=False),
)


class NotNow(Refusal):
    """It cannot be had at this time. Details: name."""


class NotForYou(Refusal):
    """It is for others. Details: name, level."""


class GoodsChanged(Refusal):
    """The file has another price, or the goods no more, since the follower was asked. Details: name."""


class UnknownOrder(Refusal):
    """There is no order of this number, or it is somebody else's. Details: number."""


class WrongState(Refusal):
    """The order has gone another way. Details: number, state."""

    def __init__(self, *, number: str, state: State) -> None:
        super().__init__(number=number, state=state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is now: the columns of the table."""

    id: int
    number: str
    follower_id: int
    goods: str | None
    name: str
    price: int
    cause: str
    state: State
    placed_at: datetime
    changed_at: datetime
    carrier: str | None
    shipment: str | None


@dataclass(frozen=True, slots=True)
class Placed:
    """What was ordered, the balance after, and what of it was given at once."""

    order: Order
    balance: int
    granted: Granted


_COLUMNS = [orders.c[one.name] for one in fields(Order)]
_NEW = (
    insert(orders)
    .values({one.name: bindparam(one.name) for one in fields(Order) if one.name not in ("id", "carrier", "shipment")})
    .on_conflict_do_nothing(index_elements=[orders.c.follower_id, orders.c.cause])
    .returning(*_COLUMNS)
)
_NOTE = insert(events).values({name: bindparam(name) for name in ("order_id", "at", "by", "was", "state", "note")})
_FIND = select(*_COLUMNS).where(orders.c.number == bindparam("which"))
_BY_CAUSE = select(*_COLUMNS).where(orders.c.follower_id == bindparam("follower"), orders.c.cause == bindparam("why"))
_MINE = select(*_COLUMNS).where(orders.c.follower_id == bindparam("follower")).order_by(orders.c.id.desc()).limit(bindparam("most"))
_HISTORY = select(events).where(events.c.order_id == bindparam("order")).order_by(events.c.id)
_LISTED = select(*_COLUMNS, followers.c.openid).join(followers, followers.c.id == orders.c.follower_id).order_by(orders.c.id.desc())
_PAID = Hot(
    select(points.ledger.c.id).where(
        points.ledger.c.follower_id == bindparam("follower"),
        points.ledger.c.asset == points.POINTS,
        points.ledger.c.cause == bindparam("why"),
    )
)
_OLD_SHIPPED = (orders.c.state == "shipped", orders.c.changed_at <= bindparam("before", type_=Instant))
_ANY_ON_THE_WAY = Hot(select(orders.c.id).where(*_OLD_SHIPPED).limit(1))
_ON_THE_WAY = select(*_COLUMNS).where(*_OLD_SHIPPED).order_by(orders.c.changed_at).limit(50).with_for_update(skip_locked=True)

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is taken for another
_TOLD_FOR = timedelta(days=30)


def new_number() -> str:
    """A number for an order that nobody guesses: 60 bits."""
    return "D" + "".join(secrets.choice(_LETTERS) for _ in range(12))


def as_number(text: str) -> str:
    """The order's number that somebody typed."""
    return unicodedata.normalize("NFKC", text).strip().upper()


# Getting it


def check(db: Connection, now: Circumstances, wanted: Goods) -> None:
    """Nothing stands in the way of ordering it, as far as can be seen. Raises what `place` would; promises nothing."""
    _check_conditions(now, wanted)
    if stock.left(db, wanted.subject, wanted.stock) == 0:
        raise stock.SoldOut(left=0, name=wanted.name)
    if wanted.per_follower and goods.number_had(db, now.follower.id, wanted.key) >= wanted.per_follower:
        raise goods.LimitReached(limit=wanted.per_follower, name=wanted.name)
    balance = points.balance(db, now.follower.id)
    if balance < wanted.points:
        raise points.NotEnoughPoints(balance=balance, needed=wanted.points, name=wanted.name)


def _check_conditions(now: Circumstances, wanted: Goods) -> None:
    if wanted.times is not None and condition.unmet(wanted.times, f"goods:{wanted.key}", now):
        raise NotNow(name=wanted.name)
    if wanted.when is not None and condition.unmet(wanted.when, f"goods:{wanted.key}", now):
        raise NotForYou(name=wanted.name, level=wanted.when.level or "")


def place(
    db: Connection,
    by: Circumstances,
    wanted: Goods,
    number: str,
    recipient: tuple[Recipient, Consent, Sequence[str]] | None,
    now: datetime,
) -> Placed:
    """Afterwards the order exists, its points and its piece of the stock are taken, and whatever is given at once is given.

    `recipient`, for what is sent: to whom, their consent, and the messages in which they wrote it. Raises NotNow, NotForYou, LimitReached,
    NotEnoughPoints, SoldOut, and WrongState where this number was placed before; then nothing of it is true (the caller takes it back).
    """
    _check_conditions(by, wanted)
    follower, cause = by.follower.id, f"shop:{number}"
    order = _new(db, follower, number, wanted.key, wanted.name, wanted.points, cause, "placed", FOLLOWER, now)
    if order is None:
        raise WrongState(number=number, state=find(db, number).state)
    goods.count(db, follower, wanted)
    balance = points.post(db, follower, -wanted.points, cause, now).balance if wanted.points else points.balance(db, follower)
    stock.take(db, wanted.subject, wanted.stock)  # the row all share comes last: nobody waits for it longer than need be
    if recipient is not None:
        address.keep(db, order.id, follower, *recipient)
    if wanted.reward is None:
        return Placed(order, balance, Granted())
    granted = reward.grant(db, by.config, follower, wanted.reward, f"shop:{number}:reward", now)
    if granted.owed:  # nobody pays for a coupon that there is none of any more
        raise stock.SoldOut(left=0, name=wanted.name)
    delivered = _move(db, order, "delivered", SYSTEM, "", now)
    return Placed(delivered, points.balance(db, follower), granted)


def open_prize(db: Connection, follower: int, name: str, cause: str, now: datetime) -> Order:
    """Afterwards there is an order at no price for what the follower won, once per cause: it waits for them to say where to send it.

    They say so in chat with 领奖 and its number (handlers/shop); the file needs a `shop` section for that, be it without goods.
    """
    new = _new(db, follower, new_number(), None, name[:100], 0, cause, "unaddressed", SYSTEM, now)
    return new or Order(*db.execute(_BY_CAUSE, {"follower": follower, "why": cause}).one())


def address_prize(
    db: Connection, follower: int, number: str, recipient: Recipient, consent: Consent, messages: Sequence[str], now: datetime
) -> Order:
    """Afterwards the prize is to be sent there. Raises UnknownOrder, WrongState."""
    order = own(db, follower, number)
    moved = _move(db, order, "placed", FOLLOWER, "", now, of=("unaddressed",))
    address.keep(db, order.id, follower, recipient, consent, messages)
    return moved


def _new(
    db: Connection, follower: int, number: str, key: str | None, name: str, price: int, cause: str, state: State, by: str, now: datetime
) -> Order | None:
    """None where this cause has its order."""
    values = {"number": number, "follower_id": follower, "goods": key, "name": name, "price": price, "cause": cause}
    row = db.execute(_NEW, {**values, "state": state, "placed_at": now, "changed_at": now}).one_or_none()
    if row is None:
        return None
    order = Order(*row)
    db.execute(_NOTE, {"order_id": order.id, "at": now, "by": by, "was": None, "state": state, "note": ""})
    return order


# Its way


def ship(db: Connection, config: Config, number: str, carrier: str, shipment: str, by: str, now: datetime) -> Order:
    """Afterwards a placed order is on its way, and its follower is told by whom and under which number. Raises UnknownOrder, WrongState."""
    order = _move(
        db, find(db, number), "shipped", by, f"{carrier} {shipment}", now, of=("placed",), carrier=carrier[:30], shipment=shipment[:40]
    )
    _tell(db, config, order, _rules(config).notices.shipped, "", now)
    return order


def deliver(db: Connection, number: str, by: str, now: datetime) -> Order:
    """Afterwards a shipped order has arrived; its address goes as many days from now as was agreed. Raises UnknownOrder, WrongState."""
    return _move(db, find(db, number), "delivered", by, "", now, of=("shipped",))


def cancel(db: Connection, config: Config, number: str, by: str, reason: str, now: datetime) -> Order:
    """Afterwards an order that was not sent yet is cancelled, its points are back, once, and its piece is in stock again.

    Whoever did not cancel it themselves is told. Raises UnknownOrder, WrongState.
    """
    found = find(db, number)
    hold(db, found.follower_id)
    order = _move(db, found, "cancelled", by, reason, now, of=("placed", "unaddressed"))
    _refund(db, config, order, now)
    if order.goods is not None:
        stock.put_back(db, f"goods:{order.goods}")
    if by != FOLLOWER:
        _tell(db, config, order, _rules(config).notices.cancelled, reason, now)
    return order


def take_back(db: Connection, config: Config, number: str, by: str, reason: str, now: datetime) -> Order:
    """Afterwards a shipped order counts as sent back: its points are back, once; what came back is not in stock until somebody has looked.

    Raises UnknownOrder, WrongState.
    """
    found = find(db, number)
    hold(db, found.follower_id)
    order = _move(db, found, "returned", by, reason, now, of=("shipped",))
    _refund(db, config, order, now)
    _tell(db, config, order, _rules(config).notices.returned, reason, now)
    return order


def _move(
    db: Connection, order: Order, state: State, by: str, note: str, now: datetime, *, of: Sequence[State] = ("placed",), **values: str
) -> Order:
    """One step of the order's way, taken by one of all who try. Raises WrongState to the others."""
    changed = (
        update(orders)
        .where(orders.c.id == order.id, orders.c.state == order.state, orders.c.state.in_(of))
        .values(state=state, changed_at=now, **values)
        .returning(*_COLUMNS)
    )
    row = db.execute(changed).one_or_none()
    if row is None:
        raise WrongState(number=order.number, state=find(db, order.number).state)
    db.execute(_NOTE, {"order_id": order.id, "at": now, "by": by[:100], "was": order.state, "state": state, "note": note[:200]})
    if state in CLOSED:
        address.close(db, order.id, now)
    return Order(*row)


def _refund(db: Connection, config: Config, order: Order, now: datetime) -> None:
    """What it cost is back, and expires as what is gained now does. Once: nothing where somebody took the payment back in the ledger."""
    if order.goods is not None:
        goods.uncount(db, order.follower_id, order.goods)
    paid = _PAID.value(db, follower=order.follower_id, why=order.cause) if order.price else None
    if paid is not None and not points.is_taken_back(db, paid):
        until = expiry.of(config, now)
        points.post(db, order.follower_id, order.price, f"refund:{order.number}", now, account="shop", expires_at=until, reverses=paid)


def _rules(config: Config) -> ShopRules:
    return config.of_kind(ShopRules) or ShopRules()


def _tell(db: Connection, config: Config, order: Order, text: str, reason: str, now: datetime) -> None:
    values = {"number": order.number, "name": order.name, "points": order.price, "reason": reason}
    said = fill(text, {**values, "carrier": order.carrier, "shipment": order.shipment, "received": _rules(config).received[0]})
    if said:
        notice.leave(db, config, order.follower_id, f"order_{order.state}:{order.number}", said, now, now + _TOLD_FOR)


def deliver_overdue(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 orders that were sent `deliver_days` ago count as delivered. Returns how many."""
    before = now - timedelta(days=_rules(config).deliver_days)
    if _ANY_ON_THE_WAY.value(db, before=before) is None:
        return 0
    late = db.execute(_ON_THE_WAY, {"before": before}).all()
    for row in late:
        _move(db, Order(*row), "delivered", SYSTEM, "", now, of=("shipped",))
    return len(late)


# Looking


def find(db: Connection, number: str) -> Order:
    """The order of this number. Raises UnknownOrder."""
    row = db.execute(_FIND, {"which": as_number(number)}).one_or_none()
    if row is None:
        raise UnknownOrder(number=as_number(number))
    return Order(*row)


def own(db: Connection, follower: int, number: str) -> Order:
    """This follower's order of this number. Raises UnknownOrder, also where it is somebody else's."""
    order = find(db, number)
    if order.follower_id != follower:
        raise UnknownOrder(number=order.number)
    return order


def mine(db: Connection, follower: int, most: int) -> list[Order]:
    """The follower's orders, the newest first."""
    return [Order(*row) for row in db.execute(_MINE, {"follower": follower, "most": most})]


def listed(db: Connection, state: State | None, most: int, *, skip: int = 0) -> list[tuple[Order, str]]:
    """Orders, in this state or in any, the newest first but for so many, each with its follower's openid."""
    asked = _LISTED.where(orders.c.state == state) if state else _LISTED
    return [(Order(*row[:-1]), row.openid) for row in db.execute(asked.limit(most).offset(skip))]


def history(db: Connection, order: int) -> Sequence[Row[Any]]:
    """What happened to it, the oldest first: the columns of order_event."""
    return db.execute(_HISTORY, {"order": order}).all()
