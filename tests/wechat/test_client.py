"""Calls over real sockets to a platform that misbehaves on demand."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback

import pytest

from tests.wechat.scripted_platform import OK, PATHS, SECRET, Asked, Scripted, client, page, platform, run
from wechat.client import Action, Ambiguous, Client, Details, PlatformError
from wechat.client.custom import payload
from wechat.reply import Text

EXPIRED = {"errcode": 42001, "errmsg": "access_token expired rid: 1"}
REFUSED = {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest rid: 1"}


async def send(one: Client) -> str:
    return await one.template.send("oA", "T1", {"thing1": "你好"}, client_msg_id="m1")


def test_a_template_message_is_sent_as_the_platform_wants_it() -> None:
    async def scenario() -> None:
        async with platform(template_send=[OK]) as scripted, client(scripted) as one:
            data = {"thing2": "签到\x00", "time1": "08:00"}
            msgid = await one.template.send("oA", "T1", data, url="https://e.cn", miniprogram={"appid": "wx2"}, client_msg_id="m1")
            assert msgid == "200228332"
            [call] = scripted.calls(PATHS["template_send"])
            assert call.query == {"access_token": ["TOKEN-CANARY-1"]}
            assert "签到".encode() in call.body  # raw UTF-8
            sent = json.loads(call.body)
            assert list(sent["data"].items()) == [("thing2", {"value": "签到"}), ("time1", {"value": "08:00"})]
            assert (sent["touser"], sent["template_id"], sent["client_msg_id"]) == ("oA", "T1", "m1")
            assert (sent["url"], sent["miniprogram"]) == ("https://e.cn", {"appid": "wx2"})
            [asked] = scripted.calls(PATHS["stable_token"])
            assert json.loads(asked.body) == {"grant_type": "client_credential", "appid": "wx1", "secret": SECRET}

    run(scenario)


def test_a_customer_service_text_is_sent_and_cut() -> None:
    async def scenario() -> None:
        async with platform(custom_send=[{"errcode": 0, "errmsg": "ok"}]) as scripted, client(scripted) as one:
            await one.custom.send("oA", payload(Text("签" * 2000)) or {})
            sent = json.loads(scripted.calls(PATHS["custom_send"])[0].body)
            assert sent["msgtype"] == "text"
            assert len(sent["text"]["content"].encode()) <= 2048

    run(scenario)


@pytest.mark.parametrize("refusal", [EXPIRED, REFUSED, {"errcode": 40014, "errmsg": "invalid access_token"}])
def test_a_refused_token_costs_one_refresh_and_one_more_try(refusal: dict[str, object]) -> None:
    async def scenario() -> None:
        async with platform(template_send=[refusal, OK]) as scripted, client(scripted) as one:
            assert await send(one) == "200228332"
            assert [call.query["access_token"] for call in scripted.calls(PATHS["template_send"])] == [
                ["TOKEN-CANARY-1"],
                ["TOKEN-CANARY-2"],
            ]
            assert scripted.issued == 2

    run(scenario)


def test_a_token_refused_for_ever_ends_after_one_refresh() -> None:
    async def scenario() -> None:
        async with platform(template_send=[REFUSED]) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError) as refused:
                await send(one)
            assert refused.value.action is Action.REFRESH_TOKEN
            assert (scripted.issued, len(scripted.calls(PATHS["template_send"]))) == (2, 2)

    run(scenario)


def test_sixty_four_sends_with_a_dead_token_refresh_it_once() -> None:
    async def scenario() -> None:
        def by_token(asked: Asked) -> object:
            return REFUSED if asked.query["access_token"] == ["TOKEN-CANARY-1"] else OK

        async with platform(template_send=[by_token]) as scripted, client(scripted) as one:
            await asyncio.gather(*(send(one) for _ in range(64)))
            assert scripted.issued == 2

    run(scenario)


def test_a_wrong_secret_is_a_matter_of_configuration() -> None:
    async def scenario() -> None:
        async with platform(stable_token=[REFUSED], template_send=[OK]) as scripted, client(scripted) as one:
            for _ in range(5):
                with pytest.raises(PlatformError) as refused:
                    await send(one)
                assert refused.value.action is Action.CONFIG
            assert len(scripted.calls(PATHS["stable_token"])) == 1
            assert not scripted.calls(PATHS["template_send"])

    run(scenario)


@pytest.mark.parametrize("answer", [page(502, b"<html>"), {"errcode": -1, "errmsg": "system error"}, b"", {"access_token": 5}, {}])
def test_a_call_without_a_token_was_not_made_and_is_not_ambiguous(answer: object) -> None:
    async def scenario() -> None:
        async with platform(stable_token=[answer], template_send=[OK]) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError) as failed:
                await send(one)
            assert failed.value.action is Action.RETRY
            assert not isinstance(failed.value, Ambiguous)

    run(scenario)


@pytest.mark.parametrize(
    ("errcode", "action"), [(43004, Action.FOLLOWER), (45009, Action.NEXT_DAY), (40037, Action.STOP), (99999, Action.BUG)]
)
def test_a_refusal_is_told_with_its_code_and_what_to_do(errcode: int, action: Action) -> None:
    async def scenario() -> None:
        async with platform(template_send=[{"errcode": errcode, "errmsg": "no rid: 1"}]) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError) as refused:
                await send(one)
            assert (refused.value.errcode, refused.value.errmsg, refused.value.action) == (errcode, "no rid: 1", action)
            assert not isinstance(refused.value, Ambiguous)

    run(scenario)


@pytest.mark.parametrize(
    "answer",
    [
        {"errcode": -1, "errmsg": "system error"},
        page(500, b'{"errcode":0,"msgid":1}', "application/json"),
        page(502, b"<html>Bad Gateway</html>"),
        page(200, b""),
        page(200, b"<html>login</html>"),
        page(200, b'{"errcode":0,"msgi'),
        page(200, '{"errcode":0,"errmsg":"好"}'.encode("gbk")),
        page(200, b"null"),
        page(200, b"[]"),
        page(200, b'{"errcode":0,"errmsg":"ok"}'),
        page(200, b'{"errcode":"x"}'),
        page(200, b'{"errcode":true,"msgid":1}'),
        page(302, b"") + b"",
        page(404, b"nothing"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}"[:-1] + b"X",
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 20000 + b"\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        1,
    ],
)
def test_whatever_is_no_clear_answer_is_ambiguous_and_asked_once(answer: object) -> None:
    async def scenario() -> None:
        async with platform(template_send=[answer]) as scripted, client(scripted, deadline=0.3) as one:
            with pytest.raises(Ambiguous) as unclear:
                await send(one)
            assert unclear.value.action is Action.RETRY
            assert len(scripted.calls(PATHS["template_send"])) == 1

    run(scenario)


def test_an_empty_object_is_no_yes_to_a_customer_service_text() -> None:
    async def scenario() -> None:
        async with platform(custom_send=[{}]) as scripted, client(scripted) as one:
            with pytest.raises(Ambiguous):
                await one.custom.send("oA", payload(Text("hi")) or {})

    run(scenario)


def test_the_deadline_covers_the_whole_exchange_not_each_read() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1000:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass
        finally:
            writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server, client(Scripted(base=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), deadline=0.3) as one:
            started = time.monotonic()
            with pytest.raises(PlatformError):
                await send(one)
            assert time.monotonic() - started < 1

    run(scenario)


def test_nobody_listening_is_told_without_a_url() -> None:
    async def scenario() -> None:
        async with client(Scripted(base="http://127.0.0.1:9")) as one:
            with pytest.raises(PlatformError, match="no access token"):
                await send(one)

    run(scenario)


def test_neither_token_nor_secret_appears_in_errors_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    echo = {"errcode": 47001, "errmsg": f"bad TOKEN-CANARY-1 {SECRET}"}

    async def scenario() -> None:
        for answer in (echo, REFUSED, b"", b"garbage\r\n\r\n", page(200, b"<html>"), 1, OK):
            async with platform(template_send=[answer]) as scripted, client(scripted, deadline=0.2) as one:
                try:
                    await send(one)
                except PlatformError as error:
                    told.append("".join(traceback.format_exception(error)) + repr(error) + repr(error.__dict__))

    run(scenario)
    assert len(told) == 6
    everything = "".join(told) + caplog.text
    assert "CANARY" not in everything
    assert "access_token=" not in everything


def test_followers_come_in_pages_and_the_last_page_s_next_is_not_believed() -> None:
    pages: list[object] = [
        {"total": 3, "count": 2, "data": {"openid": ["oA", "oB"]}, "next_openid": "oB"},
        {"total": 3, "count": 1, "data": {"openid": ["oC"]}, "next_openid": "oC"},
        {"total": 3, "count": 0, "next_openid": ""},
    ]

    async def scenario() -> None:
        async with platform(user_get=pages) as scripted, client(scripted) as one:
            assert [found async for found in one.follower.openids()] == [["oA", "oB"], ["oC"]]
            assert [call.query["next_openid"] for call in scripted.calls(PATHS["user_get"])] == [[""], ["oB"], ["oC"]]

    run(scenario)


def test_a_platform_that_pages_in_a_circle_is_left() -> None:
    async def scenario() -> None:
        again = {"total": 1, "count": 1, "data": {"openid": ["oA"]}, "next_openid": "oA"}
        async with platform(user_get=[again]) as scripted, client(scripted) as one:
            assert len([found async for found in one.follower.openids()]) == 2

    run(scenario)


INFO = {
    "subscribe": 1,
    "openid": "oA",
    "subscribe_time": 1700000000,
    "remark": "老王",
    "tagid_list": [2, 9],
    "subscribe_scene": "ADD_SCENE_QR_CODE",
    "qr_scene": 0,
    "qr_scene_str": "store_01",
}
GONE = {"subscribe": 0, "openid": "oB"}
DETAILS = [Details("oA", True, 1700000000, (2, 9), "ADD_SCENE_QR_CODE", "老王", "store_01"), Details("oB", False)]


def test_details_of_followers_come_in_one_call() -> None:
    async def scenario() -> None:
        async with platform(batchget=[{"user_info_list": [INFO, GONE]}]) as scripted, client(scripted) as one:
            assert await one.follower.details(["oA", "oB"]) == DETAILS
            assert await one.follower.details([]) == []
            with pytest.raises(ValueError, match="100"):
                await one.follower.details(["o"] * 101)
            assert len(scripted.calls(PATHS["batchget"])) == 1

    run(scenario)


@pytest.mark.parametrize(("missing", "tries"), [(page(404, b'{"detail":"Not Found"}', "application/json"), 1), (page(200, b"<html>"), 2)])
def test_details_come_one_by_one_where_there_is_no_such_call(missing: object, tries: int) -> None:
    async def scenario() -> None:
        info: list[object] = [INFO, {"errcode": 40003, "errmsg": "invalid openid"}]
        async with platform(batchget=[missing], user_info=[*info, *info]) as scripted, client(scripted) as one:
            for _ in range(2):
                assert {one.openid for one in await one.follower.details(["oA", "oB"])} >= {"oA"}
            assert len(scripted.calls(PATHS["user_info"])) == 4
            assert len(scripted.calls(PATHS["batchget"])) == tries

    run(scenario)


def test_a_platform_down_is_no_platform_without_batchget() -> None:
    async def scenario() -> None:
        async with platform(batchget=[page(503, b"<html>")], user_info=[INFO]) as scripted, client(scripted) as one:
            with pytest.raises(Ambiguous):
                await one.follower.details(["oA"])
            assert not scripted.calls(PATHS["user_info"])

    run(scenario)


def test_tags_and_templates_are_listed() -> None:
    async def scenario() -> None:
        tags = {"tags": [{"id": 2, "name": "星标组", "count": 1}, {"id": 100, "name": "会员", "count": 5}]}
        templates = {"template_list": [{"template_id": "T1", "title": "提醒", "content": "{{thing1.DATA}}", "example": ""}]}
        async with platform(tags_get=[tags], templates=[templates]) as scripted, client(scripted) as one:
            assert await one.tag.names() == {2: "星标组", 100: "会员"}
            assert [template["template_id"] for template in await one.template.list()] == ["T1"]

    run(scenario)


def test_a_hundred_and_twenty_eight_calls_are_in_flight_at_once() -> None:
    async def scenario() -> None:
        async with platform(template_send=[asyncio.Barrier(128)]) as scripted, client(scripted) as one:
            assert await asyncio.gather(*(send(one) for _ in range(128))) == ["200228332"] * 128

    run(scenario)
