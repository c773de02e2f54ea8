"""The account's own affairs: quotas and setting them back, what a rid stands for, addresses, the check of the network."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import orjson

from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World

UNPUBLISHED = 10_000_000
"""The daily limit said of a path for which no number is published."""
MINUTE = 60
RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")
RID_MEMORY = 7 * 86400
HERE = "127.0.0.1"
ACTIONS = frozenset({"dns", "ping", "all"})
OPERATORS = frozenset({"DEFAULT", "CHINANET", "UNICOM", "CAP"})


def api_addresses(world: World, call: Call) -> Answer:
    """GET /cgi-bin/get_api_domain_ip: where the API is."""
    return {"ip_list": [HERE]}


def check_callback(world: World, call: Call) -> Answer:
    """POST /cgi-bin/callback/check: how the platform finds and reaches the server. On one machine there is not much to find."""
    if str(call.body.get("action")) not in ACTIONS:
        raise Refused(40202)
    if (operator := str(call.body.get("check_operator", "DEFAULT"))) not in OPERATORS:
        raise Refused(40203)
    host = urlsplit(world.options.webhook).hostname
    if not host:
        raise Refused(40201)
    real = "CAP" if operator == "DEFAULT" else operator
    dns = [{"ip": _address(host), "real_operator": real}]
    ping = [{"ip": _address(host), "from_operator": real, "package_loss": "0%", "time": "0.100ms"}]
    found = {"dns": dns, "ping": ping}
    return found if call.body["action"] == "all" else {call.body["action"]: found[call.body["action"]]}


def clear_all(world: World, call: Call) -> Answer:
    """POST /cgi-bin/clear_quota: every counter of the day is back at nothing, ten times a month."""
    if call.text("appid", 41002) != world.options.app_id:
        raise Refused(40013)
    world.quotas.clear()
    return {"errcode": 0, "errmsg": "ok"}


def clear_all_by_secret(world: World, call: Call) -> Answer:
    """POST /cgi-bin/clear_quota/v2: the same without a token. The official page has the two in the body and, as an example, in the query."""
    given = {**call.query, **call.body}
    if not given.get("appid"):
        raise Refused(41002)
    if given["appid"] != world.options.app_id:
        raise Refused(40013)
    if not given.get("appsecret"):
        raise Refused(41004)
    if given["appsecret"] != world.options.secret:
        raise Refused(40125)
    world.quotas.clear()
    return {"errcode": 0, "errmsg": "ok"}


def rid(world: World, call: Call) -> Answer:
    """POST /cgi-bin/openapi/rid/get: the call that was answered with this rid, within seven days and the journal's memory."""
    asked = call.body.get("rid")
    if not isinstance(asked, str) or not RID.fullmatch(asked):
        raise Refused(76002)
    if call.now - int(asked[:8], 16) > RID_MEMORY:
        raise Refused(76004)
    found = world.journal.latest("api", f"rid: {asked}")
    if found is None:
        raise Refused(76001)
    entry = orjson.loads(found)
    request: Answer = {
        "invoke_time": int(entry["at"]),
        "cost_in_ms": 1,
        "request_url": entry["path"],
        "request_body": orjson.dumps(entry["request"]).decode(),
        "response_body": orjson.dumps(entry["response"]).decode(),
        "client_ip": HERE,
    }
    return {"errcode": 0, "errmsg": "ok", "request": request}


def table(known: Table) -> Table:
    """This area's paths; `known` is where the quotas of all paths, these too, are looked up."""

    def quota(world: World, call: Call) -> Answer:
        """POST /cgi-bin/openapi/quota/get."""
        path, endpoint = _known(call, known)
        limit, used = world.quotas.of(path, endpoint.daily)
        limit = UNPUBLISHED if limit is None else limit
        answer: dict[str, Any] = {"quota": {"daily_limit": limit, "used": used, "remain": max(0, limit - used)}}
        if path in world.quotas.rates:
            answer["rate_limit"] = {"call_count": world.quotas.rates[path], "refresh_second": MINUTE}
        return {"errcode": 0, "errmsg": "ok", **answer}

    def clear_one(world: World, call: Call) -> Answer:
        """POST /cgi-bin/openapi/quota/clear: the counter of one path, fifty times a month."""
        world.quotas.clear_one(_known(call, known)[0])
        return {"errcode": 0, "errmsg": "ok"}

    return {
        "/cgi-bin/get_api_domain_ip": Endpoint(api_addresses, "GET"),
        "/cgi-bin/callback/check": Endpoint(check_callback, "POST"),
        "/cgi-bin/clear_quota": Endpoint(clear_all, "POST"),
        "/cgi-bin/clear_quota/v2": Endpoint(clear_all_by_secret, "POST", needs_token=False, takes="any"),
        "/cgi-bin/openapi/quota/get": Endpoint(quota, "POST"),
        "/cgi-bin/openapi/quota/clear": Endpoint(clear_one, "POST"),
        "/cgi-bin/openapi/rid/get": Endpoint(rid, "POST"),
    }


def _known(call: Call, known: Table) -> tuple[str, Endpoint]:
    path = call.body.get("cgi_path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise Refused(76003)
    if path.startswith("/sns/"):
        raise Refused(76022)
    if path not in known:
        raise Refused(76021)
    return path, known[path]


def _address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return HERE
