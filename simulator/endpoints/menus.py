"""The menu's endpoints: what is refused, and why. Replacing it is one call, whatever was there before."""

import re
from typing import Any

from simulator import console, qr
from simulator.call import Answer, Call, Endpoint, Table, whole
from simulator.endpoints import buttons
from simulator.errors import Refused
from simulator.menus import PLATFORMS, Conditional
from simulator.world import World

OK: Answer = {"errcode": 0, "errmsg": "ok"}
MOST_CONDITIONAL = 1000
DOMAINS = 3
RETIRED = ("sex", "country", "province", "city", "language")

_ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")


def create(world: World, call: Call) -> Answer:
    """POST /cgi-bin/menu/create: this is the menu now."""
    world.menus.replace(_read(world, call))
    return OK


def get(world: World, call: Call) -> Answer:
    """GET /cgi-bin/menu/get: the default menu and all conditional ones, the newest first. 46003 without any made by the API."""
    menus = world.menus
    if menus.default is None:
        raise Refused(46003)
    answer: Answer = {"menu": {"button": menus.default}}
    if menus.conditional:
        answer["menu"]["menuid"] = menus.default_id
        answer["conditionalmenu"] = [_described(menu) for menu in reversed(menus.conditional)]
    return answer


def delete(world: World, call: Call) -> Answer:
    """GET /cgi-bin/menu/delete: no menu any more, conditional ones included."""
    world.menus.clear()
    return OK


def current(world: World, call: Call) -> Answer:
    """GET /cgi-bin/get_current_selfmenu_info: the menu made by the API, else the one made in the console."""
    if world.menus.default is None:
        return {"is_menu_open": 1, "selfmenu_info": {"button": console.with_picture(console.MENU, _picture(world, call))}}
    return {"is_menu_open": 1, "selfmenu_info": {"button": [_current(button) for button in world.menus.default]}}


def auto_replies(world: World, call: Call) -> Answer:
    """GET /cgi-bin/get_current_autoreply_info: the replies made in the console, which a server takes the place of."""
    replies: Answer = console.with_picture(console.AUTO_REPLIES, _picture(world, call))
    return replies


def add_conditional(world: World, call: Call) -> Answer:
    """POST /cgi-bin/menu/addconditional: for those who match the rule, before all conditional menus there are."""
    if world.menus.default is None:
        raise Refused(65303)
    made = _read(world, call)
    rule = _rule(world, call.body.get("matchrule"))
    if len(buttons.domains(made)) > DOMAINS:
        raise Refused(65316)
    if len(world.menus.conditional) >= MOST_CONDITIONAL:
        raise Refused(65305)
    return {"menuid": str(world.menus.add(made, rule))}


def delete_conditional(world: World, call: Call) -> Answer:
    """POST /cgi-bin/menu/delconditional."""
    menuid = whole(call.body.get("menuid"))
    if menuid is None or not world.menus.remove(menuid):
        raise Refused(65301)
    return OK


def try_match(world: World, call: Call) -> Answer:
    """POST /cgi-bin/menu/trymatch: what this openid, or this WeChat id (the name, here), would see (on an iPhone)."""
    user_id = call.text("user_id", 65302)
    follower = world.crowd.find(user_id) or next((one for one in world.crowd if one.name == user_id), None)
    if follower is None:
        raise Refused(65302)
    return {"button": world.menus.seen_by(follower) or []}


def _picture(world: World, call: Call) -> str:
    """A temporary copy of the picture the console holds."""
    content = qr.picture("https://example.com/shop")
    return world.media.store("image", "image/png", "shop.png", content, call.now)


def _read(world: World, call: Call) -> list[buttons.Button]:
    if _ESCAPED.search(call.raw):
        raise Refused(40033)
    return buttons.read(world, call.body.get("button"), call.now)


def _rule(world: World, given: object) -> dict[str, str]:
    """The rule's conditions as strings, the empty ones left out."""
    asked = {str(name): str(value) for name, value in given.items() if value not in ("", None)} if isinstance(given, dict) else {}
    if any(name in RETIRED for name in asked):
        raise Refused(65320)
    if "group_id" in asked:  # what tags were called before 2016; old clients still say so
        asked.setdefault("tag_id", asked.pop("group_id"))
    rule: dict[str, str] = {name: asked[name] for name in ("tag_id", "client_platform_type") if name in asked}
    if not rule:
        raise Refused(65304)
    if "tag_id" in rule and rule["tag_id"] not in map(str, world.crowd.tags):
        raise Refused(40152)
    if rule.get("client_platform_type", "1") not in PLATFORMS.values():
        raise Refused(40097)
    return rule


def _described(menu: Conditional) -> dict[str, Any]:
    return {"button": menu.buttons, "matchrule": menu.rule, "menuid": menu.menuid}


def _current(button: buttons.Button) -> dict[str, Any]:
    """As get_current_selfmenu_info has it: sub-buttons one level deeper, and none where there are none."""
    shown = {name: value for name, value in button.items() if name != "sub_button"}
    return shown | ({"sub_button": {"list": [_current(item) for item in button["sub_button"]]}} if button["sub_button"] else {})


TABLE: Table = {
    "/cgi-bin/menu/create": Endpoint(create, "POST", daily=1000),
    "/cgi-bin/menu/get": Endpoint(get, "GET", daily=10_000),
    "/cgi-bin/menu/delete": Endpoint(delete, "GET", daily=1000),
    "/cgi-bin/get_current_selfmenu_info": Endpoint(current, "GET", daily=10_000),
    "/cgi-bin/get_current_autoreply_info": Endpoint(auto_replies, "GET", daily=10_000),
    "/cgi-bin/menu/addconditional": Endpoint(add_conditional, "POST", daily=2000),
    "/cgi-bin/menu/delconditional": Endpoint(delete_conditional, "POST", daily=2000),
    "/cgi-bin/menu/trymatch": Endpoint(try_match, "POST", daily=20_000),
}
