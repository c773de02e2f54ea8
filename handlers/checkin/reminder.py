"""签到提醒: they ask to be reminded before their streak breaks, and take it back."""

from __future__ import annotations

from handlers.checkin.section import CheckinSection
from handlers.routing import Context
from models import reminder
from models.config import fill
from wechat.reply import Text


def ask(ctx: Context, section: CheckinSection) -> Text:
    """They are reminded from now on; their message is kept as the evidence that they asked."""
    rules = section.reminder
    assert rules is not None  # its words are triggers only where there are reminders
    reminder.ask(ctx.db, ctx.config, ctx.follower.id, rules, ctx.inbound.key, ctx.text, ctx.now)
    stop = next(iter(section.no_remind_triggers), "")
    return Text(fill(section.replies.reminder_on, {"time": rules.at, "days": rules.from_streak, "stop": stop}))


def stop(ctx: Context, section: CheckinSection) -> Text:
    """They are not reminded any more."""
    stopped = reminder.stop(ctx.db, ctx.follower.id, ctx.inbound.key, ctx.now)
    return Text(fill(section.replies.reminder_off if stopped else section.replies.no_reminder, {}))
