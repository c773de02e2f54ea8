"""签到日历: a month of check-ins as a picture made of text."""

from __future__ import annotations

from datetime import date

from handlers.checkin.dates import month_of
from handlers.checkin.section import CheckinSection
from handlers.checkin.today import next_milestone
from handlers.routing import Context
from models import checkin_month, streak
from models.checkin_month import Month
from models.clock import business_day
from models.config import fill
from wechat.reply import Text

_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
# A picture is a quarter wider than a Chinese character (Apple Color Emoji, Noto Color Emoji), and a quarter is what a space takes.
_NO_DAY = "　 "


def answer(ctx: Context, section: CheckinSection, said: str) -> Text | None:
    """The month they name, without one this month; None where what they say is no month."""
    today = business_day(ctx.said_at, ctx.zone)
    first = month_of(said, today)
    if first is None:
        return None
    month = checkin_month.of(ctx.db, ctx.follower.id, first, today, ctx.zone)
    length, words = streak.current_streak(ctx.db, ctx.follower.id, ctx.zone, ctx.said_at), section.replies
    values = {"year": first.year, "month": first.month, "weeks": _weeks(month, section), "streak": length}
    values |= {"checked": len(month.days) - month.made_up, "made_up": month.made_up, "days": streak.days(ctx.db, ctx.follower.id)}
    return Text(fill(words.calendar, values | {"next_milestone": next_milestone(ctx.config, section, length)}).rstrip())


def _weeks(month: Month, section: CheckinSection) -> str:
    """A line for each week: the number of its first day, in wide digits, then a mark for each day."""
    return "\n".join([fill(section.replies.calendar_head, {}), *(_week(week, month, section) for week in month.weeks())])


def _week(week: list[date | None], month: Month, section: CheckinSection) -> str:
    begins = next(day for day in week if day is not None)
    marks = (_NO_DAY if day is None else getattr(section.marks, month.mark(day)) for day in week)
    return f"{begins:%d}".translate(_WIDE) + " " + "".join(marks)
