"""The menu at the bottom of the chat: its buttons, who sees which, and what a press leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from handlers import button, replies
from handlers.button import Button, Item
from handlers.routing import Context, Feature, Said
from models.config import Config, Location, Problem, Rules, fill, wrong
from wechat.reply import Reply

Buttons = Annotated[list[Button], Field(min_length=1, max_length=3)]


class Conditional(Rules):
    """A menu for some followers only."""

    tag: Annotated[str, Field(min_length=1)] | None = Field(None, description="有这个标签的粉丝看到；标签要先在公众平台里有")
    platform: Literal["ios", "android", "other"] | None = Field(None, description="用这种手机的粉丝看到：ios | android | other")
    buttons: Buttons = Field(description="按钮，1–3 个")

    @model_validator(mode="after")
    def _for_somebody(self) -> Self:
        if self.tag is None and self.platform is None:
            raise wrong("给谁看？请写 tag 或 platform", "for whom? write tag or platform")
        return self

    @property
    def whom(self) -> str:
        """Who sees it, in one word."""
        return ",".join(filter(None, (self.tag, self.platform)))

    def covers(self, other: Conditional) -> bool:
        """Whether everybody who could see the other sees this one."""
        return self.tag in (None, other.tag) and self.platform in (None, other.platform)


@dataclass(frozen=True)
class Placed:
    """A button that does something: where it stands in the file, and the names from the top of its menu down to it."""

    where: Location
    path: str
    item: Item

    @property
    def key(self) -> str | None:
        """The key under which a press comes back."""
        return button.key_of(self.item, self.path)


class MenuSection(Rules):
    """聊天窗口底部的菜单。改完要运行 yizhan menu publish 才会到手机上。"""

    key: ClassVar[str] = "menu"

    buttons: Buttons = Field(description="按钮，1–3 个，每个下面最多 5 个")
    conditional: list[Conditional] = Field(default_factory=list, description="给一部分人看的菜单；从上往下，第一个符合的生效")

    def placed(self) -> Iterator[Placed]:
        """Every button that does something, in all menus."""
        yield from _placed(self.buttons, ("menu",), "")
        for number, menu in enumerate(self.conditional):
            yield from _placed(menu.buttons, ("menu", "conditional", number), f"{menu.whom}:")

    @cached_property
    def answering(self) -> Mapping[str, Placed]:
        """The buttons that answer by themselves, by their keys."""
        return {one.key: one for one in self.placed() if one.key is not None and one.item.say is None}

    def wire(self) -> list[dict[str, object]]:
        """The menu for everybody, as the platform takes it."""
        return [button.wire(one, one.name) for one in self.buttons]

    def conditional_wire(self, menu: Conditional) -> list[dict[str, object]]:
        """The buttons of one of the conditional menus, as the platform takes them."""
        return [button.wire(one, f"{menu.whom}:{one.name}") for one in menu.buttons]


def _placed(buttons: Sequence[Button], where: Location, scope: str) -> Iterator[Placed]:
    for number, top in enumerate(buttons):
        here = (*where, "buttons", number)
        if top.items is None:
            yield Placed(here, scope + top.name, top)
        for place, item in enumerate(top.items or ()):
            yield Placed((*here, "items", place), f"{scope}{top.name}/{item.name}", item)


def pressed(ctx: Context, section: MenuSection) -> Reply | None:
    """What the button answers by itself. None where it says words, which are heard next, and for the keys of a menu that is no more."""
    found = section.answering.get(ctx.inbound.event_key)
    if found is None:
        return None
    item = found.item
    ctx.explain(f"菜单按钮“{item.name}”", found.where)
    ctx.result = _scanned(ctx)
    if item.scan and item.scan.say is not None:
        ctx.text = fill(item.scan.say, {"result": ctx.result}).strip()
        return None
    given = item.answer()
    if given is None:
        return None
    ctx.answered_by = f"menu:{ctx.inbound.event_key}"[:200]
    return replies.say(given, ctx)


def _scanned(ctx: Context) -> str:
    info = ctx.inbound.fields.get("ScanCodeInfo")
    result = info.get("ScanResult") if isinstance(info, Mapping) else None
    return result if isinstance(result, str) else ""


def _says(section: MenuSection) -> Iterator[Said]:
    for one in section.placed():
        if one.item.say is not None:
            yield Said((*one.where, "say"), one.item.say)
        elif one.item.scan and one.item.scan.say and "{result}" not in one.item.scan.say:
            # What a scan will put in for {result} is not known here, so neither is whether a rule takes it.
            yield Said((*one.where, "scan", "say"), one.item.scan.say)


def _check(config: Config) -> Iterator[Problem]:
    section = config[MenuSection]
    taken: dict[str, Placed] = {}
    for one in section.placed():
        if one.key is None:
            continue
        first = taken.setdefault(one.key, one)
        if _meaning(first.item) != _meaning(one.item):
            there = ".".join(map(str, first.where))
            yield Problem(
                one.where,
                f"按钮“{one.item.name}”的 key“{one.key}”和 {there} 的一样，作用却不同；请改名，或写上另一个 key",
                f"the key {one.key!r} of the button {one.item.name!r} is that of {there}, which does something else; rename it or give a key",
            )
    yield from _hidden(section.conditional)


def _meaning(item: Item) -> tuple[object, ...]:
    return item.say, item.answer(), item.scan and item.scan.say


def _hidden(menus: Sequence[Conditional]) -> Iterator[Problem]:
    for number, menu in enumerate(menus):
        covering = next((place for place, before in enumerate(menus[:number]) if before.covers(menu)), None)
        if covering is not None:
            yield Problem(
                ("menu", "conditional", number),
                f"谁也看不到这个菜单：能看到它的人都先符合第 {covering + 1} 个；请把它写到前面",
                f"nobody sees this menu: whoever could is taken by number {covering + 1} before; write it first",
            )


_PRESSES = ("click", "scancode_waitmsg", "scancode_push", *button.PHOTO.values(), "location_select")

feature = Feature(
    name="menu",
    section=MenuSection,
    says=_says,
    events=dict.fromkeys(_PRESSES, pressed),
    checks=_check,
)
