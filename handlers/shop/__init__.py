"""The gift shop: 积分商城 shows what points buy, 我的订单 what became of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from handlers import replies
from handlers.routing import Answer, Context, Feature, Hearing, Trigger, normal
from handlers.shop import browsing, buying, orders
from handlers.shop.section import ShopSection, ShopWording
from models import condition
from models.config import Config, Location, Problem, fill, placeholders
from wechat.reply import Text

__all__ = ["ShopSection", "feature"]

_NUMBER = re.compile(r"\s*(D[0-9A-Z]{12})", re.IGNORECASE)
_PAGE = re.compile(r"\s*(\d{1,3})")
_With = Callable[[Context, ShopSection, str], Text | None]


def answer(ctx: Context, section: ShopSection, subject: str) -> Text | None:
    """What they say while the shop has the floor."""
    if subject.startswith(browsing.LIST):
        return browsing.answer(ctx, section, int(subject.removeprefix(browsing.LIST)))
    if subject.startswith(orders.CANCEL):
        return orders.answer(ctx, section, subject.removeprefix(orders.CANCEL))
    return buying.answer(ctx, section)


def _exchange(ctx: Context, section: ShopSection, said: str) -> Text | None:
    """`兑换 雨伞`, `兑换雨伞`; what names no goods is left to others unless it is set off by a space."""
    wanted = browsing.meant(section, said)
    if wanted is not None:
        return browsing.choose(ctx, section, wanted)
    if not said[:1].isspace():
        return None
    return Text(fill(section.replies.unknown_goods, {"said": replies.quoted(said.strip()), "shop": section.triggers[0]}))


def _numbered(verb: _With) -> _With:
    """The verb with the order's number that was said after the word; None where something else was."""

    def act(ctx: Context, section: ShopSection, said: str) -> Text | None:
        found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", said))
        return verb(ctx, section, found[1]) if found else None

    return act


def _paged(ctx: Context, section: ShopSection, said: str) -> Text | None:
    found = _PAGE.fullmatch(said)
    return browsing.show(ctx, section, int(found[1])) if found else None


def _verbs(section: ShopSection) -> Iterator[tuple[str, list[str], _With, _With | None]]:
    """Each list of words with its key: what the word leads to alone, and with something after it."""
    yield "triggers", section.triggers, lambda ctx, section, _: browsing.show(ctx, section), _paged
    yield "exchange", section.exchange, lambda ctx, section, _: browsing.show(ctx, section), _exchange
    yield "orders", section.orders, lambda ctx, section, _: orders.show(ctx, section), None
    yield "cancel", section.cancel, orders.cancel, _numbered(orders.cancel)
    yield "received", section.received, orders.received, _numbered(orders.received)
    yield "claim", section.claim, orders.claim, _numbered(orders.claim)


def _triggers(section: ShopSection) -> Iterator[Trigger]:
    for key, words, alone, _ in _verbs(section):
        for number, word in enumerate(words):
            yield Trigger(("shop", key, number), word, lambda ctx, alone=alone: alone(ctx, section, ""), section.replies)  # type: ignore[misc]


def _prefixes(section: ShopSection) -> list[tuple[str, _With]]:
    found = [(normal(word), more) for _, words, _, more in _verbs(section) if more for word in words]
    return sorted(found, key=lambda one: -len(one[0]))  # 积分商城 before 积分


def _listens(section: ShopSection) -> Answer:
    prefixes = _prefixes(section)
    any_of = tuple(prefix for prefix, _ in prefixes)

    def listen(ctx: Context) -> Text | None:
        text = normal(ctx.text)
        if not text.startswith(any_of):
            return None
        prefix, more = next(one for one in prefixes if text.startswith(one[0]))
        return more(ctx, section, text[len(prefix) :])

    return listen


def _hears(section: ShopSection) -> Hearing:
    """Words with something after them that they could mean."""

    def could(said: str) -> bool:
        text = normal(said)
        for prefix, more in _prefixes(section):
            if text.startswith(prefix):
                rest = text[len(prefix) :]
                return (more is _exchange and browsing.meant(section, rest) is not None) or bool((more is _paged) and _PAGE.fullmatch(rest))
        return False

    return Hearing(could, [f"{section.exchange[0]} {one.name}" for one in section.goods])


def _wording(section: ShopSection, subject: str) -> ShopWording:
    return section.replies


def _check(config: Config) -> Iterator[Problem]:
    section = config[ShopSection]
    for number, one in enumerate(section.goods):
        where: Location = ("shop", "goods", number)
        if one.when is not None:
            yield from condition.check(one.when, (*where, "when"), config)
        if one.points == 0 and one.per_follower is None and one.stock:
            yield Problem(
                (*where, "points"),
                f"“{one.name}”不要积分，又没有写 per_follower：一位粉丝就能全部换走",
                f"{one.name!r} costs nothing and has no per_follower: one follower can have them all",
                "YZ851",
            )
        back = one.reward.points if one.reward is not None else None
        if back is not None and 0 < one.points <= back:
            yield Problem(
                (*where, "reward", "points"),
                f"“{one.name}”花 {one.points} 积分换回 {back} 积分：粉丝换多少次就白得多少积分",
                f"{one.name!r} costs {one.points} points and gives {back} back: whoever exchanges it gains points for nothing",
                "YZ853",
            )
    if "days" not in placeholders(section.replies.consent) and any(one.kind == "physical" for one in section.goods):
        yield Problem(
            ("shop", "replies", "consent"),
            "同意书里没有 {days}：收集地址要告诉粉丝保存多久",
            "the consent has no {days}: followers must be told how long their address is kept",
            "YZ852",
        )
    yield from _ambiguous(section)


def _ambiguous(section: ShopSection) -> Iterator[Problem]:
    """Words that are heard in the same place and mean different things."""
    taken: dict[str, str] = {}
    for key, words in (("exit", section.exit), ("confirm", section.confirm), ("agree", section.agree), ("change", section.change)):
        for number, word in enumerate(words):
            first = taken.setdefault(normal(word), key)
            if first != key:
                zh, en = f"“{word}”在 {first} 里也有，分不清是哪个意思", f"{word!r} stands in {first} as well: it could mean either"
                yield Problem(("shop", key, number), zh, en)


feature = Feature(
    name="shop",
    section=ShopSection,
    triggers=_triggers,
    floor=answer,
    wording=_wording,
    keeps=lambda subject: subject == buying.ADDRESS,
    listens=_listens,
    hears=_hears,
    checks=_check,
)
