"""Agents of the customer service and their talks with followers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

ACCOUNT, SESSION = "/customservice/kfaccount", "/customservice/kfsession"
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)
Call = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"kf_account": "kf2001@yizhan", "nickname": "小驿"}, 65406), ({"kf_account": "no-at-sign", "nickname": "小驿"}, 65404),
        ({"kf_account": "eleven_long@yizhan", "nickname": "小驿"}, 65404), ({"nickname": "小驿"}, 65404), ({"kf_account": "new@yizhan"}, 65403),
        ({"kf_account": "new@yizhan", "nickname": "字" * 17}, 65403),
    ],
)  # fmt: skip
def test_accounts_and_nicknames_have_their_forms(platform: httpx.Client, call: Call, body: dict[str, Any], errcode: int) -> None:
    assert call(platform, f"{ACCOUNT}/add", body)["errcode"] == errcode


def test_an_agent_is_hired_seen_and_dismissed(platform: httpx.Client, call: Call, token_of: Callable[..., str]) -> None:
    kf = "kf_hired@yizhan"
    assert call(platform, f"{ACCOUNT}/add", {"kf_account": kf, "nickname": "小新"})["errcode"] == 0
    assert call(platform, f"{ACCOUNT}/update", {"kf_account": kf, "nickname": "老新"})["errcode"] == 0
    assert kf not in _online(platform, call)
    assert call(platform, f"{ACCOUNT}/inviteworker", {"kf_account": kf, "invite_wx": "laoxin"})["errcode"] == 0
    assert kf in _online(platform, call)
    query = {"access_token": token_of(platform), "kf_account": kf}
    assert platform.post(f"{ACCOUNT}/uploadheadimg", params=query, files={"media": ("a.jpg", JPEG)}).json()["errcode"] == 0
    (agent,) = [one for one in call(platform, "/cgi-bin/customservice/getkflist")["kf_list"] if one["kf_account"] == kf]
    assert (agent["kf_nick"], agent["kf_wx"]) == ("老新", "laoxin")
    assert httpx.get(agent["kf_headimgurl"], trust_env=False).content == JPEG
    for errcode in (0, 65401):
        assert call(platform, f"{ACCOUNT}/del", kf_account=kf)["errcode"] == errcode


def _online(platform: httpx.Client, call: Call) -> list[str]:
    return [one["kf_account"] for one in call(platform, "/cgi-bin/customservice/getonlinekflist")["kf_online_list"]]


def test_a_talk_begins_and_ends_and_the_webhook_hears_of_both(
    platform: httpx.Client, webhook: Any, call: Call, openid: str, log: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    talk = {"kf_account": "kf2001@yizhan", "openid": openid}
    assert call(platform, f"{SESSION}/close", talk)["errcode"] == 65413
    assert [call(platform, f"{SESSION}/create", talk)["errcode"] for _ in range(2)] == [0, 0]
    held = call(platform, f"{SESSION}/getsession", openid=openid)
    assert (held["kf_account"], held["createtime"] > 0) == ("kf2001@yizhan", True)
    assert openid in [one["openid"] for one in call(platform, f"{SESSION}/getsessionlist", kf_account="kf2001@yizhan")["sessionlist"]]
    assert call(platform, f"{SESSION}/getwaitcase") == {"count": 0, "waitcaselist": []}
    eventually(lambda: len(log(platform, openid=openid, kind="push")) == 1)
    assert call(platform, f"{SESSION}/close", talk)["errcode"] == 0
    eventually(lambda: len(log(platform, openid=openid, kind="push")) == 2)
    began, ended = log(platform, openid=openid, kind="push")
    assert "<Event><![CDATA[kf_create_session]]></Event><KfAccount><![CDATA[kf2001@yizhan]]></KfAccount>" in began["body"]
    assert "<Event><![CDATA[kf_close_session]]></Event>" in ended["body"]
    assert call(platform, f"{SESSION}/getsession", openid=openid)["kf_account"] == ""


def test_nobody_takes_a_follower_from_another_or_one_who_is_away(platform: httpx.Client, call: Call, openid: str) -> None:
    kf = "kf_away@yizhan"
    call(platform, f"{ACCOUNT}/add", {"kf_account": kf, "nickname": "小新"})
    assert call(platform, f"{SESSION}/create", {"kf_account": kf, "openid": openid})["errcode"] == 65415
    call(platform, f"{ACCOUNT}/inviteworker", {"kf_account": kf, "invite_wx": "laoxin"})
    assert call(platform, f"{SESSION}/create", {"kf_account": kf, "openid": openid})["errcode"] == 0
    assert call(platform, f"{SESSION}/create", {"kf_account": "kf2001@yizhan", "openid": openid})["errcode"] == 65414
    assert call(platform, f"{SESSION}/create", {"kf_account": kf, "openid": "oSimNobody"})["errcode"] == 40003
    call(platform, f"{ACCOUNT}/del", {"kf_account": kf})
    assert call(platform, f"{SESSION}/getsession", openid=openid)["kf_account"] == ""
