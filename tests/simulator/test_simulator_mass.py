"""Mass messages: whom they reach, how often, and what the account hears of it."""

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import httpx
import pytest

SENDALL, SEND, PREVIEW, GET, DELETE = (f"/cgi-bin/message/mass/{name}" for name in ("sendall", "send", "preview", "get", "delete"))
DAY = 86400
Call = Callable[..., dict[str, Any]]
Launch = Callable[..., httpx.Client]


def _text(words: str, **more: Any) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": words}, **more}


def _people(client: httpx.Client) -> list[str]:
    return [person["openid"] for person in client.get("/_sim/followers", params={"limit": 200_000}).json()["followers"]]


def _screen(client: httpx.Client, openid: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = client.get(f"/_sim/followers/{openid}/conversation").json()["messages"]
    return messages


@pytest.fixture
def report(webhook: Any, eventually: Callable[..., Any]) -> Callable[[int], dict[str, str]]:
    """The MASSSENDJOBFINISH of a job, as it arrived in clear text."""

    def wait(msg_id: int) -> dict[str, str]:
        def look() -> list[ET.Element]:
            roots = [ET.fromstring(push.body) for push in webhook.pushes if "MASSSENDJOBFINISH" in push.body]
            return [root for root in roots if root.findtext("MsgID") == str(msg_id)]

        return {element.tag: ET.tostring(element, "unicode", "text") for element in eventually(look)[0]}

    return wait


@pytest.fixture
def own(launch: Launch, webhook: Any) -> Callable[..., httpx.Client]:
    """A simulator of one's own whose receipts come at once and whose pushes can be read."""

    def start(followers: int, *arguments: str) -> httpx.Client:
        client = launch(webhook.url, "--followers", str(followers), "--mode", "plain", *arguments)
        client.post("/_sim/settings", json={"receipts": {"earliest": 0, "latest": 0}}).raise_for_status()
        return client

    return start


def test_a_message_to_all_is_on_every_phone_and_its_end_is_reported(
    own: Callable[..., httpx.Client], call: Call, report: Callable[[int], dict[str, str]]
) -> None:
    client = own(6)
    people = _people(client)
    client.post("/_sim/unfollow", json={"openid": people[0]})
    client.post("/_sim/block", json={"openid": people[1]})
    client.post("/_sim/blacklist", json={"openid": people[2]})
    answer = call(client, SENDALL, _text("各位早", filter={"is_to_all": True}))
    assert (answer["errcode"], answer["errmsg"], "msg_data_id" in answer) == (0, "send job submission success", False)
    facts = report(answer["msg_id"])
    counts = [int(facts[name]) for name in ("TotalCount", "FilterCount", "SentCount", "ErrorCount")]
    assert (facts["FromUserName"], facts["Status"], counts) == ("mphelper", "send success", [5, 3, 3, 0])
    for openid in people[3:]:
        last = _screen(client, openid)[-1]
        assert (last["side"], last["via"], last["text"]) == ("account", "mass", "各位早")
    assert not [message for openid in people[:3] for message in _screen(client, openid) if message.get("via") == "mass"]
    assert call(client, GET, {"msg_id": str(answer["msg_id"])}) == {"msg_id": answer["msg_id"], "msg_status": "SEND_SUCCESS"}
    assert call(client, GET, {"msg_id": 1})["errcode"] == 40059


def test_a_follower_gets_four_a_month_whatever_the_route(
    own: Callable[..., httpx.Client], call: Call, report: Callable[[int], dict[str, str]]
) -> None:
    client = own(3, "--start", "2026-11-03 09:00")
    first, second, third = _people(client)
    tag = call(client, "/cgi-bin/tags/create", {"tag": {"name": "常来"}})["tag"]["id"]
    call(client, "/cgi-bin/tags/members/batchtagging", {"openid_list": [first, second], "tagid": tag})
    routes: list[tuple[str, dict[str, Any]]] = [
        (SENDALL, {"filter": {"is_to_all": True}}),
        (SENDALL, {"filter": {"is_to_all": False, "tag_id": tag}}),
        (SENDALL, {"filter": {"is_to_all": False, "tag_id": str(tag)}}),
        (SEND, {"touser": [first, third]}),
        (SEND, {"touser": [first, second, third]}),
        (SEND, {"touser": [first, second]}),
    ]
    sent = []
    for number, (path, audience) in enumerate(routes):
        facts = report(call(client, path, _text(f"第 {number} 条", **audience))["msg_id"])
        sent.append((facts["TotalCount"], facts["FilterCount"], facts["SentCount"]))
    assert sent == [("3", "3", "3"), ("2", "2", "2"), ("2", "2", "2"), ("2", "2", "2"), ("3", "2", "2"), ("2", "0", "0")]
    assert [sum(message.get("via") == "mass" for message in _screen(client, openid)) for openid in (first, second, third)] == [4, 4, 3]
    client.post("/_sim/clock", json={"advance": 28 * DAY})
    facts = report(call(client, SEND, _text("十二月", touser=[first, second]))["msg_id"])
    assert facts["SentCount"] == "2"


def test_to_all_goes_once_a_day_and_four_times_a_month(
    own: Callable[..., httpx.Client], call: Call, eventually: Callable[..., Any]
) -> None:
    client = own(1, "--start", "2026-11-03 09:00")
    answers = []
    for number in range(6):
        answers.append(call(client, SENDALL, _text(f"{number}", filter={"is_to_all": True}))["errcode"])
        if number:
            client.post("/_sim/clock", json={"advance": DAY})
    assert answers == [0, 45028, 0, 0, 0, 45028]
    client.post("/_sim/clock", json={"advance": 24 * DAY})
    client.post("/_sim/settings", json={"mass": {"verdict": "err(40001)"}})
    refused = call(client, SENDALL, _text("要管理员点头", filter={"is_to_all": True}))["msg_id"]
    eventually(lambda: call(client, GET, {"msg_id": refused})["msg_status"] == "SEND_FAIL")
    client.post("/_sim/settings", json={"mass": {"verdict": "send success"}})
    assert call(client, SENDALL, _text("再来", filter={"is_to_all": True}))["errcode"] == 0  # a job that failed was not a message


def test_a_verdict_of_the_platform_delivers_nothing(
    own: Callable[..., httpx.Client], call: Call, report: Callable[[int], dict[str, str]]
) -> None:
    client = own(2)
    client.post("/_sim/settings", json={"mass": {"verdict": "err(20013)"}}).raise_for_status()
    facts = report(call(client, SEND, _text("抄来的", touser=_people(client)))["msg_id"])
    assert [facts[name] for name in ("Status", "TotalCount", "FilterCount", "SentCount", "ErrorCount")] == [
        "err(20013)",
        "0",
        "0",
        "0",
        "0",
    ]
    assert _screen(client, _people(client)[0]) == []


def test_the_same_clientmsgid_is_the_same_message_for_a_day(own: Callable[..., httpx.Client], call: Call) -> None:
    client = own(3)
    people = _people(client)
    first = call(client, SEND, _text("一", touser=people, clientmsgid="a" * 32))
    again = call(client, SEND, _text("改了字也不行", touser=people, clientmsgid="a" * 32))
    assert again == {"errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": first["msg_id"]}
    assert call(client, SEND, _text("一", touser=people, clientmsgid="汉" * 11))["errcode"] == 45067  # 33 bytes
    unnamed = call(client, SEND, _text("二", touser=people))
    assert call(client, SEND, _text("二", touser=people))["msg_id"] == unnamed["msg_id"]  # named by what it says and to whom
    assert call(client, SEND, _text("二", touser=people[:2]))["errcode"] == 0
    client.post("/_sim/settings", json={"mass": {"repeat_wait": 60}})
    assert call(client, SEND, _text("一", touser=people, clientmsgid="a" * 32))["errcode"] == 45066
    client.post("/_sim/clock", json={"advance": DAY})
    assert call(client, SEND, _text("一", touser=people, clientmsgid="a" * 32))["errcode"] == 0


@pytest.mark.parametrize(
    ("path", "body", "errcode"),
    [
        (SEND, _text("x", touser=["one"]), 40130),
        (SEND, _text("x", touser=["o"] * 10_001), 40032),
        (SEND, _text("x", touser=["oSimNobody", "oSimNobodyElse"]), 40031),
        (SEND, _text("x", touser="everybody"), 40031),
        (SENDALL, _text("x", filter={"is_to_all": False, "tag_id": 7}), 40152),
        (SENDALL, _text("x"), 40035),
        (SENDALL, _text(" ", filter={"is_to_all": True}), 44004),
        (SENDALL, _text("字" * 683, filter={"is_to_all": True}), 45002),
        (SENDALL, {"filter": {"is_to_all": True}, "msgtype": "text"}, 44004),
        (SENDALL, {"filter": {"is_to_all": True}, "msgtype": "mpnews", "mpnews": {"media_id": "none"}}, 40007),
        (SENDALL, {"filter": {"is_to_all": True}, "msgtype": "voice", "voice": {"media_id": "none"}}, 40007),
        (SENDALL, {"filter": {"is_to_all": True}, "msgtype": "image", "images": {"media_ids": []}}, 40215),
        (SENDALL, {"filter": {"is_to_all": True}, "msgtype": "wxcard", "wxcard": {"card_id": "c"}}, 45113),
        (SENDALL, {"filter": {"is_to_all": True}, "msgtype": "smell"}, 45162),
        (PREVIEW, _text("x", touser="oSimNobody"), 40003),
        (PREVIEW, _text("x", towxname="没有人叫这个"), 40132),
        (DELETE, {"msg_id": 1}, 40059),
        ("/cgi-bin/message/mass/speed/set", {}, 45084),
        ("/cgi-bin/message/mass/speed/set", {"speed": 5}, 45083),
    ],
)
def test_what_the_platform_does_not_take_it_refuses(
    platform: httpx.Client, call: Call, path: str, body: dict[str, Any], errcode: int
) -> None:
    assert call(platform, path, body)["errcode"] == errcode


def test_a_minute_takes_sixty_calls_and_a_day_a_hundred(own: Callable[..., httpx.Client], call: Call) -> None:
    client = own(1, "--start", "2026-11-03 09:00")
    client.post("/_sim/clock", json={"speed": 0})
    codes = [call(client, SEND, _text("x", touser=[]))["errcode"] for _ in range(61)]
    assert (codes[:60], codes[60]) == ([40130] * 60, 45011)
    client.post("/_sim/clock", json={"advance": 60})
    codes = [call(client, SEND, _text("x", touser=[]))["errcode"] for _ in range(41)]
    assert (codes[:40], codes[40]) == ([40130] * 40, 45009)


def test_a_preview_is_seen_at_once_and_counts_for_no_limit(platform: httpx.Client, call: Call, openid: str) -> None:
    answers = [call(platform, PREVIEW, _text(f"预览 {number}", touser=openid)) for number in range(5)]
    assert {(answer["errcode"], answer["errmsg"]) for answer in answers} == {(0, "preview success")}
    assert [message["text"] for message in _screen(platform, openid)] == [f"预览 {number}" for number in range(5)]
    platform.post("/_sim/unfollow", json={"openid": openid})
    assert call(platform, PREVIEW, _text("x", touser=openid))["errcode"] == 43004


def test_the_speed_is_a_number_with_a_meaning(own: Callable[..., httpx.Client], call: Call) -> None:
    client = own(1)
    assert call(client, "/cgi-bin/message/mass/speed/get") == {"errcode": 0, "errmsg": "ok", "speed": 0, "realspeed": 80}
    assert call(client, "/cgi-bin/message/mass/speed/set", {"speed": 4})["errcode"] == 0
    assert call(client, "/cgi-bin/message/mass/speed/get", {})["realspeed"] == 10


def test_a_slow_message_is_under_way_until_its_time_has_come(own: Callable[..., httpx.Client], call: Call) -> None:
    client = own(3000)
    call(client, "/cgi-bin/message/mass/speed/set", {"speed": 4})  # 1,667 a second
    client.post("/_sim/clock", json={"speed": 0})
    job = call(client, SENDALL, _text("慢慢来", filter={"is_to_all": True}))["msg_id"]
    time.sleep(0.3)
    assert call(client, GET, {"msg_id": job})["msg_status"] == "SENDING"
    assert call(client, DELETE, {"msg_id": job})["errcode"] == 40065
    client.post("/_sim/clock", json={"advance": 60})
    time.sleep(0.3)
    assert call(client, GET, {"msg_id": job})["msg_status"] == "SEND_SUCCESS"
    assert call(client, DELETE, {"msg_id": job})["errcode"] == 40065  # only articles and videos can be deleted
