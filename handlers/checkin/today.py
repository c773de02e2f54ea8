"""签到: they are checked in for the business day of their message, and told what it brought."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.checkin.section import CheckinSection, CheckinWording
from handlers.routing import Answer, Context
from models import checkin, reminder, streak
from models.config import Config, fill, placeholders
from models.milestone import Reached
from models.reward import promised, told
from wechat.reply import Text

_RANKS = frozenset({"rank", "today"})


def ranks(section: CheckinSection) -> bool:
    """Whether the operator's text tells ranks: only then they are given."""
    return not _RANKS.isdisjoint(placeholders(section.replies.done))


def answering(section: CheckinSection) -> Answer:
    """The answer to 签到, with all that can be known of its text before."""
    wanted, ranked = frozenset(placeholders(section.replies.done)), ranks(section)
    return lambda ctx: _answer(ctx, section, wanted, ranked)


def _answer(ctx: Context, section: CheckinSection, wanted: frozenset[str], ranked: bool) -> Text:
    done = checkin.check_in(ctx.db, ctx.config, ctx.follower.id, section.rules, ctx.said_at, ranked=ranked)
    if section.reminder is not None:
        reminder.checked_in(ctx.db, ctx.config, ctx.follower.id, section.reminder, done.day, ctx.now)
    words = section.replies
    values: dict[str, object] = {"streak": done.streak, "earned": done.earned, "balance": done.balance}
    values |= {"rank": done.rank, "today": done.rank}
    if "times" in wanted:
        values["times"] = f"{float(done.times):g}"
    if "reward" in wanted:
        values["reward"] = "、".join(text for one in done.reached if (text := told(ctx.config, one.granted)))
    if "days" in wanted:
        values["days"] = streak.days(ctx.db, ctx.follower.id)
    if "next_milestone" in wanted:
        values["next_milestone"] = next_milestone(ctx.config, section, done.streak)
    text = fill(words.done, values)
    if words.multiplied and done.times != 1:
        text += fill(words.multiplied, {"times": f"{float(done.times):g}"})
    return Text(text if "reward" in wanted else text + won(ctx.config, words, done.reached))


def won(config: Config, words: CheckinWording, reached: Iterable[Reached]) -> str:
    """A line for each milestone that gave something."""
    lines = ((words.total if one.in_all else words.milestone, one.days, told(config, one.granted)) for one in reached)
    return "".join(fill(line, {"days": days, "reward": reward}) for line, days, reward in lines if reward)


def next_milestone(config: Config, section: CheckinSection, length: int) -> str:
    """What is next for a streak that long; '' where nothing is."""
    days = section.rules.next_after(length)
    if days is None:
        return ""
    reward = promised(config, section.rules.milestones[days])
    return fill(section.replies.next_milestone, {"left": days - length, "days": days, "reward": reward})
