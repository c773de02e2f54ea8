"""Tags: which there are, who carries them."""

from collections import Counter

from simulator.call import Answer, Call, Endpoint, Table
from simulator.endpoints.followers import PAGE
from simulator.errors import Refused
from simulator.world import World


def list_all(world: World, call: Call) -> Answer:
    """GET /cgi-bin/tags/get, with the number of followers of each."""
    counts = Counter(tag_id for follower in world.crowd if follower.subscribed for tag_id in follower.tag_ids)
    return {"tags": [{"id": tag_id, "name": name, "count": counts[tag_id]} for tag_id, name in world.crowd.tags.items()]}


def of_follower(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/getidlist."""
    follower = world.crowd.find(call.text("openid", 40003))
    if follower is None:
        raise Refused(40003)
    return {"tagid_list": follower.tag_ids}


def carriers(world: World, call: Call) -> Answer:
    """/cgi-bin/user/tag/get: like user/get, of one tag. The official page says GET with a body, clients POST; both work."""
    tag_id = call.body.get("tagid")
    if not isinstance(tag_id, int) or tag_id not in world.crowd.tags:
        raise Refused(40152)
    after = call.body.get("next_openid") or ""
    if after and world.crowd.find(after) is None:
        raise Refused(40003)
    page = world.crowd.subscribed_after(after, PAGE, tag_id)
    if not page:
        return {"count": 0, "next_openid": ""}
    return {"count": len(page), "data": {"openid": page}, "next_openid": page[-1]}


TABLE: Table = {
    "/cgi-bin/tags/get": Endpoint(list_all, "GET"),
    "/cgi-bin/tags/getidlist": Endpoint(of_follower, "POST"),
    "/cgi-bin/user/tag/get": Endpoint(carriers, "ANY"),
}
