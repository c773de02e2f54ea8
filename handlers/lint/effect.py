"""YZ961: measures that can tell nothing; YZ962: journeys with steps that never go, or go twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from models.broadcast import Broadcast, BroadcastsSection
from models.config import Config, Location, Problem
from models.journey import JourneysSection
from models.push import PushSection


def unmeasured(config: Config) -> Iterator[Problem]:
    """Holdouts without a goal, clicks that nobody counts, variants that say the same."""
    section, push = config.get(BroadcastsSection), config.get(PushSection)
    counted = push is not None and push.links is not None
    for number, planned in enumerate(section.root if section else ()):
        where = ("broadcasts", number)
        if planned.held_out_in_vain:
            zh = f"群发“{planned.key}”写了 holdout 却没有 goal：没有要量的事，也就不留对照组，人人都发"
            en = f"{planned.key!r} has a holdout but no goal: nothing is measured, nobody is held out"
            yield Problem((*where, "holdout"), zh, en, "YZ961")
        if planned.goal and planned.goal.do == "click" and not (counted and planned.urls):
            why = ("没有数得了的链接", "it has no link that is counted") if counted else ("没有写 push.links", "there is no push.links")
            zh = f"群发“{planned.key}”盼粉丝点开链接，可是{why[0]}：有多少人点开数不出来"
            yield Problem((*where, "goal", "do"), zh, f"{planned.key!r} wants clicks, but {why[1]}: none will be seen", "YZ961")
        yield from _same(planned, where)


def _same(planned: Broadcast, where: Location) -> Iterator[Problem]:
    for one, other in combinations(planned.variants, 2):
        if planned.contents[one.key] == planned.contents[other.key]:
            mass = planned.ways == ("mass",)
            zh = (
                f"群发“{planned.key}”的版本 {one.key} 和 {other.key} 一模一样，比不出高下{'；群发消息人人一样，分不了版本' if mass else ''}"
            )
            en = f"the variants {one.key} and {other.key} of {planned.key!r} say the same{'; a mass message has none' if mass else ''}"
            yield Problem((*where, "variants"), zh, en, "YZ961")
            return


def journeys(config: Config) -> Iterator[Problem]:
    """Steps that send a draft, and those whose broadcast has a schedule of its own."""
    section, plans = config.get(JourneysSection), config.get(BroadcastsSection)
    for number, journey in enumerate(section.root if section and plans else ()):
        for place, step in enumerate(journey.steps):
            planned = plans.named(step.broadcast) if plans else None
            where = ("journeys", number, "steps", place, "broadcast")
            if planned is not None and not planned.is_ready:
                zh = f"旅程“{journey.key}”第 {place + 1} 步的群发“{planned.key}”是 {planned.state}：走到这里的人等一天，等不到就不发；定稿了写 approved"
                en = f"step {place + 1} of {journey.key!r} sends {planned.key!r}, which is {planned.state}: who comes to it waits a day, then goes without"
                yield Problem(where, zh, en, "YZ962")
            elif planned is not None and planned.cron is not None:
                zh = f"旅程“{journey.key}”第 {place + 1} 步的群发“{planned.key}”自己也有 cron：到了时间还会发给整个人群“{planned.segment}”；只在旅程里发就去掉 cron"
                en = f"step {place + 1} of {journey.key!r} sends {planned.key!r}, which has a cron too: it also goes to all of {planned.segment!r} at its time"
                yield Problem(where, zh, en, "YZ962")
