"""YZ107 and YZ108: triggers of features that hide keyword rules, and rules for events that hide what features say to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.channel import ChannelsSection
from handlers.keyword import KeywordsSection
from handlers.menu import MenuSection
from handlers.routing import Feature, Trigger, normal, section_of
from handlers.welcome import WelcomeSection
from models.condition import Conditions
from models.config import Config, Location, Problem


def hidden(config: Config, features: Sequence[Feature]) -> Iterator[Problem]:
    """Whole texts of keyword rules that lead to a feature instead: triggers come first."""
    section = config.get(KeywordsSection)
    if section is None:
        return
    triggers = triggers_of(config, features)
    for number, rule in enumerate(section.rules):
        for place, word in enumerate(rule.when.exact or ()):
            trigger = triggers.get(normal(word))
            if trigger is not None:
                yield Problem(
                    ("keywords", "rules", number, "when", "exact", place),
                    f"“{word}”是 {trigger.where[0]} 的触发词，触发词优先，这条规则听不到它；换一个词，或者改掉那个触发词",
                    f"{word!r} is a trigger of {trigger.where[0]}, and triggers come first: this rule never hears it; change one of them",
                    "YZ107",
                    trigger.where,
                )


def triggers_of(config: Config, features: Sequence[Feature]) -> dict[str, Trigger]:
    """Every trigger by its word as it is compared."""
    found: dict[str, Trigger] = {}
    for feature in features:
        section = section_of(feature, config)
        for trigger in feature.triggers(section) if feature.triggers and section is not None else ():
            found.setdefault(normal(trigger.word), trigger)
    return found


def unsaid(config: Config) -> Iterator[Problem]:
    """Rules that take an event from everybody, so that the welcome, a channel's or a button's reply to it is never said."""
    section = config.get(KeywordsSection)
    for number, rule in enumerate(section.rules if section else ()):
        if rule.when.event and not any(getattr(rule.when, name) is not None for name in (*Conditions.model_fields, "menu_key")):
            there = next((there for event in rule.when.event for there in _said_to(event, config)), None)
            if there is not None:
                yield Problem(
                    ("keywords", "rules", number, "when", "event"),
                    f"有了这条规则，{there[0]} 里的回复就说不出来了：规则先听到这个事件；给它加上条件，或者删掉它，把回复写到那边",
                    f"this rule hears the event first, so that no reply of {there[0]} is ever said; give it a condition, or write its reply there",
                    "YZ108",
                    there,
                )


def _said_to(event: str, config: Config) -> Iterator[Location]:
    """The sections that have a reply to this event."""
    welcome, channels, menu = config.get(WelcomeSection), config.get(ChannelsSection), config.get(MenuSection)
    if welcome is not None and (event == "subscribe" or (event == "scan" and welcome.scenes)):
        yield ("welcome",)
    if event in ("subscribe", "scan"):
        yield from (("channels", number) for number, one in enumerate(channels.root if channels else ()) if one.reply is not None)
    if event == "click" and menu is not None and any(one.item.reply is not None or one.item.say is not None for one in menu.placed()):
        yield ("menu",)
