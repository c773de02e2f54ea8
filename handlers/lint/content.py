"""YZ941 to YZ944: template fields that the platform refuses or cuts, broadcasts that say the same, links that nobody can count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.broadcast import Broadcast, BroadcastsSection
from models.broadcast.planned import addresses
from models.config import Config, Location, Problem, fill, placeholders
from models.duplicate import likeness, said
from models.field import HIDDEN, misfit
from models.level import level_rules
from models.push import rules_of

# What variables are for many a follower: a name that tells nothing, somebody who has not done much yet.
_USUAL = {"name": "会员A2B3", "points": "120", "growth": "120", "cards": "1", "streak": "3", "coupons": "1"} | {
    "date": "2026年11月22日",
    "weekday": "星期日",
    "time": "20:00",
}


def contents(config: Config) -> Iterator[Problem]:
    """What will not arrive as it is written."""
    section, counted = config.get(BroadcastsSection), rules_of(config).links is not None
    for number, planned in enumerate(section.root if section else ()):
        for where, data in _data(planned, ("broadcasts", number)):
            for key, text in data.items():
                yield from _field(config, key, text, (*where, key))
        if counted:
            yield from _uncounted(planned, ("broadcasts", number))
    yield from _alike(section.root if section else [])


def _data(planned: Broadcast, where: Location) -> Iterator[tuple[Location, Mapping[str, str]]]:
    if planned.template is not None:
        yield (*where, "data"), planned.data
    if planned.subscription is not None:
        yield (*where, "subscription", "data"), planned.subscription.data
    for place, one in enumerate(planned.variants):
        if one.data is not None:
            yield (*where, "variants", place, "data"), one.data


def _field(config: Config, key: str, text: str, where: Location) -> Iterator[Problem]:
    if key in HIDDEN:
        zh = f"{key} 从 2023 年 5 月起不再显示，粉丝看不到“{text}”；要说的话写进别的项"
        yield Problem(where, zh, f"{key} has not been shown since May 2023; say it in another field", "YZ944")
        return
    names = set(placeholders(text))
    least = {name: "" if name == "level" else _USUAL[name] for name in names}
    most = {name: max(level_rules(config).levels, key=len, default="") if name == "level" else _USUAL[name] for name in names}
    for value in dict.fromkeys((fill(text, least), fill(text, most))):
        wrong = misfit(key, value)
        if wrong is not None:
            filled = "" if value == text else f"填上变量是“{value}”，" if value else "填上变量会是空的，"
            zh = f"“{text}”{filled}放不进 {key}（{wrong[0]}）：微信会拒收，或者不显示完整"
            yield Problem(where, zh, f"{value!r}: {key} takes {wrong[1]}; the platform refuses or cuts it", "YZ941")
            return


def _alike(planned: list[Broadcast]) -> Iterator[Problem]:
    texts = [said(one) for one in planned]
    for number, one in enumerate(planned):
        for other in range(number):
            if "all" in (one.segment, planned[other].segment) or one.segment == planned[other].segment:
                alike = likeness(texts[number], texts[other])
                if alike:
                    zh = f"“{one.key}”和“{planned[other].key}”有 {alike:.0%} 一样，同一位粉丝会收到两次差不多的话"
                    en = f"{one.key!r} and {planned[other].key!r} are alike by {alike:.0%}: followers get nearly the same twice"
                    yield Problem(("broadcasts", number, "key"), zh, en, "YZ942", there=("broadcasts", other, "key"))
                    break


def _uncounted(planned: Broadcast, where: Location) -> Iterator[Problem]:
    sub = planned.subscription
    texts: list[tuple[Location, str]] = [((*where, "url"), planned.url or "")]
    texts += [((*where, "text" if planned.lines is None else "lines"), text) for text in planned.texts]
    texts += [((*where, "subscription", "page"), sub.page or "")] if sub else []
    for at, text in texts:
        for address in addresses(text):
            if any(placeholders(address)):
                zh = f"链接 {address} 里有变量，每位粉丝的都不一样，数不了有多少人点开"
                yield Problem(at, zh, f"the link {address} has variables in it: how many open it is not counted", "YZ943")
