"""Subscription notices: one for each consent, reported afterwards; their templates; and the one-time link of old."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from wechatpy.crypto import WeChatCrypto

from simulator.subscriptions import NotAgreed, Subscriptions

SEND = "/cgi-bin/message/subscribe/bizsend"
ONCE = "/cgi-bin/message/template/subscribe"
DATA = {"thing1": {"value": "一号店"}, "time2": {"value": "2026年11月21日 18:30"}}
APP_ID = "wx1234567890abcdef"
Call = Callable[..., dict[str, Any]]
Popup = Callable[..., None]


def _notice(openid: str, **more: Any) -> dict[str, Any]:
    return {"touser": openid, "template_id": "NOTICE_ID", "data": DATA, **more}


@pytest.fixture
def popup(platform: httpx.Client) -> Popup:
    """The follower answers a popup: popup(openid, "NOTICE_ID", accept=False)."""

    def answer(openid: str, *template_ids: str, accept: bool = True) -> None:
        platform.post("/_sim/popup", json={"openid": openid, "template_ids": template_ids, "accept": accept}).raise_for_status()

    return answer


@pytest.mark.usefixtures("webhook")
def test_one_consent_is_one_notice(platform: httpx.Client, call: Call, openid: str, popup: Popup) -> None:
    assert call(platform, SEND, _notice(openid))["errcode"] == 43101
    popup(openid, "NOTICE_ID")
    popup(openid, "NOTICE_CHECKIN", accept=False)
    checked_in = {"thing1": {"value": "签到"}, "number2": {"value": 1}}
    assert call(platform, SEND, _notice(openid, template_id="NOTICE_CHECKIN", data=checked_in))["errcode"] == 43101
    popup(openid, "NOTICE_ID")
    sent = [call(platform, SEND, _notice(openid, page="https://example.com/booking")) for _ in range(3)]
    assert sent[0] == {"errcode": 0, "errmsg": "ok"}
    assert [answer["errcode"] for answer in sent] == [0, 0, 43101]
    card = platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]
    assert (card["via"], card["title"], card["url"]) == ("subscription", "预约成功通知", "https://example.com/booking")
    assert card["lines"] == [{"label": "门店名称", "value": "一号店"}, {"label": "预约时间", "value": "2026年11月21日 18:30"}]


def test_the_webhook_hears_of_the_popup_and_of_the_notice(
    platform: httpx.Client, webhook: Any, call: Call, openid: str, popup: Popup, oracle: WeChatCrypto, eventually: Callable[..., Any]
) -> None:
    popup(openid, "NOTICE_ID", "NOTICE_CHECKIN")
    call(platform, SEND, _notice(openid))

    def pushed() -> list[str]:
        mine = [push for push in webhook.pushes if push.query["openid"] == openid]
        return [
            oracle.decrypt_message(push.body, push.query["msg_signature"], push.query["timestamp"], push.query["nonce"]) for push in mine
        ]

    said, sent = eventually(lambda: len(found := pushed()) == 2 and found)
    assert "<Event><![CDATA[subscribe_msg_popup_event]]></Event>" in said
    assert said.count("<List>") == 2
    assert said.count("<SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString>") == 2
    assert "<Event><![CDATA[subscribe_msg_sent_event]]></Event>" in sent
    assert "<ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus>" in sent


@pytest.mark.usefixtures("webhook")
def test_a_refused_notice_costs_no_consent(platform: httpx.Client, call: Call, openid: str, popup: Popup) -> None:
    popup(openid, "NOTICE_ID")
    assert call(platform, SEND, _notice("oSimNobody"))["errcode"] == 40003
    assert call(platform, SEND, _notice(openid, template_id="NO_SUCH"))["errcode"] == 40037
    assert call(platform, SEND, _notice(openid, data={"thing1": {"value": "字" * 21}, "time2": DATA["time2"]}))["errcode"] == 47003
    assert call(platform, SEND, _notice(openid, data="…"))["errcode"] == 47003
    assert call(platform, SEND, _notice(openid))["errcode"] == 0


@pytest.mark.usefixtures("webhook")
def test_switching_a_notice_off_voids_what_was_agreed_to(platform: httpx.Client, call: Call, openid: str, popup: Popup) -> None:
    popup(openid, "NOTICE_ID")
    platform.post("/_sim/notices", json={"openid": openid, "template_id": "NOTICE_ID"}).raise_for_status()
    assert call(platform, SEND, _notice(openid))["errcode"] == 43101


def test_templates_are_taken_from_the_library_and_given_back(platform: httpx.Client, call: Call) -> None:
    (category, *_) = call(platform, "/wxaapi/newtmpl/getcategory")["data"]
    titles = call(platform, "/wxaapi/newtmpl/getpubtemplatetitles", ids=str(category["id"]), start="0", limit="30")
    tid = titles["data"][0]["tid"]
    words = call(platform, "/wxaapi/newtmpl/getpubtemplatekeywords", tid=str(tid))["data"]
    made = call(
        platform, "/wxaapi/newtmpl/addtemplate", {"tid": str(tid), "kidList": [words[1]["kid"], words[0]["kid"]], "sceneDesc": "预约"}
    )
    listed = {one["priTmplId"]: one for one in call(platform, "/wxaapi/newtmpl/gettemplate")["data"]}
    assert listed[made["priTmplId"]]["content"].startswith(f"{words[1]['name']}：{{{{{words[1]['rule']}{words[1]['kid']}.DATA}}}}")
    for errcode in (0, 40037):
        assert call(platform, "/wxaapi/newtmpl/deltemplate", {"priTmplId": made["priTmplId"]})["errcode"] == errcode


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"tid": 1}, 200014), ({"tid": "x"}, 200014), ({"kidList": [1]}, 200020), ({"kidList": [1, 9]}, 200020), ({"kidList": [[], {}]}, 200020),
        ({"kidList": [1, 2, 3, 4, 1, 2]}, 200020), ({"sceneDesc": "字" * 16}, 200021),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused(platform: httpx.Client, call: Call, change: dict[str, Any], errcode: int) -> None:
    body = {"tid": 42984, "kidList": [1, 2], "sceneDesc": "签到", **change}
    assert call(platform, "/wxaapi/newtmpl/addtemplate", body)["errcode"] == errcode


def test_there_are_at_most_25_templates(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "1")
    body = {"tid": 42984, "kidList": [1, 2], "sceneDesc": "签到"}
    assert [call(client, "/wxaapi/newtmpl/addtemplate", body)["errcode"] for _ in range(24)] == [0] * 23 + [200012]


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({"start": "0", "limit": "1"}, 200018), ({"ids": "1", "start": "0", "limit": "1"}, 200019), ({"ids": "307", "limit": "1"}, 200016),
        ({"ids": "307", "start": "0", "limit": "31"}, 200017), ({"ids": "307,612", "start": "1", "limit": "1"}, 0),
    ],
)  # fmt: skip
def test_the_library_is_paged(platform: httpx.Client, call: Call, query: dict[str, str], errcode: int) -> None:
    assert call(platform, "/wxaapi/newtmpl/getpubtemplatetitles", **query)["errcode"] == errcode


def test_a_confirmed_link_allows_one_message_for_its_scene(platform: httpx.Client, call: Call, openid: str) -> None:
    link = {
        "action": "get_confirm",
        "appid": APP_ID,
        "scene": "7",
        "template_id": "NOTICE_ID",
        "redirect_url": "https://example.com/done?a=1",
        "reserved": "r",
    }
    asked = platform.get("/mp/subscribemsg", params=link)
    assert "同意接收一条通知" in asked.text
    for _ in range(2):  # agreeing twice adds nothing
        target = urlsplit(platform.get("/mp/subscribemsg", params={**link, "openid": openid}).headers["location"])
    assert parse_qs(target.query) == {
        "a": ["1"], "openid": [openid], "template_id": ["NOTICE_ID"], "action": ["confirm"], "scene": ["7"], "reserved": ["r"],
    }  # fmt: skip
    body = {"touser": openid, "template_id": "NOTICE_ID", "scene": "7", "title": "预约成功", "data": {"content": {"value": "周六见"}}}
    assert call(platform, ONCE, {**body, "scene": 8})["errcode"] == 43101
    assert call(platform, ONCE, {**body, "scene": 10_001})["errcode"] == 40097
    assert call(platform, ONCE, {**body, "title": "字" * 16})["errcode"] == 45003
    assert call(platform, ONCE, {**body, "data": {"content": {"value": "字" * 201}}})["errcode"] == 45002
    assert [call(platform, ONCE, body)["errcode"] for _ in range(2)] == [0, 43101]


@pytest.mark.parametrize(
    "change",
    [{"action": "x"}, {"appid": "wx0"}, {"scene": "10001"}, {"redirect_url": "javascript:alert(1)"}, {"template_id": "x"}, {"openid": "x"}],
)
def test_a_link_that_is_wrong_leads_nowhere(platform: httpx.Client, change: dict[str, str]) -> None:
    good = {"action": "get_confirm", "appid": APP_ID, "scene": "7", "template_id": "NOTICE_ID", "redirect_url": "https://example.com/"}
    answer = platform.get("/mp/subscribemsg", params={**good, **change})
    assert (answer.status_code, "错误" in answer.text or "没有" in answer.text) == (200, True)


def test_withdrawing_takes_all_consents_and_links_are_apart() -> None:
    subscriptions = Subscriptions()
    subscriptions.agree("o", "t")
    subscriptions.agree("o", "t")
    assert subscriptions.left("o", "t") == 2
    subscriptions.withdraw("o", "t")
    subscriptions.withdraw("o", "t")
    with pytest.raises(NotAgreed):
        subscriptions.spend("o", "t")
    subscriptions.agree_by_link("o", "t", 1)
    with pytest.raises(NotAgreed):
        subscriptions.spend("o", "t")
