"""The account's menu as a part of config.yaml, whether it was made in the console or through the API, and each button leads somewhere.

Shapes: get_current_selfmenu_info and menu/get on the platform's pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from app import carry_over
from app.carry_over import Given, Media, tables
from app.menu_shape import PLATFORMS, ForSome
from app.yaml_text import Piece, printable, remarks_of
from handlers.button import PHOTO, Button, Item
from handlers.menu import Conditional
from models.config import literal

_SAME = ("media_id", "article_id", "article_view_limited")
MOST_BUTTONS = 3
_PHOTO = {there: here for here, there in PHOTO.items()}


class Carrier:
    """Carries buttons over. `heard` says whether some rule or feature of the new file answers these words."""

    def __init__(self, media: Media, heard: Callable[[str], bool]) -> None:
        self._media = media
        self._heard = heard
        self._paths: set[str] = set()
        self._stand_ins: dict[str, str] = {}  # by key: one key, one answer

    def buttons(self, given: Any, scope: str = "") -> list[Piece]:
        """The buttons of one menu; what is more than a menu holds is remarks alone."""
        pieces, held = [self._button(one, Button, scope) for one in tables(given)], 0
        for number, piece in enumerate(pieces):
            held += piece.value is not None
            if piece.value is not None and held > MOST_BUTTONS:
                pieces[number] = Piece(None, [*piece.remarks, f"菜单最多 {MOST_BUTTONS} 个按钮，没有带过来的是 {_bare(piece)}"])
        return pieces

    def conditional(self, menus: Sequence[ForSome], tags: Mapping[int, str]) -> list[Piece]:
        """The menus for some, in the order in which they are tried."""
        pieces: list[Piece] = []
        before: list[Conditional] = []
        for menu in menus:
            piece = self._for_some(menu, {str(number): printable(name) for number, name in tags.items()})
            if piece.value is not None:
                rule = Conditional.model_validate_json(to_json(_bare(piece.value)))
                if any(one.covers(rule) for one in before):
                    piece = Piece(None, [f"给 {rule.whom} 看的菜单没有带过来：能看到它的人都先看到了前面的"])
                before.append(rule)
            pieces.append(piece)
        return pieces

    def _for_some(self, menu: ForSome, tags: Mapping[str, str]) -> Piece:
        systems = {number: name for name, number in PLATFORMS.items()}
        rule = dict(menu.rule)
        tag, system = tags.get(rule.pop("tag_id", "")), systems.get(rule.pop("client_platform_type", ""))
        who = {name: value for name, value in (("tag", tag), ("platform", system)) if value}
        buttons = self.buttons(menu.buttons, f"{','.join(who.values())}:")
        value = {**who, "buttons": buttons}
        try:
            Conditional.model_validate_json(to_json(_bare(value)))
        except ValidationError:
            names = [button.get("name") for button in menu.buttons]
            lost = f"一个个性化菜单没有带过来，它的条件是 {dict(menu.rule)}，按钮是 {names}"
            return Piece(None, [lost, *remarks_of(buttons)])
        return Piece(value, [f"原来的条件还有 {rule}，微信已经不再支持"] if rule else [])

    def _button(self, given: Given, model: type[Item], path: str) -> Piece:
        name = _text(given, "name").replace("\n", " ")
        path = f"{path}{name}"
        below = given.get("sub_button")
        items = below.get("list") if isinstance(below, Mapping) else below
        if items := tables(items):
            below_it = [self._button(one, Item, f"{path}/") for one in items]
            return self._checked({"name": name, "items": below_it}, [], model, path)
        action, remarks = self._action(given, name)
        return self._checked({"name": name, **action}, remarks, model, path)

    def _own_key(self, path: str) -> dict[str, str]:
        """A key where a button of the same name stands in the same place: names make keys."""
        number = 1
        while (key := path if number == 1 else f"{number}#{path}"[:40]) in self._paths:
            number += 1
        self._paths.add(key)
        return {} if number == 1 else {"key": key}

    def _checked(self, value: dict[str, Any], remarks: list[str], model: type[Item], path: str) -> Piece:
        """The button if the platform's limits and ours allow it, else with a reply of its name; without a name that fits, none."""
        below = list(remarks_of(value))
        stand_in = {"name": value["name"], "reply": literal(value["name"])}
        for tried, more in ((value, []), (stand_in, [f"按钮“{path}”带不过来，先回复它的名字，请改：{_bare(value)}", *below])):
            try:
                model.model_validate_json(to_json(_bare(tried)))
            except ValidationError:
                continue
            if "reply" in tried and "key" not in tried:
                tried |= self._own_key(path)
            return Piece(tried, [*remarks, *more])
        return Piece(None, [*remarks, f"按钮“{path}”没有带过来：{_bare(value)}", *below])

    def _action(self, given: Given, name: str) -> tuple[dict[str, Any], list[str]]:
        """What the button does, and what is to be known of it."""
        kind, key = _text(given, "type"), _text(given, "key")
        keyed = {"key": key} if key else {}
        if kind == "click":
            if self._heard(key):
                return {"say": key}, []
            stand_in = self._stand_ins.setdefault(key, literal(name)) if key else literal(name)
            return {**keyed, "reply": stand_in}, [f"按钮“{name}”原来由开发者的程序回答（key {key}），先回复它的名字，请改"]
        if kind == "view":
            return {"url": _text(given, "url")}, []
        if kind == "miniprogram":
            return {"mini_program": {"app_id": _text(given, "appid"), "path": _text(given, "pagepath"), "url": _text(given, "url")}}, []
        if kind in _SAME:
            return {kind: _text(given, "media_id") or _text(given, "article_id")}, []
        if kind == "view_limited":
            return {"media_id": _text(given, "media_id")}, [f"按钮“{name}”原来打开图文（view_limited，微信已停用），现在发出图文"]
        if kind == "scancode_push":
            return {**keyed, "scan": "open"}, []
        if kind == "scancode_waitmsg":
            return {**keyed, "scan": {"reply": "{result}"}}, [f"按钮“{name}”原来由开发者的程序回答扫到的内容，先原样回复，请改"]
        if kind in _PHOTO:
            return {**keyed, "photo": _PHOTO[kind]}, []
        if kind == "location_select":
            return {**keyed, "location": True}, []
        made = carry_over.reply(given, self._media)
        if made is not None:
            return {"reply": made}, []
        return {"reply": literal(name)}, [f"按钮“{name}”的内容带不过来，先回复它的名字，请改。原来是 {carry_over.told(given, self._media)}"]


def _text(given: Given, name: str) -> str:
    return printable(str(given.get(name) or ""))


def _bare(value: Any) -> Any:
    """The value without remarks, and without what is remarks alone."""
    if isinstance(value, Piece):
        return _bare(value.value)
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bare(item) for item in value if not (isinstance(item, Piece) and item.value is None)]
    return value
