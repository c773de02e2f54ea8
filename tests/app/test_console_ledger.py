"""The console's page about a follower's points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import points
from tests.app.browser import Page, signed_in
from tests.people import World, openid


@pytest.fixture
def world(tmp_path: Path, sqlite_url: str) -> Iterator[World]:
    """Somebody has checked in."""
    made = World(tmp_path, sqlite_url)
    made.person("小王").says("签到")
    yield made
    made.close()


def test_an_editor_looks_a_follower_up_and_adjusts_once_per_form(world: World) -> None:
    browser = signed_in(world, "editor", "小赵")
    assert Page(browser.send("/ledger", openid="nobody").text).text.count("没有这位粉丝") == 1
    found = browser.send("/ledger", openid=openid("小王"))
    assert (found.status_code, found.headers["location"]) == (303, "/console/ledger/1")
    page = browser.get("/ledger/1").text
    assert openid("小王") not in page
    assert "5 积分，成长值 5" in Page(page).text
    assert "+5 5 签到 checkin:2026-11-21" in Page(page).text
    request = re.search(r'name="request" value="(\w+)"', page)
    assert request
    for _ in range(2):  # a double click
        sent = browser.send("/ledger/1/adjust", "/ledger/1", amount="30", reason="<b>补发</b>", request=request[1])
        assert sent.status_code == 303
    again = browser.send("/ledger/1/adjust", "/ledger/1", amount="300", reason="补发", request=request[1])  # back, and another amount
    assert again.status_code == 409
    assert "没有改动：这张表单已经交过一次，那次是 +30，余额 35。" in Page(again.text).text
    assert world.person("小王").points == 35
    said = browser.text("/ledger/1")
    assert "+30 35 人工调整（<b>补发</b>） · 小赵" in said
    for _ in range(2):
        assert browser.send("/ledger/1/reverse", "/ledger/1", entry="1", reason="刷分").status_code == 303
    assert world.person("小王").points == 30
    acts = world.sql("SELECT \"by\", action, subject, detail FROM audit_entry WHERE action LIKE 'points%' ORDER BY id")
    assert acts == [("小赵", "points_adjusted", "follower:1", "+30：<b>补发</b>"), ("小赵", "points_reversed", "entry:1", "刷分")]


def test_what_cannot_be_done_is_said_and_nothing_is_changed(world: World) -> None:
    browser, request = signed_in(world, "editor"), "0123456789abcdef"
    world.person("小李").says("签到")
    for path, form, status, said in (
        ("adjust", {"amount": "-50", "reason": "x", "request": request}, 409, "余额只有 5，不够减 50"),
        ("adjust", {"amount": "5", "reason": " ", "request": request}, 400, "要写理由"),
        ("adjust", {"amount": "5", "reason": "字" * 201, "request": request}, 400, "最多 200 字"),
        ("adjust", {"amount": "1.5", "reason": "x", "request": request}, 400, "写一个整数"),
        ("adjust", {"amount": "0", "reason": "x", "request": request}, 400, "写一个整数"),
        ("adjust", {"amount": "9999999999", "reason": "x", "request": request}, 400, "写一个整数"),
        ("adjust", {"amount": "5", "reason": "x", "request": "anything"}, 400, "看不懂"),
        ("reverse", {"entry": "99", "reason": "x"}, 409, "没有这条流水"),
        ("reverse", {"entry": "3", "reason": "x"}, 409, "没有这条流水"),  # 小李's
        ("reverse", {"entry": "x", "reason": "x"}, 400, "写它的编号"),
    ):
        answer = browser.send(f"/ledger/1/{path}", "/ledger/1", **form)
        assert (answer.status_code, said in answer.text) == (status, True), (path, form)
    assert browser.get("/ledger/99").status_code == 404
    assert browser.send("/ledger/99/adjust", "/ledger/1", amount="5", reason="x", request=request).status_code == 404
    assert browser.get(f"/ledger/{1 << 70}").status_code == 404
    assert world.sql("SELECT count(*) FROM ledger_entry") == [(4,)]
    assert signed_in(world, "viewer").get("/ledger/1").status_code == 403


def test_a_long_statement_has_pages(world: World) -> None:
    browser = signed_in(world, "editor")
    with world.service.database.transaction() as db:
        for number in range(60):
            points.post(db, 1, 1, f"gift:{number}", world.at)
    first, last = browser.text("/ledger/1"), browser.text("/ledger/1?page=3")
    assert "更早的" in first
    assert "较新的" not in first
    assert "+5 5 签到" in last
    assert "更早的" not in last
    assert browser.get("/ledger/1?page=x").status_code == 200
