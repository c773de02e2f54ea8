"""Somebody else's client works against the simulator with nothing changed but its address."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException


def _client(platform: httpx.Client) -> Any:
    base = str(platform.base_url).rstrip("/")

    class Client(WeChatClient):  # type: ignore[misc]
        API_BASE_URL = f"{base}/cgi-bin/"

        def fetch_access_token(self) -> Any:
            query = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(f"{base}/cgi-bin/token", query)

    client = Client("wx1234567890abcdef", "demo-app-secret")
    client._http.trust_env = False  # a proxy in the environment is not for this machine itself
    return client


@pytest.mark.usefixtures("webhook")
def test_wechatpys_client_lists_followers_and_sends(platform: httpx.Client, openid: str, log: Callable[..., list[dict[str, Any]]]) -> None:
    client = _client(platform)
    followers = list(client.user.iter_followers())
    assert openid in followers
    assert client.user.get(openid)["subscribe"] == 1
    assert [info["openid"] for info in client.user.get_batch(followers[-3:])] == followers[-3:]
    assert {"id": 100, "name": "上海"}.items() <= client.tag.get()[0].items()
    assert client.tag.get_user_tag(openid) == client.user.get(openid)["tagid_list"]
    data = {"thing1": {"value": "本周精选"}, "time2": {"value": "20:00"}}
    assert client.message.send_template(openid, "TEMPLATE_ID", data)["errcode"] == 0
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    assert client.message.send_text(openid, "在的")["errcode"] == 0
    assert [entry["type"] for entry in log(platform, openid=openid, kind="message")] == ["template", "text", "text"]


def test_wechatpys_client_hears_what_was_wrong(platform: httpx.Client) -> None:
    with pytest.raises(WeChatClientException) as refused:
        _client(platform).message.send_text("oSimNobody", "在吗")
    assert refused.value.errcode == 40003
