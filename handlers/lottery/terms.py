"""The rules of a lottery as followers read them: all that the law wants published, and the promise that makes it verifiable."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from handlers.lottery.section import Lottery
from handlers.lottery.wording import LotteryWording
from models.config import Config, fill
from models.prize import LotteryRules, PrizeRules, percent
from models.reward import promised


def moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant as a follower reads it: the day, and the time where it is not midnight."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}" if local.hour or local.minute else f"{local:%Y-%m-%d}"


def period(rules: LotteryRules, now: str, zone: ZoneInfo) -> str:
    """From when until when."""
    begins, ends = rules.begins(zone), rules.ends(zone)
    last = ends if " " in rules.to else ends - timedelta(days=1)
    return f"{moment(begins, zone) if begins else now} 至 {moment(last, zone)}"


def chances(rules: LotteryRules, words: LotteryWording) -> str:
    """How one gets to draw, and how often."""
    parts = [fill(words.free, {"count": rules.free_per_day})] if rules.free_per_day else []
    if rules.cost is not None:
        parts.append(fill(words.cost, {"cost": rules.cost}) if rules.cost else fill(words.for_free, {}))
    if not parts:
        parts.append(fill(words.by_chance, {}))
    limits = ((words.per_day, rules.per_day), (words.per_follower, rules.per_follower))
    return "，".join([*parts, *(fill(text, {"count": limit}) for text, limit in limits if limit is not None)])


def _prize(prize: PrizeRules, one: Lottery) -> str:
    value = fill(one.replies.value, {"value": prize.value}) if prize.value is not None else ""
    return fill(one.replies.prize, {"prize": prize.name, "stock": prize.stock, "odds": percent(prize.odds), "value": value})


def terms(config: Config, rules: LotteryRules, one: Lottery, commitment: str, left: int | None = None) -> str:
    """The rules that hold, in the words of the file."""
    words, consolation = one.replies, promised(config, rules.consolation)
    return fill(
        words.rules,
        {
            "title": rules.title,
            "period": period(rules, fill(words.now, {}), config.zone),
            "eligible": rules.eligible or fill(words.everybody, {}),
            "chances": chances(rules, words),
            "prizes": "".join(_prize(prize, one) for prize in rules.prizes),
            "consolation": fill(words.consoled, {"award": consolation}) if consolation else "",
            "trigger": one.triggers[0],
            "claim": rules.claim or fill(words.by_itself, {}),
            "organiser": rules.organiser,
            "contact": f" {rules.contact}" if rules.contact else "",
            "terms": f"\n{rules.terms}" if rules.terms else "",
            "commitment": commitment,
            "page": fill(words.page, {"page": one.page}) if one.page else "",
            "left": fill(words.left, {"left": left}) if left else "",
        },
    )
