"""Customer-service messages and their allowance."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.allowance import Allowances
from simulator.errors import Refused

SEND = "/cgi-bin/message/custom/send"
Call = Callable[..., dict[str, Any]]


def _text(openid: str, text: str = "你好") -> dict[str, Any]:
    return {"touser": openid, "msgtype": "text", "text": {"content": text}}


@pytest.mark.usefixtures("webhook")
def test_five_messages_may_follow_a_followers_own_and_none_come_before_it(platform: httpx.Client, call: Call, openid: str) -> None:
    assert call(platform, SEND, _text(openid))["errcode"] == 45015
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    assert [call(platform, SEND, _text(openid))["errcode"] for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    messages = platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"]
    assert [message["text"] for message in messages] == ["在吗", *["你好"] * 5]


@pytest.mark.parametrize(
    ("trigger", "count", "seconds"), [("message", 5, 48 * 3600), ("subscribe", 3, 60), ("scan", 3, 60), ("click", 3, 60)]
)
def test_each_trigger_has_its_own_count_and_window(trigger: str, count: int, seconds: int) -> None:
    allowances = Allowances()
    allowances.grant("o", trigger, 1000)
    for _ in range(count):
        allowances.spend("o", 1000 + seconds - 1)
    for moment, errcode in ((1000 + seconds - 1, 45047), (1000 + seconds, 45015)):
        with pytest.raises(Refused) as refused:
            allowances.spend("o", moment)
        assert refused.value.errcode == errcode


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize(
    ("message", "errcode"),
    [
        ({"msgtype": "image", "image": {"media_id": "m"}}, 0),
        ({"msgtype": "news", "news": {"articles": [{"title": "t", "url": "https://example.com"}]}}, 0),
        ({"msgtype": "msgmenu", "msgmenu": {"head_content": "满意吗", "list": [{"id": "1", "content": "满意"}]}}, 0),
        ({"msgtype": "news", "news": {"articles": [{"title": "t"}, {"title": "u"}]}}, 45008),
        ({"msgtype": "image", "image": {}}, 40007),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": {"content": "字" * 683}}, 45002),
        ({"msgtype": "hologram", "hologram": {}}, 40008),
    ],
)
def test_contents_are_checked_by_their_type(platform: httpx.Client, call: Call, openid: str, message: dict[str, Any], errcode: int) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    assert call(platform, SEND, {"touser": openid, **message})["errcode"] == errcode


@pytest.mark.usefixtures("webhook")
def test_typing_is_for_those_who_wrote_just_now(platform: httpx.Client, call: Call, openid: str) -> None:
    typing = {"touser": openid, "command": "Typing"}
    assert call(platform, "/cgi-bin/message/custom/typing", typing)["errcode"] == 45080
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    assert call(platform, "/cgi-bin/message/custom/typing", typing)["errcode"] == 0
    assert call(platform, "/cgi-bin/message/custom/typing", {**typing, "command": "Dance"})["errcode"] == 45072


@pytest.mark.usefixtures("webhook")
def test_whoever_switched_messages_off_is_48002_and_whoever_left_45015(platform: httpx.Client, call: Call, openid: str) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    platform.post("/_sim/block", json={"openid": openid})
    assert call(platform, SEND, _text(openid))["errcode"] == 48002
    platform.post("/_sim/unfollow", json={"openid": openid})
    assert call(platform, SEND, _text(openid))["errcode"] == 45015
