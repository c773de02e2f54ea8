"""A follower's own coupons: one more is claimed by its word, and 我的券 shows them page by page."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.coupon.section import CouponsSection
from handlers.routing import Context
from models import claim, coupon
from models.claim import Batch
from models.clock import business_day
from models.config import fill
from models.coupon import Coupon
from wechat.reply import Text

_ROOM = 1500  # bytes of a page: what is said below it (a notice, a level that was reached) has room too


def take(ctx: Context, section: CouponsSection, batch: Batch) -> Text:
    """They have one coupon more of this batch."""
    got, words = claim.claim(ctx.db, batch, ctx.circumstances), section.replies
    return Text(fill(words.claimed, {**coupon.facts(ctx.config, got), "text": _text(section, batch.key)}))


def show(ctx: Context, section: CouponsSection, number: int = 1) -> Text:
    """What they have, those that expire first in front; the page of this number, or the last."""
    mine, words = coupon.mine(ctx.db, ctx.follower.id, ctx.now), section.replies
    past = fill(words.past, {"redeemed": mine.redeemed, "expired": mine.expired}) if mine.redeemed or mine.expired else ""
    if not mine.coupons:
        return Text(fill(words.none, {"past": past}))
    pages = _pages([_line(ctx, section, place, one) for place, one in enumerate(mine.coupons, 1)])
    page = max(1, min(number, len(pages)))
    turn = {"page": page, "pages": len(pages), "word": section.triggers[0], "next": page + 1}
    more = fill(words.more, turn) if page < len(pages) else ""
    return Text(fill(words.mine, {"count": len(mine.coupons), "coupons": "".join(pages[page - 1]), "past": past, "more": more}))


def _line(ctx: Context, section: CouponsSection, place: int, one: Coupon) -> str:
    words = section.replies
    begin = business_day(one.begins_at, ctx.zone)
    begins = fill(words.begins, {"begin": begin.isoformat()}) if one.begins_at > ctx.now else ""
    values = {**coupon.facts(ctx.config, one), "number": place, "begins": begins, "text": _text(section, one.batch)}
    return fill(words.coupon, values)


def _text(section: CouponsSection, key: str) -> str:
    batch = section.batch(key)
    return fill(section.replies.text, {"text": batch.text}) if batch is not None and batch.text else ""


def _pages(lines: Sequence[str]) -> list[list[str]]:
    """As many on each page as have room; one that is too long by itself has a page of its own."""
    pages: list[list[str]] = [[]]
    room = _ROOM
    for line in lines:
        size = len(line.encode())
        if size > room and pages[-1]:
            pages.append([])
            room = _ROOM
        pages[-1].append(line)
        room -= size
    return pages
