"""The account's blacklist: whom it no longer listens to."""

from simulator.call import Answer, Call, Endpoint, Table
from simulator.endpoints.followers import met_all
from simulator.errors import Refused
from simulator.world import World

PAGE = 1000
AT_ONCE = 20


def list_page(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/members/getblacklist: 1,000 a page, in the order in which they came; the page after the last has no data."""
    after = call.body.get("begin_openid") or ""
    last = world.crowd.find(after)
    if after and last is None:
        raise Refused(40003)
    listed = [follower for follower in world.crowd if follower.blacklisted]
    page = [follower.openid for follower in listed if last is None or follower.number > last.number][:PAGE]
    if not page:
        return {"total": len(listed), "count": 0, "next_openid": ""}
    return {"total": len(listed), "count": len(page), "data": {"openid": page}, "next_openid": page[-1]}


def add(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/members/batchblacklist: at most 20."""
    return _put(world, call, True)


def remove(world: World, call: Call) -> Answer:
    """POST /cgi-bin/tags/members/batchunblacklist: at most 20."""
    return _put(world, call, False)


def _put(world: World, call: Call, on: bool) -> Answer:
    for follower in met_all(world, call.body.get("openid_list"), AT_ONCE):
        follower.blacklisted = on
    return {"errcode": 0, "errmsg": "ok"}


TABLE: Table = {
    "/cgi-bin/tags/members/getblacklist": Endpoint(list_page, "POST"),
    "/cgi-bin/tags/members/batchblacklist": Endpoint(add, "POST"),
    "/cgi-bin/tags/members/batchunblacklist": Endpoint(remove, "POST"),
}
