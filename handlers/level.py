"""Levels: 等级 shows the level and the way to the next one; whoever reaches one is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import Field

from handlers.routing import Context, Feature, Trigger
from models import level, membership
from models.config import Config, Problem, Rules, fill, says
from models.level import Held, LevelRules, level_rules
from models.membership import MembershipRules, date_of
from wechat.reply import Text


class MembershipWording(Rules):
    """The words of 等级."""

    shown: Annotated[str, says("level", "growth", "next", "privileges", "kept")] = Field(
        "等级：{level}\n成长值：{growth}{privileges}{next}{kept}", description="查等级"
    )
    next: Annotated[str, says("level", "missing")] = Field("\n再攒 {missing} 成长值升到「{level}」", description="上面还有等级时加的一行")
    highest: Annotated[str, says()] = Field("\n已经是最高等级", description="没有更高的等级时加的一行")
    privileges: Annotated[str, says("privileges")] = Field("\n权益：{privileges}", description="有权益时加的一行")
    until: Annotated[str, says("date", "missing", "keep", "gathered")] = Field(
        "\n有效期到 {date}，到期前再攒 {missing} 成长值可以保级", description="要保级、还没攒够时加的一行"
    )
    secured: Annotated[str, says("date", "keep", "gathered")] = Field(
        "\n有效期到 {date}，已够保级，到期自动延续", description="已经攒够时加的一行"
    )
    grace: Annotated[str, says("date", "missing", "lower")] = Field(
        "\n已到期，{date}前再攒 {missing} 成长值可以保级，否则降为「{lower}」", description="在宽限期里加的一行"
    )
    no_levels: Annotated[str, says()] = Field("还没有会员等级", description="points.levels 里没有等级时的回复")


class MembershipSection(MembershipRules):
    """会员等级。"""

    key: ClassVar[str] = "membership"

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["等级", "会员等级"], min_length=1, description="触发词")
    replies: MembershipWording = Field(default_factory=MembershipWording, description="文案")


def answer(ctx: Context, section: MembershipSection) -> Text:
    """The level, the growth, what is missing to the next level, and how long this one is kept."""
    rules, words = level_rules(ctx.config), section.replies
    if not rules.ladder:
        return Text(fill(words.no_levels, {}))
    growth, held = level.held(ctx.db, ctx.follower.id)
    name = rules.standing(growth, held)
    worth = membership.privileges(ctx.config, name)
    return Text(
        fill(
            words.shown,
            {
                "level": name or section.notices.nobody,
                "growth": growth,
                "next": _next(rules, words, growth, held, name),
                "privileges": fill(words.privileges, {"privileges": worth}) if worth else "",
                "kept": _kept(ctx, section, growth, held, name),
            },
        )
    )


def _next(rules: LevelRules, words: MembershipWording, growth: int, held: Held | None, name: str) -> str:
    place = rules.rank(name) + 1
    if place > len(rules.ladder):
        return fill(words.highest, {})
    return fill(words.next, {"level": rules.ladder[place - 1][0], "missing": rules.missing(place, growth, held)})


def _kept(ctx: Context, section: MembershipSection, growth: int, held: Held | None, name: str) -> str:
    """Until when the level is theirs; nothing where it never falls, or was reached by this very message."""
    rules, words = level_rules(ctx.config), section.replies
    one = rules.named(name)
    if held is None or held.level != name or held.until is None or one is None or one.keep is None:
        return ""
    gathered = growth - held.growth_at
    said = {"date": date_of(ctx.config, held.until), "keep": one.keep, "gathered": gathered, "missing": one.keep - gathered}
    if gathered >= one.keep:
        return fill(words.secured, said)
    if held.warned_at is None:
        return fill(words.until, said)
    return fill(words.grace, said | {"lower": rules.below(name) or section.notices.nobody})


def _triggers(section: MembershipSection) -> Iterator[Trigger]:
    for number, word in enumerate(section.triggers):
        yield Trigger(("membership", "triggers", number), word, lambda ctx: answer(ctx, section), section.replies)


def _postscript(section: MembershipSection) -> Callable[[Context], str | None]:
    return lambda ctx: membership.promote(ctx.db, ctx.config, ctx.follower.id, ctx.now)


def _default(config: Config) -> MembershipSection | None:
    """Where there are no levels, nobody hears 等级 and nobody asks the database."""
    return MembershipSection() if any(isinstance(one, LevelRules) and one.ladder for one in config.sections.values()) else None


def _check(config: Config) -> Iterator[Problem]:
    """YZ831: levels in an order, or of a growth, that is hardly meant so; YZ832: privileges that shrink on the way up."""
    rules = level_rules(config)
    where = ("points", "levels")
    highest: tuple[str, int] | None = None
    for name, growth in rules.levels.items():
        if highest is not None and growth <= highest[1]:
            same = growth == highest[1]
            zh = (
                f"“{name}”要的成长值和“{highest[0]}”一样，两级里总有一级没人有"
                if same
                else f"“{name}”写在“{highest[0]}”后面，要的成长值却更少"
            )
            en = f"{name!r} needs {'no more' if same else 'less'} growth than {highest[0]!r} before it"
            yield Problem((*where, name), zh, en, "YZ831", there=(*where, highest[0]))
        else:
            highest = (name, growth)
    for (below, _), (name, one) in pairwise(rules.ladder):
        if one.multiplier is not None and one.multiplier < rules.multiplier(below):
            zh = f"升到“{name}”，积分倍数反而从 {rules.multiplier(below).normalize():f} 变成 {one.multiplier:g}"
            yield Problem((*where, name), zh, f"{name!r} multiplies points by less than {below!r} below it", "YZ832", there=(*where, below))


feature = Feature(name="membership", section=MembershipSection, triggers=_triggers, postscript=_postscript, default=_default, checks=_check)
