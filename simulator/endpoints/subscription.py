"""Subscription notices: sent to those who agreed, one for each time they did; and the one-time link that came before them."""

from simulator import templates
from simulator.call import Answer, Call, Endpoint, Table, whole
from simulator.endpoints.template_messages import card, check_mini_program
from simulator.errors import Refused
from simulator.subscriptions import NotAgreed
from simulator.world import World

OK: Answer = {"errcode": 0, "errmsg": "ok"}
SCENES = range(10_001)
TITLE_LIMIT, CONTENT_LIMIT = 15, 200


def send(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/subscribe/bizsend: on the phone, whether or not the person follows; subscribe_msg_sent_event reports it."""
    follower = world.crowd.find(call.text("touser", 40003))
    if follower is None:
        raise Refused(40003)
    template = world.subscriptions.templates.get(call.text("template_id", 40037))
    if template is None:
        raise Refused(40037)
    data = call.body.get("data")
    if not isinstance(data, dict):
        raise Refused(47003, "argument invalid! data is invalid")
    check_mini_program(world, call)
    templates.check(template, data)
    try:
        world.subscriptions.spend(follower.openid, template.template_id)
    except NotAgreed:
        raise Refused(43101) from None
    shown = card(template, data, call)
    shown["url"] = str(call.body.get("page") or shown["url"])
    world.conversations.add(follower.openid, "account", {**shown, "via": "subscription"})
    msgid = world.ids.next()
    call.note |= {"delivered": True, "msgid": msgid}
    result = {"TemplateId": template.template_id, "MsgID": msgid, "ErrorCode": 0, "ErrorStatus": "success"}
    world.receipts.report(follower.openid, {"Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": [result]}})
    return OK


def send_once(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/template/subscribe: the one message a confirmed link allows for its scene."""
    follower = world.crowd.find(call.text("touser", 40003))
    if follower is None:
        raise Refused(40003)
    template = world.templates.get(call.text("template_id", 40037)) or world.subscriptions.templates.get(call.body["template_id"])
    if template is None:
        raise Refused(40037)
    scene, title, text = _scene(call.body.get("scene")), call.text("title", 45003), _content(call)
    if len(title) > TITLE_LIMIT:
        raise Refused(45003)
    try:
        world.subscriptions.spend_link(follower.openid, template.template_id, scene)
    except NotAgreed:
        raise Refused(43101) from None
    url = call.body.get("url")
    shown = {"type": "template", "title": title, "lines": [{"label": "", "value": text}], "url": url if isinstance(url, str) else ""}
    world.conversations.add(follower.openid, "account", {**shown, "via": "subscription"})
    call.note |= {"delivered": True}
    return OK


def _scene(given: object) -> int:
    """The official page says the scene is a text, clients send numbers; both are read."""
    scene = whole(given)
    if scene is None or scene not in SCENES:
        raise Refused(40097)
    return scene


def _content(call: Call) -> str:
    data = call.body.get("data")
    content = data.get("content") if isinstance(data, dict) else None
    value = content.get("value") if isinstance(content, dict) else None
    if not isinstance(value, str) or not value:
        raise Refused(47003, "argument invalid! data.content.value is empty")
    if len(value) > CONTENT_LIMIT:
        raise Refused(45002)
    return value


TABLE: Table = {
    "/cgi-bin/message/subscribe/bizsend": Endpoint(send, "POST", daily=100_000),
    "/cgi-bin/message/template/subscribe": Endpoint(send_once, "POST", daily=100_000),
}
