"""Effects on the page and on the terminal: what is known, what is not known yet, and at which hour to send."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from models import broadcast
from models.broadcast import HELD_OUT, Broadcast, runs
from models.delivery import deliveries
from models.follower import followers
from models.streak import checkins
from tests.app.browser import signed_in
from tests.app.conftest import Typed
from tests.conftest import Founded
from tests.people import BASIC, World

PLAN: dict[str, Any] = {"key": "digest", "template": "T", "goal": {"do": "checkin", "within": "1d"}, "holdout": 0.2}


def prepare(world: World, people: int) -> None:
    """A run to so many followers a week ago: three in ten of those who got it checked in, one in ten of the others."""
    at, dice = world.at - timedelta(days=7), random.Random(people)
    rows = [{"openid": f"o{number:027d}", "subscribed": True, "state_at": at, "first_seen_at": at} for number in range(people)]
    with world.service.database.transaction() as db:
        db.execute(insert(followers), rows)
        run = broadcast.start(db, Broadcast.model_validate(PLAN), "all", at, at)
        assert run is not None
        while broadcast.plan_chunk(db, broadcast.load(db, run)):
            pass
        db.execute(update(deliveries).where(deliveries.c.state == "pending").values(state="sent"))
        db.execute(update(runs).values(state="done"))
        meant = db.execute(select(deliveries.c.follower_id, deliveries.c.reason)).all()
        acts = [person for person, reason in meant if dice.random() < (0.1 if reason == HELD_OUT else 0.3)]
        day = {"day": at.date(), "streak": 1, "earned": 5, "at": at + timedelta(hours=2)}
        db.execute(insert(checkins), [{"follower_id": person, **day} for person in acts])


def test_the_page_says_what_a_broadcast_led_to(found_on_sqlite: Founded) -> None:
    segments = "segments: [{key: actives, where: active_within(7d)}]\n"
    world = found_on_sqlite(BASIC + segments)
    browser = signed_in(world, "viewer")
    said = browser.text("/effects")
    assert "还没有写了 goal 或 variants 的群发" in said
    world.configure(BASIC + segments + "broadcasts: [{key: digest, title: 精选, template: T, data: {thing1: x}, goal: {}}]\n")
    assert "精选 写了 goal 或 variants，还没有发过" in browser.text("/effects")
    assert "数据还不够，说不准几点最好" in said
    prepare(world, 4_000)
    said = browser.text("/effects?segment=actives")
    assert "digest 有效果" in said
    assert "目标：1 天内签到 · 看最近 1 次" in said
    assert "没发（对照组）" in said
    assert "代价：48 小时内取关的，发了的 0.0%，没发的 0.0%，差 +0.0 个百分点（人太少，说不准）" in said
    assert browser.get("/effects?segment=<b>").status_code == 200


def test_the_command_says_the_same_and_too_little_data_is_said_plainly(
    types: Typed, found_on_sqlite: Founded, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = found_on_sqlite(BASIC)
    world.at = datetime.now(UTC)  # commands live in the present
    prepare(world, 60)
    monkeypatch.setenv("YIZHAN_DATABASE_URL", sqlite_url)

    def said(*words: str) -> str:
        code, out, _ = types("effect", *words, "--config", str(world.path))
        assert code == 0
        return out

    assert "对照组" in said("show", "digest")
    assert "数据还不够" in said("show", "digest")
    assert "digest" in said("list")
    assert json.loads(said("show", "digest", "--json"))["effect"]["verdict"] == "unknown"
    assert "数据还不够，说不准几点最好" in said("hours")
    assert types("effect", "show", "nothing", "--config", str(world.path))[0] == 1
