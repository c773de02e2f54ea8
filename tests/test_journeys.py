"""Journeys: the bot and the simulated platform as real processes, as a follower lives through them."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.people import AES_KEY, APP_SECRET, BASIC, TOKEN, Town, message, opened, push, wait_until

Towns = Callable[..., Town]


def reply(outcome: Any) -> str | None:
    """What the follower read after they wrote."""
    return outcome["reply"]["text"] if outcome["reply"] else None


def first_follower(town: Town) -> str:
    return str(town.ask("/_sim/followers?limit=1")["followers"][0]["openid"])


def test_a_follower_checks_in_answers_a_survey_and_asks_for_points(town: Callable[..., Town]) -> None:
    here = town()
    who = first_follower(here)

    def say(text: str) -> str | None:
        return reply(here.ask("/_sim/say", openid=who, text=text))

    assert say("营业时间") == "每天 9:00–21:00 营业"
    assert say("签到") == "第1天 +5 共5"
    assert say("签到") == "签过了"
    assert say("问卷") == "满意度调查\n总体满意吗？\n1. 满意\n2. 一般\n3. 不满意"
    assert say("满意") == "愿意推荐吗？"
    assert say("10") == "谢谢，问卷已完成！+20 积分，共 25"
    said = say("积分")
    assert said is not None
    assert said.startswith("积分：25")
    assert here.yizhan("ledger", "audit", "--json")["differences"] == []
    statement = here.yizhan("ledger", "statement", who, "--json")
    assert statement["balance"] == 25
    assert [entry["cause"].split(":")[0] for entry in statement["entries"]] == ["survey", "checkin"]


def test_kill_9_while_followers_check_in_pays_each_exactly_once(town: Callable[..., Town], tmp_path: Path) -> None:
    """Every push comes three times, as the platform would send it, while the bot is killed and started again."""
    here = town()
    url = f"http://127.0.0.1:{here.port}/wechat"
    at = int(time.time())
    pushes = [message(f"o{number:027d}", at, Content="签到") for number in range(150)]

    at_once = asyncio.Semaphore(20)

    async def deliver(client: httpx.AsyncClient, inner: str) -> None:
        """As the platform does: until one attempt is answered, and one more copy for good measure."""
        for _ in range(200):
            try:
                async with at_once:
                    query, body = push(inner, time.time())
                    answer = await client.post(f"{url}?{query}", content=body)
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
                continue
            assert answer.status_code == 200
            said = opened(200, answer.content).text
            assert said in ("第1天 +5 共5", None)
            if said:
                return
        raise AssertionError("never answered")

    async def everybody() -> None:
        async with httpx.AsyncClient(timeout=5, trust_env=False, limits=httpx.Limits(max_connections=30)) as client:
            everyone = asyncio.gather(*(deliver(client, inner) for inner in pushes for _ in range(3)))
            for _ in range(3):
                await asyncio.sleep(random.uniform(0.1, 0.4))
                await asyncio.to_thread(here.bot.kill)
                await asyncio.to_thread(here.bot.start, f"http://127.0.0.1:{here.port}/healthz")
            await everyone

    asyncio.run(everybody())
    audited = here.yizhan("ledger", "audit", "--json")
    assert (audited["entries"], audited["total"], audited["differences"]) == (150, 750, [])


def test_nothing_secret_and_no_whole_openid_is_ever_logged(town: Callable[..., Town]) -> None:
    here = town()
    who = first_follower(here)
    here.ask("/_sim/say", openid=who, text="签到")
    here.yizhan("follower", "sync", "--json")
    query, body = push(message(who, time.time(), Content="x"), time.time(), token="wrong")
    try:
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{here.port}/wechat?{query}", body))
    except urllib.error.HTTPError as refused:
        assert refused.code == 403
    here.bot.stop()
    log = (here.folder / "bot.log").read_text("utf-8")
    lines = [json.loads(line) for line in log.splitlines() if '"inbound"' in line]
    assert len([line for line in lines if line["outcome"] == "answered"]) == 1
    for canary in (TOKEN, AES_KEY, APP_SECRET, who, "access_token=", "signature="):
        assert canary not in log, canary


def test_sigterm_answers_what_came_in_and_ends_soon(town: Callable[..., Town]) -> None:
    here = town()
    who = first_follower(here)
    here.ask("/_sim/say", openid=who, text="签到")
    started = time.monotonic()
    assert here.bot.stop() in (0, -15)
    assert time.monotonic() - started < 8


def test_sync_brings_everybody_and_their_tags(town: Callable[..., Town]) -> None:
    here = town(BASIC + "segments: [{key: bj, where: \"tag('北京')\"}]\nbroadcasts: [{key: x, segment: bj, template: TEMPLATE_ID}]\n", 150)
    found = here.yizhan("follower", "sync", "--json")
    assert found["followers"] == 150
    everybody = here.ask("/_sim/followers?limit=200")["followers"]
    beijing = [one for one in everybody if "北京" in one["tags"]]
    assert here.yizhan("broadcast", "preview", "x", "--json")["targets"] == len(beijing) > 0
    assert here.yizhan("follower", "show", beijing[0]["openid"], "--json")["tags"] == sorted(beijing[0]["tags"])


def test_serve_writes_nothing_into_its_working_directory_and_needs_its_secrets(town: Callable[..., Town]) -> None:
    here = town()
    for name in ("YIZHAN_TOKEN", "YIZHAN_ENCODING_AES_KEY"):
        here.environ.pop(name)
    said = here.yizhan("serve", "--port", "1", expect=1)
    assert "YIZHAN_TOKEN" in said
    assert "YIZHAN_ENCODING_AES_KEY" in said


def test_follow_and_unfollow_reach_the_bot(town: Callable[..., Town]) -> None:
    here = town()
    who = first_follower(here)
    here.ask("/_sim/unfollow", openid=who)
    wait_until(lambda: here.yizhan("follower", "show", who, "--json")["subscribed"] in (False, 0), 10, "the unsubscribe did not arrive")
    time.sleep(1.1)  # in one and the same second following wins
    here.ask("/_sim/follow", openid=who)
    wait_until(lambda: here.yizhan("follower", "show", who, "--json")["subscribed"] in (True, 1), 10, "the subscribe did not arrive")
