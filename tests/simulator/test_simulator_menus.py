"""The menu: what the platform refuses, what it keeps, and who sees which one."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Call = Callable[..., dict[str, Any]]
CLICK = {"type": "click", "name": "签到", "key": "签到"}
VIEW = {"type": "view", "name": "官网", "url": "https://example.com"}


def _menu(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"button": list(buttons)}


def _below(*items: dict[str, Any]) -> dict[str, Any]:
    return _menu({"name": "会员", "sub_button": list(items)})


@pytest.fixture(autouse=True)
def _no_menu(platform: httpx.Client, call: Call) -> Iterator[None]:
    yield
    call(platform, "/cgi-bin/menu/delete")


@pytest.mark.parametrize(
    ("menu", "errcode"),
    [
        (_menu(CLICK), 0),
        (_menu(CLICK, VIEW, {"name": "更多", "sub_button": [CLICK] * 5}), 0),
        ({}, 40016), (_menu(), 40016), (_menu(*[CLICK] * 4), 40016), ({"button": ["签到"]}, 40016),
        (_menu({**CLICK, "type": "dance"}), 40017), (_menu({"name": "签到"}), 40017), (_menu({**CLICK, "type": ["click"]}), 40017),
        (_menu({**CLICK, "name": "一二三四五"}), 0), (_menu({**CLICK, "name": "一二三四五六"}), 40018), (_menu({**CLICK, "name": ""}), 40018),
        (_menu({**CLICK, "key": "k" * 128}), 0), (_menu({**CLICK, "key": "k" * 129}), 40019), (_menu({"type": "click", "name": "签到"}), 40019),
        (_menu({**VIEW, "url": "https://example.com/" + "a" * 1005}), 40020),
        (_menu({**VIEW, "url": "example.com"}), 40055), (_menu({**VIEW, "url": "javascript:alert(1)"}), 40055), (_menu({**VIEW, "url": "http://["}), 40055),
        (_below(*[CLICK] * 6), 40023), (_below({**CLICK, "type": "dance"}), 40024),
        (_below({**CLICK, "name": "字" * 20}), 0), (_below({**CLICK, "name": "字" * 21}), 40025),
        (_below({**CLICK, "key": ""}), 40026), (_below({**VIEW, "url": "https://e.com/" + "a" * 1020}), 40027), (_below({**VIEW, "url": "ftp://e.com"}), 40054),
        (_below({"name": "更深", "sub_button": [CLICK]}), 40022),
        (_menu({"type": "media_id", "name": "图片", "media_id": "none"}), 40007),
        (_menu({"type": "article_id", "name": "文章", "article_id": ""}), 53600),
        (_menu({"type": "miniprogram", "name": "小程序", "url": "https://e.com", "appid": "", "pagepath": "p"}), 45064),
        (_menu({"type": "miniprogram", "name": "小程序", "url": "https://e.com", "appid": "wx286b93c14bbf93aa", "pagepath": "pages/index"}), 0),
    ],
)  # fmt: skip
def test_a_menu_is_read_to_the_byte(platform: httpx.Client, call: Call, menu: dict[str, Any], errcode: int) -> None:
    assert call(platform, "/cgi-bin/menu/create", menu)["errcode"] == errcode


def test_escaped_chinese_is_refused_because_names_must_be_raw_utf8(platform: httpx.Client, token_of: Callable[..., str]) -> None:
    def create(body: bytes) -> int:
        answer = platform.post("/cgi-bin/menu/create", params={"access_token": token_of(platform)}, content=body)
        return int(answer.json()["errcode"])

    assert create(rb'{"button":[{"type":"click","name":"\u7b7e\u5230","key":"k"}]}') == 40033
    assert create(rb'{"button":[{"type":"click","name":"C:\\u7b7e","key":"k"}]}') == 0  # a backslash of its own, no escape


def test_a_mini_program_that_is_not_linked_cannot_be_opened(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "1")
    button = {"type": "miniprogram", "name": "小程序", "url": "https://e.com", "appid": "wx286b93c14bbf93aa", "pagepath": "pages/index"}
    client.post("/_sim/settings", json={"mini_programs": ["wx0000000000000000"]}).raise_for_status()
    assert call(client, "/cgi-bin/menu/create", _menu(button))["errcode"] == 45064


def test_what_was_created_is_what_is_read_and_the_next_one_takes_its_place(platform: httpx.Client, call: Call) -> None:
    assert call(platform, "/cgi-bin/menu/get")["errcode"] == 46003
    call(platform, "/cgi-bin/menu/create", _menu(CLICK))
    call(platform, "/cgi-bin/menu/create", _below(VIEW))
    assert call(platform, "/cgi-bin/menu/get") == {
        "menu": {"button": [{"name": "会员", "sub_button": [{**VIEW, "sub_button": []}]}]},
    }
    assert call(platform, "/cgi-bin/menu/delete") == {"errcode": 0, "errmsg": "ok"}
    assert call(platform, "/cgi-bin/menu/get")["errcode"] == 46003


@pytest.mark.parametrize(
    ("rule", "errcode"),
    [
        ({}, 65304), (None, 65304), ({"tag_id": ""}, 65304), ({"sex": "1"}, 65320), ({"tag_id": "100", "language": "zh_CN"}, 65320),
        ({"country": "中国", "client_platform_type": "1"}, 65320), ({"tag_id": "999"}, 40152), ({"client_platform_type": "4"}, 40097),
    ],
)  # fmt: skip
def test_only_tags_and_systems_make_a_rule(platform: httpx.Client, call: Call, rule: object, errcode: int) -> None:
    call(platform, "/cgi-bin/menu/create", _menu(CLICK))
    assert call(platform, "/cgi-bin/menu/addconditional", {**_menu(VIEW), "matchrule": rule})["errcode"] == errcode


def test_conditional_menus_need_a_default_one_and_go_with_it(platform: httpx.Client, call: Call) -> None:
    rule = {"matchrule": {"client_platform_type": "1"}}
    assert call(platform, "/cgi-bin/menu/addconditional", {**_menu(CLICK), **rule})["errcode"] == 65303
    call(platform, "/cgi-bin/menu/create", _menu(CLICK))
    four = [{**VIEW, "url": f"https://{place}.example.com"} for place in range(4)]
    assert call(platform, "/cgi-bin/menu/addconditional", {**_below(*four), **rule})["errcode"] == 65316
    menuid = call(platform, "/cgi-bin/menu/addconditional", {**_menu(VIEW), **rule})["menuid"]
    (listed,) = call(platform, "/cgi-bin/menu/get")["conditionalmenu"]
    assert (str(listed["menuid"]), listed["matchrule"]) == (menuid, {"client_platform_type": "1"})
    odd: tuple[object, ...] = ("1", "x" * 30, "9" * 5000, None, {})
    for wrong in odd:
        assert call(platform, "/cgi-bin/menu/delconditional", {"menuid": wrong})["errcode"] == 65301
    assert call(platform, "/cgi-bin/menu/delconditional", {"menuid": menuid})["errcode"] == 0
    call(platform, "/cgi-bin/menu/addconditional", {**_menu(VIEW), **rule})
    call(platform, "/cgi-bin/menu/delete")
    call(platform, "/cgi-bin/menu/create", _menu(CLICK))
    assert "conditionalmenu" not in call(platform, "/cgi-bin/menu/get")


def test_the_newest_menu_that_matches_is_the_one_a_follower_sees(platform: httpx.Client, call: Call) -> None:
    people = platform.get("/_sim/followers", params={"limit": 500}).json()["followers"]
    vip = next(person["openid"] for person in people if "VIP" in person["tags"])
    other = next(person["openid"] for person in people if "VIP" not in person["tags"])
    tag_id = next(tag["id"] for tag in call(platform, "/cgi-bin/tags/get")["tags"] if tag["name"] == "VIP")

    def named(name: str) -> dict[str, Any]:
        return _menu({**CLICK, "name": name})

    def seen(openid: str) -> str:
        return str(call(platform, "/cgi-bin/menu/trymatch", {"user_id": openid})["button"][0]["name"])

    call(platform, "/cgi-bin/menu/create", named("大家"))
    call(platform, "/cgi-bin/menu/addconditional", {**named("会员"), "matchrule": {"tag_id": tag_id}})
    assert (seen(vip), seen(other)) == ("会员", "大家")
    call(platform, "/cgi-bin/menu/addconditional", {**named("安卓"), "matchrule": {"client_platform_type": "2"}})
    assert (seen(vip), seen(other)) == ("会员", "大家")
    call(platform, "/cgi-bin/menu/addconditional", {**named("苹果"), "matchrule": {"client_platform_type": "1"}})
    assert (seen(vip), seen(other)) == ("苹果", "苹果")
    assert call(platform, "/cgi-bin/menu/trymatch", {"user_id": "oSimNobody"})["errcode"] == 65302


def test_the_present_menu_is_the_consoles_until_the_api_made_one(platform: httpx.Client, call: Call) -> None:
    console = call(platform, "/cgi-bin/get_current_selfmenu_info")
    assert console["is_menu_open"] == 1
    members, picture, contact = console["selfmenu_info"]["button"]
    assert {item["type"] for item in members["sub_button"]["list"]} == {"news", "text", "view"}
    assert (picture["type"], contact["type"]) == ("img", "text")
    call(platform, "/cgi-bin/menu/create", _menu(CLICK, {"name": "更多", "sub_button": [VIEW]}))
    assert call(platform, "/cgi-bin/get_current_selfmenu_info")["selfmenu_info"] == {
        "button": [CLICK, {"name": "更多", "sub_button": {"list": [VIEW]}}]
    }


def test_the_consoles_auto_replies_can_be_read_and_their_pictures_fetched(
    platform: httpx.Client, call: Call, token_of: Callable[..., str]
) -> None:
    replies = call(platform, "/cgi-bin/get_current_autoreply_info")
    assert (replies["is_add_friend_reply_open"], replies["is_autoreply_open"]) == (1, 1)
    assert replies["add_friend_autoreply_info"]["type"] == replies["message_default_autoreply_info"]["type"] == "text"
    rules = replies["keyword_autoreply_info"]["list"]
    assert {word["match_mode"] for rule in rules for word in rule["keyword_list_info"]} == {"contain", "equal"}
    picture = next(reply["content"] for rule in rules for reply in rule["reply_list_info"] if reply["type"] == "img")
    content = platform.get("/cgi-bin/media/get", params={"access_token": token_of(platform), "media_id": picture}).content
    assert content.startswith(b"\x89PNG")
