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
    assert [message["text"] for message in messages[-6:]] == ["在吗", *["你好"] * 5]


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


JPEG, AMR, MP4 = b"\xff\xd8\xff\xe0" + bytes(64), b"#!AMR\n" + bytes(64), bytes(4) + b"ftypmp42" + bytes(64)


@pytest.fixture(scope="module")
def media(platform: httpx.Client, token_of: Callable[..., str]) -> dict[str, str]:
    """A media_id of each kind."""
    found = {}
    for kind, content in (("image", JPEG), ("voice", AMR), ("video", MP4), ("thumb", JPEG)):
        query = {"access_token": token_of(platform), "type": kind}
        answer = platform.post("/cgi-bin/media/upload", params=query, files={"media": ("a.bin", content)}).json()
        found[kind] = answer.get("media_id") or answer["thumb_media_id"]
    return found


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize(
    ("kind", "content", "errcode"),
    [
        ("image", {"media_id": "image"}, 0), ("image", {}, 40007), ("image", {"media_id": "none"}, 40007), ("image", {"media_id": "voice"}, 40007),
        ("image", {"media_id": 7}, 40007), ("voice", {"media_id": "voice"}, 0), ("voice", {"media_id": "image"}, 40007),
        ("video", {"media_id": "video", "thumb_media_id": "thumb", "title": "探店"}, 0), ("video", {"media_id": "video"}, 0),
        ("video", {"media_id": "video", "thumb_media_id": "none"}, 40007),
        ("music", {"musicurl": "https://e.com/a.mp3", "hqmusicurl": "https://e.com/b.mp3", "thumb_media_id": "thumb", "title": "歌"}, 0),
        ("music", {"musicurl": "https://e.com/a.mp3"}, 40007),
        ("news", {"articles": [{"title": "t", "url": "https://example.com"}]}, 0), ("news", {"articles": [{"title": "t"}, {"title": "u"}]}, 45008),
        ("news", {"articles": []}, 44004), ("news", {"articles": ["t"]}, 44004), ("mpnews", {"media_id": "none"}, 40007), ("mpnewsarticle", {"article_id": "none"}, 53600),
        ("msgmenu", {"head_content": "满意吗", "list": [{"id": "1", "content": "满意"}]}, 0), ("msgmenu", {"list": []}, 44004), ("msgmenu", {"list": [{"id": 1}]}, 44004),
        ("wxcard", {"card_id": "123dsdajkasd231jhksad"}, 0), ("wxcard", {}, 44004),
        ("miniprogrampage", {"title": "商城", "appid": "wx1", "pagepath": "pages/index", "thumb_media_id": "thumb"}, 0),
        ("miniprogrampage", {"title": "商城", "appid": "wx1", "pagepath": "pages/index"}, 40007), ("miniprogrampage", {"title": "商城"}, 44004),
        ("text", {"content": ""}, 44004), ("text", {"content": "字" * 682}, 0), ("text", {"content": "字" * 683}, 45002), ("text", "你好", 44004),
        ("hologram", {}, 40008), ([], {}, 40008),
    ],
)  # fmt: skip
def test_contents_are_checked_by_their_type(
    platform: httpx.Client, call: Call, openid: str, media: dict[str, str], kind: str, content: Any, errcode: int
) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    if isinstance(content, dict):
        content = {
            name: media.get(value, value) if name.endswith("media_id") and isinstance(value, str) else value
            for name, value in content.items()
        }
    body = {"touser": openid, "msgtype": kind, **({kind: content} if isinstance(kind, str) else {})}
    assert call(platform, SEND, body)["errcode"] == errcode


@pytest.mark.usefixtures("webhook")
def test_the_phone_shows_where_to_get_what_was_sent(platform: httpx.Client, call: Call, openid: str, media: dict[str, str]) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    call(platform, SEND, {"touser": openid, "msgtype": "image", "image": {"media_id": media["image"]}})
    options = [{"id": "101", "content": "满意"}, {"id": "102", "content": "不满意"}]
    menu = {"head_content": "满意吗", "list": options, "tail_content": "谢谢"}
    call(platform, SEND, {"touser": openid, "msgtype": "msgmenu", "msgmenu": menu, "aimsgcontext": {"is_ai_msg": 1}})
    picture, asked = platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-2:]
    assert platform.get(picture["url"]).content == JPEG
    assert (asked["text"], asked["tail"], asked["ai"]) == ("满意吗", "谢谢", True)
    assert asked["options"] == [{"id": "101", "text": "满意"}, {"id": "102", "text": "不满意"}]


@pytest.mark.usefixtures("webhook")
def test_a_draft_and_a_published_article_can_be_sent(platform: httpx.Client, call: Call, openid: str, token_of: Callable[..., str]) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    query = {"access_token": token_of(platform), "type": "image"}
    cover = platform.post("/cgi-bin/material/add_material", params=query, files={"media": ("a.jpg", JPEG)}).json()["media_id"]
    article = {"title": "周末活动", "content": "<p>见面</p>", "digest": "周六", "thumb_media_id": cover}
    draft = call(platform, "/cgi-bin/draft/add", {"articles": [article]})["media_id"]
    assert call(platform, SEND, {"touser": openid, "msgtype": "mpnews", "mpnews": {"media_id": draft}})["errcode"] == 0
    card = platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]["articles"][0]
    assert (card["title"], card["description"]) == ("周末活动", "周六")
    assert platform.get(card["picture"]).content == JPEG


@pytest.mark.usefixtures("webhook")
def test_a_message_from_an_agent_needs_the_agent(platform: httpx.Client, call: Call, openid: str) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    for account, errcode in (("kf2001@yizhan", 0), ("nobody@yizhan", 65401), (["kf2001@yizhan"], 65401)):
        assert call(platform, SEND, _text(openid) | {"customservice": {"kf_account": account}})["errcode"] == errcode
    assert platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]["agent"] == "客服小驿"


@pytest.mark.usefixtures("webhook")
def test_typing_is_for_those_who_wrote_just_now(platform: httpx.Client, call: Call, openid: str) -> None:
    typing = {"touser": openid, "command": "Typing"}
    assert call(platform, "/cgi-bin/message/custom/typing", typing)["errcode"] == 45080
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    for errcode in (0, 45081):
        assert call(platform, "/cgi-bin/message/custom/typing", typing)["errcode"] == errcode
    for _ in range(2):
        assert call(platform, "/cgi-bin/message/custom/typing", {**typing, "command": "CancelTyping"})["errcode"] == 0
    assert call(platform, "/cgi-bin/message/custom/typing", {**typing, "command": "Dance"})["errcode"] == 45072


@pytest.mark.usefixtures("webhook")
def test_whoever_switched_messages_off_is_48002_and_whoever_left_45015(platform: httpx.Client, call: Call, openid: str) -> None:
    platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
    platform.post("/_sim/block", json={"openid": openid})
    assert call(platform, SEND, _text(openid))["errcode"] == 48002
    platform.post("/_sim/unfollow", json={"openid": openid})
    assert call(platform, SEND, _text(openid))["errcode"] == 45015
