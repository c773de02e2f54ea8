"""The account's menus: the one everybody sees, those for some followers only, and what was made by hand in the console before."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from simulator.crowd import Follower

Button = dict[str, Any]

PLATFORMS = {"ios": "1", "android": "2", "other": "3"}
"""`client_platform_type` of the matching rule."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """A menu for those who match its rule: a tag, the phone's system, or both."""

    menuid: int
    buttons: list[Button]
    rule: Mapping[str, str]

    def matches(self, follower: Follower, platform: str) -> bool:
        """Whether this follower, on this kind of phone, sees the menu."""
        tag_id = self.rule.get("tag_id")
        system = self.rule.get("client_platform_type")
        carries = tag_id is None or tag_id in map(str, follower.tag_ids)
        return carries and system in (None, PLATFORMS.get(platform))


class Menus:
    """Buttons are kept in the platform's JSON shape. `default` is None until menu/create, and again after menu/delete."""

    def __init__(self, first_id: int = 208_379_533) -> None:
        self._ids = count(first_id)
        self.default: list[Button] | None = None
        self.default_id = 0
        self.conditional: list[Conditional] = []
        """Oldest first; the newest that matches is the one a follower sees."""

    def replace(self, buttons: list[Button]) -> None:
        """This is the default menu; the conditional ones stay."""
        self.default = buttons
        self.default_id = next(self._ids)

    def add(self, buttons: list[Button], rule: Mapping[str, str]) -> int:
        """The conditional menu is the first to be tried; its menuid."""
        menu = Conditional(next(self._ids), buttons, rule)
        self.conditional.append(menu)
        return menu.menuid

    def remove(self, menuid: int) -> bool:
        """The conditional menu is gone; False when there was none."""
        left = [menu for menu in self.conditional if menu.menuid != menuid]
        found = len(left) < len(self.conditional)
        self.conditional = left
        return found

    def clear(self) -> None:
        """No menu any more, the conditional ones included."""
        self.default = None
        self.conditional = []

    def seen_by(self, follower: Follower, platform: str = "ios") -> list[Button] | None:
        """The buttons on this follower's phone, None without a menu. What the console holds is not shown: the server has taken over."""
        matching = (menu.buttons for menu in reversed(self.conditional) if menu.matches(follower, platform))
        return next(matching, self.default)
