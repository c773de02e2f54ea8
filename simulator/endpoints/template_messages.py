"""Template messages: accepted here, shown on the phone, reported by a receipt a moment later."""

from simulator import templates
from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World


def send(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/template/send. A repeated client_msg_id gets the first msgid again and delivers nothing."""
    openid = call.text("touser", 40003)
    follower = world.crowd.find(openid)
    if follower is None:
        raise Refused(40003)
    template = world.templates.get(call.text("template_id", 40037))
    if template is None:
        raise Refused(40037)
    data = call.body.get("data")
    if not isinstance(data, dict):
        raise Refused(47001)
    if not follower.subscribed:
        raise Refused(43004)
    if follower.blacklisted:
        raise Refused(43019)
    templates.check(template, data)

    client_msg_id = call.body.get("client_msg_id")
    known = world.repeats.earlier(openid, client_msg_id, call.now) if isinstance(client_msg_id, str) else None
    msgid = known or world.ids.next()
    call.note |= {"delivered": known is None and not follower.muted, "repeat": known is not None, "msgid": msgid}
    if known is None:
        if isinstance(client_msg_id, str):
            world.repeats.remember(openid, client_msg_id, msgid, call.now)
        if not follower.muted:
            card = {"type": "template", "title": template.title, "lines": templates.lines(template, data), "url": _jump(call)}
            world.conversations.add(openid, "account", {**card, "via": "template"})
        world.receipts.expect(msgid, openid, "failed:user block" if follower.muted else "success")
    return {"errcode": 0, "errmsg": "ok", "msgid": msgid}


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


def _jump(call: Call) -> str:
    url = call.body.get("url")
    return url if isinstance(url, str) else ""


TABLE: Table = {
    "/cgi-bin/message/template/send": Endpoint(send, "POST", daily=100_000),
    "/cgi-bin/template/get_all_private_template": Endpoint(list_all, "GET"),
}
