"""A journey of what is counted: two bots on one database, one of them killed again and again, and every message takes its one turn."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text

from tests.people import BASIC, Process, Town, free_port, message, opened, push

RULES = """
    - {name: 轮, when: {exact: [轮], nth: {from: 1}}, reply: {in_turn: [{text: 一, then: {after: 5s, reply: 跟一}}, {text: 二, then: {after: 5s, reply: 跟二}}]}}
    - {name: 后面的, when: {exact: [轮], nth: {from: 2}}, reply: 不会说}
sensitive: {lists: [{name: 看着, words: [轮], heard: queue}]}
"""
CONFIG = BASIC.replace("  fallback: 没听懂", RULES.strip("\n").replace("\nsensitive", "\n  fallback: 没听懂\nsensitive"), 1)
PEOPLE, EACH, COPIES = 15, 6, 2


def test_two_bots_and_kill_9_and_each_message_takes_one_turn(town: Callable[..., Town], tmp_path: Path, database_url: str) -> None:
    here = town(CONFIG, database=database_url)
    port = free_port()
    other = Process(["app", "serve", "--config", str(here.config), "--port", str(port)], here.environ, tmp_path / "other.log")
    other.start(f"http://127.0.0.1:{port}/healthz")
    at = int(time.time())
    pushes = [message(f"o{number:027d}", at, Content="轮") for number in range(PEOPLE) for _ in range(EACH)]
    heard: dict[str, set[str]] = {inner: set() for inner in pushes}
    at_once = asyncio.Semaphore(16)

    async def deliver(client: httpx.AsyncClient, inner: str) -> None:
        for attempt in range(200):
            try:
                async with at_once:
                    query, body = push(inner, time.time())
                    where = port if (attempt + hash(inner)) % 2 else here.port
                    answer = await client.post(f"http://127.0.0.1:{where}/wechat?{query}", content=body)
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
                continue
            assert answer.status_code == 200
            if said := opened(200, answer.content).text:
                heard[inner].add(said)
            return
        raise AssertionError("never answered")

    async def everybody() -> None:
        async with httpx.AsyncClient(timeout=8, trust_env=False) as client:
            everyone = asyncio.gather(*(deliver(client, inner) for inner in pushes for _ in range(COPIES)))
            for _ in range(2):
                await asyncio.sleep(random.uniform(0.1, 0.3))
                await asyncio.to_thread(here.bot.kill)
                await asyncio.to_thread(here.bot.start, f"http://127.0.0.1:{here.port}/healthz")
            await everyone

    try:
        asyncio.run(everybody())
    finally:
        other.stop()
    assert all(len(said) == 1 for said in heard.values())
    engine = create_engine(database_url)
    with engine.connect() as db:
        counted = Counter(
            (row.subject.partition(":")[0], row.times) for row in db.execute(text('SELECT subject, "count" AS times FROM tally'))
        )
        assert counted == {("nth", EACH): 2 * PEOPLE, ("turn", EACH): PEOPLE}
        assert db.execute(text("SELECT count(*) FROM finding")).scalar_one() == len(pushes)
        follows = Counter(db.execute(text("SELECT payload FROM customer_message WHERE key LIKE 'then:%'")).scalars())
        assert sorted(follows.values()) == [len(pushes) // 2] * 2
    engine.dispose()
    assert Counter(said for one in heard.values() for said in one) == {"一": len(pushes) // 2, "二": len(pushes) // 2}
