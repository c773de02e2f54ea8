"""Edits while messages flow through the webhook: every message is answered, each by one good version as a whole."""

from __future__ import annotations

import asyncio
import re
import time

import httpx

from app import live
from tests.app.test_live import BROKEN, rules
from tests.conftest import Founded
from tests.people import World, account, message, opened, openid, push

RELOADS = 40


def edit(world: World, good: dict[str, int]) -> None:
    """So many saves, good and broken by turns, ten a second; notes which version has which number."""
    for number in range(1, RELOADS):
        broken = number % 2
        world.path.write_text(account() + BROKEN[number // 2 % len(BROKEN)] if broken else rules(number), "utf-8")
        if not broken:
            good[live.read(world.path).config.version] = number
        world.service.live.refresh()
        assert bool(world.service.live.errors) == bool(broken)
        time.sleep(0.1 if number % 10 else 0)


def test_reloads_ten_times_a_second_drop_no_message_and_mix_no_versions(found: Founded) -> None:
    world = found()
    world.path.write_text(rules(0), "utf-8")
    world.service.live.refresh()
    good = {world.service.live.config.version: 0}
    answers: list[str | None] = []

    async def talk(person: str, http: httpx.AsyncClient, editing: asyncio.Future[None]) -> None:
        words = 0
        while not editing.done():
            words += 1
            said = "a" if words % 2 else "something else"
            query, body = push(message(openid(person), world.at.timestamp(), Content=said), world.at.timestamp())
            answer = await http.post(f"/wechat?{query}", content=body)
            text = opened(answer.status_code, answer.content).text
            assert text is not None
            assert text.startswith("a" if words % 2 else "f"), text
            answers.append(text)
            await asyncio.sleep(0.05)

    async def flow() -> None:
        http = world._http
        editing = asyncio.ensure_future(asyncio.to_thread(edit, world, good))
        await asyncio.gather(editing, *(talk(f"p{number}", http, editing) for number in range(8)))

    world.run(flow())
    rows = world.sql("SELECT rules_version, reply FROM inbox_entry")
    assert len(rows) == len(answers) > RELOADS
    for version, reply in rows:
        text = re.search(r"<Content><!\[CDATA\[(?:a|f)(\d+)\]\]>", reply)
        assert text, reply
        assert good[version] == int(text[1])
    assert len({version for version, _ in rows}) > 10
