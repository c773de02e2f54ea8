"""Tags: which there are, who carries them, putting them on and taking them off."""

from collections import Counter
from typing import Any

from simulator.call import Answer, Call, Endpoint, Table
from simulator.endpoints.followers import PAGE, met, met_all
from simulator.errors import Refused
from simulator.names import FIRST_TAG_ID
from simulator.world import World

TAGS = 100
NAME_LIMIT = 30
PER_FOLLOWER = 20
TAGGED_AT_ONCE = 50
TOO_MANY_TO_DELETE = 100_000
SYSTEM_TAGS = frozenset({0, 1, 2})


def create(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/create."""
    name = checked_name(world, _tag(call).get("name"))
    return {"tag": {"id": added(world, name), "name": name}}


def list_all(world: World, call: Call) -> Answer:
    """GET /cgi-bin/tags/get, with the number of followers of each."""
    counts = carried(world)
    return {"tags": [{"id": tag_id, "name": name, "count": counts[tag_id]} for tag_id, name in world.crowd.tags.items()]}


def rename(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/update."""
    tag_id = own(world, _tag(call).get("id"))
    world.crowd.tags[tag_id] = checked_name(world, _tag(call).get("name"), but=tag_id)
    return {"errcode": 0, "errmsg": "ok"}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/delete: nobody carries it any more; refused while more than 100,000 do."""
    tag_id = own(world, _tag(call).get("id"))
    if carried(world)[tag_id] > TOO_MANY_TO_DELETE:
        raise Refused(45057)
    removed(world, tag_id)
    return {"errcode": 0, "errmsg": "ok"}


def put_on(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/members/batchtagging: on all of them or, when one is refused, on none."""
    tag_id = _existing(world, call)
    followers = met_all(world, call.body.get("openid_list"), TAGGED_AT_ONCE)
    lacking = [follower for follower in followers if tag_id not in follower.tag_ids]
    if any(len(follower.tag_ids) >= PER_FOLLOWER for follower in lacking):
        raise Refused(45059)
    for follower in lacking:
        if tag_id not in follower.tag_ids:
            follower.tag_ids.append(tag_id)
    return {"errcode": 0, "errmsg": "ok"}


def take_off(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/members/batchuntagging."""
    tag_id = _existing(world, call)
    for follower in met_all(world, call.body.get("openid_list"), TAGGED_AT_ONCE):
        if tag_id in follower.tag_ids:
            follower.tag_ids.remove(tag_id)
    return {"errcode": 0, "errmsg": "ok"}


def of_follower(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/getidlist."""
    return {"tagid_list": met(world, call.body.get("openid")).tag_ids}


def carriers(world: World, call: Call) -> Answer:
    """/cgi-bin/user/tag/get: like user/get, of one tag. The official page says GET with a body, clients POST; both work."""
    tag_id = _existing(world, call)
    after = call.body.get("next_openid") or ""
    if after and world.crowd.find(after) is None:
        raise Refused(40003)
    page = world.crowd.subscribed_after(after, PAGE, tag_id)
    if not page:
        return {"count": 0, "next_openid": ""}
    return {"count": len(page), "data": {"openid": page}, "next_openid": page[-1]}


def checked_name(world: World, name: object, but: int | None = None) -> str:
    """A name no other tag has. Raises 45157, or 45158 when it is too long."""
    if not isinstance(name, str) or not name.strip():
        raise Refused(45157)
    if len(name) > NAME_LIMIT:
        raise Refused(45158)
    if any(other == name and tag_id != but for tag_id, other in world.crowd.tags.items()):
        raise Refused(45157)
    return name


def added(world: World, name: str) -> int:
    """The new tag's id, one above the highest. Raises 45056 for the 101st tag."""
    if len(world.crowd.tags) >= TAGS:
        raise Refused(45056)
    tag_id = max(world.crowd.tags, default=FIRST_TAG_ID - 1) + 1
    world.crowd.tags[tag_id] = name
    return tag_id


def removed(world: World, tag_id: int) -> None:
    """The tag is gone, from every follower too."""
    del world.crowd.tags[tag_id]
    for follower in world.crowd:
        if tag_id in follower.tag_ids:
            follower.tag_ids.remove(tag_id)


def own(world: World, tag_id: object) -> int:
    """The id of a tag the account may change. Raises 45058 for the platform's own, 45159 for one there is not."""
    if not isinstance(tag_id, int) or isinstance(tag_id, bool):
        raise Refused(45159)
    if tag_id in SYSTEM_TAGS:
        raise Refused(45058)
    if tag_id not in world.crowd.tags:
        raise Refused(45159)
    return tag_id


def carried(world: World) -> Counter[int]:
    """How many of those who follow carry each tag."""
    return Counter(tag_id for follower in world.crowd if follower.subscribed for tag_id in follower.tag_ids)


def _existing(world: World, call: Call) -> int:
    tag_id = call.body.get("tagid")
    if not isinstance(tag_id, int) or tag_id not in world.crowd.tags:
        raise Refused(45159)
    return tag_id


def _tag(call: Call) -> dict[str, Any]:
    tag = call.body.get("tag")
    if not isinstance(tag, dict):
        raise Refused(47001)
    return tag


TABLE: Table = {
    "/cgi-bin/tags/create": Endpoint(create, "POST"),
    "/cgi-bin/tags/get": Endpoint(list_all, "GET"),
    "/cgi-bin/tags/update": Endpoint(rename, "POST"),
    "/cgi-bin/tags/delete": Endpoint(delete, "POST"),
    "/cgi-bin/tags/members/batchtagging": Endpoint(put_on, "POST"),
    "/cgi-bin/tags/members/batchuntagging": Endpoint(take_off, "POST"),
    "/cgi-bin/tags/getidlist": Endpoint(of_follower, "POST"),
    "/cgi-bin/user/tag/get": Endpoint(carriers, "ANY"),
}
