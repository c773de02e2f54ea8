"""The way to a million people: the page before the button, the minute after it, a second pair of eyes, and what a run's page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app import runs
from models import broadcast
from models.broadcast import BroadcastsSection
from tests.app.browser import OURS, Browser, Page, signed_in
from tests.conftest import Founded
from tests.people import BASIC, World

RULES = f"""{BASIC}
segments:
  - {{key: upper, where: "tag('上海')"}}
push: {{limits: [{{max: 1, per: day}}]}}
broadcasts:
  - {{key: digest, title: 本周精选, cron: "0 20 * * fri", template: TEMPLATE_ID, data: {{thing1: "本周精选，{{name}}"}}, url: "https://example.com/weekly"}}
  - {{key: few, segment: upper, template: TEMPLATE_ID, data: {{thing1: 上海的活动}}}}
  - {{key: idea, state: draft, template: TEMPLATE_ID, data: {{thing1: 还没想好}}}}
  - {{key: checked, state: review, segment: upper, template: TEMPLATE_ID, data: {{thing1: 请看看}}}}
"""
Form = dict[str, str]


def twelve(found: Founded) -> World:
    """Twelve followers, one of them in Shanghai and one of the staff; an editor and two more who could approve."""
    made = found(RULES)
    for number in range(12):
        made.person(f"粉丝{number}").does("subscribe")
    with made.service.database.transaction() as db:
        db.exec_driver_sql("INSERT INTO tag (id, name) VALUES (7, '上海')")
        db.exec_driver_sql("INSERT INTO follower_tag (follower_id, tag_id) VALUES (3, 7)")
    return made


@pytest.fixture
def world(found_on_sqlite: Founded) -> World:
    return twelve(found_on_sqlite)


def fields(page: httpx.Response, action: str) -> Form:
    """The hidden fields of the form with this address."""
    form = re.search(rf'<form[^>]*action="/console{action}"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    assert form, f"no form to {action}"
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[1]))


def begins(browser: Browser, key: str, **more: str) -> httpx.Response:
    """They look at the sheet and press the button."""
    form = fields(browser.get(f"/broadcasts/plan/{key}"), f"/broadcasts/plan/{key}/start")
    return browser.request("POST", f"/broadcasts/plan/{key}/start", data={**form, "written": form["people"], **more}, headers=OURS)


def decides(browser: Browser, run: int, what: str) -> httpx.Response:
    """They press a button on the run's page."""
    form = fields(browser.get(f"/broadcasts/{run}"), f"/broadcasts/{run}/{what}")
    return browser.request("POST", f"/broadcasts/{run}/{what}", data=form, headers=OURS)


def run_of(answer: httpx.Response) -> int:
    """The run they were sent to."""
    assert answer.status_code == 303, Page(answer.text).text
    return int(answer.headers["location"].rsplit("/", 1)[1])


def state(world: World, run: int) -> str:
    return str(world.sql(f"SELECT state FROM broadcast_run WHERE id = {run}")[0][0])


def wants(world: World) -> list[int]:
    """The runs that a sender would take up now."""
    with world.service.database.snapshot() as db:
        return broadcast.active(db, world.at)


def trail(world: World, run: int) -> list[tuple[Any, ...]]:
    rows = world.sql(f"SELECT audit_entry.by, action FROM audit_entry WHERE subject = 'run:{run}' ORDER BY id")
    return [tuple(row) for row in rows]


def test_whoever_is_afraid_reads_the_number_writes_it_down_and_has_a_minute_to_undo(world: World) -> None:
    editor = signed_in(world, "editor", "小王")
    sheet = editor.text("/broadcasts/plan/digest")
    assert "12 人" in sheet
    assert "十二人" in sheet
    assert "本周精选，{name}" in sheet

    for wrong in ("", "11", "120"):
        assert begins(editor, "digest", written=wrong).status_code == 409
    assert begins(editor, "digest", seen="0" * 64).status_code == 409, "the content was edited meanwhile"
    assert begins(editor, "digest", people="9", written="9").status_code == 409, "the number changed meanwhile"
    assert world.sql("SELECT count(*) FROM broadcast_run") == [(0,)]

    run = run_of(begins(editor, "digest", written=" １２ 人"))
    page = editor.get(f"/broadcasts/{run}")
    assert "60 秒后开始" in page.text
    assert page.headers["refresh"] == f"5; url=/console/broadcasts/{run}?live=1"
    assert wants(world) == []
    world.at += timedelta(seconds=59)
    assert "1 秒后开始" in editor.text(f"/broadcasts/{run}")
    assert decides(editor, run, "undo").status_code == 303
    world.at += timedelta(minutes=20)
    assert wants(world) == []
    assert state(world, run) == "cancelled"
    assert trail(world, run) == [("小王", "broadcast_started"), ("小王", "broadcast_undone")]
    assert "小王 撤回了群发" in editor.text(f"/broadcasts/{run}")

    form = fields(editor.get("/broadcasts/plan/digest"), "/broadcasts/plan/digest/start") | {"written": "12"}
    twice = [editor.request("POST", "/broadcasts/plan/digest/start", data=form, headers=OURS) for _ in range(2)]
    assert run_of(twice[0]) == run_of(twice[1]) != run, "a button that is pressed twice begins one run"
    assert "小王已经开始过一次" in editor.text("/broadcasts/plan/digest")
    world.at += timedelta(seconds=1)
    form = fields(editor.get("/broadcasts/plan/digest"), "/broadcasts/plan/digest/start") | {"written": "12"}
    with world.service.database.transaction() as db:
        runs.start(db, world.service.live.config, "digest", "cli:小李", world.at)
    assert editor.request("POST", "/broadcasts/plan/digest/start", data=form, headers=OURS).status_code == 409, "somebody was faster"


def test_an_undo_that_comes_too_late_pauses(world: World) -> None:
    editor = signed_in(world, "editor")
    run = run_of(begins(editor, "few"))
    form = fields(editor.get(f"/broadcasts/{run}"), f"/broadcasts/{run}/undo")
    world.at += timedelta(seconds=60)
    assert wants(world) == [run]
    answer = editor.request("POST", f"/broadcasts/{run}/undo", data=form, headers=OURS)
    assert "已经替您暂停" in answer.text
    assert state(world, run) == "paused"
    assert decides(editor, run, "resume").status_code == 303
    assert wants(world) == [run]
    assert decides(editor, run, "pause").status_code == 303
    assert decides(editor, run, "cancel").status_code == 303
    assert [action for _, action in trail(world, run)] == [
        *("broadcast_started", "broadcast_paused", "broadcast_resumed", "broadcast_paused", "broadcast_cancelled")
    ]


def test_above_a_tenth_of_the_followers_somebody_else_approves_what_they_saw(found: Founded) -> None:
    world = twelve(found)
    editor = signed_in(world, "editor", "小王")
    assert state(world, run_of(begins(editor, "digest"))) == "planning", "who is alone is asked by nobody"
    other = signed_in(world, "admin", "小李")
    world.at += timedelta(seconds=1)
    few = run_of(begins(editor, "few"))
    assert state(world, few) == "planning", "one of twelve is below a tenth"

    assert "等人批准" in editor.text("/broadcasts/plan/digest")
    run = run_of(begins(editor, "digest"))
    assert state(world, run) == "asked"
    assert "要另一位同事登录来批准" in editor.text(f"/broadcasts/{run}")
    form = fields(other.get(f"/broadcasts/{run}"), f"/broadcasts/{run}/approve")
    own = {**form, "csrf": editor.token(f"/broadcasts/{run}")}
    assert editor.request("POST", f"/broadcasts/{run}/approve", data=own, headers=OURS).status_code == 409
    assert editor.request("POST", f"/broadcasts/{run}/resume", data=own, headers=OURS).status_code == 409
    assert other.request("POST", f"/broadcasts/{run}/approve", data={**form, "seen": "0" * 64}, headers=OURS).status_code == 409
    world.at += timedelta(minutes=20)
    assert run not in wants(world)
    assert run in [one.id for one in _undecided(world)]

    assert other.request("POST", f"/broadcasts/{run}/approve", data=form, headers=OURS).status_code == 303
    assert run not in wants(world), "the approver too has a minute"
    world.at += timedelta(seconds=60)
    assert run in wants(world)
    assert trail(world, run) == [("小王", "broadcast_started"), ("小李", "broadcast_approved")]


def _undecided(world: World) -> list[broadcast.Status]:
    with world.service.database.snapshot() as db:
        return broadcast.undecided(db, world.at - timedelta(days=7))


def test_drafts_go_to_staff_only_and_what_is_in_review_waits(world: World) -> None:
    editor, other = signed_in(world, "editor", "小王"), signed_in(world, "editor", "小李")
    assert "草稿，不会发" in editor.text("/broadcasts")
    sheet = editor.get("/broadcasts/plan/idea")
    assert "/start" not in sheet.text
    begun = editor.request("POST", "/broadcasts/plan/idea/start", data={"csrf": editor.token("/broadcasts/plan/idea")}, headers=OURS)
    assert begun.status_code == 409
    assert "还没有关注着的店员" in Page(sheet.text).text
    with world.service.database.transaction() as db:
        db.exec_driver_sql(
            "INSERT INTO staff (follower_id, name, store, added_by, added_at) VALUES (5, '店员', '', 'x', '2026-11-01 00:00:00.000000')"
        )
    form = fields(editor.get("/broadcasts/plan/idea"), "/broadcasts/plan/idea/test")
    run = run_of(editor.request("POST", "/broadcasts/plan/idea/test", data=form, headers=OURS))
    assert world.sql(f"SELECT test, audience FROM broadcast_run WHERE id = {run}")[0][1] == "staff"
    with world.service.database.transaction() as db:
        while broadcast.plan_chunk(db, broadcast.load(db, run)):
            pass
    assert world.sql(f"SELECT follower_id, state FROM delivery WHERE run_id = {run}") == [(5, "pending")]
    assert "只发店员" in editor.text(f"/broadcasts/{run}")

    waiting = run_of(begins(editor, "checked"))
    assert state(world, waiting) == "asked"
    assert decides(other, waiting, "approve").status_code == 303


def test_by_the_clock_a_draft_is_missed_and_a_large_one_asks_and_both_are_brought_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = signed_in(world, "viewer")
    signed_in(world, "editor", "小王"), signed_in(world, "editor", "小李")
    config = world.service.live.config
    digest, draft = config[BroadcastsSection].root[0], config[BroadcastsSection].root[2].model_copy(update={"cron": "0 20 * * fri"})
    database = world.service.database
    for planned in (digest, draft):
        with database.transaction() as db:
            broadcast.claim_due(db, planned, "all", config.zone, world.at)
    world.moment("2026-11-27 20:00:01")
    for planned in (digest, draft):
        with database.transaction() as db:
            broadcast.claim_due(db, planned, "all", config.zone, world.at)
    assert world.sql("SELECT broadcast, state FROM broadcast_run ORDER BY id") == [("digest", "asked"), ("idea", "missed")]
    viewer = Browser(world)
    viewer.signs_in("viewer")
    said = viewer.text("/broadcasts")
    assert "等人决定" in said
    assert "错过了，没有发" in said
    assert "还是草稿 draft" in said
    assert "2 次群发等人决定" in viewer.text()
    assert '<form method="post" action="/console/broadcasts' not in viewer.get("/broadcasts/1").text, "a viewer looks"
    assert viewer.request("POST", "/broadcasts/1/approve", data={"csrf": viewer.token()}, headers=OURS).status_code == 403


def test_a_page_counts_seldom_and_says_the_rate_and_the_time_left(world: World, counting: Callable[[], int]) -> None:
    editor = signed_in(world, "editor")
    run = run_of(begins(editor, "digest"))
    world.at += timedelta(seconds=61)
    with world.service.database.transaction() as db:
        while broadcast.plan_chunk(db, broadcast.load(db, run)):
            pass
    assert "0 / 12 人" in editor.text(f"/broadcasts/{run}")
    before = counting()
    world.at += timedelta(seconds=1)
    editor.text(f"/broadcasts/{run}")
    assert counting() == before, "the count of a second ago is good enough"
    with world.service.database.transaction() as db:
        db.exec_driver_sql(f"UPDATE delivery SET state = 'sent' WHERE run_id = {run} AND follower_id <= 6")
    world.at += timedelta(seconds=5)
    said = editor.text(f"/broadcasts/{run}")
    assert "6 / 12 人 · 每秒 1.0 人 · 大约还要 6 秒" in said
    assert "微信收下了，等送达回执 6" in said
    assert "还没轮到 6" in said
    assert editor.get(f"/broadcasts/{run}?live=240").headers.get("refresh") is None, "nobody stays signed in by leaving it open"


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often deliveries were counted."""
    from models import delivery

    real, calls = delivery.counts, []

    def counts(*args: Any) -> Any:
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(delivery, "counts", counts)
    return lambda: len(calls)
