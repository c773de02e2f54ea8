"""Web authorization: who the visitor is, what the code is good for, and how long."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from wechatpy import WeChatOAuth
from wechatpy.exceptions import WeChatOAuthException

from simulator.authorizations import Authorizations
from simulator.errors import Refused

CODE_LIFETIME, TOKEN_LIFETIME, REFRESH_LIFETIME = 300, 7200, 30 * 86400
ASK = "/connect/oauth2/authorize"
APP = {"appid": "wx1234567890abcdef", "secret": "demo-app-secret"}
GOOD = {
    "appid": APP["appid"],
    "redirect_uri": "https://example.com/back",
    "response_type": "code",
    "scope": "snsapi_userinfo",
    "state": "s1",
}


def _code(platform: httpx.Client, openid: str, **more: str) -> str:
    answer = platform.get(ASK, params={**GOOD, "openid": openid, **more})
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def _sns(platform: httpx.Client, path: str, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = platform.get(f"/sns/{path}", params=query).json()
    return answer


def _redeem(platform: httpx.Client, given: str, **change: str) -> dict[str, Any]:
    return _sns(platform, "oauth2/access_token", **{**APP, "code": given, "grant_type": "authorization_code", **change})


def test_the_page_asks_who_is_there_and_each_name_leads_back(platform: httpx.Client) -> None:
    page = platform.get(ASK, params=GOOD)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    people = platform.get("/_sim/followers", params={"limit": 500}).json()["followers"]
    shown = [person for person in people if f"openid={person['openid']}" in page.text]
    assert len(shown) == 30
    found = platform.get(ASK, params={**GOOD, "search": people[-1]["name"]})
    assert f"openid={people[-1]['openid']}" in found.text
    target = platform.get(ASK, params={**GOOD, "redirect_uri": "https://example.com/back?a=1#top", "openid": people[0]["openid"]})
    parts = urlsplit(target.headers["location"])
    assert (parts.netloc, parts.path, parts.fragment) == ("example.com", "/back", "top")
    assert parse_qs(parts.query).keys() == {"a", "code", "state"}


def test_whatever_an_address_brings_along_is_text_on_the_page(platform: httpx.Client) -> None:
    evil = '"><script>alert(1)</script>'
    for change in ({"search": evil}, {"redirect_uri": f"https://example.com/{evil}"}, {"x": evil}, {"openid": evil}, {evil: "x"}):
        page = platform.get(ASK, params={**GOOD, **change})
        assert "<script>" not in page.text
    away = platform.get(ASK, params={**GOOD, "redirect_uri": "https://example.com/a\r\nSet-Cookie: x=1", "openid": _someone(platform)})
    assert "set-cookie" not in away.headers


def _someone(platform: httpx.Client) -> str:
    return str(platform.get("/_sim/followers", params={"limit": 1}).json()["followers"][0]["openid"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"appid": "wx0"}, "appid"), ({"redirect_uri": ""}, "redirect_uri"), ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": "//example.com"}, "redirect_uri"), ({"redirect_uri": "http://["}, "redirect_uri"), ({"scope": "snsapi_login"}, "scope"),
        ({"response_type": "token"}, "response_type"), ({"state": "s" * 129}, "state"), ({"state": "a b"}, "state"), ({"openid": "x"}, "没有这个粉丝"),
    ],
)  # fmt: skip
def test_a_wrong_address_leads_nowhere(platform: httpx.Client, change: dict[str, str], words: str) -> None:
    page = platform.get(ASK, params={**GOOD, **change})
    assert (page.status_code, words in page.text, "错误码" in page.text) == (200, True, True)


def test_a_code_is_good_once_and_only_for_the_account_it_was_given_to(platform: httpx.Client, openid: str) -> None:
    code = _code(platform, openid)
    for change, errcode in (({"appid": "wx0"}, 40013), ({"secret": "wrong"}, 40125), ({"grant_type": "x"}, 40002), ({"code": ""}, 41008)):
        assert _redeem(platform, code, **change)["errcode"] == errcode
    tokens = _redeem(platform, code)
    assert tokens.keys() == {"access_token", "expires_in", "refresh_token", "openid", "scope"}
    assert (tokens["openid"], tokens["scope"], tokens["expires_in"]) == (openid, "snsapi_userinfo", 7200)
    used = _redeem(platform, code)
    assert used["errcode"] == 40163
    assert used["errmsg"].startswith("code been used, rid: ")
    assert _redeem(platform, "0" * 32)["errcode"] == 40029


def test_the_name_is_for_those_who_agreed_to_more_than_being_known(
    platform: httpx.Client, openid: str, token_of: Callable[..., str]
) -> None:
    tokens = _redeem(platform, _code(platform, openid))
    person = _sns(platform, "userinfo", access_token=tokens["access_token"], openid=openid, lang="zh_CN")
    followers = platform.get("/_sim/followers", params={"search": openid}).json()["followers"]
    assert (person["openid"], person["nickname"]) == (openid, followers[0]["name"])
    base = _redeem(platform, _code(platform, openid, scope="snsapi_base"))
    assert _sns(platform, "userinfo", access_token=base["access_token"], openid=openid)["errcode"] == 48001
    assert _sns(platform, "auth", access_token=base["access_token"], openid=openid)["errcode"] == 0
    assert _sns(platform, "auth", access_token=base["access_token"], openid=_someone(platform))["errcode"] == 40003
    foreign = _sns(platform, "userinfo", access_token=token_of(platform), openid=openid)
    assert foreign["errmsg"].startswith("invalid credential, access_token is invalid or not latest, rid: ")


def test_a_virtual_visitor_is_marked_so_that_nobody_binds_it(platform: httpx.Client, openid: str) -> None:
    tokens = _redeem(platform, _code(platform, openid, snapshot="1"))
    assert tokens["is_snapshotuser"] == 1
    assert _sns(platform, "userinfo", access_token=tokens["access_token"], openid=openid)["nickname"] == "微信用户"


def test_codes_live_five_minutes_tokens_two_hours_and_refresh_tokens_thirty_days() -> None:
    desk = Authorizations("seed")
    late, code = (desk.agree("o", "snsapi_base", False, 0.0) for _ in range(2))
    consent = desk.redeem(code, CODE_LIFETIME - 1)
    _refused(42003, lambda: desk.redeem(late, CODE_LIFETIME))
    token, begun = consent.token, CODE_LIFETIME - 1
    desk.check(token, "o", begun + TOKEN_LIFETIME - 1)
    _refused(42001, lambda: desk.check(token, "o", begun + TOKEN_LIFETIME))
    assert desk.refresh(consent.refresh_token, begun + TOKEN_LIFETIME).token != token
    renewed = consent.token
    assert desk.refresh(consent.refresh_token, begun + TOKEN_LIFETIME + 1).token == renewed
    _refused(42002, lambda: desk.refresh(consent.refresh_token, begun + REFRESH_LIFETIME))
    _refused(40030, lambda: desk.refresh("x", 0.0))


def _refused(errcode: int, act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as refused:
        act()
    assert refused.value.errcode == errcode


def test_no_secret_of_a_visitor_is_in_the_journal(platform: httpx.Client, openid: str) -> None:
    tokens = _redeem(platform, _code(platform, openid))
    _sns(platform, "oauth2/refresh_token", appid=APP["appid"], grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    log = platform.get("/_sim/log", params={"kind": "api", "limit": 50_000}).text
    assert tokens["access_token"] not in log
    assert tokens["refresh_token"] not in log
    assert "demo-app-secret" not in log


def test_wechatpys_oauth_works_with_nothing_changed_but_the_address(platform: httpx.Client, openid: str) -> None:
    base = str(platform.base_url).rstrip("/")

    class OAuth(WeChatOAuth):  # type: ignore[misc]
        API_BASE_URL = f"{base}/"
        OAUTH_BASE_URL = f"{base}/connect/"

    oauth = OAuth(APP["appid"], APP["secret"], "https://example.com/back?a=1", "snsapi_userinfo", "s1")
    oauth._http.trust_env = False  # a proxy in the environment is not for this machine itself
    asked = oauth.authorize_url.partition("#")[0]
    answer = httpx.get(f"{asked}&openid={openid}", trust_env=False)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    oauth.fetch_access_token(code)
    assert oauth.open_id == openid
    assert oauth.check_access_token()
    assert oauth.get_user_info()["openid"] == openid
    assert oauth.refresh_access_token(oauth.refresh_token)["openid"] == openid
    with pytest.raises(WeChatOAuthException) as refused:
        oauth.fetch_access_token(code)
    assert refused.value.errcode == 40163
