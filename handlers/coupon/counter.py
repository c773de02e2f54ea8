"""The counter in the chat: staff redeem in two steps, take back what they did a moment ago, and become staff by a code."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.coupon.section import CouponsSection
from handlers.routing import Context, normal
from models import attempt, conversation, coupon, staff
from models.config import fill
from models.coupon import Found, Redeemer, UnknownCode
from models.coupon import code as letters
from models.database import undone_on_error
from models.refusal import Refusal
from models.staff import UnknownInvitation
from wechat.reply import Text

FEATURE = "coupons"
CONFIRM_WITHIN = timedelta(minutes=5)
_MOST, _WINDOW = 10, timedelta(hours=1)  # codes that do not exist, by one of the staff or one who would be


def how(ctx: Context, section: CouponsSection, word: str) -> Text | None:
    """How to redeem. Whoever is not staff hears nothing of it."""
    if staff.find(ctx.db, ctx.follower.id) is None:
        return None
    return Text(fill(section.staff_replies.how, {"word": word}))


def ask(ctx: Context, section: CouponsSection, said: str) -> Text | None:
    """What this code is, and whether to redeem it: the next word is the answer. Whoever is not staff hears nothing of it."""
    one = staff.find(ctx.db, ctx.follower.id)
    if one is None:
        ctx.explain("不是店员：核销的词当作没有")
        return None
    subject = f"redeem:{one.id}"
    if attempt.used_up(ctx.db, subject, _MOST, _WINDOW, ctx.now):
        return Text(fill(section.staff_replies.too_many_attempts, {}))
    try:
        found = coupon.look_up(ctx.db, said)
        coupon.usable(ctx.config, found, ctx.now)
    except Refusal as refusal:
        if isinstance(refusal, UnknownCode):
            attempt.allowed(ctx.db, subject, _MOST, _WINDOW, ctx.now)
        return _refused(ctx, section, refusal)
    conversation.take_floor(ctx.db, ctx.follower.id, FEATURE, f"redeem:{found.coupon.id}", ctx.now)
    return _said(ctx, section.staff_replies.confirm, found, one.store, CONFIRM_WITHIN, section.confirm[0])


def answer(ctx: Context, section: CouponsSection, subject: str) -> Text | None:
    """Their word on the coupon that was shown; anything but yes and no is left to others, and then it was no."""
    since, said = conversation.since(ctx.db, ctx.follower.id), normal(ctx.text)
    conversation.leave_floor(ctx.db, ctx.follower.id)
    one = staff.find(ctx.db, ctx.follower.id)
    kind, _, number = subject.partition(":")
    if one is None or kind != "redeem" or not number.isdecimal():
        return None
    if said in map(normal, section.cancel):
        return Text(fill(section.staff_replies.cancelled, {}))
    if said not in map(normal, section.confirm):
        return None
    if since is None or ctx.now - since > CONFIRM_WITHIN:
        return Text(fill(section.staff_replies.too_late, {}))
    try:
        with undone_on_error(ctx.db):
            found = coupon.redeem(ctx.db, ctx.config, int(number), Redeemer.of(one), ctx.now)
    except Refusal as refusal:
        return _refused(ctx, section, refusal)
    return _said(ctx, section.staff_replies.redeemed, found, one.store, timedelta(minutes=section.undo_minutes), section.undo[0])


def undo(ctx: Context, section: CouponsSection) -> Text | None:
    """The last coupon that they redeemed is as before, if that was a moment ago. Whoever is not staff hears nothing of it."""
    one = staff.find(ctx.db, ctx.follower.id)
    if one is None:
        return None
    found = coupon.undo_last(ctx.db, ctx.config, Redeemer.of(one), timedelta(minutes=section.undo_minutes), ctx.now)
    return _said(ctx, section.staff_replies.undone, found, one.store, timedelta(), section.redeem[0])


def bind_how(section: CouponsSection, word: str) -> Text:
    """How to become staff."""
    return Text(fill(section.staff_replies.bind_how, {"word": word}))


def bind(ctx: Context, section: CouponsSection, said: str) -> Text:
    """Whoever says a code that was made for it is one of the staff from now on."""
    words, subject, plain = section.staff_replies, f"bind:{ctx.follower.id}", letters.plain(said)
    if attempt.used_up(ctx.db, subject, _MOST, _WINDOW, ctx.now):
        return Text(fill(words.too_many_attempts, {}))
    try:
        one = staff.accept(ctx.db, ctx.follower.id, plain, ctx.now)
    except UnknownInvitation as refusal:
        if letters.slip(plain):
            return Text(words.mistyped_code)
        attempt.allowed(ctx.db, subject, _MOST, _WINDOW, ctx.now)
        return _refused(ctx, section, refusal)
    return Text(fill(words.bound, {"name": one.name, "store": one.store, "word": section.redeem[0]}))


def _said(ctx: Context, text: str, found: Found, store: str, within: timedelta, word: str) -> Text:
    values = coupon.facts(ctx.config, found.coupon, store)
    return Text(fill(text, {**values, "holder": found.holder.name, "minutes": int(within.total_seconds() // 60), "word": word}))


def _refused(ctx: Context, section: CouponsSection, refusal: Refusal) -> Text:
    """The domain knows instants; staff read them as a clock in the shop shows them."""
    ctx.explain(f"规则拒绝：{refusal.code}")
    details = {name: _local(ctx, value) if isinstance(value, datetime) else value for name, value in refusal.details.items()}
    return Text(fill(getattr(section.staff_replies, refusal.code), details))


def _local(ctx: Context, at: datetime) -> str:
    return f"{at.astimezone(ctx.zone):%Y-%m-%d %H:%M}"
