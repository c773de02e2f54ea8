"""Template messages: accepted here, shown on the phone, reported by a receipt a moment later."""

from collections.abc import Mapping
from typing import Any

from simulator import templates
from simulator.call import Answer, Call, Endpoint, Table
from simulator.crowd import Follower
from simulator.errors import Refused
from simulator.templates import Template
from simulator.world import World


def send(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/template/send. A repeated client_msg_id gets the first msgid again and delivers nothing."""
    follower, template, data = _checked(world, call)
    client_msg_id = call.body.get("client_msg_id")
    known = world.repeats.earlier(follower.openid, client_msg_id, call.now) if isinstance(client_msg_id, str) else None
    msgid = known or world.ids.next()
    call.note |= {"delivered": False, "repeat": known is not None, "msgid": msgid}
    if known is None:
        if isinstance(client_msg_id, str):
            world.repeats.remember(follower.openid, client_msg_id, msgid, call.now)
        status = world.receipts.status(follower.muted)
        if status == "success":
            call.note["delivered"] = True
            world.conversations.add(follower.openid, "account", {**card(template, data, call), "via": "template"})
        world.receipts.expect(msgid, follower.openid, status)
    return {"errcode": 0, "errmsg": "ok", "msgid": msgid}


def _checked(world: World, call: Call) -> tuple[Follower, Template, Mapping[str, Any]]:
    """To whom, which, and with what; refused in the platform's order."""
    follower = world.crowd.find(call.text("touser", 40003))
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
    check_mini_program(world, call)
    templates.check(template, data)
    _refuse_marketing(world, call, template, data)
    return follower, template, data


def check_mini_program(world: World, call: Call) -> None:
    """Returns when the call names no mini-program, or one that is linked to the account."""
    target = call.body.get("miniprogram")
    if not target:
        return
    app_id = target.get("appid") if isinstance(target, dict) else None
    if not isinstance(app_id, str) or not app_id or (world.settings.mini_programs and app_id not in world.settings.mini_programs):
        raise Refused(40013)


def _refuse_marketing(world: World, call: Call, template: Template, data: Mapping[str, Any]) -> None:
    """What holds a marketing word is refused, and kept for queryblocktmplmsg."""
    if not (words := world.settings.marketing_words):
        return
    text = "\n".join(f"{line['label']}：{line['value']}" for line in templates.lines(template, data))
    if any(word in text for word in words):
        facts = {"tmpl_msg_id": template.template_id, "title": template.title, "content": text}
        world.blocked.append({"id": len(world.blocked) + 1, **facts, "send_timestamp": int(call.now), "openid": call.body["touser"]})
        raise Refused(40249)


def card(template: Template, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The card on the phone: a mini-program goes before the address, where both are given."""
    url, target = call.body.get("url"), call.body.get("miniprogram")
    shown: dict[str, Any] = {
        "type": "template",
        "title": template.title,
        "lines": templates.lines(template, data),
        "url": url if isinstance(url, str) else "",
    }
    if isinstance(target, dict) and target:
        shown["mini_program"] = {"app_id": target.get("appid", ""), "path": str(target.get("pagepath", target.get("path", "")))}
    return shown


TABLE: Table = {"/cgi-bin/message/template/send": Endpoint(send, "POST", daily=100_000)}
