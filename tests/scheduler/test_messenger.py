"""The messenger against a platform that answers as it is told: each message at most once, whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import media_files
from models import customer_message, follower
from scheduler.media import MediaKeeper
from scheduler.messenger import Messenger
from tests.conftest import Founded
from tests.people import BASIC, World, openid
from tests.wechat.scripted_platform import Late, Scripted, client, platform

SEND, UPLOAD = "/cgi-bin/message/custom/send", "/cgi-bin/media/upload"
OK = {"errcode": 0, "errmsg": "ok"}
HOUR = timedelta(hours=1)


def no(errcode: int) -> dict[str, object]:
    """The platform's refusal."""
    return {"errcode": errcode, "errmsg": "no"}


def text(said: str) -> dict[str, object]:
    """A text in the platform's shape."""
    return {"msgtype": "text", "text": {"content": said}}


def queue(
    world: World,
    name: str,
    key: str,
    payload: Mapping[str, object] | None = None,
    lives: timedelta = HOUR,
    after: timedelta | None = None,
) -> bool:
    """A message to this person waits, until so much later if it is planned."""
    with world.service.database.transaction() as db:
        somebody = follower.find(db, openid(name))
        assert somebody is not None
        return customer_message.queue(
            db, key, somebody.id, payload or text(key), world.at + lives, world.at, not_before=world.at + after if after else None
        )


def states(world: World) -> dict[str, str]:
    """What became of each message, by key."""
    return dict(world.sql("SELECT key, state FROM customer_message ORDER BY id"))


def reason(world: World, key: str) -> str:
    """Why."""
    return str(world.sql("SELECT reason FROM customer_message WHERE key = :key", key=key)[0][0])


def said(asked: Scripted) -> list[tuple[str, str]]:
    """Who was sent which text, in order of the calls."""
    bodies = [json.loads(one.body) for one in asked.calls(SEND)]
    return [(body["touser"], body["text"]["content"]) for body in bodies]


def send(
    world: World, answers: Sequence[object] = (OK,), *, messengers: int = 1, more: Mapping[str, Sequence[object]] | None = None
) -> Scripted:
    """So many processes look once at what waits, and finish what that began. Returns the platform they spoke to."""
    seen: list[Scripted] = []

    async def scene() -> None:
        async with platform({SEND: answers, **(more or {})}) as other_end, client(other_end, 0.5) as api:
            seen.append(other_end)
            keeper = MediaKeeper(world.service.database, api, lambda: world.service.live.config, media_files.read, lambda: world.at)
            made = [Messenger(world.service.database, api, keeper, lambda: world.at) for _ in range(messengers)]
            await asyncio.gather(*(one.look() for one in made))
            while any(one.busy for one in made):
                await asyncio.sleep(0.01)

    world.run(scene())
    return seen[0]


@pytest.fixture
def town(world: World) -> World:
    """Three people who wrote just now."""
    for name in ("王", "李", "张"):
        world.person(name).says("你好")
    return world


def test_a_message_is_sent_once_however_often_it_is_queued_and_whoever_looks(town: World) -> None:
    assert queue(town, "王", "one")
    assert not queue(town, "王", "one", text("other"))
    for name in ("李", "张"):
        for number in range(4):
            queue(town, name, f"{name}{number}")
    asked = send(town, messengers=3)
    expected = [(openid("王"), "one"), *((openid(name), f"{name}{number}") for name in ("李", "张") for number in range(4))]
    assert sorted(said(asked)) == sorted(expected)
    assert set(states(town).values()) == {"sent"}
    assert not send(town).asked


def test_messages_to_one_follower_go_in_their_order(town: World) -> None:
    for number in range(3):
        queue(town, "王", f"{number}")
    asked = send(town, [Late(0.2, OK), OK], messengers=2)
    assert [words for _, words in said(asked)] == ["0", "1", "2"]


def test_what_is_not_due_yet_holds_nobody_up_and_goes_in_its_time(town: World) -> None:
    queue(town, "王", "later", after=timedelta(minutes=30))
    queue(town, "王", "now")
    assert [words for _, words in said(send(town))] == ["now"]
    town.at += timedelta(minutes=29)
    queue(town, "王", "meanwhile", after=timedelta(minutes=2))
    assert not send(town).asked
    town.at += timedelta(minutes=2)
    assert [words for _, words in said(send(town, messengers=2))] == ["later", "meanwhile"]
    queue(town, "王", "last", after=timedelta(minutes=9))
    queue(town, "王", "first", after=timedelta(minutes=8))
    town.at += timedelta(minutes=10)
    assert [words for _, words in said(send(town, [Late(0.2, OK), OK], messengers=2))] == ["first", "last"]


def test_what_becomes_due_while_another_is_under_way_waits_for_it(town: World) -> None:
    queue(town, "王", "planned", after=timedelta(minutes=1))
    queue(town, "王", "begun")
    with town.service.database.transaction() as db:
        (claimed,) = customer_message.claim(db, town.at, 9) or []
    town.at += timedelta(minutes=1)
    with town.service.database.transaction() as db:
        assert not customer_message.claim(db, town.at, 9)
        customer_message.put_back(db, claimed, "busy", town.at + timedelta(minutes=1))
        assert not customer_message.claim(db, town.at, 9)
    town.at += timedelta(minutes=1)
    assert [words for _, words in said(send(town, messengers=2))] == ["begun", "planned"]


def test_nothing_is_called_without_an_allowance(town: World) -> None:
    for number in range(7):
        queue(town, "王", f"{number}")
    asked = send(town)
    assert len(asked.calls(SEND)) == 5
    assert list(states(town).values()) == ["sent"] * 5 + ["refused"] * 2
    assert "额度" in reason(town, "6")


@pytest.mark.parametrize(
    "answer", [0.1, 5, b"HTTP/1.1 502 X\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\nhi"]
)
def test_a_call_without_an_answer_is_never_made_again(town: World, answer: object) -> None:
    queue(town, "王", "one")
    assert len(send(town, [answer]).calls(SEND)) == 1
    assert states(town) == {"one": "unknown"}
    town.at += timedelta(minutes=10)
    assert not send(town).asked


@pytest.mark.parametrize("errcode", [-1, 45011, 268487001])
def test_a_refusal_that_says_nothing_was_taken_is_repeated_and_costs_no_allowance(town: World, errcode: int) -> None:
    for number in range(5):
        queue(town, "王", f"{number}")
    for _ in range(3):
        assert len(send(town, [no(errcode)]).calls(SEND)) == 1
        assert set(states(town).values()) == {"queued"}
        town.at += timedelta(seconds=61)
    assert [words for _, words in said(send(town))] == ["0", "1", "2", "3", "4"]
    assert set(states(town).values()) == {"sent"}


def test_it_is_not_repeated_for_ever(town: World) -> None:
    queue(town, "王", "one", lives=timedelta(hours=40))
    calls = 0
    for _ in range(12):
        calls += len(send(town, [no(-1)]).calls(SEND))
        town.at += timedelta(minutes=10)
    assert (calls, states(town)) == (8, {"one": "refused"})


def test_a_quota_for_the_day_stops_every_message_and_what_is_late_then_is_dropped(town: World) -> None:
    queue(town, "王", "one")
    assert len(send(town, [no(45009)]).calls(SEND)) == 1
    queue(town, "李", "two")
    queue(town, "李", "long", lives=timedelta(hours=20))
    assert not send(town).calls(SEND)
    town.at += timedelta(hours=2)
    assert not send(town).calls(SEND)
    assert states(town) == {"one": "expired", "two": "expired", "long": "queued"}
    town.moment("2026-11-22 00:00:01")
    assert [words for _, words in said(send(town))] == ["long"]


def test_what_came_too_late_is_dropped_and_says_so(town: World) -> None:
    queue(town, "王", "one", lives=timedelta(seconds=30))
    town.at += timedelta(seconds=30)
    assert not send(town).asked
    assert states(town) == {"one": "expired"}
    assert "too late" in reason(town, "one")


@pytest.mark.parametrize("errcode", [45015, 45047])
def test_a_window_that_the_platform_calls_closed_is_closed(town: World, errcode: int) -> None:
    queue(town, "王", "one")
    queue(town, "王", "two")
    assert len(send(town, [no(errcode)]).calls(SEND)) == 1
    assert states(town) == {"one": "refused", "two": "refused"}
    assert str(errcode) in reason(town, "one")
    town.at += timedelta(seconds=1)
    town.person("王").says("还在")
    queue(town, "王", "three")
    assert len(send(town).calls(SEND)) == 1


@pytest.mark.parametrize(
    ("errcode", "column", "value"),
    [(43004, "subscribed", False), (50005, "subscribed", False), (43019, "blocked_at", None), (48002, "muted_at", None)],
)
def test_what_the_platform_says_about_the_follower_is_noted(town: World, errcode: int, column: str, value: object) -> None:
    queue(town, "王", "one")
    send(town, [no(errcode)])
    assert states(town) == {"one": "refused"}
    found = town.sql(f"SELECT {column} FROM follower WHERE openid = :o", o=openid("王"))[0][0]
    assert bool(found) is (value is None)


def test_nobody_is_called_for_who_does_not_follow(town: World) -> None:
    queue(town, "王", "one")
    town.at += timedelta(seconds=1)
    town.person("王").does("unsubscribe")
    assert not send(town).asked
    assert (states(town), "未关注" in reason(town, "one")) == ({"one": "refused"}, True)


def test_a_message_whose_sender_was_killed_in_the_middle_of_the_call_is_not_sent_again(town: World) -> None:
    queue(town, "王", "one")
    queue(town, "王", "two")
    with town.service.database.transaction() as db:
        claimed = customer_message.claim(db, town.at, 9)
    assert claimed is not None
    assert [json.loads(one.payload) for one in claimed] == [text("one")]
    assert not send(town).asked  # it may still be on its way, and what comes after it waits
    town.at += customer_message.LEASE
    assert [words for _, words in said(send(town))] == ["two"]
    assert states(town) == {"one": "unknown", "two": "sent"}


def test_an_answer_that_comes_after_all_is_believed(town: World) -> None:
    queue(town, "王", "one")
    with town.service.database.transaction() as db:
        claimed = customer_message.claim(db, town.at, 9)
        customer_message.give_up(db, town.at + customer_message.LEASE)
        assert claimed is not None
        customer_message.settle(db, claimed[0], "sent", None, town.at)
        customer_message.put_back(db, claimed[0], "too late for that", town.at)
    assert states(town) == {"one": "sent"}


@pytest.mark.parametrize("poison", ["{", "[]", '"text"', "null", '{"msgtype": "text"}', '{"msgtype": "text", "text": []}', '{"text": {}}'])
def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_go_on(town: World, poison: str) -> None:
    from sqlalchemy import text as sql

    for name, key in (("王", "bad"), ("王", "after"), ("李", "good")):
        queue(town, name, key)
    with town.service.database.transaction() as db:
        db.execute(sql("UPDATE customer_message SET payload = :poison WHERE key = 'bad'"), {"poison": poison})
    assert sorted(words for _, words in said(send(town))) == ["after", "good"]
    assert states(town) == {"bad": "refused", "after": "sent", "good": "sent"}


def test_a_bug_in_one_message_leaves_the_others_alone(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = json.loads

    def broken(given: Any, *more: Any) -> Any:
        if "bad" in str(given):
            raise RecursionError
        return real(given, *more)

    queue(town, "王", "bad")
    queue(town, "李", "good")
    monkeypatch.setattr("scheduler.messenger.json.loads", broken)
    send(town)
    assert states(town) == {"bad": "unknown", "good": "sent"}


# Files

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def gallery(found: Founded, tmp_path: Path) -> World:
    """An account with a picture."""
    (tmp_path / "store.png").write_bytes(PNG)
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff" + b"\0" * 40)
    world = found("media: {门店: store.png, 封面: cover.jpg}" + BASIC)
    world.person("王").says("你好")
    return world


def uploaded(*ids: str) -> list[dict[str, object]]:
    """The platform keeps a file under each of these."""
    return [{"type": "image", "media_id": one, "created_at": 1} for one in ids]


PICTURE = {"msgtype": "image", "image": {"media": "门店"}}


def test_a_picture_that_is_not_uploaded_is_uploaded_and_sent(gallery: World) -> None:
    queue(gallery, "王", "one", PICTURE)
    asked = send(gallery, more={UPLOAD: uploaded("MEDIA-1")})
    assert [json.loads(one.body)["image"] for one in asked.calls(SEND)] == [{"media_id": "MEDIA-1"}]
    queue(gallery, "王", "two", PICTURE)
    asked = send(gallery, more={UPLOAD: uploaded("MEDIA-2")})
    assert [json.loads(one.body)["image"] for one in asked.calls(SEND)] == [{"media_id": "MEDIA-1"}]
    assert not asked.calls(UPLOAD)


def test_a_cover_is_uploaded_as_one(gallery: World) -> None:
    music = {"title": "t", "description": "d", "musicurl": "u", "hqmusicurl": "h", "thumb_media": "封面"}
    queue(gallery, "王", "one", {"msgtype": "music", "music": music})
    asked = send(gallery, more={UPLOAD: [{"type": "thumb", "thumb_media_id": "T", "created_at": 1, "media_id": "T"}]})
    assert asked.calls(UPLOAD)[0].query["type"] == ["thumb"]
    assert json.loads(asked.calls(SEND)[0].body)["music"]["thumb_media_id"] == "T"


def test_a_copy_that_the_platform_does_not_know_any_more_is_uploaded_once_anew(gallery: World) -> None:
    queue(gallery, "王", "one", PICTURE)
    asked = send(gallery, [no(40007), OK], more={UPLOAD: uploaded("MEDIA-1", "MEDIA-2")})
    assert [json.loads(one.body)["image"]["media_id"] for one in asked.calls(SEND)] == ["MEDIA-1", "MEDIA-2"]
    assert states(gallery) == {"one": "sent"}
    queue(gallery, "王", "two", PICTURE)
    asked = send(gallery, [no(40007)], more={UPLOAD: uploaded("MEDIA-3")})
    assert len(asked.calls(SEND)) == 2  # and no third time
    assert states(gallery)["two"] == "refused"


def test_a_media_id_of_the_operator_s_own_is_not_ours_to_upload(gallery: World) -> None:
    queue(gallery, "王", "one", {"msgtype": "image", "image": {"media_id": "THEIRS"}})
    asked = send(gallery, [no(40007)])
    assert (len(asked.calls(SEND)), states(gallery)) == (1, {"one": "refused"})


def test_a_name_that_was_taken_out_of_the_file_is_refused_in_words(gallery: World) -> None:
    queue(gallery, "王", "one", {"msgtype": "image", "image": {"media": "没有"}})
    assert not send(gallery).calls(SEND)
    assert (states(gallery), "没有" in reason(gallery, "one")) == ({"one": "refused"}, True)


@pytest.mark.parametrize("answer", [0.1, no(-1), no(45011)])
def test_an_upload_that_failed_is_tried_again_while_the_message_lives(gallery: World, answer: object) -> None:
    queue(gallery, "王", "one", PICTURE)
    assert not send(gallery, more={UPLOAD: [answer]}).calls(SEND)
    assert states(gallery) == {"one": "queued"}
    gallery.person("李").says("你好")
    queue(gallery, "李", "text")  # whom no file concerns
    assert len(send(gallery).calls(SEND)) == 1
    gallery.at += timedelta(minutes=4)
    assert len(send(gallery, more={UPLOAD: uploaded("M")}).calls(SEND)) == 1
    assert states(gallery) == {"one": "sent", "text": "sent"}


def test_a_file_that_the_platform_refuses_is_not_offered_again(gallery: World) -> None:
    queue(gallery, "王", "one", PICTURE)
    assert not send(gallery, more={UPLOAD: [no(40005)]}).calls(SEND)
    assert (states(gallery), "40005" in reason(gallery, "one")) == ({"one": "refused"}, True)
