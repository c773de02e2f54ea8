"""Who follows the account, and the little the platform still tells about each of them: no names, no pictures, since 2021."""

from simulator.call import Answer, Call, Endpoint, Table
from simulator.crowd import Follower
from simulator.errors import Refused
from simulator.world import World

PAGE = 10_000
BATCH = 100


def list_page(world: World, call: Call) -> Answer:
    """GET /cgi-bin/user/get: up to 10,000 openids. The last page names its last openid as the next one; the page after that has no data."""
    after = call.query.get("next_openid", "")
    if after and world.crowd.find(after) is None:
        raise Refused(40003)
    total = sum(follower.subscribed for follower in world.crowd)
    page = world.crowd.subscribed_after(after, PAGE)
    if not page:
        return {"total": total, "count": 0, "next_openid": ""}
    return {"total": total, "count": len(page), "data": {"openid": page}, "next_openid": page[-1]}


def info(world: World, call: Call) -> Answer:
    """GET /cgi-bin/user/info."""
    follower = world.crowd.find(call.query.get("openid"))
    if follower is None:
        raise Refused(40003)
    return _described(follower)


def info_of_many(world: World, call: Call) -> Answer:
    """POST /cgi-bin/user/info/batchget: at most a hundred."""
    asked = call.body.get("user_list")
    if not isinstance(asked, list):
        raise Refused(47001)
    if not 1 <= len(asked) <= BATCH:
        raise Refused(40032)
    found = [world.crowd.find(item.get("openid")) if isinstance(item, dict) else None for item in asked]
    if None in found:
        raise Refused(40003)
    return {"user_info_list": [_described(follower) for follower in found if follower]}


def _described(follower: Follower) -> Answer:
    if not follower.subscribed:
        return {"subscribe": 0, "openid": follower.openid}
    return {
        "subscribe": 1,
        "openid": follower.openid,
        "language": "",
        "subscribe_time": follower.subscribe_time,
        "remark": "",
        "groupid": follower.tag_ids[0] if follower.tag_ids else 0,
        "tagid_list": follower.tag_ids,
        "subscribe_scene": follower.scene,
        "qr_scene": 0,
        "qr_scene_str": "",
    }


TABLE: Table = {
    "/cgi-bin/user/get": Endpoint(list_page, "GET", daily=500),
    "/cgi-bin/user/info": Endpoint(info, "GET", daily=5_000_000),
    "/cgi-bin/user/info/batchget": Endpoint(info_of_many, "POST"),
}
