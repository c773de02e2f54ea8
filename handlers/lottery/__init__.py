"""Lotteries: a word draws, a word tells the rules, a word tells what one has won."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from handlers.lottery.checks import check
from handlers.lottery.section import LotteriesSection, Lottery, meant, words
from handlers.lottery.terms import moment, terms
from handlers.routing import Context, Feature, Trigger
from models import drawing, lottery
from models.clock import business_day
from models.config import Config, fill
from models.database import undone_on_error
from models.drawing import Drawn
from models.refusal import Refusal
from models.reward import RewardRules, told
from wechat.reply import Text

_WINS = 8  # so many fit into one text, with how to claim them


def drawn(ctx: Context, one: Lottery) -> Text:
    """They have drawn, once for this message."""
    try:
        with undone_on_error(ctx.db):
            done = drawing.draw(ctx.db, ctx.config, ctx.follower, one, ctx.inbound.key, ctx.said_at, ctx.now, luck=ctx.luck)
    except Refusal as refusal:  # one word may lead to several lotteries: only here it is known whose words say it
        text = getattr(one.replies, refusal.code, None)
        if text is None:
            raise
        ctx.explain(f"规则拒绝：{refusal.code}")
        return Text(fill(text, _about(ctx, one) | refusal.details))
    return Text(_result(ctx, one, done))


def _about(ctx: Context, one: Lottery) -> dict[str, object]:
    begins = one.begins(ctx.zone)
    return {
        "title": one.title,
        "rules": one.rules_triggers[0],
        "begins": moment(begins, ctx.zone) if begins else "",
        "ends": moment(one.ends(ctx.zone), ctx.zone),
    }


def _result(ctx: Context, one: Lottery, done: Drawn) -> str:
    given, said = told(ctx.config, done.granted), one.replies
    values: dict[str, object] = {
        "title": done.rules.title,
        "number": done.number,
        "ticket": done.ticket,
        "rules": one.rules_triggers[0],
        "left": "" if done.left is None else fill(said.left, {"left": done.left}) if done.left else fill(said.none_left, {}),
        "consolation": fill(said.consolation, {"award": given}) if given and done.prize is None else "",
    }
    if done.prize is not None:
        award = fill(said.award, {"award": given}) if given else ""
        claim = fill(said.claim, {"claim": done.rules.claim, "proof": done.proof}) if done.owed else ""
        claim = fill(said.ship, {"order": done.order}) if done.order else claim
        return fill(said.won, values | {"prize": done.prize.name, "award": award, "claim": claim})
    return fill(said.gone, values | {"prize": done.fell_on.name}) if done.fell_on is not None else fill(said.missed, values)


def rules(ctx: Context, one: Lottery) -> Text:
    """The rules that hold and the commitment to them, published with this answer at the latest."""
    if ctx.now < one.ends(ctx.zone):
        lottery.announce(ctx.db, ctx.zone, one, ctx.now)
    found = next(iter(lottery.published(ctx.db, one.key)), None)
    if found is None:
        return Text(fill(one.replies.ended, _about(ctx, one)))
    going = found.revealed_at is None and (found.begins_at or ctx.said_at) <= ctx.said_at < found.ends_at
    left = drawing.left(ctx.db, ctx.follower.id, found.rules, business_day(ctx.said_at, ctx.zone)) if going else None
    return Text(terms(ctx.config, found.rules, one, found.commitment, left))


def wins(ctx: Context, one: Lottery) -> Text:
    """What they have won in all lotteries, the newest first, each with its ticket and how to claim it."""
    said, found = one.replies, lottery.wins(ctx.db, follower=ctx.follower.id, most=_WINS)
    lines = []
    for win in found:
        prize, local = win.rules.prize(win.prize), win.at.astimezone(ctx.zone)
        state = fill(said.shipped if prize and prize.ship else said.given, {}) if not win.owed else ""
        state = fill(said.claimed, {}) if win.claimed_at else state
        values = {"date": f"{local.month}月{local.day}日", "prize": prize.name if prize else win.prize, "title": win.rules.title}
        state = state or fill(said.unclaimed, {"claim": win.rules.claim, "proof": win.proof})
        lines.append(fill(said.win, values | {"number": win.number, "ticket": win.ticket, "state": state}))
    return Text(fill(said.wins, {"wins": "".join(lines)}) if lines else fill(said.no_wins, {}))


_Says = Callable[[Context, Lottery], Text]


def _triggers(section: LotteriesSection) -> Iterator[Trigger]:
    kinds: tuple[tuple[str, Callable[[Lottery], Sequence[str]], _Says], ...] = (
        ("triggers", lambda one: one.triggers, drawn),
        ("rules_triggers", lambda one: one.rules_triggers, rules),
        ("wins_triggers", lambda one: one.wins_triggers, wins),
    )
    for kind, of, say in kinds:
        for spoken in words(section, kind, of):
            yield Trigger(spoken.where, spoken.word, _answer([one for _, one in spoken.lotteries], say))


def _answer(lotteries: Sequence[Lottery], say: _Says) -> Callable[[Context], Text]:
    if len(lotteries) == 1:
        return lambda ctx: say(ctx, lotteries[0])
    return lambda ctx: say(ctx, meant(lotteries, ctx.said_at, ctx.zone))


def _without(config: Config) -> LotteriesSection | None:
    """Where rewards give draws and there is no lottery, that is complained about."""
    return LotteriesSection([]) if any(reward.draws for _, reward in config.every(RewardRules)) else None


feature = Feature(name="lotteries", section=LotteriesSection, triggers=_triggers, default=_without, checks=check)
