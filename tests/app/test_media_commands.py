"""yizhan media and yizhan channel against the simulator, and what a follower then sees on the phone."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import segno

from app import cli, live
from app.cli import channel
from app.cli.options import database_of
from handlers.channel import ChannelsSection
from tests.people import APP_SECRET, Town, wait_until
from tests.pictures import AMR, PNG

CONFIG = """
media: {门店照片: pictures/a.png, 提示音: b.amr}
channels:
  - {key: store_01, name: 一号店, reply: 一号店欢迎你}
  - {key: expo, name: 展会, days: 30}
keywords: {rules: [{name: 图, when: {exact: [图]}, reply: {image: 门店照片}}], fallback: 没听懂}
welcome: {reply: 欢迎}
"""


def settle(folder: Path) -> Town:
    """A town whose files are there, nobody running yet."""
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(PNG)
    (folder / "b.amr").write_bytes(AMR)
    return Town(folder, CONFIG)


class Desk:
    """An operator's desk: commands typed in this process (a process each would cost a second and more), beside a running platform."""

    def __init__(self, town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.town, self._monkeypatch, self._capsys = town, monkeypatch, capsys

    def yizhan(self, *words: str, expect: int = 0) -> Any:
        """What the command printed, as JSON where it is that."""
        self._monkeypatch.setattr(sys, "argv", ["yizhan", *words, "--config", str(self.town.config)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out, err = self._capsys.readouterr()
        assert done.value.code == expect, out + err
        try:
            return json.loads(out)
        except ValueError:
            return out + err


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Town]:
    """Files, a configuration and a platform; the service does not run."""
    town = settle(tmp_path)
    town.simulator.start(f"{town.sim}/_sim/clock")
    yield town
    town.stop()


@pytest.fixture
def sit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Town], Desk]:
    """A desk in a town."""
    for name in [name for name in os.environ if name.startswith("YIZHAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("YIZHAN_APP_SECRET", APP_SECRET)
    return lambda town: Desk(town, monkeypatch, capsys)


@pytest.fixture
def desk(here: Town, sit: Callable[[Town], Desk]) -> Desk:
    return sit(here)


def calls(town: Town, path: str) -> int:
    return sum(town.ask("/_sim/stats")["api"].get(path, {}).values())


def expired(town: Town, scene: str) -> None:
    """The temporary code of this scene has ended."""
    with sqlite3.connect(town.folder / "town.db") as db:
        db.execute("UPDATE channel_code SET expires_at = '2020-01-01 00:00:00.000000' WHERE scene = ? AND NOT permanent", (scene,))
    db.close()


def test_media_are_listed_and_uploaded_once(desk: Desk) -> None:
    before = desk.yizhan("media", "list", "--json")
    assert [(one["name"], one["kind"], one["size"], one["media_id"]) for one in before] == [
        ("门店照片", "image", len(PNG), None),
        ("提示音", "voice", len(AMR), None),
    ]
    done = desk.yizhan("media", "upload", "门店照片", "--json")
    assert [one["name"] for one in done] == ["门店照片"]
    assert desk.yizhan("media", "upload", "--json")[0] == done[0]
    assert calls(desk.town, "/cgi-bin/media/upload") == 2
    assert desk.yizhan("media", "list", "--json")[0]["media_id"] == done[0]["media_id"]
    shown = desk.yizhan("media", "list")
    assert "提示音" in shown
    assert "KB" in shown


def test_an_upload_says_what_went_wrong(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "没有素材 没有的" in desk.yizhan("media", "upload", "没有的", expect=1)
    desk.town.ask("/_sim/faults", path="/cgi-bin/media/upload", errcode=45009)
    assert "45009" in desk.yizhan("media", "upload", "提示音", expect=2)
    assert "上次上传失败：45009" in desk.yizhan("media", "list")
    monkeypatch.delenv("YIZHAN_APP_SECRET")
    assert "YIZHAN_APP_SECRET" in desk.yizhan("media", "upload", expect=1)


def test_a_code_is_made_once_however_often_and_by_however_many_it_is_published(desk: Desk) -> None:
    settings = live.read(desk.town.config)

    async def publish() -> None:
        with database_of(settings) as database:
            await channel._publish(settings, database, settings.config[ChannelsSection].root)

    async def all_at_once() -> None:
        await asyncio.gather(*(publish() for _ in range(5)))

    asyncio.run(all_at_once())
    again = desk.yizhan("channel", "publish", "--json")
    assert [(one["key"], one["permanent"], one["created"]) for one in again] == [("store_01", True, False), ("expo", False, False)]
    assert calls(desk.town, "/cgi-bin/qrcode/create") == 2
    with urllib.request.urlopen(again[0]["picture"]) as picture:
        assert picture.headers["content-type"] == "image/png"


def test_only_a_temporary_code_is_renewed_and_a_permanent_one_outlives_a_change_of_mind(desk: Desk) -> None:
    first = desk.yizhan("channel", "publish", "--json")
    expired(desk.town, "expo")
    expired(desk.town, "store_01")
    assert [one["url"] for one in desk.yizhan("channel", "list", "--json")] == [first[0]["url"], None]
    second = desk.yizhan("channel", "publish", "--json")
    assert [one["created"] for one in second] == [False, True]
    assert second[1]["picture"] != first[1]["picture"]
    text = desk.town.config.read_text("utf-8")
    desk.town.config.write_text(text.replace("name: 一号店,", "name: 一号店, days: 1,"), "utf-8")
    assert desk.yizhan("channel", "publish", "--json")[0]["created"] is True
    desk.town.config.write_text(text, "utf-8")
    back = desk.yizhan("channel", "publish", "--json")[0]
    assert (back["created"], back["picture"]) == (False, first[0]["picture"])


def test_what_the_platform_refuses_can_be_published_later(desk: Desk) -> None:
    desk.town.ask("/_sim/faults", path="/cgi-bin/qrcode/create", errcode=45029, times=1)
    assert "45029" in desk.yizhan("channel", "publish", expect=2)
    assert [one["created"] for one in desk.yizhan("channel", "publish", "--json")] == [True, True]


def test_a_code_is_shown_on_the_terminal_and_saved_as_a_picture(desk: Desk) -> None:
    assert "channel publish" in desk.yizhan("channel", "show", "store_01", expect=1)
    url = desk.yizhan("channel", "publish", "--json")[0]["url"]
    shown = desk.yizhan("channel", "show", "store_01")
    assert url in shown
    assert "▄" in shown
    for name in ("a.png", "a.svg"):
        desk.yizhan("channel", "show", "store_01", "--save", str(desk.town.folder / name))
    wanted = desk.town.folder / "wanted.png"
    segno.make(url, error="m", micro=False).save(str(wanted), scale=12, border=4)
    assert (desk.town.folder / "a.png").read_bytes() == wanted.read_bytes()
    assert "<svg" in (desk.town.folder / "a.svg").read_text("utf-8")
    assert "没有二维码 nowhere" in desk.yizhan("channel", "show", "nowhere", expect=1)
    assert ".png 或 .svg" in desk.yizhan("channel", "show", "store_01", "--save", "a.gif", expect=1)


def seen(town: Town, openid: str) -> list[Any]:
    """What the account said on this phone."""
    found: list[Any] = [one for one in town.ask(f"/_sim/followers/{openid}/conversation")["messages"] if one["side"] == "account"]
    return found


def test_a_follower_asks_for_a_picture_and_sees_it(tmp_path: Path, sit: Callable[[Town], Desk]) -> None:
    town = settle(tmp_path)
    town.start()
    desk = sit(town)
    try:
        who = town.ask("/_sim/followers?limit=1")["followers"][0]["openid"]
        wait_until(lambda: all(one["media_id"] for one in desk.yizhan("media", "list", "--json")), 30, "the keeper uploaded nothing")
        town.ask("/_sim/say", openid=who, text="图")
        [picture] = seen(town, who)
        assert (picture["type"], picture.get("via")) == ("image", "reply")
        (tmp_path / "pictures" / "new").write_bytes(PNG + b"other")
        (tmp_path / "pictures" / "new").replace(tmp_path / "pictures" / "a.png")
        wait_until(lambda: desk.yizhan("media", "list", "--json")[0]["size"] == len(PNG) + 5, 5, "not the new file")

        def uploaded_anew() -> bool:
            found = desk.yizhan("media", "list", "--json")[0]["media_id"]
            return bool(found and found != picture["media_id"])

        wait_until(uploaded_anew, 30, "the new picture was not uploaded")
        assert calls(town, "/cgi-bin/media/upload") == 3
    finally:
        town.stop()


def test_a_picture_that_could_not_be_uploaded_follows_when_it_could(tmp_path: Path) -> None:
    town = settle(tmp_path)
    town.simulator.start(f"{town.sim}/_sim/clock")
    town.ask("/_sim/faults", path="/cgi-bin/media/upload", errcode=-1)
    town.bot.start(f"http://127.0.0.1:{town.port}/healthz")
    try:
        who = town.ask("/_sim/followers?limit=1")["followers"][0]["openid"]
        town.ask("/_sim/say", openid=who, text="图")
        assert seen(town, who) == []
        urllib.request.urlopen(urllib.request.Request(f"{town.sim}/_sim/faults", method="DELETE")).close()
        wait_until(lambda: seen(town, who), 30, "the picture never came")
        [picture] = seen(town, who)
        assert picture["type"] == "image"
        with urllib.request.urlopen(urllib.request.Request(town.sim + picture["url"])) as answer:
            assert answer.read() == PNG
    finally:
        town.stop()


def test_whom_a_code_brought_is_counted_also_those_who_came_while_we_were_away(
    town: Callable[..., Town], sit: Callable[[Town], Desk]
) -> None:
    there = town(CONFIG.replace("media: {门店照片: pictures/a.png, 提示音: b.amr}", "").replace("{image: 门店照片}", "x"))
    desk = sit(there)
    desk.yizhan("channel", "publish")
    there.ask("/_sim/settings", attempts=1)
    first, second, third = (one["openid"] for one in there.ask("/_sim/followers?limit=3")["followers"])
    for person in (first, second, third):
        there.ask("/_sim/unfollow", openid=person)
    there.ask("/_sim/scan", openid=first, scene="store_01")
    assert [one.get("text") for one in seen(there, first)] == ["一号店欢迎你"]
    there.ask("/_sim/scan", openid=first, scene="store_01")
    assert [one.get("text") for one in seen(there, first)] == ["一号店欢迎你"] * 2
    there.bot.stop()
    stranger = there.ask("/_sim/followers?limit=5")["followers"][-1]["openid"]
    there.ask("/_sim/unfollow", openid=stranger)
    there.ask("/_sim/scan", openid=stranger, scene="store_01")
    there.bot.start(f"http://127.0.0.1:{there.port}/healthz")
    desk.yizhan("follower", "sync")
    there.ask("/_sim/unfollow", openid=first)
    there.ask("/_sim/follow", openid=third, scene="elsewhere")
    found = desk.yizhan("channel", "list", "--json")
    assert [(one["key"], one["came"], one["follow"]) for one in found] == [("store_01", 2, 1), ("expo", 0, 0)]
    assert desk.yizhan("follower", "show", third, "--json")["channel"] == "elsewhere"
