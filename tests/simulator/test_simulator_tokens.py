"""Tokens and the checks before every call."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

GOOD = {"grant_type": "client_credential", "appid": "wx1234567890abcdef", "secret": "demo-app-secret"}


@pytest.mark.parametrize(
    ("change", "errcode", "errmsg"),
    [
        ({"appid": "wx0"}, 40013, "invalid appid"),
        ({"appid": "wx0", "grant_type": "x"}, 40013, "invalid appid"),
        ({"secret": "wrong"}, 40125, "invalid appsecret"),
        ({"grant_type": "password"}, 40002, "invalid grant_type"),
        ({"appid": ""}, 41002, "appid missing"),
        ({"secret": ""}, 41004, "appsecret missing"),
    ],
)
def test_both_token_desks_say_what_is_wrong(platform: httpx.Client, change: dict[str, str], errcode: int, errmsg: str) -> None:
    for answer in (platform.post("/cgi-bin/stable_token", json=GOOD | change), platform.get("/cgi-bin/token", params=GOOD | change)):
        assert answer.status_code == 200
        assert answer.json()["errcode"] == errcode
        assert answer.json()["errmsg"].startswith(f"{errmsg} rid: ")


def test_a_rid_begins_with_the_time_in_hex(platform: httpx.Client) -> None:
    errmsg = platform.get("/cgi-bin/user/get").json()["errmsg"]
    rid = re.fullmatch(r"access_token missing rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}", errmsg)
    assert rid is not None
    assert abs(int(rid.group(1), 16) - time.time()) < 5


def test_the_stable_token_stays_until_it_is_forced_and_then_the_old_one_is_dead(launch: Callable[..., httpx.Client], webhook: Any) -> None:
    client = launch(webhook.url, "--followers", "1")
    first = client.post("/cgi-bin/stable_token", json=GOOD).json()
    assert client.post("/cgi-bin/stable_token", json=GOOD).json()["access_token"] == first["access_token"]
    assert 7190 <= first["expires_in"] <= 7200
    forced = client.post("/cgi-bin/stable_token", json={**GOOD, "force_refresh": True}).json()["access_token"]
    assert forced != first["access_token"]
    assert client.get("/cgi-bin/user/get", params={"access_token": first["access_token"]}).json()["errcode"] == 40001
    assert "errcode" not in client.get("/cgi-bin/user/get", params={"access_token": forced}).json()
    assert client.post("/cgi-bin/stable_token", json={**GOOD, "force_refresh": True}).json()["errcode"] == 45011
    client.post("/_sim/expire_tokens")
    assert client.get("/cgi-bin/user/get", params={"access_token": forced}).json()["errcode"] == 40001
    assert client.post("/cgi-bin/stable_token", json=GOOD).json()["access_token"] not in (forced, first["access_token"])


def test_the_plain_token_is_new_each_time_and_the_one_before_works_on(platform: httpx.Client, token_of: Callable[..., str]) -> None:
    stable = token_of(platform)
    first, second = (platform.get("/cgi-bin/token", params=GOOD).json()["access_token"] for _ in range(2))
    assert first != second
    for token in (first, second, stable):
        assert platform.get("/cgi-bin/getcallbackip", params={"access_token": token}).json() == {"ip_list": ["127.0.0.1"]}


def test_the_method_is_looked_at_before_the_token_and_the_token_before_the_body(
    platform: httpx.Client, token_of: Callable[..., str]
) -> None:
    send, token = "/cgi-bin/message/template/send", {"access_token": token_of(platform)}
    assert platform.get(send).json()["errcode"] == 43002
    assert platform.post("/cgi-bin/user/get").json()["errcode"] == 43001
    assert platform.post(send, content=b"{").json()["errcode"] == 41001
    assert platform.post(send, params={"access_token": "forged"}, content=b"{").json()["errcode"] == 40001
    assert platform.post(send, params=token).json()["errcode"] == 44002
    assert platform.post(send, params=token, content=b"{").json()["errcode"] == 47001
    assert platform.post(send, params=token, content=b"[]").json()["errcode"] == 47001
    assert platform.get("/cgi-bin/no/such/thing").json()["errcode"] == 40066
