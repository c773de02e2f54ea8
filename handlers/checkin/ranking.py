"""签到排行: the first ten of today, and one's own place."""

from __future__ import annotations

from handlers.checkin.section import CheckinSection
from handlers.checkin.today import ranks
from handlers.routing import Context
from models.clock import business_day
from models.config import fill
from models.first_of_day import first_of_day
from wechat.reply import Text

_MOST = 10


def answer(ctx: Context, section: CheckinSection) -> Text:
    """Who checked in first today."""
    today, words = business_day(ctx.said_at, ctx.zone), section.replies
    found = first_of_day(ctx.db, ctx.follower.id, today, _MOST, ranked=ranks(section))
    lines = ((one.rank, one.name or fill(words.nameless, {}), fill(words.you, {}) if one.own else "") for one in found.first)
    places = "\n".join(fill(words.place, {"rank": rank, "name": name, "you": you}) for rank, name, you in lines)
    own = fill(words.own_rank, {"rank": found.own}) if found.own else fill(words.no_rank, {})
    return Text(fill(words.ranking, {"today": found.in_all, "places": places, "own": own}))
