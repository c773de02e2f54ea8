"""Menus in the chat: what the choice that a follower tapped, or whose number they said, leads to.

A menu keeps the floor softly: what is none of its choices is left to triggers and rules, and ten minutes after it was last used numbers
are words like any others. Taps work for as long as the menu stands in the file, also in the middle of a survey, which goes on waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from handlers import replies
from handlers.replies import Level
from handlers.replies.chat_menu import plain, read_id, shown
from handlers.routing import Context, Feature, Said
from models import conversation
from models.config import Config, Location, Problem
from wechat.reply import Reply, Text

__all__ = ["feature", "shown"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A menu and where it stands in the file."""

    level: Level
    where: Location


@dataclass(frozen=True, slots=True)
class Menus:
    """Every menu of the file by its id, and those whose id another one has already."""

    placed: dict[str, Placed] = field(default_factory=dict)
    clashing: list[tuple[Placed, Placed]] = field(default_factory=list)

    def add(self, one: Placed) -> None:
        """Afterwards it is known; the same menu may stand in two places."""
        first = self.placed.setdefault(one.level.id, one)
        if first.level.menu != one.level.menu:
            self.clashing.append((first, one))
        for number, choice in enumerate(one.level.menu.choices):
            if choice.menu is not None:
                self.add(Placed(one.level.below(choice.menu), (*one.where, "choices", number, "menu")))


def _menus(config: Config) -> Menus | None:
    menus = Menus()
    for where, given in replies.held(config):
        if given.menu is not None:
            menus.add(Placed(Level.top(given.menu), (*where, "menu")))
    return menus if menus.placed else None


def answer(ctx: Context, menus: Menus, menu: str) -> Reply | None:
    """What the choice leads to that they named; None where they said something else."""
    placed = menus.placed.get(menu)
    if placed is None or not replies.still_listens(ctx):
        ctx.explain("聊天菜单已经过时：不再等序号")
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return None
    if plain(ctx.text) == plain(placed.level.back):
        return _back(ctx, placed)
    number = replies.meant(ctx.text, placed.level.menu.names)
    return _taken(ctx, placed, number) if number is not None else None


def tapped(ctx: Context, menus: Menus, choice: str) -> Reply | None:
    """What the choice with this id leads to; None for a menu that stands in the file no more."""
    menu, number = read_id(choice) or ("", 0)
    placed = menus.placed.get(menu)
    if placed is None or number > len(placed.level.menu.choices):
        return None
    return _taken(ctx, placed, number) if number else _back(ctx, placed)


def _taken(ctx: Context, placed: Placed, number: int) -> Reply | None:
    menu, where = placed.level.menu, (*placed.where, "choices", number - 1)
    choice = menu.choices[number - 1]
    ctx.explain(f"聊天菜单“{menu.title}”：选了 {number}. {choice.name}", where)
    named = f"choices:{menu.title}/{choice.name}"[:200]
    if choice.menu is not None:
        ctx.answered_by = named
        return replies.present(placed.level.below(choice.menu), ctx)
    if replies.may_take_the_floor(ctx):
        conversation.take_floor(ctx.db, ctx.follower.id, "choices", placed.level.id, ctx.now)
    if choice.reply is not None:
        ctx.answered_by = named
        return replies.say(choice.reply, ctx)
    return ctx.lead(choice.say or choice.name)


def _back(ctx: Context, placed: Placed) -> Reply:
    level = placed.level
    ctx.explain(f"聊天菜单“{level.menu.title}”：{level.back}", placed.where)
    ctx.answered_by = f"choices:{level.menu.title}/{level.back}"[:200]
    if level.above is not None:
        return replies.present(level.above, ctx)
    if replies.may_take_the_floor(ctx):
        conversation.leave_floor(ctx.db, ctx.follower.id)
    return Text(replies.words(level.menu.left, ctx))


def _says(menus: Menus) -> Iterator[Said]:
    for placed in menus.placed.values():
        for number, choice in enumerate(placed.level.menu.choices):
            if choice.say is not None:
                yield Said((*placed.where, "choices", number, "say"), choice.say)


def _check(config: Config) -> Iterator[Problem]:
    menus = _menus(config)
    for first, second in menus.clashing if menus else ():
        there = ".".join(map(str, first.where))
        yield Problem(
            (*second.where, "title"),
            f"这个菜单的标题和选项与 {there} 的一样，通向的地方却不同：粉丝点的时候分不清；请改一下标题",
            f"title and choices of this menu are those of {there}, but they lead elsewhere: a tap could mean either; change the title",
        )


feature = Feature(name="choices", default=_menus, floor=answer, taps=tapped, says=_says, checks=_check)
