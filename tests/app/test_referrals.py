"""What waits for an operator about referrals, by command and on the console's page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import cli
from models import referral_payment
from tests.app.browser import signed_in
from tests.people import World, event

RULES = """
welcome: {reply: 欢迎}
checkin: {rules: {points: 5}}
referral: {points: 20, after: {days: 0}, hold: {burst: {more_than: 1, minutes: 5}}}
"""


@pytest.fixture
def held(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which three newcomers wait: 1, 2 and 3."""
    world = World(tmp_path, sqlite_url, RULES)
    monkeypatch.setenv("YIZHAN_DATABASE_URL", sqlite_url)
    world.at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)  # commands happen now
    ann = world.person("甲")
    ann.says("我的邀请码")
    [(scene,)] = world.sql("SELECT scene FROM referral_code")
    for name in ("乙", "丙", "丁"):
        world.push(event(world.person(name).openid, world.at.timestamp(), "subscribe", EventKey=f"qrscene_{scene}"))
        world.person(name).says("签到")
    world.at += timedelta(minutes=1)
    world.run(world.service.database.run(lambda db: referral_payment.decide(db, world.service.live.config, world.at)))
    assert world.sql("SELECT state FROM referral") == [("held",)] * 3
    yield world
    world.close()


def test_an_operator_pays_one_and_refuses_another_with_a_reason_by_command(
    held: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def yizhan(*words: str, expect: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["yizhan", "referral", *words, "--config", str(held.path)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out, err = capsys.readouterr()
        assert done.value.code == expect, out + err
        return out + err

    listed = json.loads(yizhan("list", "--held", "--json"))
    assert [(one["id"], one["state"], one["reasons"]) for one in listed] == [(n, "held", "5 分钟内来了 3 位（界线 1）") for n in (1, 2, 3)]
    assert "等运营看" in yizhan("list")
    assert "已计入" in yizhan("pay", "1")
    assert held.person("甲").points == 20
    assert "不等人处理：已计入" in yizhan("pay", "1", expect=1)
    yizhan("refuse", "2", expect=1)
    yizhan("refuse", "2", "--reason", " ", expect=1)
    assert "不计" in yizhan("refuse", "2", "--reason", "同一个人")
    assert "没有编号是 9 的" in yizhan("refuse", "9", "--reason", "x", expect=1)
    held.person("丁").does("unsubscribe")
    yizhan("pay", "3", expect=1)
    assert held.person("甲").points == 20
    assert [tuple(row) for row in held.sql("SELECT action, subject, detail FROM audit_entry ORDER BY id")] == [
        ("referral_paid", "referral:1", ""),
        ("referral_refused", "referral:2", "同一个人"),
    ]
    assert held.sql("SELECT state, reasons FROM referral WHERE id = 2") == [("refused", "同一个人")]


def test_an_editor_does_so_on_the_page_and_a_viewer_only_looks(held: World) -> None:
    held.at = datetime.now(UTC)
    viewer, editor = signed_in(held, "viewer"), signed_in(held, "editor")
    page = viewer.get("/referrals").text
    assert "5 分钟内来了 3 位（界线 1）" in page
    assert 'name="verdict"' not in page
    assert held.person("甲").openid not in page
    assert viewer.send("/referrals/1", page="/referrals", verdict="pay").status_code == 403
    assert editor.send("/referrals/1", page="/referrals", verdict="refuse").status_code == 400
    assert editor.send("/referrals/1", page="/referrals", verdict="pay").status_code == 303
    again = editor.send("/referrals/1", page="/referrals", verdict="pay")
    assert (again.status_code, "不等人处理了：已计入" in again.text) == (409, True)
    assert editor.send("/referrals/2", page="/referrals", verdict="refuse", reason="<b>同一个人").status_code == 303
    for number, verdict, status in (("99", "pay", 404), ("3", "delete", 400), (str(1 << 63), "pay", 400)):
        assert editor.send(f"/referrals/{number}", page="/referrals", verdict=verdict, reason="x").status_code == status
    assert held.person("甲").points == 20
    everybody = editor.get("/referrals?all=1").text
    assert "&lt;b&gt;同一个人" in everybody
    notes = held.sql("SELECT audit_entry.by, action FROM audit_entry WHERE action LIKE 'referral%' ORDER BY id")
    assert [tuple(row) for row in notes] == [("editor", "referral_paid"), ("editor", "referral_refused")]
