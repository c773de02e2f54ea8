"""The menu under the conversation: the default one, and others for followers of a tag or with a kind of phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wechat.client.caller import Answer, Caller, Objects, agreed, needed, objects
from wechat.errcodes import PlatformError

NO_MENU = 46003


@dataclass(frozen=True, slots=True)
class ConditionalMenu:
    """A menu for those whom `rule` matches (tag_id, client_platform_type); of several the one created last is shown."""

    menuid: str
    rule: dict[str, Any]
    buttons: Objects


@dataclass(frozen=True, slots=True)
class Menus:
    """All menus of the account, buttons in the platform's shape. No default menu, no conditional one."""

    default: Objects
    conditional: list[ConditionalMenu]


class Menu:
    """The account's menus. Phones show a change after five minutes at the latest."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self) -> Menus:
        """All menus made through the API; none at all where there is no default menu."""
        try:
            answer = await self._caller.get("/cgi-bin/menu/get")
        except PlatformError as error:
            if error.errcode != NO_MENU:
                raise
            return Menus([], [])
        conditional = objects(answer, "conditionalmenu") if "conditionalmenu" in answer else []
        return Menus(objects(needed(answer, "menu", dict), "button"), [_conditional(menu) for menu in conditional])

    async def create(self, buttons: Sequence[Mapping[str, object]]) -> None:
        """These are the default menu, in place of what it was; conditional menus stay."""
        agreed(await self._caller.post("/cgi-bin/menu/create", {"button": list(buttons)}))

    async def delete(self) -> None:
        """There is no menu, and no conditional one either."""
        agreed(await self._caller.get("/cgi-bin/menu/delete"))

    async def add_conditional(self, buttons: Sequence[Mapping[str, object]], rule: Mapping[str, object]) -> str:
        """Followers whom `rule` matches see these buttons, before every menu made earlier; its menuid. Without a default menu: 65303."""
        answer = await self._caller.post("/cgi-bin/menu/addconditional", {"button": list(buttons), "matchrule": dict(rule)})
        return str(needed(answer, "menuid", int, str))

    async def delete_conditional(self, menuid: str) -> None:
        """That conditional menu is gone."""
        agreed(await self._caller.post("/cgi-bin/menu/delconditional", {"menuid": menuid}))

    async def try_match(self, openid: str) -> Objects:
        """The buttons this person sees."""
        return objects(await self._caller.post("/cgi-bin/menu/trymatch", {"user_id": openid}), "button")

    async def current(self) -> Answer:
        """The menu as it is shown, wherever it was made: is_menu_open and selfmenu_info, in the shape of get_current_selfmenu_info."""
        answer = await self._caller.get("/cgi-bin/get_current_selfmenu_info")
        needed(answer, "is_menu_open", int)
        return answer

    async def auto_replies(self) -> Answer:
        """The replies set up in the platform's console, in the shape of get_current_autoreply_info."""
        answer = await self._caller.get("/cgi-bin/get_current_autoreply_info")
        needed(answer, "is_autoreply_open", int)
        return answer


def _conditional(menu: dict[str, Any]) -> ConditionalMenu:
    return ConditionalMenu(str(needed(menu, "menuid", int, str)), needed(menu, "matchrule", dict), objects(menu, "button"))
