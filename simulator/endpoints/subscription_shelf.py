"""The templates of subscription notices, under /wxaapi/newtmpl/: what the library offers, what the account took, what it gave back."""

from simulator import library
from simulator.call import Answer, Call, Endpoint, Table, whole
from simulator.errors import Refused
from simulator.library import CATEGORIES, LIBRARY, Keyword, Title
from simulator.world import World

OK: Answer = {"errcode": 0, "errmsg": "ok"}
MOST = 25
FEWEST_WORDS, MOST_WORDS = 2, 5
SCENE_LIMIT = 15
PAGE = 30


def add(world: World, call: Call) -> Answer:
    """POST addtemplate: the library's template `tid` with the keywords of `kidList`, and a few words on what it is for."""
    title = _title(call.body.get("tid"))
    chosen = _chosen(title, call.body.get("kidList"))
    words = call.body.get("sceneDesc", "")
    if not isinstance(words, str) or len(words) > SCENE_LIMIT:
        raise Refused(200021)
    if len(world.subscriptions.templates) >= MOST:
        raise Refused(200012)
    template = title.made(library.new_id(world.ids.next()), chosen)
    world.subscriptions.templates[template.template_id] = template
    return {**OK, "priTmplId": template.template_id}


def delete(world: World, call: Call) -> Answer:
    """POST deltemplate: no notice can be sent with it any more."""
    if world.subscriptions.templates.pop(call.text("priTmplId", 40037), None) is None:
        raise Refused(40037)
    return OK


def list_all(world: World, call: Call) -> Answer:
    """GET gettemplate."""
    taken = world.subscriptions.templates.values()
    return {
        **OK,
        "data": [
            {
                "priTmplId": template.template_id,
                "title": template.title,
                "content": template.content,
                "example": template.example,
                "type": 2,
            }
            for template in taken
        ],
    }


def categories(world: World, call: Call) -> Answer:
    """GET getcategory: the account's service categories."""
    return {**OK, "data": [{"id": int(number), "name": name} for number, name in CATEGORIES.items()]}


def titles(world: World, call: Call) -> Answer:
    """GET getpubtemplatetitles?ids=307,612&start=0&limit=30: the library's templates of these categories."""
    asked = call.asked("ids", 200018).split(",")
    if any(number not in CATEGORIES for number in asked):
        raise Refused(200019)
    start, limit = _whole(call, "start", 200016), _whole(call, "limit", 200017)
    if not 1 <= limit <= PAGE:
        raise Refused(200017)
    found = [title for title in LIBRARY.values() if title.category in asked]
    listed = [
        {"tid": title.tid, "title": title.name, "type": title.kind, "categoryId": title.category} for title in found[start : start + limit]
    ]
    return {**OK, "count": len(found), "data": listed}


def keywords(world: World, call: Call) -> Answer:
    """GET getpubtemplatekeywords?tid=…"""
    words = _title(call.query.get("tid")).keywords
    listed = [{"kid": word.kid, "name": word.name, "example": word.example, "rule": word.rule} for word in words]
    return {**OK, "count": len(words), "data": listed}


def _title(tid: object) -> Title:
    number = whole(tid)
    if number is None or number not in LIBRARY:
        raise Refused(200014)
    return LIBRARY[number]


def _chosen(title: Title, kids: object) -> list[Keyword]:
    by_number = {word.kid: word for word in title.keywords}
    if (
        not isinstance(kids, list)
        or not FEWEST_WORDS <= len(kids) <= MOST_WORDS
        or not all(isinstance(kid, int) and kid in by_number for kid in kids)
    ):
        raise Refused(200020)
    return [by_number[kid] for kid in kids]


def _whole(call: Call, name: str, refused: int) -> int:
    value = whole(call.query.get(name))
    if value is None:
        raise Refused(refused)
    return value


TABLE: Table = {
    "/wxaapi/newtmpl/addtemplate": Endpoint(add, "POST"),
    "/wxaapi/newtmpl/deltemplate": Endpoint(delete, "POST"),
    "/wxaapi/newtmpl/gettemplate": Endpoint(list_all, "GET"),
    "/wxaapi/newtmpl/getcategory": Endpoint(categories, "GET"),
    "/wxaapi/newtmpl/getpubtemplatetitles": Endpoint(titles, "GET"),
    "/wxaapi/newtmpl/getpubtemplatekeywords": Endpoint(keywords, "GET"),
}
