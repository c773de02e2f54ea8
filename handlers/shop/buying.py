"""An order in the making: the price is confirmed, the consent given, the address told; only the last 确认 takes points and stock.

While it waits, it has the floor for ten minutes after each answer, but a word that is another feature's trigger (签到) is never taken for
an answer: it goes its usual way and the question goes on waiting. What is written in these steps may be an address, so the message is
remembered, to be struck out of the inbox with the address, or at once where nothing comes of the order.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handlers import replies
from handlers.routing import Context, normal
from handlers.shop import browsing
from handlers.shop.section import ShopSection, among, worded
from models import address, conversation, order, order_draft, reward
from models.address import Recipient
from models.config import fill
from models.order_draft import TOLD, Draft, Step
from wechat.reply import Text

ADDRESS = "address"  # subject of the floor from the consent on: what is said next may be where they live
_ASKED: dict[Step, str] = {"name": "name", "phone": "phone", "place": "address"}  # the part of the recipient that a step asks for
_SAME_DAY = timedelta(hours=24)
_STEP: dict[str, Step] = {part: step for step, part in _ASKED.items()}


def answer(ctx: Context, section: ShopSection) -> Text | None:
    """What they say is the answer to the question that waits, or a wish to leave; None where it is something else."""
    draft = order_draft.of(ctx.db, ctx.follower.id)
    if draft is None:
        return _long_gone(ctx, section)
    if among(ctx.text, section.exit):
        _end(ctx, draft)
        return Text(fill(section.replies.left, {"name": draft.name}))
    elsewhere = normal(ctx.text) in ctx.routes.triggers
    if not replies.still_listens(ctx):
        return _too_late(ctx, section, draft, elsewhere)
    if elsewhere:
        ctx.explain("这是触发词，不当作兑换的回答；兑换还在等")
        return None
    match draft.step:
        case "confirm":
            return _confirmed(ctx, section, draft)
        case "agree":
            return _agreed(ctx, section, draft) if among(ctx.text, section.agree) else _go_on(ctx, section, draft.heard(ctx.inbound.key))
        case "final" if among(ctx.text, section.confirm):
            return _finish(ctx, section, draft)
        case _:
            return _told(ctx, section, draft.heard(ctx.inbound.key))


def _long_gone(ctx: Context, section: ShopSection) -> Text | None:
    """Nothing waits any more. Whoever answers on the same day all the same, with an address, is told so, and it is not kept."""
    since = conversation.since(ctx.db, ctx.follower.id)
    conversation.leave_floor(ctx.db, ctx.follower.id)
    if since is None or ctx.now - since > _SAME_DAY or not address.has_phone(ctx.text):
        return None
    address.strike_out(ctx.db, [ctx.inbound.key])
    return Text(fill(section.replies.too_late, {"name": "", "shop": section.triggers[0]}))


def _end(ctx: Context, draft: Draft) -> None:
    order_draft.drop(ctx.db, ctx.follower.id, draft)
    conversation.leave_floor(ctx.db, ctx.follower.id)


def _too_late(ctx: Context, section: ShopSection, draft: Draft, elsewhere: bool) -> Text | None:
    """Ten minutes are over. What comes now instead of an address may be one: it is not passed on to anybody, and not kept."""
    ctx.explain("兑换等得太久，到此为止")
    if draft.step == "confirm" and among(ctx.text, section.confirm) and (wanted := section.named(draft.goods)) is not None:
        return browsing.choose(ctx, section, wanted)  # a late yes is asked again
    told = draft.step in TOLD and not elsewhere
    _end(ctx, draft.heard(ctx.inbound.key) if told else draft)
    return Text(fill(section.replies.too_late, {"name": draft.name, "shop": section.triggers[0]})) if told else None


def _confirmed(ctx: Context, section: ShopSection, draft: Draft) -> Text | None:
    """The price is all right; anything but yes, or another choice, goes its usual way."""
    if not among(ctx.text, section.confirm):
        other = browsing.meant(section, ctx.text)
        return browsing.choose(ctx, section, other) if other else None
    wanted = section.named(draft.goods)
    if wanted is not None and wanted.kind == "virtual":
        return _finish(ctx, section, draft)
    return ask_consent(ctx, section, replace(draft, step="agree"))


def ask_consent(ctx: Context, section: ShopSection, draft: Draft) -> Text:
    """They are asked whether their address may be kept, for what, and how long."""
    return _go_on(ctx, section, replace(draft, step="agree"))


def _consent(section: ShopSection, draft: Draft) -> str:
    values = {"name": draft.name, "days": section.erase_days, "agree": section.agree[0], "exit": section.exit[0]}
    return fill(section.replies.consent, values)


def _agreed(ctx: Context, section: ShopSection, draft: Draft) -> Text:
    consent = address.agreed(ctx.db, _consent(section, draft), ctx.inbound.key, section.erase_days, ctx.now)
    return _go_on(ctx, section, replace(draft, step="address", consent=consent))


def _told(ctx: Context, section: ShopSection, draft: Draft) -> Text:
    """They wrote something of the address; what is still missing is asked for."""
    if among(ctx.text, section.change):
        return _go_on(ctx, section, replace(draft, step="address", recipient=Recipient()))
    if draft.step != "final" and (among(ctx.text, section.confirm) or among(ctx.text, section.agree)):  # nobody is called 确认
        return _go_on(ctx, section, draft, understood=False)
    known = Recipient() if draft.step == "final" else draft.recipient
    found = address.read(ctx.text, known, _ASKED.get(draft.step))
    if draft.step == "final" and found.missing:
        return _go_on(ctx, section, draft)
    understood, step = found != draft.recipient, draft.step
    if understood:
        step = "final" if found.missing is None else _STEP[found.missing]
    return _go_on(ctx, section, replace(draft, step=step, recipient=found), understood=understood)


def _go_on(ctx: Context, section: ShopSection, draft: Draft, *, understood: bool = True) -> Text:
    """The draft is kept as it is now, and its question asked."""
    order_draft.keep(ctx.db, ctx.follower.id, draft, ctx.now)
    conversation.take_floor(ctx.db, ctx.follower.id, "shop", ADDRESS, ctx.now)
    asked = _question(section, draft)
    return Text(asked if understood else fill(section.replies.not_understood, {"ask": asked}))


def _question(section: ShopSection, draft: Draft) -> str:
    words, shown = section.replies, draft.recipient.masked
    match draft.step:
        case "agree":
            return _consent(section, draft)
        case "final":
            who = {"name": shown.name, "phone": shown.phone, "address": shown.address}
            return fill(words.final, {**who, "confirm": section.confirm[0], "change": section.change[0], "exit": section.exit[0]})
        case _:
            asks = {"name": words.ask_name, "phone": words.ask_phone, "place": words.ask_place}
            return fill(asks.get(draft.step, words.ask_address), {"name": draft.name, "exit": section.exit[0]})


def _finish(ctx: Context, section: ShopSection, draft: Draft) -> Text | None:
    """The order is made, or it is said why not; either way the draft is gone, and of an address for no order nothing is left."""
    conversation.leave_floor(ctx.db, ctx.follower.id)
    if not order_draft.take(ctx.db, ctx.follower.id, draft):
        return None  # another 确认 was faster
    made: list[bool] = []

    def work() -> Text:
        said = _placed(ctx, section, draft) if draft.goods else _addressed(ctx, section, draft)
        made.append(True)
        return said

    said = worded(ctx, section, work, draft.name, section.replies.unavailable)
    if not made:
        address.strike_out(ctx.db, draft.messages)
    return said


def _placed(ctx: Context, section: ShopSection, draft: Draft) -> Text:
    wanted = section.named(draft.goods)
    if wanted is None or wanted.points != draft.price or (wanted.kind == "physical") != (draft.consent is not None):
        raise order.GoodsChanged(name=draft.name)
    recipient = (draft.recipient, draft.consent, draft.messages) if draft.consent else None
    placed = order.place(ctx.db, ctx.circumstances, wanted, draft.number, recipient, ctx.now)
    values = {"name": wanted.name, "number": placed.order.number, "points": wanted.points, "balance": placed.balance}
    values["orders"] = section.orders[0]
    if wanted.kind == "virtual":
        return Text(fill(section.replies.given, {**values, "given": reward.told(ctx.config, placed.granted) or wanted.name}))
    return Text(fill(section.replies.placed, values))


def _addressed(ctx: Context, section: ShopSection, draft: Draft) -> Text:
    assert draft.consent is not None  # the way to the last question leads past it
    prize = order.address_prize(ctx.db, ctx.follower.id, draft.number, draft.recipient, draft.consent, draft.messages, ctx.now)
    return Text(fill(section.replies.addressed, {"name": prize.name, "number": prize.number, "orders": section.orders[0]}))
