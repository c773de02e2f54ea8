"""The account's templates: taken from the library, given back, and what the platform holds against a message."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

SEND, ADD, DELETE = "/cgi-bin/message/template/send", "/cgi-bin/template/api_add_template", "/cgi-bin/template/del_private_template"
CHECKED_IN = {"template_id_short": "42984", "keyword_name_list": ["签到时间", "活动名称"]}
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def own(launch: Callable[..., httpx.Client], webhook: Any) -> httpx.Client:
    """A simulator of one's own, because templates and settings are for all."""
    return launch(webhook.url, "--followers", "1")


def _someone(client: httpx.Client) -> str:
    return str(client.get("/_sim/followers").json()["followers"][0]["openid"])


def test_a_template_is_taken_used_and_given_back(platform: httpx.Client, call: Call, openid: str) -> None:
    template_id = call(platform, ADD, CHECKED_IN)["template_id"]
    assert len(template_id) == 43
    (listed,) = [
        one for one in call(platform, "/cgi-bin/template/get_all_private_template")["template_list"] if one["template_id"] == template_id
    ]
    assert listed["content"] == "签到时间：{{time2.DATA}}\n活动名称：{{thing1.DATA}}"
    message = {"touser": openid, "template_id": template_id, "data": {"time2": {"value": "08:30"}, "thing1": {"value": "每日签到"}}}
    assert call(platform, SEND, message)["errcode"] == 0
    for errcode in (0, 40037):
        assert call(platform, DELETE, {"template_id": template_id})["errcode"] == errcode
    assert call(platform, SEND, message)["errcode"] == 40037


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"template_id_short": "TM00015"}, 40247), ({"template_id_short": "1"}, 40037), ({"template_id_short": "9" * 5000}, 40247), ({"template_id_short": ""}, 40037),
        ({"keyword_name_list": []}, 40246), ({"keyword_name_list": ["天气"]}, 40246), ({"keyword_name_list": [[]]}, 40246), ({"keyword_name_list": None}, 40246),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_library_does_not_have_cannot_be_taken(platform: httpx.Client, call: Call, change: dict[str, Any], errcode: int) -> None:
    assert call(platform, ADD, {**CHECKED_IN, **change})["errcode"] == errcode


def test_there_are_at_most_25_templates(own: httpx.Client, call: Call) -> None:
    taken = len(call(own, "/cgi-bin/template/get_all_private_template")["template_list"])
    codes = [call(own, ADD, CHECKED_IN).get("errcode") for _ in range(26 - taken)]
    assert codes == [0] * (25 - taken) + [45026]


def test_the_industry_is_changed_once_a_month_and_takes_the_templates_along(own: httpx.Client, call: Call) -> None:
    assert call(own, "/cgi-bin/template/get_industry")["primary_industry"] == {"first_class": "消费品", "second_class": "消费品"}
    industry = "/cgi-bin/template/api_set_industry"
    assert call(own, industry, {"industry_id1": "42", "industry_id2": "1"})["errcode"] == 40097
    assert call(own, industry, {"industry_id1": "1", "industry_id2": 4})["errcode"] == 0
    assert call(own, "/cgi-bin/template/get_industry")["secondary_industry"] == {"first_class": "IT科技", "second_class": "电子技术"}
    assert call(own, "/cgi-bin/template/get_all_private_template")["template_list"] == []
    assert call(own, industry, {"industry_id1": "1", "industry_id2": "2"})["errcode"] == 43100
    own.post("/_sim/clock", json={"advance": 32 * 86400}).raise_for_status()
    assert call(own, industry, {"industry_id1": "1", "industry_id2": "2"})["errcode"] == 0


def test_marketing_is_refused_where_words_for_it_are_set_and_can_be_looked_up(own: httpx.Client, call: Call) -> None:
    openid = _someone(own)
    digest = {"touser": openid, "template_id": "TEMPLATE_ID", "data": {"thing1": {"value": "全场五折优惠券"}, "time2": {"value": "20:00"}}}
    assert call(own, SEND, digest)["errcode"] == 0
    own.post("/_sim/settings", json={"marketing_words": ["优惠券"]}).raise_for_status()
    assert [call(own, SEND, digest)["errcode"] for _ in range(3)] == [40249] * 3
    look_up = "/wxa/sec/queryblocktmplmsg"
    found = call(own, look_up, {"tmpl_msg_id": "TEMPLATE_ID", "largest_id": 0, "limit": 2})["msginfo"]
    assert [one["id"] for one in found] == [3, 2]
    assert (found[0]["openid"], "优惠券" in found[0]["content"]) == (openid, True)
    assert [one["id"] for one in call(own, look_up, {"tmpl_msg_id": "TEMPLATE_ID", "largest_id": 2, "limit": 2})["msginfo"]] == [1]
    assert call(own, look_up, {"tmpl_msg_id": "TEMPLATE_ID", "largest_id": 0, "limit": 101})["errcode"] == 40097


def test_a_card_may_lead_to_a_mini_program_that_is_linked(own: httpx.Client, call: Call) -> None:
    openid = _someone(own)
    digest = {"touser": openid, "template_id": "TEMPLATE_ID", "data": {"thing1": {"value": "精选"}, "time2": {"value": "20:00"}}}
    target = {"miniprogram": {"appid": "wx286b93c14bbf93aa", "pagepath": "pages/index"}, "url": "https://example.com"}
    assert call(own, SEND, digest | target)["errcode"] == 0
    card = own.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]
    assert (card["mini_program"], card["url"]) == ({"app_id": "wx286b93c14bbf93aa", "path": "pages/index"}, "https://example.com")
    own.post("/_sim/settings", json={"mini_programs": ["wx0000000000000000"]}).raise_for_status()
    assert call(own, SEND, digest | target)["errcode"] == 40013
    assert call(own, SEND, digest | {"miniprogram": "wx"})["errcode"] == 40013


def test_what_failed_on_the_way_is_not_on_the_phone(own: httpx.Client, call: Call, eventually: Callable[..., Any]) -> None:
    openid = _someone(own)
    own.post("/_sim/settings", json={"receipts": {"system_failed": 1.0}}).raise_for_status()
    digest = {"touser": openid, "template_id": "TEMPLATE_ID", "data": {"thing1": {"value": "精选"}, "time2": {"value": "20:00"}}}
    assert call(own, SEND, digest)["errcode"] == 0
    assert own.get(f"/_sim/followers/{openid}/conversation").json()["messages"] == []
    query = {"openid": openid, "kind": "push"}
    (receipt,) = eventually(lambda: own.get("/_sim/log", params=query).json()["entries"])
    assert "<Status><![CDATA[failed: system failed]]></Status>" in receipt["body"]


def test_a_ticket_stays_the_same_until_it_expires(own: httpx.Client, call: Call) -> None:
    first = call(own, "/cgi-bin/ticket/getticket", type="jsapi")
    assert (first["errcode"], 7190 <= first["expires_in"] <= 7200) == (0, True)
    assert call(own, "/cgi-bin/ticket/getticket", type="jsapi")["ticket"] == first["ticket"]
    assert call(own, "/cgi-bin/ticket/getticket", type="wx_card")["ticket"] != first["ticket"]
    assert call(own, "/cgi-bin/ticket/getticket", type="x")["errcode"] == 40097
    own.post("/_sim/clock", json={"advance": 7201}).raise_for_status()
    assert call(own, "/cgi-bin/ticket/getticket", type="jsapi")["ticket"] != first["ticket"]
