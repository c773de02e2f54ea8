"""Journeys under a locked database, with answers that get lost and processes that are killed: nobody reads an answer twice."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from aiohttp import web

from tests.people import BASIC, Process, Town, free_port, wait_until

ANSWER = "第1天 +5 共5"


class Gate:
    """Stands between the platform and two bots: hands each push to either, and may lose what they answer, so that the platform tries again."""

    def __init__(self, ports: list[int], chance: random.Random, lost: float) -> None:
        self.port, self._ports, self._chance, self._lost = free_port(), ports, chance, lost
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._up.wait(10)

    def leads_to(self, port: int) -> None:
        """One more bot."""
        self._ports.append(port)

    def close(self) -> None:
        """Nobody gets through any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._up.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._shut())
        self._loop.close()

    async def _open(self) -> None:
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        gate = web.Application()
        gate.router.add_post("/wechat", self._hand_over)
        self._runner = web.AppRunner(gate, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _shut(self) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _hand_over(self, request: web.Request) -> web.Response:
        body = await request.read()
        ports = self._chance.sample(self._ports, len(self._ports))
        for port in ports:
            try:
                url = f"http://127.0.0.1:{port}{request.path_qs}"
                async with self._client.post(url, data=body) as answer:
                    content = await answer.read()
                if self._chance.random() < self._lost:
                    await asyncio.sleep(6)
                return web.Response(status=answer.status, body=content, content_type="text/xml")
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, OSError):
                break
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


class Pair:
    """Two bots on one database, behind a gate, and the platform."""

    def __init__(self, folder: Path, chance: random.Random, followers: int, lost: float, database: str) -> None:
        self.other_port = free_port()
        self.gate = Gate([self.other_port], chance, lost)
        self.here = Town(folder, BASIC, followers, ("--webhook", f"http://127.0.0.1:{self.gate.port}/wechat"), database)
        self.gate.leads_to(self.here.port)
        words = ["app", "serve", "--config", str(self.here.config), "--port", str(self.other_port)]
        self.other = Process(words, self.here.environ, folder / "other.log")
        self.here.start()
        self.other.start(f"http://127.0.0.1:{self.other_port}/healthz")
        self.bots = [(self.here.bot, self.here.port), (self.other, self.other_port)]

    def close(self) -> None:
        """All are gone."""
        self.other.stop()
        self.here.stop()
        self.gate.close()


@contextmanager
def locked(folder: Path, database: str) -> Iterator[None]:
    """Another program writes meanwhile, and nobody else can."""
    if database:
        with psycopg.connect(database.replace("+psycopg", "")) as db:
            db.execute("LOCK TABLE inbox_entry IN EXCLUSIVE MODE")
            yield
            db.rollback()
        return
    other = sqlite3.connect(folder / "town.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def rows(folder: Path, database: str, query: str) -> list[Any]:
    """What the database says."""
    if database:
        with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as eye:
            return eye.execute(query.encode()).fetchall()
    other = sqlite3.connect(folder / "town.db", isolation_level=None)
    found = other.execute(query).fetchall()
    other.close()
    return found


def read_by(town: Town, who: str) -> list[str]:
    """What the account said to this follower."""
    messages: list[Any] = town.ask(f"/_sim/followers/{who}/conversation")["messages"]
    return [one["text"] for one in messages if one["side"] == "account" and one["type"] == "text"]


def episode(pair: Pair, folder: Path, database: str, people: list[str], chance: random.Random, held: float, kills: int) -> None:
    """Everybody checks in while the database is locked for so long; at random moments somebody kills a bot and starts it again."""
    began = time.monotonic()

    def say(who: str, after: float) -> None:
        time.sleep(after)
        pair.here.ask("/_sim/say", openid=who, text="签到")

    def kill(after: float, which: int) -> None:
        time.sleep(after)
        process, port = pair.bots[which]
        process.kill()
        process.start(f"http://127.0.0.1:{port}/healthz")

    talking = [threading.Thread(target=say, args=(who, chance.uniform(0.05, held + 0.5))) for who in people]
    # One after the other, so that a port is never started twice at once.
    moments = [(chance.uniform(0.3, held + 3), chance.randrange(2)) for _ in range(kills)]

    def reaper() -> None:
        for at, which in sorted(moments):
            kill(max(0.0, began + at - time.monotonic()), which)

    killing = threading.Thread(target=reaper)
    with locked(folder, database):
        for thread in [*talking, killing]:
            thread.start()
        time.sleep(max(0.0, began + held - time.monotonic()))
    for thread in [*talking, killing]:
        thread.join(40)


def verdict(pair: Pair, folder: Path, database: str, people: list[str], printed: str) -> Counter[str]:
    """What became of each: exactly one answer, or none and why. Fails for whoever read it twice, or not at all without a reason."""

    def journal() -> list[Any]:
        return list(pair.here.ask("/_sim/log?limit=50000&kind=push")["entries"])

    def given_up() -> set[str]:
        return {one["openid"] for one in journal() if one["failed"]}

    def taken() -> set[str]:
        query = "SELECT f.openid FROM inbox_entry e JOIN follower f ON f.id = e.follower_id"
        return {one for (one,) in rows(folder, database, query)}

    # What was answered `success` is taken in, by whoever was left, as soon as the database could.
    wait_until(lambda: set(people) <= taken() | given_up(), 20, f"{printed} lost after success: {set(people) - taken() - given_up()}")
    wait_until(lambda: not rows(folder, database, "SELECT 1 FROM customer_message WHERE state = 'queued'"), 30, "still queued")
    time.sleep(1)
    failed = given_up()
    found = rows(folder, database, "SELECT f.openid, m.state FROM customer_message m JOIN follower f ON f.id = m.follower_id")
    states = dict(found)
    counts: Counter[str] = Counter()
    for who in people:
        answers = read_by(pair.here, who)
        assert answers in ([], [ANSWER]), f"{printed} {who} read {answers}"
        if answers:
            counts["message" if who in states else "passive"] += 1
        elif states.get(who) in ("sending", "unknown"):
            counts["killed in the call"] += 1
        elif who in failed:
            counts["platform gave up"] += 1
        else:
            pytest.fail(f"{printed} {who} read nothing: {states.get(who)} {[one for one in journal() if one['openid'] == who]}")
    return counts


def trials(
    folder: Path, database: str, episodes: int, chance: random.Random, printed: str, held: tuple[float, float], kills: int
) -> Counter[str]:
    """So many episodes of twelve people each. Returns what became of them."""
    pair = Pair(folder, chance, episodes * 12, 0.3, database)
    counts: Counter[str] = Counter()
    try:
        everybody = [one["openid"] for one in pair.here.ask(f"/_sim/followers?limit={episodes * 12}")["followers"]]
        for number in range(episodes):
            people = everybody[number * 12 : (number + 1) * 12]
            episode(pair, folder, database, people, chance, chance.uniform(*held), chance.randint(0, kills))
            counts += verdict(pair, folder, database, people, f"{printed} episode {number}")
    finally:
        pair.close()
    return counts


def seed() -> int:
    """The run's seed: SEED of the environment, else a new one."""
    return int(os.environ.get("SEED") or random.randrange(2**32))


def test_while_the_database_is_locked_and_answers_get_lost_nobody_reads_an_answer_twice(tmp_path: Path) -> None:
    chosen = seed()
    print(f"SEED={chosen}")
    assert trials(tmp_path, "", 1, random.Random(chosen), f"SEED={chosen}", (4.5, 5), 1).total() == 12


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_in_two_hundred_trials_with_kills_nobody_reads_an_answer_twice(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    database = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    chosen = seed()
    counts = trials(tmp_path, database, 17, random.Random(chosen), f"SEED={chosen}", (3, 12), 3)
    print(f"SEED={chosen} {kind} {dict(counts)}")
    assert counts.total() == 204
    assert counts["message"] > 10
