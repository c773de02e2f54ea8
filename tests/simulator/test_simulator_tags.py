"""Tags, and the groups old clients still call them."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Call = Callable[..., dict[str, Any]]
TAGGING, UNTAGGING = "/cgi-bin/tags/members/batchtagging", "/cgi-bin/tags/members/batchuntagging"


@pytest.fixture(scope="module")
def client(_shared_webhook: Any, running: Callable[..., Any]) -> Iterator[httpx.Client]:
    """A simulator whose tags nobody else changes."""
    with running(_shared_webhook.url, "--followers", "60") as own:
        yield own


def _create(client: httpx.Client, call: Call, name: object) -> dict[str, Any]:
    return call(client, "/cgi-bin/tags/create", {"tag": {"name": name}})


def test_a_tag_is_made_renamed_put_on_taken_off_and_deleted(client: httpx.Client, call: Call) -> None:
    made = _create(client, call, "本月生日")["tag"]
    assert made == {"id": 107, "name": "本月生日"}
    people = call(client, "/cgi-bin/user/get")["data"]["openid"]
    assert call(client, TAGGING, {"openid_list": people[:50], "tagid": 107})["errcode"] == 0
    assert call(client, TAGGING, {"openid_list": people[:2], "tagid": 107})["errcode"] == 0  # once more changes nothing
    assert call(client, UNTAGGING, {"openid_list": people[:1], "tagid": 107})["errcode"] == 0
    assert 107 not in call(client, "/cgi-bin/tags/getidlist", {"openid": people[0]})["tagid_list"]
    assert call(client, "/cgi-bin/user/tag/get", {"tagid": 107, "next_openid": ""})["data"]["openid"] == people[1:50]
    assert call(client, "/cgi-bin/tags/update", {"tag": {"id": 107, "name": "寿星"}})["errcode"] == 0
    assert {"id": 107, "name": "寿星", "count": 49} in call(client, "/cgi-bin/tags/get")["tags"]
    assert call(client, "/cgi-bin/tags/delete", {"tag": {"id": 107}})["errcode"] == 0
    assert 107 not in call(client, "/cgi-bin/user/info", openid=people[1])["tagid_list"]
    assert call(client, "/cgi-bin/tags/delete", {"tag": {"id": 107}})["errcode"] == 45159


def test_names_must_be_there_short_and_unlike_others(client: httpx.Client, call: Call) -> None:
    assert _create(client, call, "")["errcode"] == 45157
    assert _create(client, call, "上海")["errcode"] == 45157
    assert _create(client, call, "字" * 31)["errcode"] == 45158
    assert call(client, "/cgi-bin/tags/update", {"tag": {"id": 101, "name": "上海"}})["errcode"] == 45157
    assert call(client, "/cgi-bin/tags/update", {"tag": {"id": 2, "name": "星标"}})["errcode"] == 45058
    assert call(client, "/cgi-bin/tags/update", {"tag": {"id": 999, "name": "新"}})["errcode"] == 45159
    assert call(client, "/cgi-bin/tags/create", {"name": "x"})["errcode"] == 47001


def test_a_list_of_members_is_short_and_knows_everybody(client: httpx.Client, call: Call) -> None:
    people = call(client, "/cgi-bin/user/get")["data"]["openid"]
    assert call(client, TAGGING, {"openid_list": people[:51], "tagid": 100})["errcode"] == 40032
    assert call(client, TAGGING, {"openid_list": [], "tagid": 100})["errcode"] == 40032
    assert call(client, TAGGING, {"openid_list": ["nonsense"], "tagid": 100})["errcode"] == 40003
    assert call(client, TAGGING, {"openid_list": [people[0], "oOtherAccountsFollowers12345"], "tagid": 100})["errcode"] == 49003
    assert call(client, TAGGING, {"openid_list": people[:1], "tagid": 999})["errcode"] == 45159


def test_nobody_carries_more_than_twenty_tags_and_there_are_a_hundred(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call
) -> None:
    client = launch(webhook.url, "--followers", "2")
    one, other = call(client, "/cgi-bin/user/get")["data"]["openid"]
    for number in range(93):
        assert "tag" in _create(client, call, f"标签 {number}")
    assert _create(client, call, "第一百零一个")["errcode"] == 45056
    carried = call(client, "/cgi-bin/tags/getidlist", {"openid": one})["tagid_list"]
    for tag_id in range(107, 107 + 20 - len(carried)):
        assert call(client, TAGGING, {"openid_list": [one], "tagid": tag_id})["errcode"] == 0
    before = call(client, "/cgi-bin/tags/getidlist", {"openid": other})
    assert call(client, TAGGING, {"openid_list": [other, one], "tagid": 199})["errcode"] == 45059
    assert call(client, "/cgi-bin/tags/getidlist", {"openid": other}) == before  # all of them or none


def test_groups_are_first_tags(client: httpx.Client, call: Call) -> None:
    people = call(client, "/cgi-bin/user/get")["data"]["openid"]
    group = call(client, "/cgi-bin/groups/create", {"group": {"name": "老组"}})["group"]
    assert call(client, "/cgi-bin/groups/members/update", {"openid": people[5], "to_groupid": group["id"]})["errcode"] == 0
    assert call(client, "/cgi-bin/groups/members/batchupdate", {"openid_list": people[6:8], "to_groupid": group["id"]})["errcode"] == 0
    assert call(client, "/cgi-bin/groups/getid", {"openid": people[5]}) == {"groupid": group["id"]}
    assert call(client, "/cgi-bin/user/info", openid=people[5])["groupid"] == group["id"]
    assert call(client, "/cgi-bin/groups/update", {"group": {"id": group["id"], "name": "新组"}})["errcode"] == 0
    assert {**group, "name": "新组", "count": 3} in call(client, "/cgi-bin/groups/get")["groups"]
    assert call(client, "/cgi-bin/groups/members/update", {"openid": people[5], "to_groupid": 55})["errcode"] == 40050
    assert call(client, "/cgi-bin/groups/delete", {"group": {"id": group["id"]}}) == {}
    assert call(client, "/cgi-bin/groups/delete", {"group": {"id": 1}})["errcode"] == 45016
