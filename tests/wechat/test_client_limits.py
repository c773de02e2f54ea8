"""How much fits into one call: what is more is split, or refused before it is sent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from tests.wechat.scripted_platform import Scripted, client, platform, run
from wechat.client import Ambiguous, Client, PlatformError
from wechat.client.mass import MpNews
from wechat.client.statistics import LONGEST
from wechat.errcodes import Action
from wechat.reply import Text

YES = {"errcode": 0, "errmsg": "ok"}
PUT_ON = "/cgi-bin/tags/members/batchtagging"
BLACKLIST = "/cgi-bin/tags/members/batchblacklist"
SEND = "/cgi-bin/message/mass/send"
PEOPLE = [f"o{number}" for number in range(120)]


def lists(scripted: Scripted, path: str) -> list[list[str]]:
    return [json.loads(call.body)["openid_list"] for call in scripted.calls(path)]


def test_a_tag_is_put_on_fifty_at_a_time_and_those_it_failed_on_are_returned() -> None:
    async def scenario() -> None:
        partly = {"errcode": 45171, "errmsg": "some openid fail", "fail_openid_list": ["o51", "o52"]}
        async with platform({PUT_ON: [YES, partly, YES]}) as scripted, client(scripted) as one:
            assert await one.tag.put_on(9, PEOPLE) == ["o51", "o52"]
            assert lists(scripted, PUT_ON) == [PEOPLE[:50], PEOPLE[50:100], PEOPLE[100:]]

    run(scenario)


def test_a_partial_failure_that_does_not_say_of_whom_is_no_answer() -> None:
    async def scenario() -> None:
        async with platform({PUT_ON: [{"errcode": 45171, "errmsg": "some openid fail"}]}) as scripted, client(scripted) as one:
            with pytest.raises(Ambiguous):
                await one.tag.put_on(9, ["oA"])

    run(scenario)


def test_a_refusal_ends_the_batches() -> None:
    async def scenario() -> None:
        no_tag = {"errcode": 45159, "errmsg": "invalid tag id"}
        async with platform({PUT_ON: [YES, no_tag, YES]}) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError, match="45159"):
                await one.tag.put_on(9, PEOPLE)
            assert len(lists(scripted, PUT_ON)) == 2

    run(scenario)


def test_the_blacklist_takes_twenty_at_a_time_and_nobody_costs_no_call() -> None:
    async def scenario() -> None:
        async with platform({BLACKLIST: [YES]}) as scripted, client(scripted) as one:
            await one.blacklist.add([])
            await one.blacklist.add(PEOPLE[:41])
            assert lists(scripted, BLACKLIST) == [PEOPLE[:20], PEOPLE[20:40], PEOPLE[40:41]]

    run(scenario)


def test_the_bearers_of_a_tag_come_in_pages() -> None:
    path = "/cgi-bin/user/tag/get"
    pages: list[object] = [
        {"count": 2, "data": {"openid": ["oA", "oB"]}, "next_openid": "oB"},
        {"count": 0},
    ]

    async def scenario() -> None:
        async with platform({path: pages}) as scripted, client(scripted) as one:
            assert [page async for page in one.tag.openids(9)] == [["oA", "oB"]]
            assert [json.loads(call.body)["next_openid"] for call in scripted.calls(path)] == ["", "oB"]

    run(scenario)


def test_a_page_without_anyone_is_the_last_whatever_it_counts() -> None:
    async def scenario() -> None:
        async with platform(user_get=[{"total": 1, "count": 1, "next_openid": "oA"}]) as scripted, client(scripted) as one:
            assert [page async for page in one.follower.openids()] == []
            assert len(scripted.calls("/cgi-bin/user/get")) == 1

    run(scenario)


def test_a_page_of_something_else_than_openids_is_no_page() -> None:
    async def scenario() -> None:
        for data in ({"openid": [1]}, {"openid": "oA"}, ["oA"]):
            async with platform(user_get=[{"count": 1, "data": data, "next_openid": ""}]) as scripted, client(scripted) as one:
                with pytest.raises(Ambiguous):
                    [page async for page in one.follower.openids()]

    run(scenario)


DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.mass.send(["oA"], Text("a"), clientmsgid="k"),
        lambda one: one.mass.send(["o"] * 10_001, Text("a"), clientmsgid="k"),
        lambda one: one.mass.send_all(Text("a"), clientmsgid=""),
        lambda one: one.mass.send_all(Text("a"), clientmsgid="k" * 33),
        lambda one: one.mass.send_all(Text("a"), clientmsgid="群" * 11),
        lambda one: one.mass.delete("no number"),
        lambda one: one.mass.set_speed(5),
        lambda one: one.mass.set_speed(-1),
        lambda one: one.follower.remark("oA", "备" * 10),
        lambda one: one.qrcode.create(""),
        lambda one: one.qrcode.create("店" * 65),
        lambda one: one.qrcode.create("s", seconds=0),
        lambda one: one.qrcode.create("s", seconds=2_592_001),
        lambda one: one.draft.list(count=21),
        lambda one: one.publish.list(count=0),
        lambda one: one.statistics.fetch("getuserread", DAY, DAY),
        lambda one: one.statistics.fetch("../cgi-bin/menu/delete", DAY, DAY),
        lambda one: one.statistics.fetch("getusersummary", date(2026, 11, 13), DAY),
        lambda one: one.statistics.fetch("getusersummary", DAY, date(2026, 11, 19)),
    ],
)
def test_what_the_platform_would_refuse_for_certain_is_not_sent(call: Callable[[Client], Awaitable[object]]) -> None:
    async def scenario() -> None:
        async with platform() as scripted, client(scripted) as one:
            with pytest.raises(ValueError):
                await call(one)
            assert not scripted.asked

    run(scenario)


def test_the_most_that_fits_is_sent() -> None:
    async def scenario() -> None:
        job = {**YES, "msg_id": 1}
        answers: dict[str, list[object]] = {
            SEND: [job],
            "/cgi-bin/user/info/updateremark": [YES],
            "/datacube/getbizsummary": [{"list": []}],
        }
        async with platform(answers) as scripted, client(scripted) as one:
            await one.mass.send(["o"] * 10_000, MpNews("M1"), clientmsgid="k" * 32)
            await one.follower.remark("oA", "备" * 9 + "ab")
            assert await one.statistics.fetch("getbizsummary", date(2026, 10, 22), DAY) == []
            assert len(scripted.asked) == 4  # and the token

    run(scenario)


def test_every_statistic_has_its_longest_range() -> None:
    assert len(LONGEST) == 15
    assert {name: LONGEST[name] for name in ("getusercumulate", "getupstreammsgdist", "getupstreammsgweek", "getinterfacesummary")} == {
        "getusercumulate": 7,
        "getupstreammsgdist": 15,
        "getupstreammsgweek": 1,
        "getinterfacesummary": 30,
    }


def test_numbers_that_are_not_ready_are_asked_for_again() -> None:
    async def scenario() -> None:
        answers = {"/datacube/getusersummary": [{"errcode": 61503, "errmsg": "data not ready, please try later"}]}
        async with platform(answers) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError) as early:
                await one.statistics.fetch("getusersummary", DAY, DAY)
            assert early.value.action is Action.RETRY

    run(scenario)


def test_a_picture_is_where_the_platform_shows_it() -> None:
    async def scenario() -> None:
        async with client(Scripted(base="https://api.weixin.qq.com")) as one:
            assert one.qrcode.picture_url("gQ/+a==") == "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQ%2F%2Ba%3D%3D"
        async with client(Scripted(base="http://127.0.0.1:9876/")) as one:
            assert one.qrcode.picture_url("t") == "http://127.0.0.1:9876/cgi-bin/showqrcode?ticket=t"

    run(scenario)
