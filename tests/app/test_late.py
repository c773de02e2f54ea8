"""A reply that takes longer than the platform listens: it follows as a customer-service message, and exactly one of the two arrives."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import text

from app import webhook
from handlers import routing
from models import follower, inbox
from tests.conftest import Founded
from tests.people import Answer, World, event, message, openid, push, wait_until

LIMIT = 0.7  # seconds: what is 4.3 for the platform


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "ANSWER_WITHIN", LIMIT)


@contextmanager
def locked(world: World, seconds: float) -> Iterator[None]:
    """Another program holds the database for so long."""
    held = threading.Event()

    def hold() -> None:
        with world.service.database.transaction() as db:
            if not world.service.database.is_sqlite:
                db.execute(text("LOCK TABLE inbox_entry IN EXCLUSIVE MODE"))
            held.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    yield
    holder.join()


Scene = Callable[[], Coroutine[Any, Any, list[Answer]]]


def with_a_slow_commit(world: World, seconds: float, scene: Scene) -> list[Answer]:
    """What is done in time is on disk only after so many seconds: on SQLite it shares its commit with a slow piece of work."""
    if world.service.database.is_sqlite:
        return cast(list[Answer], world.run(_beside_a_slow_piece(world, seconds, scene)))
    slowly = f"CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$"
    trigger = (
        "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON inbox_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slowly()"
    )
    with world.service.database.transaction() as db:
        db.execute(text(slowly))
        db.execute(text(trigger))
    return cast(list[Answer], world.run(scene()))


async def _beside_a_slow_piece(world: World, seconds: float, scene: Scene) -> list[Answer]:
    database, busy, both_wait = world.service.database, threading.Event(), threading.Event()

    def keep_the_writer_busy(db: object) -> None:
        busy.set()
        both_wait.wait(5)

    database.begin(keep_the_writer_busy)
    while not busy.is_set():
        await asyncio.sleep(0.01)
    answers = asyncio.ensure_future(scene())
    while database._queue.empty():
        await asyncio.sleep(0.01)
    database.begin(lambda db: time.sleep(seconds))
    both_wait.set()
    return await answers


def push_with_a_slow_commit(world: World, inner: str, seconds: float) -> Answer:
    """One push whose effect is done in time, and on disk too late."""
    return with_a_slow_commit(world, seconds, lambda: world._push_all([pushed(world, inner)]))[0]


def queued(world: World) -> list[dict[str, Any]]:
    """What will be sent."""
    return [json.loads(payload) for (payload,) in world.sql("SELECT payload FROM customer_message ORDER BY id")]


def settle(world: World) -> None:
    """The loop of this process turns, so that what it still has to do is done."""
    world.run(asyncio.sleep(0.5))


def say(world: World, words: str = "签到") -> str:
    """The XML of a push."""
    return message(openid("王"), world.at.timestamp(), Content=words)


DONE = {"msgtype": "text", "text": {"content": "第1天 +5 共5"}}


def test_a_transaction_that_is_late_queues_the_reply_itself(found: Founded) -> None:
    bot, inner = found(), ""
    inner = say(bot)
    with locked(bot, 2 * LIMIT):
        started = time.perf_counter()
        assert bot.push(inner)[0].body == b"success"
        assert time.perf_counter() - started < 1.5 * LIMIT
    wait_until(lambda: bot.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    # This process' loop has not turned since: entry and message came with one commit, and a kill -9 now would lose nothing.
    assert queued(bot) == [DONE]
    settle(bot)
    assert queued(bot) == [DONE]
    assert bot.person("王").points == 5


def test_a_copy_that_comes_after_the_message_was_queued_is_answered_success(found: Founded) -> None:
    bot, other = found(), found()
    inner = say(bot)
    with locked(bot, 2 * LIMIT):
        assert bot.push(inner)[0].body == b"success"
    wait_until(lambda: bot.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    assert other.push(inner)[0].body == b"success"
    assert bot.push(inner, copies=3)[0].body == b"success"
    settle(bot)
    assert queued(bot) == [DONE]


@pytest.mark.parametrize("what", ["transaction", "commit"])
def test_a_copy_that_joins_while_the_first_is_late_is_answered_success_too(found: Founded, what: str) -> None:
    bot = found()
    inner = say(bot)

    async def twice() -> list[Answer]:
        first = asyncio.ensure_future(bot._push_all([pushed(bot, inner)]))
        await asyncio.sleep(LIMIT + 0.1)  # the first was told success, and the platform did not hear it
        second = asyncio.ensure_future(bot._push_all([pushed(bot, inner)]))
        return [*(await first), *(await second)]

    if what == "commit":
        answers = with_a_slow_commit(bot, 1.7 * LIMIT, twice)
    else:
        with locked(bot, 1.7 * LIMIT):
            answers = bot.run(twice())
    assert [answer.body for answer in answers] == [b"success"] * 2
    settle(bot)
    assert queued(bot) == [DONE]


def pushed(world: World, inner: str) -> tuple[str, bytes]:
    """One signed copy."""
    return push(inner, world.at.timestamp())


def test_where_only_the_commit_was_late_the_reply_is_queued_afterwards(found: Founded) -> None:
    bot, other = found(), found()
    inner = say(bot)
    assert push_with_a_slow_commit(bot, inner, 2 * LIMIT).body == b"success"
    wait_until(lambda: bot.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    assert queued(bot) == []
    settle(bot)
    assert queued(bot) == [DONE]
    assert other.push(inner)[0].body == b"success"
    assert queued(bot) == [DONE]


def test_a_copy_that_is_answered_before_the_late_one_could_queue_wins(found: Founded) -> None:
    bot, other = found(), found()
    inner = say(bot)
    assert push_with_a_slow_commit(bot, inner, 2 * LIMIT).body == b"success"
    wait_until(lambda: bot.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    assert other.push(inner)[0].text == "第1天 +5 共5"  # another process, while this one's loop stands still
    settle(bot)
    assert queued(bot) == []
    assert other.push(inner)[0].text == "第1天 +5 共5"


def test_a_copy_to_the_same_process_just_after_a_late_commit_leaves_one_answer(found: Founded) -> None:
    bot, bodies = found(), []
    query, body = pushed(bot, say(bot))

    async def twice() -> list[Answer]:
        hook = bot.app.webhook
        assert hook is not None
        again = hook._envelope.open(query.encode(), body, bot.at)
        first = asyncio.ensure_future(bot._push_all([(query, body)]))
        while not (hook._told and not hook._running):  # the late commit has ended, and its reply is not queued yet
            await asyncio.sleep(0)
        bodies.append(await hook._answer(again, bot.at, time.perf_counter()))
        return await first

    assert with_a_slow_commit(bot, 2 * LIMIT, twice)[0].body == b"success"
    settle(bot)
    assert (bodies != [b"success"]) + len(queued(bot)) == 1


def test_a_copy_that_is_late_itself_queues_what_the_first_was_answered(found: Founded) -> None:
    bot, other = found(), found()
    inner = say(bot)
    assert bot.push(inner)[0].text == "第1天 +5 共5"  # which the platform did not hear
    with locked(other, 2 * LIMIT):
        assert other.push(inner)[0].body == b"success"
    settle(other)
    assert queued(bot) == [DONE]
    assert bot.push(inner)[0].body == b"success"


def test_a_bug_that_comes_late_is_excused_late(found: Founded, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = found()

    def broken(*args: object) -> None:
        time.sleep(1.5 * LIMIT)
        raise RuntimeError("a bug")

    monkeypatch.setattr(routing, "hear", broken)
    inner = say(bot)
    assert bot.push(inner)[0].body == b"success"
    time.sleep(LIMIT)
    settle(bot)
    sorry = {"msgtype": "text", "text": {"content": "系统开小差了，请稍后再试"}}
    assert queued(bot) == [sorry]
    assert bot.push(inner)[0].body == b"success"


def wait_for(holder: Any) -> None:
    time.sleep(0.02)
    with holder:
        pass


def test_an_excuse_for_a_bug_is_in_time_or_late_too(found: Founded, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = found()
    holders: list[Any] = []

    def broken(*args: object) -> None:
        if not holders:  # the transaction after this one waits
            holder = locked(bot, 2 * LIMIT)
            threading.Thread(target=wait_for, args=[holder]).start()
            holders.append(holder)
        raise RuntimeError("a bug")

    monkeypatch.setattr(routing, "hear", broken)
    started = time.perf_counter()
    body = bot.push(say(bot))[0].body
    assert time.perf_counter() - started < 1.5 * LIMIT
    time.sleep(2 * LIMIT)
    settle(bot)
    assert (body == b"success") == bool(queued(bot))


REPLIES = {
    "text: 你好": {"msgtype": "text", "text": {"content": "你好"}},
    "image: MEDIA": {"msgtype": "image", "image": {"media_id": "MEDIA"}},
    "voice: MEDIA": {"msgtype": "voice", "voice": {"media_id": "MEDIA"}},
    "video: {media_id: MEDIA, title: 片}": {"msgtype": "video", "video": {"media_id": "MEDIA", "title": "片"}},
    "news: {title: 题, description: 说, picture: 'http://p', url: 'http://u'}": {
        "msgtype": "news",
        "news": {"articles": [{"title": "题", "description": "说", "url": "http://u", "picurl": "http://p"}]},
    },
    "music: {title: 曲, url: 'http://u', thumb_media_id: MEDIA}": {
        "msgtype": "music",
        "music": {"title": "曲", "description": "", "musicurl": "http://u", "hqmusicurl": "", "thumb_media_id": "MEDIA"},
    },
}


@pytest.mark.parametrize("written", REPLIES)
def test_every_kind_of_reply_follows(found: Founded, written: str) -> None:
    bot = found(f"keywords: {{rules: [{{name: a, when: {{exact: [x]}}, reply: {{{written}}}}}]}}")
    with locked(bot, 1.5 * LIMIT):
        assert bot.push(say(bot, "x"))[0].body == b"success"
    wait_until(lambda: bot.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    assert queued(bot) == [REPLIES[written]]


def test_what_cannot_follow_is_left_to_the_next_copy(found: Founded) -> None:
    bot = found("keywords: {rules: [{name: a, when: {exact: [x]}, reply: {handoff: true}}], fallback: 没听懂}")
    inner = say(bot, "x")
    with locked(bot, 1.5 * LIMIT):
        assert bot.push(inner)[0].body == b"success"
    settle(bot)
    assert queued(bot) == []
    assert bot.push(inner)[0].fields["MsgType"] == "transfer_customer_service"


def test_nothing_follows_where_there_was_nothing_to_say(found: Founded) -> None:
    bot = found()
    with locked(bot, 1.5 * LIMIT):
        assert bot.push(event(openid("王"), bot.at.timestamp(), "VIEW", EventKey="http://u"))[0].body == b"success"
    settle(bot)
    assert (queued(bot), bot.sql("SELECT count(*) FROM inbox_entry")[0][0]) == ([], 1)


def test_of_the_copies_of_a_push_the_newest_decides_and_only_once(world: World) -> None:
    with world.service.database.transaction() as db:
        entry = inbox.admit(db, "k", "text", "x", world.at, world.at)
        assert isinstance(entry, inbox.Admitted)
        person = follower.seen(db, "o" * 28, world.at, world.at).id
        inbox.answered(db, entry.id, person, None, "", "<xml/>")
        assert inbox.admit(db, "k", "text", "x", world.at, world.at) == inbox.Repeated("<xml/>", 1)
        assert inbox.follow_up(db, "k", 0, world.at) is None
        assert inbox.follow_up(db, "k", 1, world.at) == inbox.FollowedUp(entry.id, person)
        assert inbox.follow_up(db, "k", 1, world.at) is None
        assert inbox.admit(db, "k", "text", "x", world.at, world.at) == inbox.Repeated(None, 2)
        assert inbox.follow_up(db, "k", 2, world.at) is None


def test_the_newest_copy_is_the_one_that_arrived_last_in_whatever_order_they_were_let_in(world: World) -> None:
    first, second, third = world.at, world.at + timedelta(seconds=5), world.at + timedelta(seconds=10)
    with world.service.database.transaction() as db:
        entry = inbox.admit(db, "k", "text", "x", first, second)
        assert isinstance(entry, inbox.Admitted)
        person = follower.seen(db, "o" * 28, world.at, world.at).id
        inbox.answered(db, entry.id, person, None, "", "<xml/>")
        assert inbox.admit(db, "k", "text", "x", first, first) == inbox.Repeated("<xml/>", inbox.OVERTAKEN)
        assert inbox.follow_up(db, "k", inbox.OVERTAKEN, world.at) is None
        with db.begin_nested() as nested:
            assert inbox.follow_up(db, "k", 0, world.at) == inbox.FollowedUp(entry.id, person)
            nested.rollback()
        assert inbox.admit(db, "k", "text", "x", first, third) == inbox.Repeated("<xml/>", 1)
        assert inbox.admit(db, "k", "text", "x", first, second) == inbox.Repeated("<xml/>", inbox.OVERTAKEN)
        assert inbox.follow_up(db, "k", 1, world.at) == inbox.FollowedUp(entry.id, person)
