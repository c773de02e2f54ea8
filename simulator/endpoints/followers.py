"""Who follows the account, and the little the platform still tells about each of them: no names, no pictures, since 2021."""

from simulator.call import Answer, Call, Endpoint, Table
from simulator.crowd import Follower
from simulator.errors import Refused
from simulator.world import World

PAGE = 10_000
BATCH = 100
REMARK_LIMIT = 30
OPENID_LENGTH = 28


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


def remark(world: World, call: Call) -> Answer:
    """POST /cgi-bin/user/info/updateremark: the account's own name for a follower, under 30 bytes."""
    follower = met(world, call.body.get("openid"))
    name = call.body.get("remark")
    if not isinstance(name, str) or len(name.encode()) >= REMARK_LIMIT:
        raise Refused(40092)
    follower.remark = name
    return {"errcode": 0, "errmsg": "ok"}


def met(world: World, openid: object) -> Follower:
    """The follower. Raises 40003 for what cannot be an openid, 49003 for one of another account."""
    follower = world.crowd.find(openid)
    if follower is None:
        raise Refused(49003 if isinstance(openid, str) and len(openid) == OPENID_LENGTH and openid.startswith("o") else 40003)
    return follower


def met_all(world: World, openids: object, most: int) -> list[Follower]:
    """The followers of a list of at most so many. Raises 40032 for its size, 40003 and 49003 for those in it."""
    if not isinstance(openids, list) or not 1 <= len(openids) <= most:
        raise Refused(40032)
    return [met(world, openid) for openid in openids]


def _described(follower: Follower) -> Answer:
    if not follower.subscribed:
        return {"subscribe": 0, "openid": follower.openid}
    return {
        "subscribe": 1,
        "openid": follower.openid,
        "language": "",
        "subscribe_time": follower.subscribe_time,
        "remark": follower.remark,
        "groupid": follower.tag_ids[0] if follower.tag_ids else 0,
        "tagid_list": follower.tag_ids,
        "subscribe_scene": follower.scene,
        **_scene(follower.qr_scene),
    }


def _scene(scene: str) -> Answer:
    """A number for a code's number (up to 32 bits), else a text. A text of nothing but digits is taken for a number."""
    if scene.isascii() and scene.isdigit() and 0 < int(scene) < 2**32:
        return {"qr_scene": int(scene), "qr_scene_str": ""}
    return {"qr_scene": 0, "qr_scene_str": scene}


TABLE: Table = {
    "/cgi-bin/user/get": Endpoint(list_page, "GET", daily=500),
    "/cgi-bin/user/info": Endpoint(info, "GET", daily=5_000_000),
    "/cgi-bin/user/info/batchget": Endpoint(info_of_many, "POST"),
    "/cgi-bin/user/info/updateremark": Endpoint(remark, "POST", daily=10_000),
}
