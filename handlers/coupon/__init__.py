"""Coupons: claimed by their words, shown by 我的券, redeemed by staff with 核销 and 确认."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from handlers.coupon import counter, wallet
from handlers.coupon.checks import check, rewarded
from handlers.coupon.section import CouponsSection
from handlers.routing import Answer, Context, Feature, Hearing, Trigger, normal
from models.config import Config
from models.coupon import code as letters
from wechat.reply import Reply

__all__ = ["CouponsSection", "feature"]

_After = Callable[[Context, str], Reply | None]


def _triggers(section: CouponsSection) -> Iterator[Trigger]:
    for number, batch in enumerate(section.batches):
        for place, word in enumerate(batch.claim.words if batch.claim else ()):
            where = ("coupons", "batches", number, "claim", "words", place)
            yield Trigger(where, word, lambda ctx, one=batch: wallet.take(ctx, section, one), section.replies)  # type: ignore[misc]
    alone: dict[str, _After] = {
        "triggers": lambda ctx, word: wallet.show(ctx, section),
        "redeem": lambda ctx, word: counter.how(ctx, section, word),
        "undo": lambda ctx, word: counter.undo(ctx, section),
        "bind": lambda ctx, word: counter.bind_how(section, word),
    }
    for name, answer in alone.items():
        for place, word in enumerate(getattr(section, name)):
            said: Any = lambda ctx, answer=answer, word=word: answer(ctx, word)  # noqa: E731
            yield Trigger(("coupons", name, place), word, said, section.staff_replies)


def _prefixes(section: CouponsSection) -> list[tuple[str, _After]]:
    """The words that something follows, the longest first."""
    after: dict[str, _After] = {
        **{word: lambda ctx, rest: _page(ctx, section, rest) for word in section.triggers},
        **{word: lambda ctx, rest: counter.ask(ctx, section, rest) for word in section.redeem},
        **{word: lambda ctx, rest: counter.bind(ctx, section, rest) for word in section.bind},
    }
    return sorted(((normal(word), answer) for word, answer in after.items()), key=lambda one: -len(one[0]))


def _page(ctx: Context, section: CouponsSection, rest: str) -> Reply | None:
    return wallet.show(ctx, section, int(rest)) if rest.isdecimal() and len(rest) < 5 else None


def _listens(section: CouponsSection) -> Answer:
    prefixes = _prefixes(section)
    begins = tuple(word for word, _ in prefixes)

    def answer(ctx: Context) -> Reply | None:
        said = normal(ctx.text)
        if not said.startswith(begins):
            return None
        word, lead = next((word, lead) for word, lead in prefixes if said.startswith(word))
        rest = _rest(said, word)
        return lead(ctx, rest) if rest else None

    return answer


def _rest(said: str, word: str) -> str:
    """What follows the word: after a blank or a colon anything, right behind it only what looks like a code or a number."""
    rest = said[len(word) :]
    asked = rest.strip(" \t\n\u3000:：")
    return asked if asked != rest or letters.plain(asked)[:1].isascii() else ""


def _hearing(section: CouponsSection) -> Hearing:
    words = [word for word, _ in _prefixes(section)]
    return Hearing(lambda said: any(normal(said).startswith(word) and bool(_rest(normal(said), word)) for word in words), words)


def _without(config: Config) -> CouponsSection | None:
    """Where rewards give coupons and there are none, that is complained about."""
    return CouponsSection() if next(rewarded(config), None) else None


feature = Feature(
    name=counter.FEATURE,
    section=CouponsSection,
    triggers=_triggers,
    floor=counter.answer,
    wording=lambda section, subject: section.staff_replies,
    listens=_listens,
    hears=_hearing,
    default=_without,
    checks=check,
)
