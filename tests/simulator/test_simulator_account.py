"""Quotas and setting them back, rids, addresses."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

QUOTA, CLEAR_ONE, RID = "/cgi-bin/openapi/quota/get", "/cgi-bin/openapi/quota/clear", "/cgi-bin/openapi/rid/get"
APP = {"appid": "wx1234567890abcdef"}
SECRET = {**APP, "appsecret": "demo-app-secret"}
Call = Callable[..., dict[str, Any]]


def test_a_quota_is_told_spent_and_set_back(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "1", "--start", "2026-11-03 09:00")
    asked = {"cgi_path": "/cgi-bin/user/get"}
    call(client, "/cgi-bin/user/get")
    assert call(client, QUOTA, asked)["quota"] == {"daily_limit": 500, "used": 1, "remain": 499}
    client.post("/_sim/quota", json={"path": "/cgi-bin/user/get", "limit": 1})
    assert call(client, "/cgi-bin/user/get")["errcode"] == 45009
    assert call(client, QUOTA, asked)["quota"] == {"daily_limit": 1, "used": 1, "remain": 0}
    assert call(client, CLEAR_ONE, asked)["errcode"] == 0
    assert "errcode" not in call(client, "/cgi-bin/user/get")
    assert call(client, "/cgi-bin/clear_quota", APP)["errcode"] == 0
    assert call(client, QUOTA, asked)["quota"]["used"] == 0
    client.post("/_sim/clock", json={"advance": 86400})
    assert call(client, QUOTA, asked)["quota"]["used"] == 0
    assert call(client, QUOTA, {"cgi_path": "/cgi-bin/message/mass/sendall"})["rate_limit"] == {"call_count": 60, "refresh_second": 60}


def test_the_two_ways_of_clearing_share_ten_times_a_month(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "1", "--start", "2026-11-29 09:00")
    for _ in range(5):
        assert call(client, "/cgi-bin/clear_quota", APP)["errcode"] == 0
        assert client.post("/cgi-bin/clear_quota/v2", json=SECRET).json()["errcode"] == 0
    assert call(client, "/cgi-bin/clear_quota", APP)["errcode"] == 48006
    assert client.post("/cgi-bin/clear_quota/v2", params=SECRET).json()["errcode"] == 48006
    client.post("/_sim/clock", json={"advance": 2 * 86400})
    assert client.post("/cgi-bin/clear_quota/v2", params=SECRET).json()["errcode"] == 0
    codes = [call(client, CLEAR_ONE, {"cgi_path": "/cgi-bin/user/get"})["errcode"] for _ in range(51)]
    assert (codes[:50], codes[50]) == ([0] * 50, 48006)


def test_clearing_needs_the_right_account(platform: httpx.Client, call: Call) -> None:
    assert call(platform, "/cgi-bin/clear_quota", {"appid": "wx0"})["errcode"] == 40013
    assert platform.post("/cgi-bin/clear_quota/v2", json={**SECRET, "appsecret": "guess"}).json()["errcode"] == 40125
    assert platform.post("/cgi-bin/clear_quota/v2").json()["errcode"] == 41002


@pytest.mark.parametrize(
    ("path", "errcode"), [("https://api.weixin.qq.com/cgi-bin/user/get", 76003), ("/sns/userinfo", 76022), ("/cgi-bin/nothing", 76021)]
)
def test_a_path_there_is_not_has_no_quota(platform: httpx.Client, call: Call, path: str, errcode: int) -> None:
    assert call(platform, QUOTA, {"cgi_path": path})["errcode"] == errcode
    assert call(platform, CLEAR_ONE, {"cgi_path": path})["errcode"] == errcode


def test_a_rid_leads_back_to_its_call_for_seven_days(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, token_of: Callable[..., str]
) -> None:
    client = launch(webhook.url, "--followers", "1")
    query = {"access_token": token_of(client), "openid": "oSimNobody"}
    rid = client.get("/cgi-bin/user/info", params=query).json()["errmsg"].partition("rid: ")[2]
    request = call(client, RID, {"rid": rid})["request"]
    assert (request["request_url"], "oSimNobody" in request["request_body"]) == ("/cgi-bin/user/info", True)
    assert "40003" in request["response_body"]
    assert query["access_token"] not in str(request)
    assert call(client, RID, {"rid": rid[:-1] + ("0" if rid[-1] != "0" else "1")})["errcode"] == 76001
    assert call(client, RID, {"rid": "what"})["errcode"] == 76002
    client.post("/_sim/clock", json={"advance": 8 * 86400})
    assert call(client, RID, {"rid": rid})["errcode"] == 76004


def test_the_network_is_this_machine(platform: httpx.Client, call: Call) -> None:
    assert call(platform, "/cgi-bin/get_api_domain_ip") == {"ip_list": ["127.0.0.1"]}
    found = call(platform, "/cgi-bin/callback/check", {"action": "all", "check_operator": "UNICOM"})
    assert found["dns"] == [{"ip": "127.0.0.1", "real_operator": "UNICOM"}]
    assert found["ping"][0]["package_loss"] == "0%"
    assert list(call(platform, "/cgi-bin/callback/check", {"action": "dns"})) == ["dns"]
    assert call(platform, "/cgi-bin/callback/check", {"action": "smell"})["errcode"] == 40202
    assert call(platform, "/cgi-bin/callback/check", {"action": "dns", "check_operator": "MARS"})["errcode"] == 40203
