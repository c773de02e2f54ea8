"""What a follower can send and tap, and what the webhook is told about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import xmltodict
from wechatpy.crypto import WeChatCrypto

Call = Callable[..., dict[str, Any]]
Pushed = Callable[[str], list[dict[str, Any]]]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
CUSTOM = "/cgi-bin/message/custom/send"

pytestmark = pytest.mark.usefixtures("webhook")


def _upload(plain: httpx.Client, kind: str, name: str, content: bytes) -> dict[str, str]:
    answer = plain.post("/_sim/upload", params={"kind": kind, "name": name}, content=content)
    assert answer.status_code == 200, answer.text
    uploaded: dict[str, str] = answer.json()
    return uploaded


def _send(plain: httpx.Client, openid: str, kind: str, **fields: object) -> httpx.Response:
    return plain.post("/_sim/send", json={"openid": openid, "msgtype": kind, **fields})


def _bubbles(plain: httpx.Client, openid: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = plain.get(f"/_sim/followers/{openid}/conversation").json()["messages"]
    return messages


def test_a_picture_is_pushed_with_an_address_where_it_can_be_fetched(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    media = _upload(plain, "image", "a.png", PNG)
    assert _send(plain, person, "image", media_id=media["media_id"], ref="r").json()["failed"] is False
    push = pushed(person)[0]
    assert (push["MsgType"], push["MediaId"]) == ("image", media["media_id"])
    picture = httpx.get(push["PicUrl"], trust_env=False)
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in picture.headers["content-security-policy"]
    bubble = _bubbles(plain, person)[0]
    assert (bubble["type"], bubble["url"], bubble["ref"]) == ("image", media["url"], "r")


def test_a_picture_in_a_reply_can_be_looked_at(plain: httpx.Client, webhook: Any, person: str) -> None:
    media = _upload(plain, "image", "a.png", PNG)
    head = f"<ToUserName>{person}</ToUserName><FromUserName>gh_1234567890ab</FromUserName><MsgType>image</MsgType>"
    answers = iter([media["media_id"], "gone"])
    webhook.answer = lambda push: (200, f"<xml>{head}<Image><MediaId>{next(answers)}</MediaId></Image></xml>".encode())
    replies = [_send(plain, person, "text", content="图").json()["reply"] for _ in range(2)]
    assert [reply["url"] for reply in replies] == [media["url"], ""]


def test_a_page_in_disguise_is_served_as_a_download_only(plain: httpx.Client) -> None:
    disguised = plain.post(
        "/_sim/upload", params={"kind": "image"}, content=b"<svg onload='x'/>", headers={"Content-Type": "image/svg+xml"}
    ).json()
    assert plain.get(disguised["url"]).headers["content-type"] == "application/octet-stream"


def test_a_recording_says_what_was_said_when_the_account_has_recognition(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    _send(plain, person, "voice", recognition="签到")
    plain.post("/_sim/settings", json={"recognition": False})
    try:
        _send(plain, person, "voice", recognition="签到")
    finally:
        plain.post("/_sim/settings", json={"recognition": True})
    with_it, without = pushed(person)
    assert (with_it["Format"], with_it["Recognition"]) == ("amr", "签到")
    assert with_it["MediaId16K"] != with_it["MediaId"]
    assert "Recognition" not in without
    assert plain.get(f"/_sim/media/{with_it['MediaId16K']}").content.startswith(b"#!AMR")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("text", {"content": "签到"}, {"Content": "签到"}),
        (
            "location",
            {"x": 31.2, "y": 121.5, "scale": 16, "label": "人民广场"},
            {"Location_X": "31.2", "Location_Y": "121.5", "Scale": "16", "Label": "人民广场"},
        ),
        (
            "link",
            {"title": "标题", "description": "说明", "url": "https://example.com/?a=1&b=2"},
            {"Title": "标题", "Description": "说明", "Url": "https://example.com/?a=1&b=2"},
        ),
    ],
)
def test_messages_carry_the_platforms_fields(
    plain: httpx.Client, person: str, pushed: Pushed, kind: str, given: dict[str, Any], expected: dict[str, str]
) -> None:
    _send(plain, person, kind, **given)
    push = pushed(person)[0]
    assert push["MsgType"] == kind
    assert {name: push[name] for name in expected} == expected
    assert push["CreateTime"] == f"{plain.get('/_sim/clock').json()['now']:.0f}"
    assert int(push["MsgId"]) > 10**18
    assert _bubbles(plain, person)[0]["type"] == kind


@pytest.mark.parametrize("kind", ["video", "shortvideo"])
def test_films_come_with_a_thumbnail(plain: httpx.Client, person: str, pushed: Pushed, kind: str) -> None:
    _send(plain, person, kind)
    push = pushed(person)[0]
    assert push["MsgType"] == kind
    assert all(plain.get(f"/_sim/media/{push[name]}").status_code == 200 for name in ("MediaId", "ThumbMediaId"))


def test_what_cannot_be_sent_is_said_in_words(plain: httpx.Client, person: str) -> None:
    assert _send(plain, person, "image", media_id="nothing").status_code == 404
    voice = _upload(plain, "voice", "a.amr", b"#!AMR\n\x00")
    assert _send(plain, person, "image", media_id=voice["media_id"]).json()["error"].startswith("没有这个素材")
    assert _send(plain, person, "text").status_code == 422
    assert _send(plain, person, "hologram").status_code == 422
    assert plain.post("/_sim/upload", params={"kind": "image"}).json()["error"].startswith("没有文件内容")
    assert plain.post("/_sim/upload", params={"kind": "image"}, content=b"x" * ((10 << 20) + 1)).status_code == 413


MENU: list[dict[str, Any]] = [
    {"type": "click", "name": "签到", "key": "checkin"},
    {
        "name": "更多",
        "sub_button": [
            {"type": "view", "name": "官网", "url": "https://example.com/home"},
            {"type": "scancode_waitmsg", "name": "扫一扫", "key": "scan"},
            {"type": "scancode_push", "name": "扫码", "key": "push"},
            {"type": "pic_photo_or_album", "name": "晒图", "key": "photo"},
            {"type": "location_select", "name": "我在哪", "key": "place"},
        ],
    },
    {"type": "miniprogram", "name": "小程序", "url": "https://example.com", "appid": "wxmini", "pagepath": "pages/a"},
]


@pytest.fixture
def menu(plain: httpx.Client, call: Call) -> None:
    assert call(plain, "/cgi-bin/menu/create", {"button": MENU})["errcode"] == 0


def _tap(plain: httpx.Client, openid: str, path: list[int], **held: object) -> dict[str, Any]:
    answer = plain.post("/_sim/menu", json={"openid": openid, "path": path, **held})
    assert answer.status_code == 200, answer.text
    tapped: dict[str, Any] = answer.json()
    return tapped


@pytest.mark.usefixtures("menu")
def test_a_click_is_an_event_with_its_key_and_its_reply_is_in_the_chat(
    plain: httpx.Client, webhook: Any, person: str, pushed: Pushed
) -> None:
    head = f"<ToUserName>{person}</ToUserName><FromUserName>gh_1234567890ab</FromUserName><MsgType>text</MsgType>"
    webhook.answer = lambda push: (200, f"<xml>{head}<Content>好</Content></xml>".encode())
    tapped = _tap(plain, person, [0])
    assert (tapped["opened"], tapped["reply"]["text"]) == (None, "好")
    push = pushed(person)[0]
    assert (push["Event"], push["EventKey"]) == ("CLICK", "checkin")
    assert [button["name"] for button in plain.get("/_sim/menu", params={"openid": person}).json()["buttons"]] == ["签到", "更多", "小程序"]


@pytest.mark.usefixtures("menu")
def test_pages_and_mini_programs_open_and_no_reply_is_shown(plain: httpx.Client, webhook: Any, person: str, pushed: Pushed) -> None:
    webhook.answer = lambda push: (200, b"nonsense")
    page = _tap(plain, person, [1, 0])
    assert (page["opened"], page["reply"], page["notice"]) == ("https://example.com/home", None, None)
    assert _tap(plain, person, [2])["mini_program"] == {"app_id": "wxmini", "path": "pages/a"}
    view, mini = pushed(person)
    assert (view["Event"], view["EventKey"], view["MenuId"].isdigit()) == ("VIEW", "https://example.com/home", True)
    assert (mini["Event"], mini["EventKey"]) == ("view_miniprogram", "pages/a")


@pytest.mark.usefixtures("menu")
def test_a_scan_from_the_menu_tells_what_was_read(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    assert _tap(plain, person, [1, 1], result="核销码 1")["opened"] is None
    assert _tap(plain, person, [1, 2], result="https://example.com/q")["opened"] == "https://example.com/q"
    waiting, push = pushed(person)
    assert (waiting["Event"], waiting["ScanCodeInfo"]) == ("scancode_waitmsg", {"ScanType": "qrcode", "ScanResult": "核销码 1"})
    assert push["Event"] == "scancode_push"


@pytest.mark.usefixtures("menu")
def test_pictures_from_the_menu_come_as_an_event_and_then_as_messages(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    pictures = [_upload(plain, "image", "a.png", PNG + bytes([number]))["media_id"] for number in range(2)]
    _tap(plain, person, [1, 3], media_id=pictures)
    event, *images = pushed(person)
    sums = [item["PicMd5Sum"] for item in event["SendPicsInfo"]["PicList"]["item"]]
    assert (event["Event"], event["SendPicsInfo"]["Count"]) == ("pic_photo_or_album", "2")
    assert sums == [hashlib.md5(PNG + bytes([number])).hexdigest() for number in range(2)]
    assert [image["MediaId"] for image in images] == pictures


@pytest.mark.usefixtures("menu")
def test_a_place_from_the_menu_comes_as_an_event_and_then_as_a_message(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    _tap(plain, person, [1, 4], location={"x": 23.1, "y": 113.3, "scale": 12, "label": "体育西路", "poiname": "地铁站"})
    event, message = pushed(person)
    assert event["SendLocationInfo"] == {
        "Location_X": "23.1",
        "Location_Y": "113.3",
        "Scale": "12",
        "Label": "体育西路",
        "Poiname": "地铁站",
    }
    assert (message["MsgType"], message["Label"]) == ("location", "体育西路")


@pytest.mark.usefixtures("menu")
@pytest.mark.parametrize("path", [[7], [1], [1, 9], [0, 0], [-1]])
def test_what_is_not_on_the_menu_cannot_be_tapped(plain: httpx.Client, person: str, path: list[int]) -> None:
    answer = plain.post("/_sim/menu", json={"openid": person, "path": path})
    assert (answer.status_code, answer.json()) == (404, {"error": "菜单里没有这个按钮"})


@pytest.mark.usefixtures("menu")
@pytest.mark.parametrize(
    ("gesture", "messages"),
    [("say", 5), ("click", 3), ("choose", 3), ("follow", 3), ("scan", 3), ("view", 0), ("place", 5), ("whereabouts", 0)],
)
def test_each_gesture_opens_its_own_allowance(plain: httpx.Client, call: Call, person: str, gesture: str, messages: int) -> None:
    text = {"touser": person, "msgtype": "text", "text": {"content": "你好"}}
    if gesture == "choose":
        listed = {"head_content": "满意吗", "list": [{"id": "7", "content": "满意"}, {"id": "8", "content": "不满意"}], "tail_content": ""}
        _send(plain, person, "text", content="在吗")
        assert call(plain, CUSTOM, {"touser": person, "msgtype": "msgmenu", "msgmenu": listed})["errcode"] == 0
        plain.post("/_sim/clock", json={"advance": 48 * 3600 + 1})
        sent = _bubbles(plain, person)[-1]
        assert plain.post("/_sim/choose", json={"openid": person, "message": sent["id"], "item": "9"}).status_code == 404
        assert plain.post("/_sim/choose", json={"openid": person, "message": sent["id"], "item": "8"}).status_code == 200
    elif gesture == "say":
        _send(plain, person, "text", content="在吗")
    elif gesture == "place":
        _send(plain, person, "location")
    elif gesture in ("click", "view"):
        _tap(plain, person, [0] if gesture == "click" else [1, 0])
    elif gesture == "whereabouts":
        plain.post("/_sim/whereabouts", json={"openid": person})
    elif gesture == "follow":
        plain.post("/_sim/follow", json={"openid": person})
    else:
        plain.post("/_sim/scan", json={"openid": person, "scene": "store_01"})
    answers = [call(plain, CUSTOM, text)["errcode"] for _ in range(messages + 1)]
    assert answers == [0] * messages + [45047 if messages else 45015]


def test_a_chosen_option_comes_as_a_text_with_the_options_id(plain: httpx.Client, call: Call, person: str, pushed: Pushed) -> None:
    _send(plain, person, "text", content="在吗")
    call(
        plain, CUSTOM, {"touser": person, "msgtype": "msgmenu", "msgmenu": {"head_content": "?", "list": [{"id": "7", "content": "满意"}]}}
    )
    plain.post("/_sim/choose", json={"openid": person, "message": _bubbles(plain, person)[-1]["id"], "item": "7"})
    push = pushed(person)[-1]
    assert (push["MsgType"], push["Content"], push["bizmsgmenuid"]) == ("text", "满意", "7")


def test_a_tapped_link_of_a_text_comes_as_a_text_with_its_id_and_opens_a_clicks_allowance(
    plain: httpx.Client, call: Call, person: str, pushed: Pushed
) -> None:
    href = "weixin://bizmsgmenu?msgmenucontent={}&amp;msgmenuid={}"
    links = [("%E8%90%A5%E4%B8%9A%20A%26B", "m-1"), ("门店", "m-1"), ("会员", "m-2")]
    said = "问\n" + "\n".join(f'<a class="x" href="{href.format(words, item)}">{item}</a>' for words, item in links)
    _send(plain, person, "text", content="在吗")
    assert call(plain, CUSTOM, {"touser": person, "msgtype": "text", "text": {"content": said}})["errcode"] == 0
    plain.post("/_sim/clock", json={"advance": 48 * 3600 + 1})
    message = _bubbles(plain, person)[-1]["id"]
    told = []
    for chosen in ({"item": "m-1"}, {"item": "m-1", "words": "门店"}, {"item": "m-2"}):
        assert plain.post("/_sim/choose", json={"openid": person, "message": message, **chosen}).status_code == 200
        push = pushed(person)[-1]
        told.append((push["MsgType"], push["Content"], push["bizmsgmenuid"]))
    assert told == [("text", "营业 A&B", "m-1"), ("text", "门店", "m-1"), ("text", "会员", "m-2")]
    for wrong in ({"item": "m-3"}, {"item": "m-2", "words": "门店"}):
        assert plain.post("/_sim/choose", json={"openid": person, "message": message, **wrong}).status_code == 404
    text = {"touser": person, "msgtype": "text", "text": {"content": "你好"}}
    assert [call(plain, CUSTOM, text)["errcode"] for _ in range(4)] == [0, 0, 0, 45047]


def test_a_code_makes_strangers_followers_and_tells_of_followers(plain: httpx.Client, call: Call, person: str, pushed: Pushed) -> None:
    wanted = {"expire_seconds": 600, "action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "store_07"}}}
    ticket = call(plain, "/cgi-bin/qrcode/create", wanted)["ticket"]
    listed = next(code for code in plain.get("/_sim/codes").json()["codes"] if code["ticket"] == ticket)
    assert (listed["scene"], listed["permanent"]) == ("store_07", False)
    assert plain.get(listed["picture"]).content.startswith(b"\x89PNG")
    plain.post("/_sim/unfollow", json={"openid": person})
    for _ in range(2):
        assert plain.post("/_sim/scan", json={"openid": person, "ticket": ticket}).status_code == 200
    _, followed, scanned = pushed(person)
    assert (followed["Event"], followed["EventKey"], followed["Ticket"]) == ("subscribe", "qrscene_store_07", ticket)
    assert (scanned["Event"], scanned["EventKey"], scanned["Ticket"]) == ("SCAN", "store_07", ticket)
    plain.post("/_sim/clock", json={"advance": 601})
    assert plain.post("/_sim/scan", json={"openid": person, "ticket": ticket}).json()["error"] == "没有这个二维码，或者已经过期"
    assert ticket not in plain.get("/_sim/codes").text


def test_a_sealed_reply_in_plain_mode_is_named_as_what_it_is(
    plain: httpx.Client, webhook: Any, person: str, passive: Callable[..., bytes]
) -> None:
    webhook.answer = lambda push: (200, passive(person, "text", "<Content>密</Content>"))
    assert _send(plain, person, "text", content="在吗").json()["notice"]["why"].startswith("明文模式下的应答不能加密")


def test_compatible_mode_pushes_both_and_takes_a_clear_or_a_sealed_reply(
    launch: Callable[..., httpx.Client], webhook: Any, passive: Callable[..., bytes], oracle: WeChatCrypto
) -> None:
    client = launch(webhook.url, "--mode", "compatible", "--followers", "1", "--seed", "43")
    openid = client.get("/_sim/followers").json()["followers"][0]["openid"]
    clear = f"<xml><ToUserName>{openid}</ToUserName><FromUserName>gh_1234567890ab</FromUserName><MsgType>text</MsgType><Content>明</Content></xml>"
    answers = iter([clear.encode(), passive(openid, "text", "<Content>密</Content>")])
    webhook.answer = lambda push: (200, next(answers))
    assert [_send(client, openid, "text", content="在吗").json()["reply"]["text"] for _ in range(2)] == ["明", "密"]
    push = next(push for push in webhook.pushes if push.query["openid"] == openid)
    inside = oracle.decrypt_message(push.body, *(push.query[name] for name in ("msg_signature", "timestamp", "nonce")))
    assert xmltodict.parse(inside)["xml"]["Content"] == xmltodict.parse(push.body)["xml"]["Content"] == "在吗"


def test_whereabouts_are_reported_as_an_event(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    plain.post("/_sim/whereabouts", json={"openid": person, "latitude": 23.1, "longitude": 113.3, "precision": 40})
    push = pushed(person)[0]
    assert push["Event"] == "LOCATION"
    assert [float(push[name]) for name in ("Latitude", "Longitude", "Precision")] == [23.1, 113.3, 40]


def test_a_popup_gives_consent_for_one_notice_and_the_account_hears_of_it(plain: httpx.Client, person: str, pushed: Pushed) -> None:
    def left() -> int:
        return int(plain.get("/_sim/notices", params={"openid": person}).json()["notices"][0]["left"])

    plain.post("/_sim/popup", json={"openid": person, "template_ids": ["NOTICE_ID", "NOTICE_CHECKIN"]})
    assert left() == 1
    plain.post("/_sim/popup", json={"openid": person, "template_ids": ["NOTICE_ID"], "accept": False})
    assert left() == 1
    plain.post("/_sim/notices", json={"openid": person, "template_id": "NOTICE_ID"})
    assert left() == 0
    accepted, refused, changed = pushed(person)
    both = accepted["SubscribeMsgPopupEvent"]["List"]
    assert [(each["TemplateId"], each["SubscribeStatusString"], each["PopupScene"]) for each in both] == [
        ("NOTICE_ID", "accept", "2"),
        ("NOTICE_CHECKIN", "accept", "2"),
    ]
    assert refused["SubscribeMsgPopupEvent"]["List"]["SubscribeStatusString"] == "reject"
    assert changed["SubscribeMsgChangeEvent"]["List"] == {"TemplateId": "NOTICE_ID", "SubscribeStatusString": "reject"}
    assert plain.post("/_sim/popup", json={"openid": person, "template_ids": ["nothing"]}).status_code == 404
