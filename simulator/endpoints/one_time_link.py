"""The page behind a one-time subscription link: a follower agrees to one message of a template for a scene."""

from simulator import pages
from simulator.call import Call, Document, Endpoint, Table, whole
from simulator.endpoints.subscription import SCENES
from simulator.world import World


def confirm(world: World, call: Call) -> Document:
    """GET /mp/subscribemsg?action=get_confirm: asks who the visitor is, keeps the consent, and leads to redirect_url.

    `openid` is the simulator's own parameter and answers the question.
    """
    asked = {name: call.query.get(name, "") for name in ("appid", "template_id", "redirect_url", "reserved", "openid")}
    scene = whole(call.query.get("scene"))
    if call.query.get("action") != "get_confirm" or asked["appid"] != world.options.app_id:
        return pages.wrong("参数错误", 10012)
    if scene is None or scene not in SCENES or not pages.is_address(asked["redirect_url"]):
        return pages.wrong("scene 或 redirect_url 参数错误", 10003)
    if asked["template_id"] not in {**world.templates, **world.subscriptions.templates}:
        return pages.wrong("template_id 参数错误", 10003)
    if not asked["openid"]:
        words = f"「{world.options.name}」想给你发送一条通知。选一位粉丝，就由他同意接收。"
        return pages.choose(world, call, "同意接收一条通知？", words)
    if world.crowd.find(asked["openid"]) is None:
        return pages.wrong(f"没有这个粉丝：{asked['openid']}", 10006)
    world.subscriptions.agree_by_link(asked["openid"], asked["template_id"], scene)
    told = {"openid": asked["openid"], "template_id": asked["template_id"], "action": "confirm", "scene": str(scene)}
    return pages.lead(asked["redirect_url"], {**told, "reserved": asked["reserved"]})


TABLE: Table = {"/mp/subscribemsg": Endpoint(confirm, "GET", needs_token=False)}
