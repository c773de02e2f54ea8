"""Web authorization: the page that asks, the code it gives, and the tokens and names the code is good for."""

import re

from simulator import pages
from simulator.authorizations import TOKEN_LIFETIME, Consent
from simulator.call import Answer, Call, Document, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World

SCOPES = ("snsapi_base", "snsapi_userinfo")
_STATE = re.compile(r"[A-Za-z0-9]{0,128}")


def authorize(world: World, call: Call) -> Document:
    """GET /connect/oauth2/authorize: asks who the visitor is, then leads to redirect_uri with `code` and `state`.

    Two parameters are the simulator's own: `openid` answers the question, and `snapshot=1` makes the visitor a virtual one.
    """
    if call.query.get("appid") != world.options.app_id:
        return pages.wrong("appid 参数错误", 10012)
    address, scope, state = (call.query.get(name, "") for name in ("redirect_uri", "scope", "state"))
    if not pages.is_address(address):
        return pages.wrong("redirect_uri 参数错误", 10003)
    if call.query.get("response_type") != "code":
        return pages.wrong("response_type 参数错误", 10004)
    if scope not in SCOPES:
        return pages.wrong("scope 参数错误或没有 scope 权限", 10005)
    if not _STATE.fullmatch(state):
        return pages.wrong("state 参数错误：只能是字母和数字，最多 128 字节", 10013)
    if not (openid := call.query.get("openid")):
        return pages.choose(
            world, call, "你是哪位粉丝？", f"「{world.options.name}」的网页想知道你是谁。选一位粉丝，就以他的身份打开网页。"
        )
    if world.crowd.find(openid) is None:
        return pages.wrong(f"没有这个粉丝：{openid}", 10006)
    code = world.authorizations.agree(openid, scope, call.query.get("snapshot") == "1", call.now)
    return pages.lead(address, {"code": code, "state": state} if state else {"code": code})


def redeem(world: World, call: Call) -> Answer:
    """GET /sns/oauth2/access_token: tokens for a code, once and within five minutes."""
    _check_app(world, call)
    if call.asked("secret", 41004) != world.options.secret:
        raise Refused(40125)
    if call.query.get("grant_type") != "authorization_code":
        raise Refused(40002)
    return _tokens(world.authorizations.redeem(call.asked("code", 41008), call.now))


def refresh(world: World, call: Call) -> Answer:
    """GET /sns/oauth2/refresh_token: two hours more."""
    _check_app(world, call)
    if call.query.get("grant_type") != "refresh_token":
        raise Refused(40002)
    return _tokens(world.authorizations.refresh(call.asked("refresh_token", 41003), call.now))


def check(world: World, call: Call) -> Answer:
    """GET /sns/auth: whether token and openid belong together and are good."""
    world.authorizations.check(call.query.get("access_token", ""), call.query.get("openid", ""), call.now)
    return {"errcode": 0, "errmsg": "ok"}


def person(world: World, call: Call) -> Answer:
    """GET /sns/userinfo: the name, for those who agreed to more than snsapi_base. Where somebody lives is told no more."""
    consent = world.authorizations.check(call.query.get("access_token", ""), call.query.get("openid", ""), call.now)
    if consent.scope != "snsapi_userinfo":
        raise Refused(48001)
    follower = world.crowd.find(consent.openid)
    if follower is None:
        raise Refused(40003)
    return {
        "openid": consent.openid,
        "nickname": "微信用户" if consent.snapshot else follower.name,
        "sex": 0,
        "language": "",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "privilege": [],
    }


def _check_app(world: World, call: Call) -> None:
    if call.asked("appid", 41002) != world.options.app_id:
        raise Refused(40013)


def _tokens(consent: Consent) -> Answer:
    answer = {
        "access_token": consent.token,
        "expires_in": TOKEN_LIFETIME,
        "refresh_token": consent.refresh_token,
        "openid": consent.openid,
        "scope": consent.scope,
    }
    return answer | ({"is_snapshotuser": 1} if consent.snapshot else {})


TABLE: Table = {
    "/connect/oauth2/authorize": Endpoint(authorize, "GET", needs_token=False),
    "/sns/oauth2/access_token": Endpoint(redeem, "GET", needs_token=False),
    "/sns/oauth2/refresh_token": Endpoint(refresh, "GET", needs_token=False),
    "/sns/auth": Endpoint(check, "GET", needs_token=False),
    "/sns/userinfo": Endpoint(person, "GET", needs_token=False),
}
