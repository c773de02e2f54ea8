"""Files to the platform and from it."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP

import pytest

from tests.wechat.scripted_platform import Late, client, page, platform, run
from wechat.client import Ambiguous, Garbled, PlatformError, caller
from wechat.errcodes import Action
from wechat.http import LARGEST

UPLOAD, GET = "/cgi-bin/media/upload", "/cgi-bin/media/get"
PICTURE = b"\x89PNG\r\n\x1a\n--\r\n\x00\xff" * 5
STORED = {"type": "image", "media_id": "M1", "created_at": 1380000000}


@pytest.mark.parametrize(
    ("name", "filename", "content_type"),
    [
        ("store.jpg", "store.jpg", "image/jpeg"),
        ("门店.PNG", "门店.PNG", "image/png"),
        ("声音.amr", "声音.amr", "audio/amr"),
        ('a"\r\nx: y.mp4', "a%22%0D%0Ax: y.mp4", "video/mp4"),
        ("无后缀", "无后缀", "application/octet-stream"),
    ],
)
def test_a_file_is_uploaded_as_a_form_with_a_name_and_a_type(name: str, filename: str, content_type: str) -> None:
    async def scenario() -> None:
        async with platform({UPLOAD: [STORED]}) as scripted, client(scripted) as one:
            assert await one.media.upload("image", name, PICTURE) == "M1"
            [call] = scripted.calls(UPLOAD)
            assert (call.method, call.query) == ("POST", {"access_token": ["TOKEN-CANARY-1"], "type": ["image"]})
            [header] = [line for line in call.head.split("\r\n") if line.lower().startswith("content-type:")]
            assert f'name="media"; filename="{filename}"\r\n'.encode() in call.body  # raw UTF-8, no filename*
            form = message_from_bytes(f"{header}\r\n\r\n".encode() + call.body, policy=HTTP)
            [part] = list(form.iter_parts())
            assert part.get_content_type() == content_type
            assert part.get_payload(decode=True) == PICTURE

    run(scenario)


def test_a_thumb_is_found_under_its_own_name() -> None:
    async def scenario() -> None:
        for answer in ({"type": "thumb", "thumb_media_id": "T1", "created_at": 1}, {"type": "thumb", "media_id": "T1", "created_at": 1}):
            async with platform({UPLOAD: [answer]}) as scripted, client(scripted) as one:
                assert await one.media.upload("thumb", "t.jpg", PICTURE) == "T1"

    run(scenario)


def test_an_upload_outlasts_the_deadline_of_other_calls_and_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with platform({UPLOAD: [Late(0.5, STORED)]}) as scripted, client(scripted, deadline=0.2) as one:
            assert await one.media.upload("image", "a.jpg", PICTURE) == "M1"
            monkeypatch.setattr(caller, "SLOW", 0.1)
            with pytest.raises(Ambiguous):
                await one.media.upload("image", "a.jpg", PICTURE)

    run(scenario)


def test_a_file_comes_back_as_it_is_whatever_its_declared_type() -> None:
    async def scenario() -> None:
        for kind, content in (
            ("image/png", PICTURE),
            ("text/plain", b"#!AMR\n\x00"),
            ("application/json", b"ID3\x00"),
            ("", b"\x00\x00ftyp"),
        ):
            async with platform({GET: [page(200, content, kind)]}) as scripted, client(scripted) as one:
                assert await one.media.get("M/1+") == content
                assert scripted.calls(GET)[0].query["media_id"] == ["M/1+"]

    run(scenario)


def test_words_in_place_of_a_file_are_the_platform_s_no() -> None:
    async def scenario() -> None:
        no = b'{"errcode":40007,"errmsg":"invalid media_id rid: 1"}'
        async with platform({GET: [page(200, no, "text/plain")]}) as scripted, client(scripted) as one:
            with pytest.raises(PlatformError, match="40007"):
                await one.media.get("M1")
            with pytest.raises(PlatformError, match="40007"):
                await one.media.video_url("M1")

    run(scenario)


def test_a_refused_token_is_refreshed_for_files_too() -> None:
    async def scenario() -> None:
        refused = {"errcode": 42001, "errmsg": "access_token expired"}
        answers: dict[str, list[object]] = {GET: [refused, page(200, PICTURE, "image/png")], UPLOAD: [refused, STORED]}
        async with platform(answers) as scripted, client(scripted) as one:
            assert await one.media.get("M1") == PICTURE
            assert await one.media.upload("image", "a.jpg", PICTURE) == "M1"
            first, second = scripted.calls(UPLOAD)
            assert first.body == second.body
            assert scripted.issued == 3

    run(scenario)


@pytest.mark.parametrize("answer", [page(200, b""), page(200, b"  <html>login</html>"), page(404, b"nothing"), {}, {"errcode": 0}])
def test_what_is_neither_a_file_nor_the_platform_s_words_is_garbled(answer: object) -> None:
    async def scenario() -> None:
        async with platform({GET: [answer], UPLOAD: [answer]}) as scripted, client(scripted) as one:
            with pytest.raises(Garbled):
                await one.media.get("M1")
            with pytest.raises(Garbled):
                await one.media.upload("image", "a.jpg", PICTURE)

    run(scenario)


def test_more_than_the_largest_file_is_not_read() -> None:
    async def scenario() -> None:
        async with platform({GET: [page(200, b"x" * (LARGEST + 1), "image/png")]}) as scripted, client(scripted) as one:
            with pytest.raises(Ambiguous, match="16777216 bytes"):
                await one.media.get("M1")

    run(scenario)


def test_half_a_file_is_none() -> None:
    async def scenario() -> None:
        half = b"HTTP/1.0 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n" + PICTURE
        async with platform({GET: [half]}) as scripted, client(scripted) as one:
            with pytest.raises(Ambiguous):
                await one.media.get("M1")

    run(scenario)


def test_a_video_is_at_an_address_and_not_in_the_answer() -> None:
    async def scenario() -> None:
        async with platform({GET: [{"video_url": "http://v.cn/1"}]}) as scripted, client(scripted) as one:
            assert await one.media.video_url("M1") == "http://v.cn/1"
            with pytest.raises(PlatformError, match="video_url") as refused:
                await one.media.get("M1")
            assert refused.value.action is Action.BUG

    run(scenario)
