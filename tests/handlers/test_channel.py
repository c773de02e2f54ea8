"""Channels through the webhook: what someone hears who comes by a code, and which code counts as the one that brought them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from models import channel, follower
from models.channel import Brought
from models.follower import Described
from tests.conftest import Founded
from tests.people import Person, World, account, event, message

RULES = """
welcome: {reply: 欢迎, returning: 欢迎回来, scenes: {poster: 海报来的}}
channels:
  - {key: store_01, name: 一号店, reply: "一号店欢迎你，{name}"}
  - {key: quiet, name: 不说话的码}
  - {key: expo, name: 展会, days: 30, reply: 展会见}
keywords: {fallback: 没听懂}
"""


@pytest.fixture
def shop(found: Founded) -> World:
    return found(RULES)


def follows(person: Person, scene: str = "", ago: int = 0) -> str | None:
    """They follow, by a code if there is one; the push says it was so many seconds ago."""
    at = person.world.at.timestamp() - ago
    key = f"qrscene_{scene}" if scene else ""
    return person.world.push(event(person.openid, at, "subscribe", EventKey=key, Ticket="T"))[0].text


def scans(person: Person, scene: str) -> str | None:
    return person.does("SCAN", EventKey=scene, Ticket="T").text


def leaves(person: Person) -> None:
    person.does("unsubscribe", EventKey="")


def of(person: Person) -> str | None:
    """The channel that counts for them."""
    rows = person.world.sql("SELECT channel FROM follower WHERE openid = :o", o=person.openid)
    found: str | None = rows[0][0]
    return found


def test_whoever_comes_by_a_code_hears_its_words(shop: World) -> None:
    person = shop.person("小王")
    assert (follows(person, "store_01") or "").startswith("一号店欢迎你，会员")
    assert (scans(person, "store_01") or "").startswith("一号店欢迎你")
    assert scans(person, "expo") == "展会见"
    leaves(person)
    assert (follows(person, "store_01") or "").startswith("一号店欢迎你")


def test_a_code_without_words_leaves_them_to_the_welcome(shop: World) -> None:
    person = shop.person("小王")
    assert follows(person, "quiet") == "欢迎"
    assert scans(person, "quiet") is None
    assert scans(person, "poster") == "海报来的"
    assert scans(person, "unknown") is None
    shop.at = shop.at.replace(minute=1)
    leaves(person)
    assert follows(person, "quiet") == "欢迎回来"
    assert of(person) == "quiet"


def test_the_first_code_counts_for_good(shop: World) -> None:
    person = shop.person("小王")
    follows(person, "store_01")
    for scene in ("expo", "", "somebody-elses"):
        shop.at = shop.at.replace(minute=shop.at.minute + 1)
        leaves(person)
        follows(person, scene)
        scans(person, "expo")
        person.says("你好")
    assert of(person) == "store_01"


def test_a_code_that_is_not_ours_counts_too(shop: World) -> None:
    person = shop.person("小王")
    follows(person, "printed-in-2019")
    assert of(person) == "printed-in-2019"


def test_scanning_while_following_and_following_without_a_code_attribute_nobody(shop: World) -> None:
    person = shop.person("小王")
    follows(person)
    scans(person, "store_01")
    person.world.push(event(person.openid, shop.at.timestamp() + 1, "subscribe", EventKey="last_trade_no_4200001"))
    assert of(person) is None
    shop.at = shop.at.replace(minute=5)
    follows(person, "store_01")
    assert of(person) == "store_01", "the first follow by a code counts, though not the first follow"


def test_a_late_push_of_an_earlier_follow_puts_the_first_touch_right(shop: World) -> None:
    person = shop.person("小王")
    follows(person, "expo")
    follows(person, "store_01", ago=120)
    assert of(person) == "store_01"
    follows(person, "quiet", ago=60)
    assert of(person) == "store_01"


def test_of_two_follows_in_one_second_the_one_that_came_first_counts_and_copies_change_nothing(shop: World) -> None:
    person = shop.person("小王")
    first = event(person.openid, shop.at.timestamp(), "subscribe", EventKey="qrscene_store_01")
    second = event(person.openid, shop.at.timestamp(), "subscribe", EventKey="qrscene_expo")
    for inner in (first, second, first, second):
        shop.push(inner, copies=2)
    assert of(person) == "store_01"


def test_a_parameter_longer_than_any_code_has_is_no_code(shop: World) -> None:
    person = shop.person("小王")
    assert follows(person, "x" * 65) == "欢迎"
    assert of(person) is None
    follows(person, "x" * 64)
    assert of(person) == "x" * 64


@pytest.mark.parametrize("empty", ["qrscene_", "qrscene_ "])
def test_a_code_without_a_parameter_takes_no_place_from_the_first_that_has_one(shop: World, empty: str) -> None:
    person = shop.person("小王")
    person.does("subscribe", EventKey=empty, Ticket="T")
    assert of(person) is None
    follows(person, "store_01")
    assert of(person) == "store_01"


def test_in_whatever_order_events_arrive_the_earliest_code_is_the_channel(shop: World) -> None:
    acts = [("subscribe", "qrscene_", 1), ("subscribe", "qrscene_store_01", 2), ("unsubscribe", "", 3), ("subscribe", "qrscene_expo", 4)]
    for order in itertools.permutations(acts):
        person = shop.person(str(order))
        for name, key, after in order:
            shop.push(event(person.openid, shop.at.timestamp() + after, name, EventKey=key), copies=2)
        assert of(person) == "store_01", order
        assert shop.sql("SELECT subscribed FROM follower WHERE openid = :o", o=person.openid)[0][0], order


def listed(world: World, person: Person, scene: str = "", word: str = "ADD_SCENE_QR_CODE") -> None:
    """A sync finds them on the platform's list, with the code that the platform remembers."""
    with world.service.database.transaction() as db:
        follower.listed(db, [person.openid], world.at)
        follower.described(db, [Described(person.openid, (), word, "", scene)])


def test_a_sync_attributes_whom_we_never_met_and_nobody_else(shop: World) -> None:
    stranger, writer, guest, by_search = (shop.person(name) for name in ("陌生人", "说过话的", "扫码来的", "搜索来的"))
    writer.says("你好")
    follows(guest, "store_01")
    follows(by_search)
    for person in (stranger, writer, guest, by_search):
        listed(shop, person, "expo")
        listed(shop, person, "quiet")
    assert [of(person) for person in (stranger, writer, guest, by_search)] == ["expo", None, "store_01", None]
    words = shop.sql("SELECT DISTINCT scene FROM follower")
    assert words == [("ADD_SCENE_QR_CODE",)], "the platform's word for how they came stands apart from the channel"


def test_a_sync_that_was_cut_off_attributes_them_the_next_time_even_if_they_wrote_meanwhile(shop: World) -> None:
    person = shop.person("陌生人")
    with shop.service.database.transaction() as db:
        follower.listed(db, [person.openid], shop.at)
    person.says("你好")
    listed(shop, person, "expo")
    assert of(person) == "expo"


def test_a_push_that_comes_after_the_sync_but_tells_of_an_earlier_code_wins(shop: World) -> None:
    person = shop.person("陌生人")
    listed(shop, person, "expo")
    follows(person, "store_01", ago=60)
    assert of(person) == "store_01"
    follows(person, "quiet")
    assert of(person) == "store_01"


def test_a_bug_in_the_answer_does_not_lose_who_brought_them(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = shop.person("小王")
    routes = shop.service.live.current.routes
    monkeypatch.setitem(routes.events, "subscribe", [("broken", lambda ctx: 1 / 0)])
    assert shop.push(event(person.openid, shop.at.timestamp(), "subscribe", EventKey="qrscene_store_01"))[0].status == 200
    assert of(person) == "store_01"


def test_how_many_came_by_a_code_and_how_many_of_them_still_follow(shop: World) -> None:
    for name in ("甲", "乙", "丙"):
        follows(shop.person(name), "store_01")
    follows(shop.person("丁"), "expo")
    shop.at = shop.at.replace(minute=1)
    leaves(shop.person("甲"))
    with shop.service.database.snapshot() as db:
        assert channel.brought(db, ["store_01", "expo", "quiet"]) == {"store_01": Brought(3, 2), "expo": Brought(1, 1)}


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ("[{key: a, name: 一}, {key: a, name: 二}]", "2:37: 二维码 a 写了两次；一个参数只能有一个码"),
        ("[{key: poster, name: 一}]", "2:18: welcome.scenes 里已经有 poster；把那里的删掉，回复写在这里"),
        ("[{key: qrscene_a, name: 一}]", "2:18: 二维码的 key 里不能有空格，也不要写 qrscene_，那是微信加的"),
        ("[{key: a, name: 一, days: 0}]", "2:36: 不能小于 1"),
        ("[{key: a, name: 一, days: 31}]", "2:36: 不能大于 30"),
        (f"[{{key: {'x' * 65}, name: 一}}]", "2:18: 最多 64 个字"),
        ("[{key: a}]", "2:12: 缺少 “name”"),
        ("[{key: a, name: 一, reply: '{nobody}'}]", "2:38: 没有变量 {nobody}"),
    ],
)
def test_a_wrong_channel_is_refused_at_its_place(tmp_path: Path, channels: str, said: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"welcome: {{reply: 欢迎, scenes: {{poster: 海报来的}}}}\nchannels: {channels}\n{account()}", "utf-8")
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    [complaint] = bad.value.complaints
    assert complaint.render().removeprefix(f"{path}:").startswith(said)


def test_what_they_write_before_they_follow_counts_as_a_meeting_not_as_a_channel(shop: World) -> None:
    person = shop.person("小王")
    shop.push(message(person.openid, shop.at.timestamp(), Content="你好"))
    assert of(person) is None
    shop.at = shop.at.replace(minute=1)
    follows(person, "store_01")
    assert of(person) == "store_01"
