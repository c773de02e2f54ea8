"""The simulator's own time, and that everything on the platform goes by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.clock import Clock, instant, midnight

Call = Callable[..., dict[str, Any]]
Launch = Callable[..., httpx.Client]


def test_a_clock_starts_where_it_is_told_stands_still_jumps_and_runs() -> None:
    clock = Clock(instant("2026-11-21 08:00"), speed=0)
    told: list[float] = []
    clock.on_jump.append(lambda: told.append(clock.now()))
    assert clock.moment().isoformat() == "2026-11-21T08:00:00+08:00"
    assert clock.real_seconds_until(clock.now() + 1) is None
    clock.advance(3600)
    clock.advance(-3600)
    clock.reach(instant("2026-11-21 08:30"))
    assert clock.moment().isoformat() == "2026-11-21T09:00:00+08:00"
    clock.run_at(36000)
    assert 0 < (clock.real_seconds_until(clock.now() + 36000) or 0) <= 1
    time.sleep(0.02)
    assert clock.now() > instant("2026-11-21 09:10")
    assert len(told) == 3


@pytest.mark.parametrize(
    ("text", "seconds"), [("2026-11-21", 1795190400), ("2026-11-21T08:00", 1795219200), ("2026-11-21T00:00+00:00", 1795219200)]
)
def test_moments_are_shanghais_unless_they_say_otherwise(text: str, seconds: int) -> None:
    assert instant(text) == seconds
    assert midnight(seconds) == 1795190400


def test_tokens_quotas_allowances_and_media_go_by_the_clock(launch: Launch, webhook: Any, call: Call, token_of: Any) -> None:
    client = launch(webhook.url, "--followers", "2", "--seed", "42", "--start", "2026-11-21T23:00", "--speed", "0")

    def ask(path: str, token: str) -> int:
        return int(client.get(path, params={"access_token": token}).json().get("errcode", 0))

    def later(seconds: float) -> None:
        client.post("/_sim/clock", json={"advance": seconds})

    who = client.get("/_sim/followers").json()["followers"][0]["openid"]
    token = token_of(client)
    client.post("/_sim/quota", json={"path": "/cgi-bin/tags/get", "limit": 1})
    assert [ask("/cgi-bin/tags/get", token) for _ in range(2)] == [0, 45009]
    media = client.post("/_sim/upload", params={"kind": "image"}, content=b"x").json()
    client.post("/_sim/say", json={"openid": who, "text": "在吗"})
    later(3601)  # another day in Shanghai
    assert ask("/cgi-bin/tags/get", token) == 0
    later(3600)
    assert ask("/cgi-bin/tags/get", token) == 42001
    text = {"touser": who, "msgtype": "text", "text": {"content": "在"}}
    later(45 * 3600)
    assert call(client, "/cgi-bin/message/custom/send", text)["errcode"] == 0
    later(3600)
    assert call(client, "/cgi-bin/message/custom/send", text)["errcode"] == 45015
    assert client.get(media["url"]).status_code == 200
    later(24 * 3600)
    assert client.get(media["url"]).status_code == 404


def test_a_clock_that_runs_faster_says_so_and_cannot_be_turned_back(launch: Launch, webhook: Any) -> None:
    client = launch(webhook.url, "--followers", "1", "--start", "2026-11-21", "--speed", "3600")
    began = client.get("/_sim/clock").json()
    time.sleep(0.05)
    assert client.get("/_sim/clock").json()["now"] - began["now"] > 100
    assert client.post("/_sim/clock", json={"advance": -5}).status_code == 422
    assert client.post("/_sim/clock", json={"speed": 0}).json()["speed"] == 0
