"""What follows a reply: queued once with it, due in its time, in order, within the allowance, also where the reply itself was late."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app import webhook
from models import customer_message, inbox
from tests.app.test_late import push_with_a_slow_commit, settle
from tests.conftest import Founded
from tests.people import World, message, openid, push, wait_until
from tests.scheduler.test_messenger import reason, said, send, states

RULES = """
media: {图: pictures/a.png}
keywords:
  rules:
    - {name: 查, when: {exact: [查]}, reply: {text: 正在查…, then: [{after: 5s, reply: "{name|朋友}，查到了"}, {after: 2h, reply: 还要别的吗？}]}}
    - {name: 图, when: {exact: [图]}, reply: {text: 请看, then: {after: 10s, reply: {image: 图}}}}
    - {name: 号, when: {exact: [号]}, reply: {text: 请看, then: {after: 10s, reply: {image: SOME-MEDIA-ID}}}}
    - {name: 空, when: {exact: [空]}, reply: {text: 好, then: [{after: 1s, reply: {lines: [{when: {days: [mon]}, text: 周一}]}}, {after: 2s, reply: 二}]}}
    - {name: 多, when: {exact: [多]}, reply: {text: 零, then: [{after: 1s, reply: 一}, {after: 2s, reply: 二}, {after: 3s, reply: 三}, {after: 4s, reply: 四}, {after: 5s, reply: 五}]}}
    - {name: 轮, when: {exact: [轮]}, reply: {in_turn: [{text: 甲, then: {after: 1s, reply: 跟甲}}, 乙]}}
welcome: {reply: {text: 欢迎, then: [{after: 5s, reply: 一}, {after: 10s, reply: 二}, {after: 15s, reply: 三}, {after: 20s, reply: 四}]}}
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def shop(found: Founded, tmp_path: Any) -> World:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(PNG)
    return found(RULES)


def waiting(world: World) -> list[tuple[Any, float, float]]:
    """What waits, in the order in which it is due: its content, and in how many seconds it is due and ends."""
    rows = world.sql("SELECT payload, due_at, expires_at FROM customer_message ORDER BY due_at, id")

    def seconds(at: Any) -> float:
        moment = datetime.fromisoformat(at).replace(tzinfo=world.at.tzinfo) if isinstance(at, str) else at
        return float((moment - world.at).total_seconds())

    found = []
    for payload, due, expires in rows:
        told = json.loads(payload)
        found.append((told[told["msgtype"]], seconds(due), seconds(expires)))
    return found


def test_what_follows_is_queued_once_with_the_reply_and_due_in_its_time(shop: World) -> None:
    inner = message(openid("小王"), shop.at.timestamp(), Content="查")
    assert [answer.text for answer in shop.push(inner, copies=3)] == ["正在查…"] * 3
    assert shop.push(inner)[0].text == "正在查…"
    assert waiting(shop) == [({"content": "朋友，查到了"}, 5, 605), ({"content": "还要别的吗？"}, 7200, 14400)]


def test_a_file_of_ours_follows_by_its_name_and_any_other_by_its_id(shop: World) -> None:
    shop.person("小王").says("图")
    shop.person("小王").says("号")
    assert [content for content, _, _ in waiting(shop)] == [{"media": "图"}, {"media_id": "SOME-MEDIA-ID"}]


def test_a_follow_up_without_words_is_left_out(shop: World) -> None:
    shop.person("小王").says("空")
    assert [content for content, _, _ in waiting(shop)] == [{"content": "二"}]


def test_only_the_reply_that_was_chosen_is_followed(shop: World) -> None:
    person = shop.person("小王")
    assert (person.says("轮"), len(waiting(shop))) == ("甲", 1)
    assert (person.says("轮"), len(waiting(shop))) == ("乙", 1)


def test_nothing_is_sent_before_its_time_and_then_in_order(shop: World) -> None:
    shop.person("小王").says("查")
    shop.at += timedelta(seconds=4)
    assert send(shop).asked == []
    shop.at += timedelta(seconds=1)
    assert said(send(shop)) == [(openid("小王"), "朋友，查到了")]
    shop.at += timedelta(hours=2)
    assert said(send(shop)) == [(openid("小王"), "还要别的吗？")]
    assert set(states(shop).values()) == {"sent"}


def test_five_may_follow_a_message_and_what_was_said_besides_counts(shop: World) -> None:
    shop.person("小王").says("多")
    with shop.service.database.transaction() as db:
        customer_message.queue(db, "one more", 1, {"msgtype": "text", "text": {"content": "零"}}, shop.at + timedelta(hours=1), shop.at)
    shop.at += timedelta(seconds=5)
    asked = send(shop)
    assert [words for _, words in said(asked)] == ["零", "一", "二", "三", "四"]
    last = shop.sql("SELECT key FROM customer_message WHERE state = 'refused'")
    assert len(last) == 1
    assert last[0][0].endswith(":5")
    assert "额度" in reason(shop, last[0][0])


def test_three_may_follow_whoever_follows_the_account_and_only_for_a_minute(shop: World) -> None:
    shop.person("小王").does("subscribe")
    shop.at += timedelta(seconds=21)
    assert [words for _, words in said(send(shop))] == ["一", "二", "三"]
    shop.person("小李").does("subscribe")
    shop.at += timedelta(seconds=55)
    assert send(shop).asked == []
    assert list(states(shop).values()).count("refused") == 1 + 4


@contextmanager
def locked(world: World) -> Iterator[threading.Event]:
    """Another program holds the database, until it is told to let go."""
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with world.service.database.transaction() as db:
            if not world.service.database.is_sqlite:
                db.execute(text("LOCK TABLE inbox_entry IN EXCLUSIVE MODE"))
            held.set()
            enough.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    yield enough
    enough.set()
    holder.join()


def test_where_the_reply_is_late_it_goes_first_and_each_goes_once(shop: World, found: Founded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "ANSWER_WITHIN", 0.5)
    other = found(RULES)
    inner = message(openid("小王"), shop.at.timestamp(), Content="查")
    with locked(other):
        assert shop.push(inner)[0].body == b"success"
    wait_until(lambda: shop.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    assert other.push(inner)[0].body == b"success"
    assert [(content["content"], due) for content, due, _ in waiting(shop)] == [("正在查…", 0), ("朋友，查到了", 5), ("还要别的吗？", 7200)]
    shop.at += timedelta(seconds=60)
    assert [words for _, words in said(send(shop, messengers=2))] == ["正在查…", "朋友，查到了"]


def test_where_only_the_commit_was_late_the_reply_still_goes_first(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "ANSWER_WITHIN", 0.7)
    inner = message(openid("小王"), shop.at.timestamp(), Content="查")
    assert push_with_a_slow_commit(shop, inner, 1.4).body == b"success"
    wait_until(lambda: shop.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    shop.at += timedelta(seconds=60)
    settle(shop)  # only now the reply is queued
    assert [words for _, words in said(send(shop, messengers=2))] == ["正在查…", "朋友，查到了"]


def test_a_menu_that_is_late_can_be_tapped_all_the_same(shop: World, found: Founded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "ANSWER_WITHIN", 0.5)
    shop.configure("keywords: {rules: [{name: a, when: {exact: [帮助]}, reply: {menu: {title: 问, choices: [{name: 甲, reply: 是甲}]}}}]}")
    with locked(found(RULES)):
        assert shop.push(message(openid("小王"), shop.at.timestamp(), Content="帮助"))[0].body == b"success"
    wait_until(lambda: shop.sql("SELECT 1 FROM inbox_entry"), 5, "not taken in")
    content = waiting(shop)[0][0]["content"]
    assert content.startswith('问\n<a href="weixin://bizmsgmenu?msgmenucontent=甲&msgmenuid=')
    tapped = shop.person("小王").sends("text", Content="甲", bizmsgmenuid=content.partition("msgmenuid=")[2].partition('"')[0])
    assert tapped.text == "是甲"


def test_what_was_journalled_is_followed_once_as_well(shop: World) -> None:
    hook, now = shop.app.webhook, shop.at
    assert hook is not None
    query, body = push(message(openid("小王"), now.timestamp(), Content="查"), now.timestamp())
    inbound = hook._envelope.open(query.encode(), body, now).inbound

    async def taken_up_twice() -> None:
        for _ in range(2):
            assert await hook._taken_up(inbound, now)

    shop.run(taken_up_twice())
    assert [content["content"] for content, _, _ in waiting(shop)] == ["正在查…", "朋友，查到了", "还要别的吗？"]


def test_a_reply_that_a_bug_undid_is_not_followed(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(inbox, "answered", broken)
    shop.push(message(openid("小王"), shop.at.timestamp(), Content="查"))
    assert waiting(shop) == []
