"""The account's menus in one shape, wherever they come from: the file, the API, the platform's console; and what differs between two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches, unified_diff
from typing import TYPE_CHECKING, Any

from handlers.menu import MenuSection

if TYPE_CHECKING:
    from wechat.client.menu import Menus

Button = dict[str, Any]

PLATFORMS = {"ios": "1", "android": "2", "other": "3"}  # client_platform_type of a matching rule
_FIELDS = ("type", "name", "key", "url", "appid", "pagepath", "media_id", "article_id", "value")


class UnknownTag(ValueError):
    """A conditional menu is for a tag that the account does not have."""


@dataclass(frozen=True)
class ForSome:
    """A conditional menu. Two are equal if the same people see the same buttons."""

    rule: Mapping[str, str]  # tag_id, client_platform_type
    buttons: Sequence[Button]
    menuid: str = field(default="", compare=False)


@dataclass(frozen=True)
class Shape:
    """All menus: the one for everybody ([] for none), and those for some, in the order in which they are tried."""

    default: Sequence[Button]
    conditional: Sequence[ForSome] = ()


def of_file(section: MenuSection, tags: Mapping[int, str]) -> Shape:
    """The menus of the file. Raises UnknownTag with the nearest names there are."""
    ids = {name: str(number) for number, name in tags.items()}
    conditional = []
    for number, menu in enumerate(section.conditional):
        if menu.tag is not None and menu.tag not in ids:
            near = "、".join(get_close_matches(menu.tag, ids, 3, 0.3) or ids) or "（无）"
            raise UnknownTag(f"menu.conditional.{number}：公众平台里没有标签“{menu.tag}”；有：{near} / no such tag")
        tag = {"tag_id": ids[menu.tag]} if menu.tag is not None else {}
        platform = {"client_platform_type": PLATFORMS[menu.platform]} if menu.platform else {}
        conditional.append(ForSome(tag | platform, plain(section.conditional_wire(menu))))
    return Shape(plain(section.wire()), conditional)


def of_platform(menus: Menus) -> Shape:
    """The menus made through the API. Of those for some, the platform tries the newest first; menuids count up."""
    found = [ForSome(_rule(menu.rule), plain(menu.buttons), menu.menuid) for menu in menus.conditional]
    return Shape(plain(menus.default), sorted(found, key=lambda menu: int(menu.menuid) if menu.menuid.isdecimal() else 0, reverse=True))


def of_console(current: Mapping[str, Any]) -> list[Button]:
    """The buttons of get_current_selfmenu_info, [] where the menu is switched off: its sub-buttons lie one level deeper."""
    info = current.get("selfmenu_info")
    return plain(info.get("button", ())) if current.get("is_menu_open") and isinstance(info, Mapping) else []


def plain(buttons: Iterable[Mapping[str, Any]]) -> list[Button]:
    """The buttons with what counts: what the platform adds is left out, so that equal menus are equal."""
    return [_plain(button) for button in buttons]


def _plain(button: Mapping[str, Any]) -> Button:
    below = button.get("sub_button") or ()
    items = below.get("list", ()) if isinstance(below, Mapping) else below
    if items:
        return {"name": button.get("name", ""), "sub_button": plain(items)}
    return {name: button[name] for name in _FIELDS if button.get(name)}


def _rule(given: Mapping[str, Any]) -> dict[str, str]:
    rule = {name: str(value) for name, value in given.items() if value not in ("", None)}
    if "group_id" in rule:  # what the platform called tag_id before 2016
        rule.setdefault("tag_id", rule.pop("group_id"))
    return rule


def to_change(now: Sequence[ForSome], then: Sequence[ForSome]) -> tuple[list[ForSome], list[ForSome]]:
    """Which conditional menus must go, and which be made, in this order: one that is made is tried before all there are."""
    wanted, gone, kept = list(reversed(then)), [], 0
    for menu in reversed(now):
        if kept < len(wanted) and menu == wanted[kept]:
            kept += 1
        else:
            gone.append(menu)
    return gone, wanted[kept:]


# For the eye


def differences(now: Shape, then: Shape, tags: Mapping[int, str]) -> list[str]:
    """Every line of both as a tree, with - before what goes and + before what comes; [] if nothing changes."""
    before, after = list(lines(now, tags)), list(lines(then, tags))
    return list(unified_diff(before, after, n=len(before) + len(after), lineterm=""))[3:]


def lines(shape: Shape, tags: Mapping[int, str]) -> Iterator[str]:
    """The menus as a tree."""
    if shape.default:
        yield "默认菜单"
        yield from tree(shape.default, "  ")
    for menu in shape.conditional:
        yield f"给 {whom(menu.rule, tags)} 看的菜单"
        yield from tree(menu.buttons, "  ")


def whom(rule: Mapping[str, str], tags: Mapping[int, str]) -> str:
    """Who sees a conditional menu."""
    names = {str(number): name for number, name in tags.items()}
    systems = {number: name for name, number in PLATFORMS.items()}
    known = {"tag_id": ("标签", names), "client_platform_type": ("系统", systems)}
    words = ((*known.get(name, (name, {})), value) for name, value in rule.items())
    return "、".join(f"{what} {called.get(value, value)}" for what, called, value in words)


_KINDS = {
    "click": "点击",
    "view": "网页",
    "miniprogram": "小程序",
    "scancode_waitmsg": "扫码",
    "scancode_push": "扫码打开",
    "pic_sysphoto": "拍照",
    "pic_weixin": "相册",
    "pic_photo_or_album": "照片",
    "location_select": "位置",
    "media_id": "素材",
    "article_id": "文章",
    "article_view_limited": "打开文章",
    "text": "文字",
    "img": "图片",
    "voice": "语音",
    "video": "视频",
    "news": "图文",
}


def tree(buttons: Iterable[Button], indent: str) -> Iterator[str]:
    """One line for each button."""
    for button in buttons:
        target = " ".join(str(button[name]) for name in _FIELDS[2:] if name in button)
        kind = str(button.get("type", ""))
        yield f"{indent}{button.get('name', '')}" + (f"  {_KINDS.get(kind, kind)} {target}".rstrip() if kind else "")
        yield from tree(button.get("sub_button", ()), indent + "  ")
