"""Agents of the customer service: who there is, who is online, and who talks to whom."""

import re

from simulator.call import Answer, Call, Endpoint, Table
from simulator.conversation import preview
from simulator.endpoints.media import file_of
from simulator.errors import Refused
from simulator.media import kind_of
from simulator.service_desk import Agent, Session
from simulator.world import World

OK: Answer = {"errcode": 0, "errmsg": "ok"}
MOST = 100
NICK_LIMIT = 16
MOST_RECORDS = 10_000
LONGEST_SPAN = 86400
"""Seconds one look at the records may span."""
OPERATIONS = {"account": 2002, "follower": 2003}
"""The `opercode` of a message by whose side it is from."""
_ACCOUNT = re.compile(r"[A-Za-z0-9_]{1,10}@\w+")


def list_all(world: World, call: Call) -> Answer:
    """GET /cgi-bin/customservice/getkflist."""
    return {"kf_list": [_described(agent) for agent in world.desk.agents.values()]}


def list_online(world: World, call: Call) -> Answer:
    """GET /cgi-bin/customservice/getonlinekflist, with the number of talks each has."""
    online = [agent for agent in world.desk.agents.values() if agent.online]
    return {
        "kf_online_list": [
            {"kf_account": agent.account, "status": 1, "kf_id": str(agent.number), "accepted_case": len(world.desk.talks(agent.account))}
            for agent in online
        ]
    }


def add(world: World, call: Call) -> Answer:
    """POST /customservice/kfaccount/add: an agent nobody sits at yet."""
    account = call.text("kf_account", 65404)
    if not _ACCOUNT.fullmatch(account):
        raise Refused(65404)
    nick = _nick(call)
    if account in world.desk.agents:
        raise Refused(65406)
    if len(world.desk.agents) >= MOST:
        raise Refused(65405)
    world.desk.add(account, nick)
    return OK


def update(world: World, call: Call) -> Answer:
    """POST /customservice/kfaccount/update: another nickname."""
    agent = _agent(world, call.body.get("kf_account"))
    agent.nick = _nick(call)
    return OK


def invite(world: World, call: Call) -> Answer:
    """POST /customservice/kfaccount/inviteworker: the person of this WeChat id comes at once and is online."""
    agent = _agent(world, call.body.get("kf_account"))
    agent.wechat = call.text("invite_wx", 65409)
    return OK


def picture(world: World, call: Call) -> Answer:
    """POST /customservice/kfaccount/uploadheadimg?kf_account=…: a jpg, in a form as `media`."""
    agent = _agent(world, call.query.get("kf_account"))
    file = file_of(call)
    if kind_of(file.content) != "image/jpeg":
        raise Refused(40005)
    media_id = world.media.keep("picture", "image/jpeg", file.name, file.content, call.now)
    agent.head_url = f"{call.origin}/_sim/media/{media_id}"
    return OK


def remove(world: World, call: Call) -> Answer:
    """GET /customservice/kfaccount/del?kf_account=…; older clients POST it."""
    world.desk.dismiss(_agent(world, call.query.get("kf_account") or call.body.get("kf_account")).account)
    return OK


def open_session(world: World, call: Call) -> Answer:
    """POST /customservice/kfsession/create: the follower is talking to this agent, and the webhook hears of it."""
    agent = _agent(world, call.body.get("kf_account"))
    openid = _openid(world, call.body.get("openid"))
    if not agent.online:
        raise Refused(65415)
    held = world.desk.sessions.get(openid)
    if held is not None and held.account != agent.account:
        raise Refused(65414)
    if held is None:
        world.desk.sessions[openid] = Session(agent.account, call.now)
        world.receipts.report(openid, {"Event": "kf_create_session", "KfAccount": agent.account})
    return OK


def close_session(world: World, call: Call) -> Answer:
    """POST /customservice/kfsession/close: the talk is over, and the webhook hears of it."""
    agent = _agent(world, call.body.get("kf_account"))
    openid = _openid(world, call.body.get("openid"))
    held = world.desk.sessions.get(openid)
    if held is None or held.account != agent.account:
        raise Refused(65413)
    del world.desk.sessions[openid]
    world.receipts.report(openid, {"Event": "kf_close_session", "KfAccount": agent.account})
    return OK


def session(world: World, call: Call) -> Answer:
    """GET /customservice/kfsession/getsession?openid=…"""
    held = world.desk.sessions.get(_openid(world, call.query.get("openid")))
    return {**OK, "createtime": int(held.began_at) if held else 0, "kf_account": held.account if held else ""}


def sessions(world: World, call: Call) -> Answer:
    """GET /customservice/kfsession/getsessionlist?kf_account=…"""
    talks = world.desk.talks(_agent(world, call.query.get("kf_account")).account)
    return {"sessionlist": [{"createtime": int(held.began_at), "openid": openid} for openid, held in talks.items()]}


def waiting(world: World, call: Call) -> Answer:
    """GET /customservice/kfsession/getwaitcase: nobody waits here, agents take whoever comes."""
    return {"count": 0, "waitcaselist": []}


def records(world: World, call: Call) -> Answer:
    """POST /customservice/msgrecord/getmsglist: what was said within a day at most, at most 10,000 messages after `msgid`, the oldest first."""
    begin, end, after = call.number("starttime", 65416), call.number("endtime", 65416), call.number("msgid", 65416)
    number = call.number("number", 65416)
    if begin > end or not 1 <= number <= MOST_RECORDS:
        raise Refused(65416)
    if end - begin > LONGEST_SPAN:
        raise Refused(65417)
    said = [
        (int(message["id"]), openid, message)
        for openid in world.conversations.recent()
        for message in world.conversations.of(openid)
        if begin <= message["at"] <= end and int(message["id"]) > after and message["side"] in OPERATIONS
    ]
    page = sorted(said, key=lambda entry: entry[0])[:number]
    listed = [
        {
            "openid": openid,
            "opercode": OPERATIONS[message["side"]],
            "text": preview(message),
            "time": int(message["at"]),
            "worker": message.get("agent", ""),
        }
        for _, openid, message in page
    ]
    return {"recordlist": listed, "number": len(listed), "msgid": page[-1][0] if page else after}


def _agent(world: World, account: object) -> Agent:
    agent = world.desk.find(account)
    if agent is None:
        raise Refused(65401)
    return agent


def _openid(world: World, openid: object) -> str:
    follower = world.crowd.find(openid)
    if follower is None:
        raise Refused(40003)
    return follower.openid


def _nick(call: Call) -> str:
    nick = call.text("nickname", 65403)
    if len(nick) > NICK_LIMIT:
        raise Refused(65403)
    return nick


def _described(agent: Agent) -> Answer:
    facts = {"kf_account": agent.account, "kf_headimgurl": agent.head_url, "kf_id": str(agent.number), "kf_nick": agent.nick}
    return facts | ({"kf_wx": agent.wechat} if agent.wechat else {})


TABLE: Table = {
    "/cgi-bin/customservice/getkflist": Endpoint(list_all, "GET"),
    "/cgi-bin/customservice/getonlinekflist": Endpoint(list_online, "GET"),
    "/customservice/kfaccount/add": Endpoint(add, "POST"),
    "/customservice/kfaccount/update": Endpoint(update, "POST"),
    "/customservice/kfaccount/inviteworker": Endpoint(invite, "POST"),
    "/customservice/kfaccount/uploadheadimg": Endpoint(picture, "POST", takes="form"),
    "/customservice/kfaccount/del": Endpoint(remove, "ANY", takes="any"),
    "/customservice/kfsession/create": Endpoint(open_session, "POST"),
    "/customservice/kfsession/close": Endpoint(close_session, "POST"),
    "/customservice/kfsession/getsession": Endpoint(session, "GET"),
    "/customservice/kfsession/getsessionlist": Endpoint(sessions, "GET"),
    "/customservice/kfsession/getwaitcase": Endpoint(waiting, "GET"),
    "/customservice/msgrecord/getmsglist": Endpoint(records, "POST"),
}
