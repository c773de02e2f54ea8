"""The crowd as the API lists it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.crowd import Crowd

Call = Callable[..., dict[str, Any]]


def test_the_last_page_of_followers_names_a_next_one_that_has_no_data(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call
) -> None:
    client = launch(webhook.url, "--followers", "10003")
    first = call(client, "/cgi-bin/user/get")
    second = call(client, "/cgi-bin/user/get", next_openid=first["next_openid"])
    third = call(client, "/cgi-bin/user/get", next_openid=second["next_openid"])
    assert (first["total"], first["count"], second["count"]) == (10003, 10000, 3)
    assert second["next_openid"] == second["data"]["openid"][-1]
    assert third == {"total": 10003, "count": 0, "next_openid": ""}
    assert len({*first["data"]["openid"], *second["data"]["openid"]}) == 10003


def test_openids_look_real_and_the_same_seed_gives_the_same_people() -> None:
    small, large, other = Crowd(20, 1, 1.8e9), Crowd(300, 1, 1.8e9, unsubscribed=0.5), Crowd(20, 2, 1.8e9)
    names = [(follower.openid, follower.name, follower.tag_ids) for follower in small]
    assert names == [(follower.openid, follower.name, follower.tag_ids) for follower in large][:20]
    assert not {follower.openid for follower in other} & {follower.openid for follower in small}
    assert all(follower.openid.startswith("oSim") and len(follower.openid) == 28 for follower in large)
    assert 90 < sum(follower.subscribed for follower in large) < 210


def test_info_tells_tags_but_no_names_and_nothing_of_those_who_left(platform: httpx.Client, call: Call, openid: str) -> None:
    info = call(platform, "/cgi-bin/user/info", openid=openid)
    assert (info["subscribe"], info["openid"], "nickname" in info) == (1, openid, False)
    assert call(platform, "/cgi-bin/tags/getidlist", {"openid": openid})["tagid_list"] == info["tagid_list"]
    platform.post("/_sim/unfollow", json={"openid": openid})
    assert call(platform, "/cgi-bin/user/info", openid=openid) == {"subscribe": 0, "openid": openid}
    assert call(platform, "/cgi-bin/user/info", openid="oSimNobody")["errcode"] == 40003


def test_a_hundred_can_be_asked_about_at_once_and_not_one_more(platform: httpx.Client, call: Call) -> None:
    openids = call(platform, "/cgi-bin/user/get")["data"]["openid"][-101:]
    batch = [{"openid": openid, "lang": "zh_CN"} for openid in openids]
    answer = call(platform, "/cgi-bin/user/info/batchget", {"user_list": batch[:100]})
    assert [info["openid"] for info in answer["user_info_list"]] == openids[:100]
    assert call(platform, "/cgi-bin/user/info/batchget", {"user_list": batch})["errcode"] == 40032


def test_a_tag_lists_those_who_carry_it(platform: httpx.Client, call: Call) -> None:
    shanghai = call(platform, "/cgi-bin/tags/get")["tags"][0]
    assert (shanghai["id"], shanghai["name"]) == (100, "上海")
    carriers = call(platform, "/cgi-bin/user/tag/get", {"tagid": 100, "next_openid": ""})
    assert carriers["count"] == shanghai["count"] > 50
    assert call(platform, "/cgi-bin/user/tag/get", {"tagid": 99})["errcode"] == 45159


def test_a_remark_is_the_accounts_own_name_for_a_follower(platform: httpx.Client, call: Call, openid: str) -> None:
    assert call(platform, "/cgi-bin/user/info/updateremark", {"openid": openid, "remark": "老李 30栋"})["errcode"] == 0
    assert call(platform, "/cgi-bin/user/info", openid=openid)["remark"] == "老李 30栋"
    assert call(platform, "/cgi-bin/user/info/updateremark", {"openid": openid, "remark": "字" * 10})["errcode"] == 40092  # 30 bytes
    assert call(platform, "/cgi-bin/user/info/updateremark", {"openid": "oSimNobody", "remark": "x"})["errcode"] == 40003
    assert call(platform, "/cgi-bin/user/info/updateremark", {"openid": "o" * 28, "remark": "x"})["errcode"] == 49003


@pytest.mark.parametrize(("scene", "number", "text"), [("store_01", 0, "store_01"), ("4711", 4711, "")])
@pytest.mark.usefixtures("webhook")
def test_info_tells_the_code_through_which_somebody_came(
    platform: httpx.Client, call: Call, openid: str, scene: str, number: int, text: str
) -> None:
    platform.post("/_sim/unfollow", json={"openid": openid})
    platform.post("/_sim/follow", json={"openid": openid, "scene": scene})
    info = call(platform, "/cgi-bin/user/info", openid=openid)
    assert (info["subscribe_scene"], info["qr_scene"], info["qr_scene_str"]) == ("ADD_SCENE_QR_CODE", number, text)


def test_the_phone_finds_followers_by_name_and_tag(platform: httpx.Client) -> None:
    someone = platform.get("/_sim/followers", params={"tag": "员工", "limit": 1}).json()["followers"][0]
    found = platform.get("/_sim/followers", params={"search": someone["name"]}).json()["followers"]
    assert someone["openid"] in [person["openid"] for person in found]
    assert platform.get("/_sim/followers", params={"search": "没有人叫这个"}).json() == {"followers": [], "total": 0}
