"""积分商城: what there is, page by page, and the choice of one thing.

The list keeps the floor softly: numbers and names choose for ten minutes, all else goes its usual way. A number is the place of the goods
in the file, so that it means the same on every page and to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from handlers import replies
from handlers.routing import Context
from handlers.shop.section import ShopSection, among, fits, worded
from models import condition, conversation, order, order_draft, points, stock
from models.config import fill
from models.goods import Goods
from models.order_draft import Draft
from wechat.reply import Text

LIST, ORDER = "goods:", "order"  # subjects of the floor: a page of the list, a draft


def show(ctx: Context, section: ShopSection, page: int = 1) -> Text:
    """One page of what can be had now; numbers choose from it."""
    words, balance = section.replies, points.balance(ctx.db, ctx.follower.id)
    found = _pages(list(_lines(ctx, section)), section)
    if not found:
        return Text(fill(words.empty, {"balance": balance}))
    page = min(max(page, 1), len(found))
    if replies.may_take_the_floor(ctx):
        conversation.take_floor(ctx.db, ctx.follower.id, "shop", f"{LIST}{page}", ctx.now)
    head = fill(words.head, {"balance": balance, "page": page, "pages": len(found)})
    return Text(head + found[page - 1] + _foot(section, page < len(found)))


def _lines(ctx: Context, section: ShopSection) -> Iterator[str]:
    words = section.replies
    for number, one in enumerate(section.goods, 1):
        if one.times is not None and condition.unmet(one.times, one.subject, ctx.circumstances):
            continue
        left = stock.left(ctx.db, one.subject, one.stock)
        level = one.when.level if one.when else None
        values = {"number": number, "name": one.name, "points": one.points, "left": left}
        yield (
            fill(words.line, {**values, "mark": fill(words.for_level, {"level": level}) if level else ""})
            if left
            else fill(words.gone, values)
        )


def _foot(section: ShopSection, more: bool) -> str:
    words = section.replies
    foot = fill(words.foot, {"exchange": section.exchange[0], "orders": section.orders[0]})
    return fill(words.more, {"next": section.next[0]}) + foot if more else foot


def _pages(lines: list[str], section: ShopSection) -> list[str]:
    """As many lines to a page as one message holds, with room for the head and the foot, and no more than a screen shows."""
    room = len(fill(section.replies.head, {"balance": 10**10, "page": 100, "pages": 100}).encode()) + len(_foot(section, True).encode())
    found: list[list[str]] = []
    for line in lines:
        if not found or len(found[-1]) == section.page or not fits("".join(found[-1]) + line + " " * room):
            found.append([])
        found[-1].append(line)
    return ["".join(page) for page in found]


def answer(ctx: Context, section: ShopSection, page: int) -> Text | None:
    """The choice they named, the next page, or None where they said something else."""
    if not replies.still_listens(ctx):
        ctx.explain("积分商城的列表已经过时：不再等序号")
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return None
    if among(ctx.text, section.next):
        return show(ctx, section, page + 1)
    if among(ctx.text, section.exit):
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return Text(fill(section.replies.left, {"name": ""}))
    named = meant(section, ctx.text)
    return choose(ctx, section, named) if named else None


def meant(section: ShopSection, text: str) -> Goods | None:
    """The goods of this number or name."""
    place = replies.meant(text, [one.name for one in section.goods])
    return section.goods[place - 1] if place is not None else None


def choose(ctx: Context, section: ShopSection, wanted: Goods) -> Text | None:
    """They are asked whether they want it at this price; nothing is held for them."""
    return worded(ctx, section, lambda: _asked(ctx, section, wanted), wanted.name)


def _asked(ctx: Context, section: ShopSection, wanted: Goods) -> Text:
    order.check(ctx.db, ctx.circumstances, wanted)
    draft = Draft(order.new_number(), wanted.key, wanted.name, wanted.points)
    order_draft.keep(ctx.db, ctx.follower.id, draft, ctx.now)
    conversation.take_floor(ctx.db, ctx.follower.id, "shop", ORDER, ctx.now)
    balance = points.balance(ctx.db, ctx.follower.id)
    values = {"name": wanted.name, "points": wanted.points, "balance": balance, "after": balance - wanted.points, "text": wanted.text}
    return Text(fill(section.replies.confirm, {**values, "confirm": section.confirm[0], "exit": section.exit[0]}))
