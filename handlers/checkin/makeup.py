"""补签: a day that was missed is made up for."""

from __future__ import annotations

from handlers.checkin.dates import day_of
from handlers.checkin.section import CheckinSection
from handlers.checkin.today import won
from handlers.routing import Context
from models import makeup
from models.clock import business_day
from models.config import fill
from models.makeup import spoken
from wechat.reply import Text


def answer(ctx: Context, section: CheckinSection, said: str | None) -> Text | None:
    """The day they name counts as checked in, without one the last they missed; None where what they say is no day."""
    day = None
    if said is not None:
        day = day_of(said, business_day(ctx.said_at, ctx.zone), section.rules.makeup_days)
        if day is None:
            return None
    done = makeup.make_up(ctx.db, ctx.config, ctx.follower.id, section.rules, day, ctx.said_at)
    words = section.replies
    paid = (
        fill(words.paid_with_points, {"cost": done.cost, "balance": done.balance})
        if done.cost
        else fill(words.paid_with_card, {"cards": done.cards})
    )
    values = {"date": spoken(done.day), "streak": done.streak, "paid": paid, "earned": done.earned}
    values |= {"balance": done.balance, "cards": done.cards}
    return Text(fill(words.made_up, values) + won(ctx.config, words, done.reached))
