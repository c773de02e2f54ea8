"""The account's message templates: chosen from the library, listed, deleted; its industries; and what was blocked."""

from simulator import library
from simulator.call import Answer, Call, Endpoint, Table, whole
from simulator.errors import Refused
from simulator.industries import NAMES, ChangedThisMonth
from simulator.library import LIBRARY, Keyword, Title
from simulator.world import World

OK: Answer = {"errcode": 0, "errmsg": "ok"}
MOST = 25
BLOCKED_PAGE = 100


def list_all(world: World, call: Call) -> Answer:
    """GET /cgi-bin/template/get_all_private_template."""
    return {
        "template_list": [
            {
                "template_id": template.template_id,
                "title": template.title,
                "primary_industry": "",
                "deputy_industry": "",
                "content": template.content,
                "example": template.example,
            }
            for template in world.templates.values()
        ]
    }


def add(world: World, call: Call) -> Answer:
    """POST /cgi-bin/template/api_add_template: a template of the library, with these of its keywords in this order."""
    number = whole(call.text("template_id_short", 40037))
    if number is None:
        raise Refused(40247)
    title = LIBRARY.get(number)
    if title is None:
        raise Refused(40037)
    chosen = _chosen(title, call.body.get("keyword_name_list"))
    if len(world.templates) >= MOST:
        raise Refused(45026)
    template = title.made(library.new_id(world.ids.next()), chosen)
    world.templates[template.template_id] = template
    return {**OK, "template_id": template.template_id}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/template/del_private_template: nothing can be sent with it any more."""
    if world.templates.pop(call.text("template_id", 40037), None) is None:
        raise Refused(40037)
    return OK


def set_industry(world: World, call: Call) -> Answer:
    """POST /cgi-bin/template/api_set_industry: once a month, and every template of the old ones is gone."""
    first, second = str(call.body.get("industry_id1", "")), str(call.body.get("industry_id2", ""))
    if first not in NAMES or second not in NAMES:
        raise Refused(40097)
    try:
        world.industries.choose(first, second, world.clock.day()[:7])
    except ChangedThisMonth:
        raise Refused(43100) from None
    world.templates.clear()
    return OK


def get_industry(world: World, call: Call) -> Answer:
    """GET /cgi-bin/template/get_industry."""
    return {"primary_industry": _classes(world.industries.first), "secondary_industry": _classes(world.industries.second)}


def blocked(world: World, call: Call) -> Answer:
    """POST /wxa/sec/queryblocktmplmsg: the blocked messages of a template with ids below `largest_id` (0: from the newest on)."""
    template_id = call.text("tmpl_msg_id", 40037)
    below, limit = call.number("largest_id", 40097, otherwise=0), call.number("limit", 40097, otherwise=BLOCKED_PAGE)
    if below < 0 or not 1 <= limit <= BLOCKED_PAGE:
        raise Refused(40097)
    found = [one for one in reversed(world.blocked) if one["tmpl_msg_id"] == template_id and (not below or one["id"] < below)]
    return {**OK, "msginfo": found[:limit]}


def _classes(code: str) -> dict[str, str]:
    first, second = NAMES[code]
    return {"first_class": first, "second_class": second}


def _chosen(title: Title, names: object) -> list[Keyword]:
    by_name = {word.name: word for word in title.keywords}
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name in by_name for name in names):
        raise Refused(40246)
    return [by_name[name] for name in names]


TABLE: Table = {
    "/cgi-bin/template/get_all_private_template": Endpoint(list_all, "GET"),
    "/cgi-bin/template/api_add_template": Endpoint(add, "POST"),
    "/cgi-bin/template/del_private_template": Endpoint(delete, "POST"),
    "/cgi-bin/template/api_set_industry": Endpoint(set_industry, "POST"),
    "/cgi-bin/template/get_industry": Endpoint(get_industry, "GET"),
    "/wxa/sec/queryblocktmplmsg": Endpoint(blocked, "POST"),
}
