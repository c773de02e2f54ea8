"""The account's blacklist."""

from collections.abc import Callable
from typing import Any

import httpx

GET, ADD, REMOVE = (f"/cgi-bin/tags/members/{name}" for name in ("getblacklist", "batchblacklist", "batchunblacklist"))
Call = Callable[..., dict[str, Any]]


def test_twenty_at_once_are_listed_and_taken_off_again(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "30")
    people = call(client, "/cgi-bin/user/get")["data"]["openid"]
    assert call(client, GET, {"begin_openid": ""}) == {"total": 0, "count": 0, "next_openid": ""}
    assert call(client, ADD, {"openid_list": people[:21]})["errcode"] == 40032
    assert call(client, ADD, {"openid_list": people[:20]})["errcode"] == 0
    assert call(client, GET, {"begin_openid": people[17]})["data"]["openid"] == people[18:20]
    assert call(client, REMOVE, {"openid_list": people[1:20]})["errcode"] == 0
    expected = {"total": 1, "count": 1, "data": {"openid": people[:1]}, "next_openid": people[0]}
    assert call(client, GET, {}) == expected
    message = {"touser": people[0], "msgtype": "text", "text": {"content": "在吗"}}
    assert call(client, "/cgi-bin/message/custom/send", message)["errcode"] == 43019
    assert call(client, GET, {"begin_openid": "oSimNobody"})["errcode"] == 40003
    assert call(client, ADD, {"openid_list": ["oSimNobody"]})["errcode"] == 40003


def test_a_thousand_fit_a_page(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "1001")
    people = call(client, "/cgi-bin/user/get")["data"]["openid"]
    for start in range(0, 1001, 20):
        call(client, ADD, {"openid_list": people[start : start + 20]})
    first = call(client, GET, {"begin_openid": ""})
    assert (first["total"], first["count"], first["next_openid"]) == (1001, 1000, people[999])
    assert call(client, GET, {"begin_openid": first["next_openid"]})["data"]["openid"] == people[1000:]
    assert "data" not in call(client, GET, {"begin_openid": people[1000]})
