"""People who open our web pages: where they are sent, and who they turn out to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wechat.scripted_platform import SECRET, client, page, platform, run
from wechat.client import Ambiguous, Client, Garbled, PlatformError
from wechat.client.oauth import Grant, Person
from wechat.errcodes import Action
from wechat.oauth import Scope, authorize_url

GRANT, REFRESH, PERSON = "/sns/oauth2/access_token", "/sns/oauth2/refresh_token", "/sns/userinfo"
GRANTED = {
    "access_token": "PERSON-CANARY",
    "expires_in": 7200,
    "refresh_token": "REFRESH-CANARY",
    "openid": "oA",
    "scope": "snsapi_userinfo",
}
ASK: dict[str, Callable[[Client], Awaitable[object]]] = {
    GRANT: lambda one: one.oauth.grant("CODE-CANARY"),
    REFRESH: lambda one: one.oauth.refresh("REFRESH-CANARY"),
    PERSON: lambda one: one.oauth.person("PERSON-CANARY", "oA"),
}


def test_a_person_is_sent_to_the_platform_and_back() -> None:
    url = authorize_url("wx1", "https://e.cn/页?a=1&b=#x", "snsapi_base", "s1")
    assert url == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fe.cn%2F%E9%A1%B5%3Fa%3D1%26b%3D%23x"
        "&response_type=code&scope=snsapi_base&state=s1#wechat_redirect"
    )
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == ["https://e.cn/页?a=1&b=#x"]


@pytest.mark.parametrize("state", ["a" * 129, "a-b", "你", "a\n", "a&scope=snsapi_userinfo"])
def test_a_state_the_platform_would_not_carry_is_refused(state: str) -> None:
    scope: Scope = "snsapi_base"
    assert authorize_url("wx1", "https://e.cn", scope, "a" * 128)
    with pytest.raises(ValueError):
        authorize_url("wx1", "https://e.cn", scope, state)


def test_a_code_is_exchanged_for_a_grant_without_the_account_s_token() -> None:
    async def scenario() -> None:
        async with platform({GRANT: [GRANTED, {**GRANTED, "is_snapshotuser": 1, "unionid": "u1"}]}) as scripted, client(scripted) as one:
            grant = await one.oauth.grant("c&1")
            assert grant == Grant("oA", "PERSON-CANARY", "REFRESH-CANARY", 7200, "snsapi_userinfo")
            assert "CANARY" not in repr(grant)
            snapshot = await one.oauth.grant("c2")
            assert (snapshot.is_snapshot_user, snapshot.unionid) == (True, "u1")
            [call, _] = scripted.asked  # no stable_token among them
            assert (call.method, call.path) == ("GET", GRANT)
            assert call.query == {"appid": ["wx1"], "secret": [SECRET], "code": ["c&1"], "grant_type": ["authorization_code"]}

    run(scenario)


def test_a_grant_is_refreshed() -> None:
    async def scenario() -> None:
        async with platform({REFRESH: [GRANTED]}) as scripted, client(scripted) as one:
            assert (await one.oauth.refresh("r1")).token == "PERSON-CANARY"
            [call] = scripted.asked
            assert call.query == {"appid": ["wx1"], "grant_type": ["refresh_token"], "refresh_token": ["r1"]}

    run(scenario)


def test_a_person_shows_name_and_picture() -> None:
    async def scenario() -> None:
        told = {"openid": "oA", "nickname": "小王", "sex": 0, "headimgurl": "https://p.cn/1", "privilege": []}
        async with platform({PERSON: [told]}) as scripted, client(scripted) as one:
            assert await one.oauth.person("p1", "oA") == Person("oA", "小王", "https://p.cn/1")
            [call] = scripted.asked
            assert call.query == {"access_token": ["p1"], "openid": ["oA"], "lang": ["zh_CN"]}

    run(scenario)


@pytest.mark.parametrize("path", ASK)
@pytest.mark.parametrize("errcode", [40029, 40163, 42003, 40030, 42002, 42007, 40001, 40014, 42001])
def test_what_is_over_is_to_be_authorized_again_and_never_asked_twice(path: str, errcode: int) -> None:
    async def scenario() -> None:
        async with platform({path: [{"errcode": errcode, "errmsg": "no, rid: 1"}]}) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError) as refused:
                await ASK[path](one)
            assert refused.value.action is Action.AUTHORIZE
            assert len(scripted.asked) == 1  # and the account's token was not touched

    run(scenario)


@pytest.mark.parametrize("path", ASK)
def test_nothing_but_the_platform_s_words_is_a_grant_and_no_secret_is_told(path: str) -> None:
    echo = {"errcode": 40013, "errmsg": f"invalid appid {SECRET} CODE-CANARY REFRESH-CANARY PERSON-CANARY"}

    async def scenario() -> None:
        answers = [page(200, b""), page(200, b"<html>"), {}, {"openid": 5}, page(500, b"{}"), echo]
        async with platform({path: answers}) as scripted, client(scripted) as one:
            for answer in answers:
                with pytest.raises(PlatformError) as refused:
                    await ASK[path](one)
                expected = PlatformError if answer is echo else Ambiguous if answer == page(500, b"{}") else Garbled
                assert type(refused.value) is expected
                told = f"{refused.value!r} {refused.value} {refused.value.__dict__}"
                assert SECRET not in told
                assert {GRANT: "CODE", REFRESH: "REFRESH", PERSON: "PERSON"}[path] + "-CANARY" not in told

    run(scenario)
