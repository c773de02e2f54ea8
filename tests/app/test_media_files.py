"""The `media:` section when the file is read: what each file is, what the platform would not take, and replies that name what is not there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from app import config_file, live
from app.config_file import BadConfig, Settings
from app.live import Live
from models.media import MediaSection, Medium
from tests.app.test_live import soon, watched
from tests.people import account
from tests.pictures import AMR, GIF, HEIC, JPG, MOV, MP3, MP3_WITHOUT_TAG, MP4, PNG, WEBP


def read(folder: Path, text: str, **files: bytes) -> Settings:
    for name, content in files.items():
        folder.joinpath(name).write_bytes(content)
    path = folder / "config.yaml"
    path.write_text(text + account(), "utf-8")
    return live.read(path)


def complaints(folder: Path, text: str, **files: bytes) -> list[str]:
    with pytest.raises(BadConfig) as bad:
        read(folder, text, **files)
    return bad.value.render().replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    ("content", "kind", "known_as"),
    [
        (PNG, "image", "png"),
        (JPG, "image", "jpg"),
        (GIF, "image", "gif"),
        (AMR, "voice", "amr"),
        (MP3, "voice", "mp3"),
        (MP3_WITHOUT_TAG, "voice", "mp3"),
        (MP4, "video", "mp4"),
    ],
)
def test_a_file_is_what_its_content_says_whatever_its_name(tmp_path: Path, content: bytes, kind: str, known_as: str) -> None:
    medium = read(tmp_path, "media: {东西: thing.txt}\n", **{"thing.txt": content}).config[MediaSection].root["东西"]
    digest = hashlib.sha256(content).hexdigest()
    assert medium == Medium(path=str(tmp_path / "thing.txt"), format=known_as, size=len(content), digest=digest)
    assert medium.kind == kind


BIG = b"\0" * (10 << 20)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "文件是空的"),
        (b"hello", "微信不收这种文件；图片要 png、jpg、gif"),
        (WEBP, "微信不收 WEBP 文件"),
        (MOV, "微信不收 MOV 文件"),
        (HEIC, "微信不收 HEIC 文件"),
        (b"#!AMR-WB\n" + bytes(9), "微信不收 AMR-WB 文件"),
        (b"\xff\xf1\x50\x80" + bytes(9), "微信不收这种文件"),  # AAC in ADTS: the same sync word, another layer
        (AMR + bytes(2 << 20), "语音最大 2 MB，这个文件有 2.1 MB"),
        (PNG + BIG, "这个文件有 10.1 MB，微信最多收 10 MB"),
    ],
)
def test_what_the_platform_would_not_take_is_refused_at_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    found = complaints(tmp_path, "media:\n  好的: a.png\n  东西: thing.bin\n", **{"thing.bin": content, "a.png": PNG})
    assert len(found) == 1
    assert found[0].startswith(f"config.yaml:3:7: {said}")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("store.pnh", "找不到文件 store.pnh；你是不是想写 store.png？"),
        ("pictures/store.png", "找不到文件 pictures/store.png；路径从写着它的文件所在的文件夹算起"),
        (".", "这是一个文件夹，要写文件的路径"),
        ("{file: store.png}", "这里要写文件的路径，例如 pictures/store.jpg"),
        ("7", "这里要写文件的路径，例如 pictures/store.jpg"),
        ('""', "这里要写文件的路径，例如 pictures/store.jpg"),
    ],
)
def test_a_file_that_is_not_there_is_an_error_with_the_nearest_one(tmp_path: Path, written: str, said: str) -> None:
    assert complaints(tmp_path, f"media:\n  照片: {written}\n", **{"store.png": PNG}) == [f"config.yaml:2:7: {said}"]


def test_paths_begin_at_the_folder_of_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "b.yaml").write_text("media: {二: b.png, 没有: c.png}\n", "utf-8")
    (tmp_path / "rules" / "b.png").write_bytes(PNG)
    text = "include: [rules/*.yaml]\nmedia: {一: a.png}\n"
    assert complaints(tmp_path, text, **{"a.png": PNG})[0].startswith("rules/b.yaml:1:23: 找不到文件 c.png")
    (tmp_path / "rules" / "c.png").write_bytes(JPG)
    media = read(tmp_path, text).config[MediaSection].root
    assert {name: os.path.relpath(medium.path, tmp_path) for name, medium in media.items()} == {
        "一": "a.png",
        "二": "rules/b.png",
        "没有": "rules/c.png",
    }


MEDIA = "media: {门店照片: a.png, 动图: b.gif, 提示音: c.amr, 短片: d.mp4, 封面: e.jpg, big_cover: f.jpg}\n"
FILES = {"a.png": PNG, "b.gif": GIF, "c.amr": AMR, "d.mp4": MP4, "e.jpg": JPG, "f.jpg": JPG + bytes(64 << 10)}


@pytest.mark.parametrize(
    "reply",
    [
        "{image: 门店照片}",
        "{image: {media_id: 门店照片}}",
        "{image: 封面}",
        "{voice: 提示音}",
        "{video: {media_id: 短片, title: 标题}}",
        "{music: {title: 歌, thumb_media_id: 封面}}",
        "{image: DvBLSGmnyxHCKHrgONKa8pkWcpbLuPYXiRrlwQEfKaVsMDwpDcUTBpFCPXqUFN6h}",
        "{image: MEDIA_ID}",
    ],
)
def test_a_reply_names_a_medium_or_is_a_media_id(tmp_path: Path, reply: str) -> None:
    read(tmp_path, f"{MEDIA}welcome: {{reply: {reply}}}\n", **FILES)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("{image: 门店照}", "18: media 里没有“门店照”；你是不是想写“门店照片”？"),
        ("{image: xxx yyy}", "18: media 里没有“xxx yyy”，它也不是 media_id；media 里有：门店照片、动图、提示音、短片、封面、big_cover"),
        ("{image: big_covr}", "18: media 里没有“big_covr”；你是不是想写“big_cover”？"),
        ("{image: {media_id: 门店照}}", "29: media 里没有“门店照”；你是不是想写“门店照片”？"),
        ("{image: 动图}", "18: “动图”不能这样用：图片回复不能用 GIF，请换成 png 或 jpg"),
        ("{image: 提示音}", "18: “提示音”不能这样用：这是 amr 文件，不能当图片；图片要 png、jpg、gif"),
        ("{music: {thumb_media_id: 门店照片}}", "35: “门店照片”不能这样用：这是 png 文件，不能当封面图；封面图要 jpg"),
        ("{music: {thumb_media_id: big_cover}}", "35: “big_cover”不能这样用：封面图最大 64 KB，这个文件有 65 KB"),
    ],
)
def test_a_reply_that_names_what_is_not_there_or_does_not_fit_is_refused_at_its_place(tmp_path: Path, reply: str, said: str) -> None:
    found = complaints(tmp_path, f"{MEDIA}welcome:\n  reply: {reply}\n", **FILES)
    assert found == [f"config.yaml:3:{said}"]


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ("keywords:\n  rules: [{name: a, when: {exact: [a]}, reply: {image: 没有的图}}]\n", "2:56"),
        ("keywords: {fallback: {image: 没有的图}}\n", "1:30"),
        ("welcome: {reply: x, scenes: {a: {image: 没有的图}}}\n", "1:41"),
        ("channels: [{key: a, name: a, reply: {image: 没有的图}}]\n", "1:45"),
    ],
)
def test_replies_are_checked_wherever_they_stand(tmp_path: Path, section: str, place: str) -> None:
    assert complaints(tmp_path, section) == [f"config.yaml:{place}: media 里没有“没有的图”，它也不是 media_id"]


def test_a_file_with_other_content_is_a_change_of_the_configuration(tmp_path: Path) -> None:
    text = "media: {照片: a.png}\n" + account()
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    (tmp_path / "a.png").write_bytes(PNG)

    def digest(live: Live) -> str:
        return live.config[MediaSection].root["照片"].digest

    with watched(tmp_path / "config.yaml") as live:
        first, version = digest(live), live.config.version
        (tmp_path / "new").write_bytes(JPG)
        os.replace(tmp_path / "new", tmp_path / "a.png")
        soon(lambda: digest(live) != first)
        assert digest(live) == hashlib.sha256(JPG).hexdigest()
        assert live.config.version != version
        (tmp_path / "a.png").unlink()
        soon(lambda: live.errors)
        assert digest(live) == hashlib.sha256(JPG).hexdigest()
        (tmp_path / "a.png").write_bytes(PNG)
        soon(lambda: not live.errors)
        assert digest(live) == first


def test_dump_writes_a_path_that_holds_from_anywhere(tmp_path: Path) -> None:
    settings = read(tmp_path, "media: {照片: a.png}\n", **{"a.png": PNG})
    assert settings.config[MediaSection].model_dump(mode="json") == {"照片": str(tmp_path / "a.png")}
    assert config_file.signature(settings) == settings.seen
