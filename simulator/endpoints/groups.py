"""Groups: what tags were before 2016, one for each follower. Old clients still call them; here a group is the follower's first tag."""

from typing import Any

from simulator.call import Answer, Call, Endpoint, Table
from simulator.crowd import Follower
from simulator.endpoints import tags
from simulator.endpoints.followers import met, met_all
from simulator.errors import Refused
from simulator.world import World

UNGROUPED = 0
MOVED_AT_ONCE = 50


def list_all(world: World, call: Call) -> Answer:
    """GET /cgi-bin/groups/get."""
    sizes = dict.fromkeys(world.crowd.tags, 0)
    ungrouped = 0
    for follower in world.crowd:
        if follower.subscribed and follower.tag_ids:
            sizes[follower.tag_ids[0]] += 1
        elif follower.subscribed:
            ungrouped += 1
    groups = [{"id": tag_id, "name": name, "count": sizes[tag_id]} for tag_id, name in world.crowd.tags.items()]
    return {"groups": [{"id": UNGROUPED, "name": "未分组", "count": ungrouped}, *groups]}


def of_follower(world: World, call: Call) -> Answer:
    """POST /cgi-bin/groups/getid."""
    follower = met(world, call.body.get("openid"))
    return {"groupid": follower.tag_ids[0] if follower.tag_ids else UNGROUPED}


def create(world: World, call: Call) -> Answer:
    """POST /cgi-bin/groups/create."""
    name = tags.checked_name(world, _group(call).get("name"))
    return {"group": {"id": tags.added(world, name), "name": name}}


def rename(world: World, call: Call) -> Answer:
    """POST /cgi-bin/groups/update."""
    group_id = _own(world, _group(call).get("id"))
    world.crowd.tags[group_id] = tags.checked_name(world, _group(call).get("name"), but=group_id)
    return {"errcode": 0, "errmsg": "ok"}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/groups/delete: those in it are ungrouped."""
    tags.removed(world, _own(world, _group(call).get("id")))
    return {}


def move(world: World, call: Call) -> Answer:
    """POST /cgi-bin/groups/members/update."""
    return _move(world, call, [met(world, call.body.get("openid"))])


def move_many(world: World, call: Call) -> Answer:
    """POST /cgi-bin/groups/members/batchupdate: at most 50."""
    return _move(world, call, met_all(world, call.body.get("openid_list"), MOVED_AT_ONCE))


def _move(world: World, call: Call, followers: list[Follower]) -> Answer:
    group_id = call.number("to_groupid", 40050)
    if group_id != UNGROUPED and group_id not in world.crowd.tags:
        raise Refused(40050)
    for follower in followers:
        others = [tag_id for tag_id in follower.tag_ids[1:] if tag_id != group_id]
        follower.tag_ids[:] = others if group_id == UNGROUPED else [group_id, *others]
    return {"errcode": 0, "errmsg": "ok"}


def _own(world: World, group_id: object) -> int:
    if not isinstance(group_id, int) or group_id not in world.crowd.tags:
        raise Refused(45016 if isinstance(group_id, int) and group_id in tags.SYSTEM_TAGS else 40050)
    return group_id


def _group(call: Call) -> dict[str, Any]:
    group = call.body.get("group")
    if not isinstance(group, dict):
        raise Refused(47001)
    return group


TABLE: Table = {
    "/cgi-bin/groups/get": Endpoint(list_all, "GET"),
    "/cgi-bin/groups/getid": Endpoint(of_follower, "POST"),
    "/cgi-bin/groups/create": Endpoint(create, "POST"),
    "/cgi-bin/groups/update": Endpoint(rename, "POST"),
    "/cgi-bin/groups/delete": Endpoint(delete, "POST"),
    "/cgi-bin/groups/members/update": Endpoint(move, "POST"),
    "/cgi-bin/groups/members/batchupdate": Endpoint(move_many, "POST"),
}
