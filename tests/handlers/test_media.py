"""Replies with media of ours, through the webhook: passive while the platform has a copy, else as a customer-service message in a while."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models import media
from models.media import Kind, MediaSection
from tests.conftest import Founded
from tests.people import Person, World, message
from tests.pictures import AMR, JPG, MP4, PNG

RULES = """
media: {门店照片: a.png, 提示音: b.amr, 短片: c.mp4, 封面: d.jpg}
welcome: {reply: {image: 门店照片}}
keywords:
  rules:
    - {name: 图, when: {exact: [图]}, reply: {image: 门店照片}}
    - {name: 音, when: {exact: [音]}, reply: {voice: 提示音}}
    - {name: 片, when: {exact: [片]}, reply: {video: {media_id: 短片, title: 标题, description: 说明}}}
    - {name: 歌, when: {exact: [歌]}, reply: {music: {title: 歌名, description: 歌手, url: "http://m", hq_url: "http://h", thumb_media_id: 封面}}}
    - {name: 旧, when: {exact: [旧]}, reply: {image: OLD-MEDIA-ID}}
"""


@pytest.fixture
def shop(found: Founded, tmp_path: Path) -> World:
    for name, content in (("a.png", PNG), ("b.amr", AMR), ("c.mp4", MP4), ("d.jpg", JPG)):
        tmp_path.joinpath(name).write_bytes(content)
    return found(RULES)


def uploaded(world: World, name: str, media_id: str, kind: Kind) -> None:
    """The platform has a copy since now."""
    medium = world.service.live.config[MediaSection].root[name]
    with world.service.database.transaction() as db:
        assert media.claim(db, medium, kind, world.at)
        media.store(db, medium, kind, media_id, world.at)


def silent(person: Person, said: str) -> bool:
    """Whether they hear nothing at all now."""
    return person.sends("text", Content=said).xml is None


def queued(world: World) -> list[Any]:
    """What waits to be sent as customer-service messages."""
    return [json.loads(payload) for (payload,) in world.sql("SELECT payload FROM customer_message ORDER BY id")]


def test_what_the_platform_has_is_answered_with_at_once(shop: World) -> None:
    uploaded(shop, "门店照片", "MEDIA-IMAGE", "image")
    uploaded(shop, "提示音", "MEDIA-VOICE", "voice")
    uploaded(shop, "短片", "MEDIA-VIDEO", "video")
    uploaded(shop, "封面", "MEDIA-THUMB", "thumb")
    person = shop.person("小王")
    assert person.sends("text", Content="图").fields["Image"] == {"MediaId": "MEDIA-IMAGE"}
    assert person.sends("text", Content="音").fields["Voice"] == {"MediaId": "MEDIA-VOICE"}
    assert person.sends("text", Content="片").fields["Video"] == {"MediaId": "MEDIA-VIDEO", "Title": "标题", "Description": "说明"}
    music = person.sends("text", Content="歌").fields["Music"]
    assert (music["Title"], music["MusicUrl"], music["ThumbMediaId"]) == ("歌名", "http://m", "MEDIA-THUMB")
    assert person.does("subscribe").fields["Image"] == {"MediaId": "MEDIA-IMAGE"}
    assert queued(shop) == []


def test_a_word_that_names_no_medium_goes_out_as_the_media_id_it_is(shop: World) -> None:
    assert shop.person("小王").sends("text", Content="旧").fields["Image"] == {"MediaId": "OLD-MEDIA-ID"}


@pytest.mark.parametrize(
    ("said", "payload"),
    [
        ("图", {"msgtype": "image", "image": {"media": "门店照片"}}),
        ("音", {"msgtype": "voice", "voice": {"media": "提示音"}}),
        ("片", {"msgtype": "video", "video": {"media": "短片", "title": "标题", "description": "说明"}}),
        (
            "歌",
            {
                "msgtype": "music",
                "music": {
                    "thumb_media": "封面",
                    "title": "歌名",
                    "description": "歌手",
                    "musicurl": "http://m",
                    "hqmusicurl": "http://h",
                },
            },
        ),
    ],
)
def test_what_is_not_uploaded_yet_follows_as_a_customer_service_message_once(shop: World, said: str, payload: Any) -> None:
    asked = message(shop.person("小王").openid, shop.at.timestamp(), Content=said)
    assert [(answer.status, answer.xml) for answer in shop.push(asked, copies=3)] == [(200, None)] * 3
    assert queued(shop) == [payload]
    due = shop.sql("SELECT f.openid FROM customer_message m JOIN follower f ON f.id = m.follower_id")
    assert due == [(shop.person("小王").openid,)]


def test_a_copy_that_has_ended_or_was_forgotten_is_none(shop: World) -> None:
    uploaded(shop, "门店照片", "MEDIA-1", "image")
    person = shop.person("小王")
    shop.at += timedelta(days=3, seconds=-1)
    assert person.sends("text", Content="图").fields["Image"] == {"MediaId": "MEDIA-1"}
    shop.at += timedelta(seconds=1)
    assert silent(person, "图")
    uploaded(shop, "门店照片", "MEDIA-2", "image")
    assert person.sends("text", Content="图").fields["Image"] == {"MediaId": "MEDIA-2"}
    medium = shop.service.live.config[MediaSection].root["门店照片"]
    with shop.service.database.transaction() as db:
        media.forget(db, medium, "MEDIA-1")  # a late refusal of the older copy
    assert person.sends("text", Content="图").fields["Image"] == {"MediaId": "MEDIA-2"}
    with shop.service.database.transaction() as db:
        media.forget(db, medium, "MEDIA-2")
    assert silent(person, "图")


def test_a_late_writer_never_puts_an_older_copy_back(shop: World) -> None:
    uploaded(shop, "门店照片", "MEDIA-NEW", "image")
    medium = shop.service.live.config[MediaSection].root["门店照片"]
    with shop.service.database.transaction() as db:
        media.store(db, medium, "image", "MEDIA-OLD", shop.at - timedelta(minutes=5))
    assert shop.person("小王").sends("text", Content="图").fields["Image"] == {"MediaId": "MEDIA-NEW"}


def test_another_content_under_the_same_name_needs_a_copy_of_its_own(shop: World, tmp_path: Path) -> None:
    uploaded(shop, "门店照片", "MEDIA-1", "image")
    (tmp_path / "a.png").write_bytes(JPG)
    shop.configure(RULES)
    person = shop.person("小王")
    assert silent(person, "图")
    (tmp_path / "a.png").write_bytes(PNG)
    shop.configure(RULES)
    assert person.sends("text", Content="图").fields["Image"] == {"MediaId": "MEDIA-1"}


def test_a_picture_as_a_cover_needs_a_copy_of_its_own(shop: World) -> None:
    uploaded(shop, "封面", "MEDIA-IMAGE", "image")
    assert silent(shop.person("小王"), "歌")
    uploaded(shop, "封面", "MEDIA-THUMB", "thumb")
    assert shop.person("小王").sends("text", Content="歌").fields["Music"]["ThumbMediaId"] == "MEDIA-THUMB"


def test_the_title_of_what_is_uploaded_first_passes_the_guard_as_well(found: Founded, tmp_path: Path) -> None:
    (tmp_path / "c.mp4").write_bytes(MP4)
    world = found("""
media: {短片: c.mp4}
keywords: {rules: [{name: 片, when: {regex: ['片(.*)']}, reply: {video: {media_id: 短片, title: "给{match.1}"}}}]}
sensitive: {lists: [{name: 甲, words: [坏词], said: block}], replies: {withheld: 换个说法}}
""")
    person = world.person("小王")
    assert silent(person, "片好人")
    assert silent(person, "片坏词")
    assert [payload["video"]["title"] if "video" in payload else payload["text"]["content"] for payload in queued(world)] == [
        "给好人",
        "换个说法",
    ]
