"""What earns points by itself: code words, the first follow, the first message of a day; and why so many, for whoever tries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from handlers.routing import SPOKEN, Context, Feature, Trigger
from models import code_word, earning_story, occasion, stock
from models.code_word import CodeWord, CodeWordRules
from models.config import Config, fill
from models.earn_rules import PaysFollow, PaysMessage
from models.earning import Earned
from models.reward import told
from wechat.reply import Text


def _triggers(section: CodeWordRules) -> Iterator[Trigger]:
    for number, one in enumerate(section.words):
        yield Trigger(("points", "words", number, "word"), one.word, lambda ctx, one=one: _claimed(ctx, one), one.replies)  # type: ignore[misc]


def _claimed(ctx: Context, word: CodeWord) -> Text:
    """They said a code word that is good for something."""
    done = code_word.claim(ctx.db, ctx.config, ctx.follower.id, word, ctx.said_at)
    text = word.replies.done if word.gift is None else word.replies.gifted
    left = stock.left(ctx.db, f"words:{word.key}", word.total) if word.total is not None and "{left" in text else ""
    values = {"points": done.granted.points, "balance": done.balance, "left": left, "reward": told(ctx.config, done.granted)}
    return Text(fill(text, values))


def _postscript(section: CodeWordRules) -> Callable[[Context], str | None]:
    """What following, or the first message of the day, earned is said below the answer."""
    follow, message = section.earn.follow, section.earn.message

    def said(ctx: Context) -> str | None:
        text = None
        if message is not None and ctx.inbound.type in SPOKEN:
            text = _worded(message, occasion.message(ctx.db, ctx.config, ctx.follower.id, message, ctx.said_at))
        elif follow is not None and ctx.inbound.event == "subscribe":
            text = _worded(follow, occasion.follow(ctx.db, ctx.config, ctx.follower, follow, ctx.said_at))
        if ctx.trace is not None:
            _explain(ctx)
        return text

    return said


def _worded(rules: PaysFollow | PaysMessage, earned: Earned | None) -> str | None:
    return fill(rules.reply, {"points": earned.points, "balance": earned.balance}) if earned is not None else None


def _explain(ctx: Context) -> None:
    for line in earning_story.told(ctx.db, ctx.config, ctx.follower.id, ctx.said_at):
        ctx.explain(line, ("points",))


def _rules(config: Config) -> CodeWordRules | None:
    """Off where the file says nothing about earning: then no message is looked at."""
    section = config.of_kind(CodeWordRules)
    return section if section is not None and section.model_fields_set & {"earn", "multipliers", "words"} else None


feature = Feature(name="earning", triggers=_triggers, postscript=_postscript, default=_rules)
