"""Media: what is taken, what comes back, and when it is gone."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.media import MediaStore, kind_of

LIFETIME = 3 * 86400
Call = Callable[..., dict[str, Any]]
PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n" + bytes(64), b"\xff\xd8\xff\xe0" + bytes(64), b"GIF89a" + bytes(64)
AMR, MP3, MP4 = b"#!AMR\n" + bytes(64), b"ID3" + bytes(64), bytes(4) + b"ftypmp42" + bytes(64)
Send = Callable[..., dict[str, Any]]


@pytest.fixture
def send(platform: httpx.Client, token_of: Callable[..., str]) -> Send:
    """Uploads one file as a form: send("media/upload", PNG, type="image")."""

    def upload(path: str, content: bytes, name: str = "file.bin", fields: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        params = {"access_token": token_of(platform), **query}
        answer: dict[str, Any] = platform.post(f"/cgi-bin/{path}", params=params, files={"media": (name, content)}, data=fields).json()
        return answer

    return upload


@pytest.fixture
def fetch(platform: httpx.Client, token_of: Callable[..., str]) -> Callable[[str], httpx.Response]:
    """media/get of an id."""
    return lambda media_id: platform.get("/cgi-bin/media/get", params={"access_token": token_of(platform), "media_id": media_id})


@pytest.mark.parametrize(
    ("kind", "content", "errcode"),
    [
        ("image", PNG, None), ("image", JPEG, None), ("image", GIF, None), ("voice", AMR, None), ("voice", MP3, None), ("voice", b"\xff\xfb" + MP3, None),
        ("video", MP4, None), ("thumb", JPEG, None), ("thumb", PNG, 40005), ("image", b"<svg/>", 40005), ("voice", PNG, 40005), ("image", AMR, 40005),
        ("film", PNG, 40004), ("", PNG, 40004), ("image", b"", 44001),
        ("thumb", JPEG + bytes(64 * 1024), 40006), ("voice", AMR + bytes(2 * 1024 * 1024), 40006), ("video", MP4 + bytes(10 * 1024 * 1024), 45001),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)) if isinstance(value, bytes) else None,
)  # fmt: skip
def test_types_and_sizes_are_checked(send: Send, kind: str, content: bytes, errcode: int | None) -> None:
    answer = send("media/upload", content, type=kind)
    assert answer.get("errcode") == errcode
    if errcode is None:
        assert answer["type"] == kind
        assert answer["thumb_media_id" if kind == "thumb" else "media_id"]


def test_what_was_uploaded_comes_back_byte_by_byte(send: Send, fetch: Callable[[str], httpx.Response]) -> None:
    media_id = send("media/upload", PNG, name="门店.png", type="image")["media_id"]
    answer = fetch(media_id)
    assert (answer.headers["content-type"], answer.content) == ("image/png", PNG)
    assert answer.headers["content-disposition"] == f'attachment; filename="{media_id}.png"'
    assert fetch("none").json()["errcode"] == 40007
    assert fetch("").json()["errcode"] == 41006


def test_a_video_comes_back_as_an_address(send: Send, fetch: Callable[[str], httpx.Response]) -> None:
    media_id = send("media/upload", MP4, type="video")["media_id"]
    assert httpx.get(fetch(media_id).json()["video_url"], trust_env=False).content == MP4


def test_a_form_without_the_file_or_with_a_name_the_platform_cannot_read_is_41005(
    platform: httpx.Client, call: Call, token_of: Callable[..., str]
) -> None:
    query = {"access_token": token_of(platform), "type": "image"}
    assert call(platform, "/cgi-bin/media/upload", {"media": "…"}, type="image")["errcode"] == 41005
    assert platform.post("/cgi-bin/media/upload", params=query, files={"picture": ("a.png", PNG)}).json()["errcode"] == 41005
    kind = {"content-type": "multipart/form-data; boundary=b"}
    rfc5987 = b"--b\r\nContent-Disposition: form-data; name=\"media\"; filename*=utf-8''%E5%BA%97.png\r\n\r\n" + PNG + b"\r\n--b--\r\n"
    assert platform.post("/cgi-bin/media/upload", params=query, content=rfc5987, headers=kind).json()["errcode"] == 41005
    for broken in ({"content-type": "multipart/form-data"}, kind):
        assert platform.post("/cgi-bin/media/upload", params=query, content=b"--x", headers=broken).json()["errcode"] == 41005


def test_an_upload_lives_three_days_and_material_until_it_is_removed() -> None:
    store = MediaStore("seed")
    lent, kept = store.store("image", "image/png", "a.png", PNG, 1000.0), store.keep("image", "image/png", "b.png", PNG, 1000.0)
    assert store.find(lent, 1000.0 + LIFETIME - 1) is not None
    assert store.find(lent, 1000.0 + LIFETIME) is None
    assert store.find(kept, 1000.0 + 100 * LIFETIME) is not None
    assert (store.remove(kept), store.remove(kept), store.remove(lent)) == (True, False, False)
    assert store.find(kept, 1000.0) is None


def test_the_simulators_clock_decides_when_an_upload_is_gone(
    launch: Callable[..., httpx.Client], webhook: Any, token_of: Callable[..., str]
) -> None:
    client = launch(webhook.url, "--followers", "1")
    query = {"access_token": token_of(client), "type": "image"}
    media_id = client.post("/cgi-bin/media/upload", params=query, files={"media": ("a.png", PNG)}).json()["media_id"]
    client.post("/_sim/clock", json={"advance": LIFETIME + 1}).raise_for_status()
    query = {"access_token": token_of(client), "media_id": media_id}
    assert client.get("/cgi-bin/media/get", params=query).json()["errcode"] == 40007


def test_a_picture_for_an_article_is_a_jpg_or_png_below_a_megabyte_and_stays(send: Send, call: Call, platform: httpx.Client) -> None:
    before = call(platform, "/cgi-bin/material/get_materialcount")
    url = send("media/uploadimg", PNG)["url"]
    assert httpx.get(url, trust_env=False).content == PNG
    assert send("media/uploadimg", GIF)["errcode"] == 40005
    assert send("media/uploadimg", PNG + bytes(1024 * 1024))["errcode"] == 40009
    assert call(platform, "/cgi-bin/material/get_materialcount") == before


def test_material_is_added_listed_counted_fetched_and_removed(
    send: Send, call: Call, platform: httpx.Client, token_of: Callable[..., str]
) -> None:
    before = call(platform, "/cgi-bin/material/get_materialcount")
    picture = send("material/add_material", PNG, name="a.png", type="image")
    film = send(
        "material/add_material", MP4, name="b.mp4", type="video", fields={"description": '{"title":"探店","introduction":"一号店"}'}
    )
    assert send("material/add_material", MP4, type="video")["errcode"] == 47001
    after = call(platform, "/cgi-bin/material/get_materialcount")
    assert (after["image_count"], after["video_count"]) == (before["image_count"] + 1, before["video_count"] + 1)

    listed = call(platform, "/cgi-bin/material/batchget_material", {"type": "image", "offset": 0, "count": 1})
    assert (listed["item_count"], listed["total_count"]) == (1, after["image_count"])
    assert {"media_id": picture["media_id"], "name": "a.png", "url": picture["url"]}.items() <= listed["item"][0].items()
    for wrong, errcode in (({"count": 21}, 40097), ({"count": 0}, 40097), ({"offset": -1}, 40097), ({"type": "film"}, 40004)):
        body = {"type": "image", "offset": 0, "count": 1, **wrong}
        assert call(platform, "/cgi-bin/material/batchget_material", body)["errcode"] == errcode

    params = {"access_token": token_of(platform)}
    answer = platform.post("/cgi-bin/material/get_material", params=params, json={"media_id": picture["media_id"]})
    assert answer.content == PNG
    assert call(platform, "/cgi-bin/material/get_material", {"media_id": film["media_id"]})["title"] == "探店"
    for errcode in (0, 40007):
        assert call(platform, "/cgi-bin/material/del_material", {"media_id": picture["media_id"]})["errcode"] == errcode


@pytest.mark.parametrize(
    ("content", "content_type"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (b"BM....", "image/bmp"), (AMR, "audio/amr"), (MP3, "audio/mp3"),
     (MP4, "video/mp4"), (b"", ""), (b"\xff", ""), (b"%PDF", "")],
)  # fmt: skip
def test_a_files_first_bytes_say_what_it_is(content: bytes, content_type: str) -> None:
    assert kind_of(content) == content_type


def test_the_journal_shows_an_upload_by_its_size_only(send: Send, platform: httpx.Client) -> None:
    send("media/upload", PNG, name="a.png", type="image")
    entry = platform.get("/_sim/log", params={"kind": "api", "limit": 50_000}).json()["entries"][-1]
    assert entry["request"] == {"type": "image", "media": {"file": "a.png", "bytes": len(PNG)}}
