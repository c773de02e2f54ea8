"""Links of broadcasts: who opens them is counted where they let us, and they lead nowhere but where the operator's do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event

from models import broadcast, click, duplicate, message, reservation
from models.broadcast import Broadcast
from models.delivery import Reserved
from models.message import Message
from models.push import PushSection
from tests.people import World

WORDS = """
push: {links: {base: "https://wx.example.com"}}
keywords: {rules: [{name: 营业时间, when: {exact: [营业时间]}, reply: 每天营业}]}
"""
HERE, THERE = "https://example.com/weekly", "https://example.com/活动?page=1&from=wx"
PHONE = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.49 Language/zh_CN"}
MACHINES: list[dict[str, str]] = [
    {"user-agent": "WeChatShareExtensionNew/8.0.49.31 CFNetwork/1410.0.3 Darwin/22.6.0"},
    {"user-agent": "Mozilla/5.0 (Linux; U; Android 4.4.2; zh-cn) AppleWebKit/537.36 MQQBrowser/5.0 QQ-URL-Manager Mobile Safari/537.36"},
    {"user-agent": "Mozilla/5.0 (compatible; bingbot/2.0)"},
    {"user-agent": ""},
    PHONE | {"sec-purpose": "prefetch;prerender"},
    PHONE | {"purpose": "prefetch"},
]


def opened(world: World, address: str, method: str = "GET", headers: dict[str, str] = PHONE) -> httpx.Response:
    """Somebody follows the address, as their phone does."""
    path = address.removeprefix("https://wx.example.com")
    return world.run(world._http.request(method, path, headers=headers))  # type: ignore[no-any-return]


def sent(world: World, **plan: Any) -> dict[str, Message]:
    """A run of this broadcast to everybody: what each follower gets, by openid."""
    config = world.service.live.config
    world.at += timedelta(seconds=1)
    plan = {"key": "weekly", "text": f'看看{HERE}，还有 <a href="{THERE}">活动</a>。别的 https://example.com/{{points}} 照旧'} | plan
    with world.service.database.transaction() as db:
        number = broadcast.start(db, Broadcast.model_validate(plan), "all", world.at, world.at)
        assert number is not None
        run = broadcast.load(db, number)
        while broadcast.plan_chunk(db, run):
            pass
        batch = reservation.reserve_batch(db, run, config[PushSection], config.zone, world.at, 100) or []
        ready: list[Reserved] = list(message.prepare(db, config, run, batch, world.at))
    return {one.follower.openid: message.compose(run, one, world.at.astimezone(config.zone)) for one in ready}


def counted(world: World) -> tuple[int, int, int]:
    """People, their hours, and times without a person, of the newest run's first link."""
    with world.service.database.snapshot() as db:
        found = click.of_run(db, world.sql("SELECT max(id) FROM broadcast_run")[0][0])
    here = next(one for one in found if one.url == HERE)
    return here.people, here.times, here.nameless


def addresses(text: str) -> tuple[str, str]:
    """The two addresses of ours in the text."""
    assert text.startswith("看看https://wx.example.com/l/")
    first, _, rest = text.removeprefix("看看").partition('，还有 <a href="')
    second, _, rest = rest.partition('">活动</a>。')
    assert rest == "别的 https://example.com/0 照旧"
    return first, second


def test_links_count_who_opens_them_once_an_hour_and_machines_never(world: World) -> None:
    world.configure(WORDS)
    wang, li = world.person("小王"), world.person("小李")
    for person in (wang, li):
        person.says("你好")
    got = sent(world)
    assert world.sql("SELECT count(*) FROM link") == [(2,)]  # whoever they are sent to
    (first, second), (other, _) = addresses(got[wang.openid].text), addresses(got[li.openid].text)
    assert first != other
    answer = opened(world, first)
    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (302, HERE, "no-store")
    assert opened(world, second).headers["location"] == "https://example.com/%E6%B4%BB%E5%8A%A8?page=1&from=wx"
    assert counted(world) == (1, 1, 0)
    world.moment("2026-11-21 10:59:59")
    opened(world, first)
    assert counted(world) == (1, 1, 0)
    world.moment("2026-11-21 11:00:00")
    opened(world, first)
    opened(world, other)
    assert counted(world) == (2, 3, 0)

    assert opened(world, other, "HEAD").headers["location"] == HERE
    world.moment("2026-11-21 13:00:00")
    for headers in MACHINES:
        assert opened(world, first, headers=headers).headers["location"] == HERE
    assert opened(world, first, "POST").status_code == 405
    assert counted(world) == (2, 3, 0)

    code, sealed = first[-34:-22], first[-22:]
    forged = [
        "/l/", f"/l/{code}{sealed[::-1]}", f"/l/{second[-34:-22]}{sealed}", f"/l/{'A' * 12}{sealed}", f"/l/{code}{sealed}x", f"/l/{code}{sealed}/",
        "/l/https://evil.example", "/l//evil.example", f"/l/{code}{sealed}%0d%0ax:1", f"/l/{'é' * 34}", f"/l/{code}{sealed[:-1]}",
    ]  # fmt: skip
    for path in forged:
        answer = opened(world, path)
        assert (answer.status_code, "location" in answer.headers) == (404, False), path
    assert counted(world) == (2, 3, 0)


def test_who_does_not_want_it_known_is_counted_without_a_person(world: World) -> None:
    world.configure(WORDS)
    wang, li = world.person("小王"), world.person("小李")
    for person in (wang, li):
        person.says("你好")
    before, _ = addresses(sent(world)[wang.openid].text)
    assert "不再记录" in str(wang.says("关闭统计"))
    opened(world, before)  # the message is older than their word
    assert counted(world) == (0, 0, 1)

    got = sent(world)
    (nobody, _), (lis, _) = addresses(got[wang.openid].text), addresses(got[li.openid].text)
    assert len(nobody) == len("https://wx.example.com/l/") + 12  # there is no person in it
    li.says("退订")
    for address in (nobody, nobody, lis):
        assert opened(world, address).headers["location"] == HERE
    assert counted(world) == (0, 0, 3)

    assert "已开启统计" in str(wang.says("开启统计"))
    li.says("恢复订阅")
    again, _ = addresses(sent(world)[wang.openid].text)
    for address in (again, lis):
        opened(world, address)
    assert counted(world) == (1, 1, 0)
    assert world.sql("SELECT count(*) FROM click") == [(2,)]

    with world.service.database.transaction() as db:  # what goes by mass is the same for everybody
        run = broadcast.load(db, 1)
        text = message.for_all(db, world.service.live.config, run, f"{HERE}。{{points}}", world.at)
    assert len(text) == len("https://wx.example.com/l/。{points}") + 12
    assert opened(world, text.partition("。")[0]).headers["location"] == HERE


def test_a_link_takes_one_statement_to_follow_and_is_off_where_no_base_is_set(world: World) -> None:
    world.configure(WORDS)
    world.person("小王").says("你好")
    ours = sent(world, template="T", text=None, url=HERE, data={"thing1": "{name}"})[world.person("小王").openid].url
    seen: list[str] = []
    watch: Any = lambda *said: seen.append(said[2])  # noqa: E731
    event.listen(Engine, "before_cursor_execute", watch)
    assert opened(world, ours, "HEAD").status_code == 302
    event.remove(Engine, "before_cursor_execute", watch)
    assert len([one for one in seen if one != "BEGIN"]) == 1
    world.configure("push: {}")
    assert sent(world, template="T", text=None, url=HERE)[world.person("小王").openid].url == HERE
    assert opened(world, ours).headers["location"] == HERE  # what was sent goes on working


def test_a_broadcast_that_says_what_was_said_is_found(world: World) -> None:
    world.configure(WORDS)
    world.person("小王").says("你好")
    sent(world, text="本周精选：秋日书单，周六下午三点店里见")
    sent(world, key="other", text="明天起营业时间改为早上九点")
    asked = Broadcast.model_validate({"key": "new", "text": "本周精选：冬日书单，周六下午三点，店里见！"})
    with world.service.database.snapshot() as db:
        (near,) = duplicate.near(db, asked, world.at)
        assert (near.broadcast, near.run) == ("weekly", 1)
        assert 0.9 <= near.likeness < 1
        again = Broadcast.model_validate({"key": "weekly", "text": "本周精选：秋日书单，周六下午三点店里见"})
        assert [one.run for one in duplicate.near(db, again, world.at)] == [1]
        assert duplicate.near(db, again.model_copy(update={"cron": "0 20 * * fri"}), world.at) == [], "it is meant to come again"
    world.moment("2026-12-22 10:00:00")
    with world.service.database.snapshot() as db:
        assert duplicate.near(db, asked, world.at) == []


@pytest.mark.parametrize("text", ["谢谢", "好的，收到"])
def test_a_few_words_are_no_duplicate_of_others(text: str) -> None:
    assert duplicate.likeness(text, text) == 0
