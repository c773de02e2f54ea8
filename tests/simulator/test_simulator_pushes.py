"""Messages to the webhook: attempts, deadlines, replies, and the sentence a follower sees when the service fails."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

FAILURE = "该公众号提供的服务出现故障，请稍后再试"
Seal = Callable[..., bytes]
TEXT = "<Content><![CDATA[你好]]></Content>"
ITEM = "<item><Title>一</Title><Description>d</Description><PicUrl>p</PicUrl><Url>https://example.com</Url></item>"


def _say(platform: httpx.Client, openid: str, text: str = "签到") -> dict[str, Any]:
    response = platform.post("/_sim/say", json={"openid": openid, "text": text})
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def _too_late(push: Any) -> tuple[int, bytes]:
    time.sleep(0.8)
    return 200, b"success"


def test_a_message_reaches_the_webhook_and_its_reply_the_phone(
    platform: httpx.Client, webhook: Any, openid: str, passive: Seal, oracle: WeChatCrypto
) -> None:
    webhook.answer = lambda push: (200, passive(openid, "text", "<Content><![CDATA[签到成功 <b>+5</b>]]></Content>"))
    outcome = _say(platform, openid, "签到 ]]> 😀")
    assert outcome["reply"]["text"] == "签到成功 <b>+5</b>"
    assert (outcome["failed"], len(outcome["attempts"])) == (False, 1)

    push = next(push for push in webhook.pushes if push.query["openid"] == openid)
    message = parse_message(oracle.decrypt_message(push.body, *(push.query[name] for name in ("msg_signature", "timestamp", "nonce"))))
    assert (message.type, message.content, message.source, message.target) == ("text", "签到 ]]> 😀", openid, "gh_1234567890ab")
    sides = [message["side"] for message in platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"]]
    assert sides == ["follower", "account"]


def test_a_silent_webhook_is_tried_three_times_and_the_follower_sees_the_failure(
    platform: httpx.Client, webhook: Any, openid: str, oracle: WeChatCrypto
) -> None:
    webhook.answer = _too_late
    outcome = _say(platform, openid)
    assert [attempt["error"] for attempt in outcome["attempts"]] == ["timeout"] * 3
    assert all(0.45 < attempt["elapsed"] < 0.8 for attempt in outcome["attempts"])
    assert (outcome["reply"], outcome["notice"]["text"]) == (None, FAILURE)
    mine = [push for push in webhook.pushes if push.query["openid"] == openid]
    opened = {oracle.decrypt_message(push.body, *(push.query[name] for name in ("msg_signature", "timestamp", "nonce"))) for push in mine}
    assert len(mine) == 3
    assert len(opened) == 1
    assert len({push.query["nonce"] for push in mine}) == 3


def test_an_answer_to_the_third_attempt_counts(platform: httpx.Client, webhook: Any, openid: str, passive: Seal) -> None:
    answers = iter([(500, b""), (404, b"success"), (200, passive(openid, "text", TEXT))])
    webhook.answer = lambda push: next(answers)
    outcome = _say(platform, openid)
    assert [attempt["status"] for attempt in outcome["attempts"]] == [500, 404, 200]
    assert outcome["reply"]["text"] == "你好"


def test_a_webhook_that_is_not_there_is_a_failure_too(launch: Callable[..., httpx.Client]) -> None:
    client = launch("http://127.0.0.1:9/wechat", "--followers", "1")
    openid = client.get("/_sim/followers").json()["followers"][0]["openid"]
    outcome = _say(client, openid)
    assert len(outcome["attempts"]) == 3
    assert outcome["notice"]["text"] == FAILURE


@pytest.mark.parametrize("answer", [b"", b"success"])
def test_success_and_an_empty_answer_mean_no_message(platform: httpx.Client, webhook: Any, openid: str, answer: bytes) -> None:
    webhook.answer = lambda push: (200, answer)
    outcome = _say(platform, openid)
    assert (outcome["reply"], outcome["notice"]) == (None, None)


@pytest.mark.parametrize(
    "kind",
    [
        "json", "a byte order mark before", "clear xml", "from and to as they came", "no content", "unknown type", "too long",
        "forged signature", "another account", "news without articles", "image without id", "dtd inside",
    ],
)  # fmt: skip
def test_an_abnormal_answer_is_the_failure_sentence_at_once(
    platform: httpx.Client, webhook: Any, openid: str, passive: Seal, oracle: WeChatCrypto, kind: str
) -> None:
    good = passive(openid, "text", TEXT)
    other = WeChatCrypto("demo-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx0000000000000000")
    answers = {
        "json": b'{"errcode":0}',
        "a byte order mark before": b"\xef\xbb\xbf" + good,
        "clear xml": f"<xml><ToUserName>{openid}</ToUserName><MsgType>text</MsgType>{TEXT}</xml>".encode(),
        "from and to as they came": passive("gh_1234567890ab", "text", TEXT, sender=openid),
        "no content": passive(openid, "text", "<Content></Content>"),
        "unknown type": passive(openid, "hologram", TEXT),
        "too long": passive(openid, "text", f"<Content>{'字' * 683}</Content>"),
        "forged signature": good.replace(b"<MsgSignature><![CDATA[", b"<MsgSignature><![CDATA[0"),
        "another account": other.encrypt_message("<xml/>", "n", "1").encode(),
        "news without articles": passive(openid, "news", "<ArticleCount>1</ArticleCount><Articles></Articles>"),
        "image without id": passive(openid, "image", "<Image></Image>"),
        "dtd inside": oracle.encrypt_message('<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>', "n", "1").encode(),
    }
    webhook.answer = lambda push: (200, answers[kind])
    outcome = _say(platform, openid)
    assert len(outcome["attempts"]) == 1
    assert (outcome["reply"], outcome["notice"]["text"]) == (None, FAILURE)
    assert outcome["notice"]["why"]


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("text", f"<Content>{'字' * 682}</Content>", {"type": "text", "text": "字" * 682}),
        ("image", "<Image><MediaId>m</MediaId></Image>", {"type": "image", "media_id": "m"}),
        ("voice", "<Voice><MediaId>m</MediaId></Voice>", {"type": "voice", "media_id": "m"}),
        (
            "video",
            "<Video><MediaId>m</MediaId><Title>t</Title></Video>",
            {"type": "video", "media_id": "m", "title": "t", "description": ""},
        ),
        ("music", "<Music><Title>t</Title><MusicUrl>u</MusicUrl></Music>", {"type": "music", "title": "t", "description": "", "url": "u"}),
        ("transfer_customer_service", "<TransInfo><KfAccount>a@b</KfAccount></TransInfo>", {"type": "handoff", "account": "a@b"}),
        (
            "news",
            f"<ArticleCount>2</ArticleCount><Articles>{ITEM}{ITEM}</Articles>",
            {"type": "news", "articles": [{"title": "一", "description": "d", "picture": "p", "url": "https://example.com"}]},
        ),
    ],
)
def test_every_kind_of_reply_is_shown_and_news_are_cut_to_one_article(
    platform: httpx.Client, webhook: Any, openid: str, passive: Seal, kind: str, content: str, shown: dict[str, Any]
) -> None:
    webhook.answer = lambda push: (200, passive(openid, kind, content, created="1700000000000"))
    reply = _say(platform, openid)["reply"]
    assert {name: reply[name] for name in shown} == shown


def test_a_click_may_be_answered_with_several_articles_and_an_unfollow_shows_nothing(
    platform: httpx.Client, webhook: Any, openid: str, passive: Seal
) -> None:
    webhook.answer = lambda push: (200, passive(openid, "news", f"<Articles>{ITEM * 9}</Articles>"))
    clicked = platform.post("/_sim/event", json={"openid": openid, "event": "CLICK", "event_key": "news"}).json()
    assert len(clicked["reply"]["articles"]) == 8
    webhook.answer = lambda push: (200, b"nonsense")
    left = platform.post("/_sim/unfollow", json={"openid": openid}).json()
    assert (left["reply"], left["notice"], left["failed"]) == (None, None, False)
    assert platform.post("/_sim/say", json={"openid": openid, "text": "在吗"}).status_code == 409
    webhook.answer = lambda push: (200, passive(openid, "text", TEXT))
    assert platform.post("/_sim/follow", json={"openid": openid, "scene": "store_01"}).json()["reply"]["text"] == "你好"


def test_an_event_carries_its_own_fields_as_nested_xml(platform: httpx.Client, webhook: Any, openid: str, oracle: WeChatCrypto) -> None:
    scan = {"ScanType": "qrcode", "ScanResult": "1"}
    platform.post("/_sim/event", json={"openid": openid, "event": "scancode_push", "event_key": "k", "ScanCodeInfo": scan})
    push = next(push for push in webhook.pushes if push.query["openid"] == openid)
    xml = oracle.decrypt_message(push.body, *(push.query[name] for name in ("msg_signature", "timestamp", "nonce")))
    assert "<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[1]]></ScanResult></ScanCodeInfo>" in xml


def test_plain_mode_pushes_clear_xml_and_reads_clear_replies(launch: Callable[..., httpx.Client], webhook: Any) -> None:
    client = launch(webhook.url, "--mode", "plain", "--followers", "1", "--seed", "77")
    openid = client.get("/_sim/followers").json()["followers"][0]["openid"]
    head = f"<ToUserName>{openid}</ToUserName><FromUserName>gh_1234567890ab</FromUserName>"
    webhook.answer = lambda push: (200, f"<xml>{head}<MsgType>text</MsgType>{TEXT}</xml>".encode())
    assert _say(client, openid)["reply"]["text"] == "你好"
    push = next(push for push in webhook.pushes if push.query["openid"] == openid)
    assert "<Content><![CDATA[签到]]></Content>" in push.body
    assert sorted(push.query) == ["nonce", "openid", "signature", "timestamp"]
