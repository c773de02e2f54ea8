"""Template messages: checks, the ten-minute memory, and receipts."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

from simulator import templates

SEND = "/cgi-bin/message/template/send"
DIGEST = {"thing1": {"value": "本周精选"}, "time2": {"value": "2026年11月20日 20:00"}}
Call = Callable[..., dict[str, Any]]
Log = Callable[..., list[dict[str, Any]]]


def _digest(openid: str, **more: Any) -> dict[str, Any]:
    return {"touser": openid, "template_id": "TEMPLATE_ID", "data": DIGEST, **more}


@pytest.mark.parametrize(
    ("slot", "value", "fits"),
    [
        ("thing1", "字" * 20, True), ("thing1", "字" * 21, False),
        ("number2", "12.50", True), ("number2", "十二", False), ("number2", "1" * 33, False),
        ("letter3", "abc", True), ("letter3", "ab1", False),
        ("symbol1", "+-*/!", True), ("symbol1", "a", False),
        ("character_string5", "NO-2026/11 #7", True), ("character_string5", "编号7", False),
        ("time2", "15:01", True), ("time2", "2019年10月1日 15:01", True), ("time2", "2026-11-21", True), ("time2", "25:01", False),
        ("time2", "9:00~18:30", True), ("time2", "今晚八点", False), ("time2", "2026年2月30日", False),
        ("date3", "2019年10月1日", True), ("date3", "2026-11-21 08:00", True), ("date3", "15:01", False),
        ("amount4", "¥12.5元", True), ("amount4", "100元", True), ("amount4", "一百元", False),
        ("phone_number1", "+86-0766-66888866"[:17], True), ("phone_number1", "1" * 18, False),
        ("car_number1", "粤A8Z888挂", True), ("car_number1", "粤A8Z888挂挂挂", False),
        ("name1", "张三", True), ("name1", "字" * 11, False), ("name1", "Alexander Hamilton", True),
        ("phrase4", "已报名", True), ("phrase4", "超过五个汉字", False), ("phrase4", "ok", False),
        ("const1", "进行中", True), ("keyword1", "什么都行" * 50, True),
    ],
)  # fmt: skip
def test_a_value_must_fit_the_type_in_its_fields_name(slot: str, value: str, fits: bool) -> None:
    assert templates.fits(slot, value) is fits


def test_a_bad_value_is_named_as_the_platform_names_it(platform: httpx.Client, call: Call, openid: str) -> None:
    long = {**DIGEST, "thing1": {"value": "字" * 21}}
    answer = call(platform, SEND, _digest(openid) | {"data": long})
    assert answer == {"errcode": 47003, "errmsg": "argument invalid! data.thing1.value invalid"}
    answer = call(platform, SEND, _digest(openid) | {"data": {"thing1": DIGEST["thing1"]}})
    assert answer == {"errcode": 47003, "errmsg": "argument invalid! data.time2.value is empty"}


def test_whom_and_what_the_platform_does_not_know_it_refuses(platform: httpx.Client, call: Call, openid: str) -> None:
    assert call(platform, SEND, _digest("oSimNobody"))["errcode"] == 40003
    assert call(platform, SEND, _digest(openid) | {"template_id": "NO_SUCH"})["errcode"] == 40037
    assert call(platform, SEND, {"touser": openid, "template_id": "TEMPLATE_ID"})["errcode"] == 47001
    platform.post("/_sim/blacklist", json={"openid": openid})
    assert call(platform, SEND, _digest(openid))["errcode"] == 43019
    platform.post("/_sim/unfollow", json={"openid": openid})
    assert call(platform, SEND, _digest(openid))["errcode"] == 43004


def test_an_accepted_message_is_on_the_phone_and_its_receipt_is_signed_and_sealed(
    platform: httpx.Client, webhook: Any, call: Call, openid: str, oracle: WeChatCrypto, eventually: Callable[..., Any]
) -> None:
    answer = call(platform, SEND, _digest(openid, url="https://example.com/weekly"))
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
    card = platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]
    assert (card["type"], card["title"], card["url"]) == ("template", "每周精选更新通知", "https://example.com/weekly")
    assert card["lines"] == [{"label": "更新内容", "value": "本周精选"}, {"label": "更新时间", "value": "2026年11月20日 20:00"}]

    push = eventually(lambda: [push for push in webhook.pushes if push.query["openid"] == openid])[0]
    assert push.query["encrypt_type"] == "aes"
    xml = oracle.decrypt_message(push.body, push.query["msg_signature"], push.query["timestamp"], push.query["nonce"])
    event = parse_message(xml)
    assert (event.event, event.id, event.status, event.source) == ("templatesendjobfinish", answer["msgid"], "success", openid)


def test_a_follower_who_switched_messages_off_gets_none_and_the_receipt_says_so(
    platform: httpx.Client, call: Call, log: Log, openid: str, eventually: Callable[..., Any]
) -> None:
    platform.post("/_sim/block", json={"openid": openid})
    assert call(platform, SEND, _digest(openid))["errcode"] == 0
    receipt = eventually(lambda: log(platform, openid=openid, kind="push"))[0]
    assert "<Status><![CDATA[failed:user block]]></Status>" in receipt["body"]
    assert platform.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]["type"] == "event"


def test_a_repeated_client_msg_id_is_one_message_with_one_receipt(
    platform: httpx.Client, call: Call, log: Log, openid: str, eventually: Callable[..., Any]
) -> None:
    first = call(platform, SEND, _digest(openid, client_msg_id="weekly:1"))
    again = call(platform, SEND, _digest(openid, client_msg_id="weekly:1"))
    other = call(platform, SEND, _digest(openid, client_msg_id="weekly:2"))
    assert again == first
    assert other["msgid"] != first["msgid"]
    assert [entry["delivered"] for entry in log(platform, openid=openid, kind="api")] == [True, False, True]
    assert len(log(platform, openid=openid, kind="message")) == 2
    eventually(lambda: len(log(platform, openid=openid, kind="push")) == 2)


def test_the_days_quota_ends_with_45009(platform: httpx.Client, call: Call, openid: str) -> None:
    used = platform.post("/_sim/quota", json={"path": SEND, "limit": 1_000_000}).json()["used"]
    platform.post("/_sim/quota", json={"path": SEND, "limit": used + 1})
    try:
        assert [call(platform, SEND, _digest(openid))["errcode"] for _ in range(2)] == [0, 45009]
    finally:
        platform.post("/_sim/quota", json={"path": SEND, "limit": None})


def test_the_templates_are_listed_and_their_examples_are_valid(platform: httpx.Client, call: Call) -> None:
    listed = call(platform, "/cgi-bin/template/get_all_private_template")["template_list"]
    assert {"TEMPLATE_ID", "CHECKIN_REMINDER"} <= {template["template_id"] for template in listed}
    for template in templates.SHIPPED:
        values = [line.partition("：")[2] for line in template.example.split("\n")]
        templates.check(template, {slot: {"value": value} for slot, value in zip(template.slots(), values, strict=True)})


def test_emoji_and_what_follows_a_line_break_vanish_from_the_card() -> None:
    shown = templates.lines(templates.SHIPPED[0], {"thing1": {"value": "上新🎉了\n第二行"}, "time2": {"value": "20:00"}})
    assert [line["value"] for line in shown] == ["上新了", "20:00"]
