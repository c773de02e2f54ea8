"""我的订单 and what can be done with them: cancel, received, and say where a prize is to be sent."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import replies
from handlers.routing import Context
from handlers.shop import buying
from handlers.shop.section import ShopSection, among, fits, worded
from models import address, conversation, order, points
from models.config import fill
from models.order import FOLLOWER, Order
from models.order_draft import Draft
from wechat.reply import Text

CANCEL = "cancel:"  # subject of the floor while they are asked whether they are sure
_MOST = 20  # orders that are looked at; as many of them are told as one message holds


def show(ctx: Context, section: ShopSection) -> Text:
    """Their newest orders, the address masked."""
    words, found = section.replies, order.mine(ctx.db, ctx.follower.id, _MOST)
    if not found:
        return Text(fill(words.no_orders, {"shop": section.triggers[0]}))
    foot = fill(words.orders_foot, {"cancel": section.cancel[0], "received": section.received[0], "claim": section.claim[0]})
    return Text(_joined([_told(ctx, section, one) for one in found], foot if any(one.state == "placed" for one in found) else ""))


def _joined(parts: Sequence[str], foot: str) -> str:
    text = parts[0]
    for part in parts[1:]:
        if not fits(f"{text}\n\n{part}{foot}"):
            break
        text = f"{text}\n\n{part}"
    return text + foot


def _told(ctx: Context, section: ShopSection, one: Order) -> str:
    words, local = section.replies, one.placed_at.astimezone(ctx.zone)
    shipment = fill(words.shipment, {"carrier": one.carrier, "shipment": one.shipment}) if one.carrier else ""
    who = address.recipient_of(address.of(ctx.db, one.id)).masked
    recipient = fill(words.recipient, {"name": who.name, "phone": who.phone, "address": who.address}) if who.name else ""
    values = {"name": one.name, "state": words.state(one.state), "number": one.number, "points": one.price}
    told = fill(words.order, {**values, "date": f"{local.month}月{local.day}日", "shipment": shipment, "recipient": recipient})
    return told + fill(words.to_claim, {"claim": section.claim[0], "number": one.number}) if one.state == "unaddressed" else told


def cancel(ctx: Context, section: ShopSection, number: str) -> Text | None:
    """The order of this number is cancelled; without a number the only one there is, once they say they are sure, or they say which."""
    if number:
        return worded(ctx, section, lambda: _cancelled(ctx, section, number))
    found = [one for one in order.mine(ctx.db, ctx.follower.id, _MOST) if one.state == "placed" and one.goods is not None]
    if not found:
        return Text(fill(section.replies.nothing_to_cancel, {}))
    if len(found) > 1:
        return _which(section, section.cancel[0], found)
    conversation.take_floor(ctx.db, ctx.follower.id, "shop", f"{CANCEL}{found[0].number}", ctx.now)
    values = {"name": found[0].name, "number": found[0].number, "points": found[0].price}
    return Text(fill(section.replies.sure_to_cancel, {**values, "confirm": section.confirm[0], "exit": section.exit[0]}))


def answer(ctx: Context, section: ShopSection, number: str) -> Text | None:
    """Whether they are sure to cancel it; anything but yes and no goes its usual way, and after ten minutes a yes is asked again."""
    in_time = replies.still_listens(ctx)
    conversation.leave_floor(ctx.db, ctx.follower.id)
    if among(ctx.text, section.confirm):
        return worded(ctx, section, lambda: _cancelled(ctx, section, number)) if in_time else cancel(ctx, section, "")
    return Text(fill(section.replies.not_cancelled, {})) if in_time and among(ctx.text, section.exit) else None


def _cancelled(ctx: Context, section: ShopSection, number: str) -> Text:
    mine = order.own(ctx.db, ctx.follower.id, number)
    if mine.goods is None:  # a prize that was won is not given back for points
        raise order.WrongState(number=mine.number, state=mine.state)
    order.cancel(ctx.db, ctx.config, mine.number, FOLLOWER, "", ctx.now)
    balance = points.balance(ctx.db, ctx.follower.id)
    values = {"name": mine.name, "number": mine.number, "points": mine.price, "balance": balance}
    return Text(fill(section.replies.cancelled, values))


def _which(section: ShopSection, word: str, found: Sequence[Order]) -> Text:
    lines = "\n".join(f"{one.number} {one.name}" for one in found)
    return Text(fill(section.replies.which, {"word": word, "orders": lines}))


def received(ctx: Context, section: ShopSection, number: str) -> Text | None:
    """The order has arrived. Without a number it is the only one that is on its way; where there is none, that was said of something else."""
    if number:
        return worded(ctx, section, lambda: _arrived(ctx, section, number))
    on_the_way = [one for one in order.mine(ctx.db, ctx.follower.id, _MOST) if one.state == "shipped"]
    if not on_the_way:
        return None
    if len(on_the_way) > 1:
        return _which(section, section.received[0], on_the_way)
    return worded(ctx, section, lambda: _arrived(ctx, section, on_the_way[0].number))


def _arrived(ctx: Context, section: ShopSection, number: str) -> Text:
    mine = order.own(ctx.db, ctx.follower.id, number)
    order.deliver(ctx.db, mine.number, FOLLOWER, ctx.now)
    return Text(fill(section.replies.received, {"name": mine.name, "number": mine.number}))


def claim(ctx: Context, section: ShopSection, number: str) -> Text | None:
    """Where the prize is to be sent is asked for; without a number it is the oldest that waits for it."""

    def work() -> Text:
        if number:
            prize = order.own(ctx.db, ctx.follower.id, number)
            if prize.state != "unaddressed":
                raise order.WrongState(number=prize.number, state=prize.state)
        else:
            waiting = [one for one in order.mine(ctx.db, ctx.follower.id, _MOST) if one.state == "unaddressed"]
            if not waiting:
                return Text(fill(section.replies.nothing_to_claim, {}))
            prize = waiting[-1]
        return buying.ask_consent(ctx, section, Draft(prize.number, None, prize.name, 0))

    return worded(ctx, section, work)
