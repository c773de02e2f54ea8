"""yizhan ledger, as it is typed, beside a running service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.conftest import Typed
from tests.people import BASIC, World, account, openid


@pytest.fixture
def world(tmp_path: Path, sqlite_url: str, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The service on the database that the commands use, and somebody who has checked in."""
    monkeypatch.setenv("YIZHAN_DATABASE_URL", sqlite_url)
    made = World(tmp_path, sqlite_url)
    made.person("小王").says("签到")
    yield made
    made.close()


def test_an_operator_adjusts_and_takes_back_with_a_reason_and_the_follower_reads_it(world: World, typed: Typed) -> None:
    wang = ("ledger", "adjust", openid("小王"))
    assert typed(*wang, "30", "--reason", "活动补发", "--request", "a1") == (0, "余额 35\n", "")
    assert typed(*wang, "30", "--reason", "活动补发", "--request", "a1")[1] == "没有改动：以前做过，或者没有可收回的；余额 35\n"
    code, _, said_of_request = typed(*wang, "300", "--reason", "活动补发", "--request", "a1")  # another amount is another request
    assert (code, said_of_request.split("；")[0]) == (1, "编号 a1 以前用过，那次是 +30")
    assert typed("ledger", "reverse", "9" * 20, "--reason", "刷分")[0] == 1
    assert "不能大于 1000000000" in typed(*wang, "1000000000000", "--reason", "多")[2]
    assert "可以写：points、growth、card" in typed(*wang, "1", "--reason", "多", "--asset", "积分")[2]
    assert typed(*wang, "-5", "--reason", "多给了")[1] == "余额 30\n"
    assert (
        typed("ledger", "adjust", openid("小王"), "2", "--reason", "赠送", "--asset", "card", "--json")[1]
        == '{"balance": 2, "new": true}\n'
    )
    assert typed("ledger", "reverse", "1", "--reason", "刷分")[1] == "余额 25\n"
    assert typed("ledger", "reverse", "1", "--reason", "刷分")[1] == "没有改动：以前做过，或者没有可收回的；余额 25\n"
    assert world.person("小王").points == 25
    assert world.sql("SELECT amount FROM balance WHERE asset = 'growth'") == [(0,)]
    said = world.person("小王").says("积分明细")
    assert said is not None
    assert "+30 人工调整（活动补发），余 35" in said
    assert "-5 撤回：签到（刷分），余 25" in said
    noted = [(by[:4], *rest) for by, *rest in world.sql('SELECT "by", action, subject, detail FROM audit_entry ORDER BY id')]
    assert noted == [
        ("cli:", "points_adjusted", "follower:1", "points +30: 活动补发"),
        ("cli:", "points_adjusted", "follower:1", "points -5: 多给了"),
        ("cli:", "points_adjusted", "follower:1", "card +2: 赠送"),
        ("cli:", "points_reversed", "entry:1", "刷分"),
    ]
    entries = json.loads(typed("ledger", "statement", openid("小王"), "--json")[1])["entries"]
    assert [(one["amount"], one["balance"], one["reason"]) for one in entries] == [
        (-5, 25, "刷分"),
        (-5, 30, "多给了"),
        (30, 35, "活动补发"),
        (5, 5, None),
    ]
    assert "活动补发" in typed("ledger", "statement", openid("小王"))[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("adjust", openid("小王"), "-50", "--reason", "x"), "余额只有 5"),
        (("adjust", openid("小王"), "0", "--reason", "x"), "不能是 0"),
        (("adjust", openid("小王"), "5", "--reason", " "), "理由"),
        (("adjust", openid("小王"), "5"), "--reason"),
        (("adjust", "nobody", "5", "--reason", "x"), "没有这位粉丝"),
        (("reverse", "99", "--reason", "x"), "没有流水 99"),
        (("statement", "nobody"), "没有这位粉丝"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_changed(world: World, typed: Typed, words: tuple[str, ...], said: str) -> None:
    code, _, err = typed("ledger", *words)
    assert code == 1
    assert said in err
    assert world.sql("SELECT (SELECT count(*) FROM ledger_entry), (SELECT count(*) FROM audit_entry)") == [(2, 0)]


def test_what_was_gained_and_spent_is_taken_back_as_far_as_it_goes(world: World, typed: Typed) -> None:
    typed("ledger", "adjust", openid("小王"), "-3", "--reason", "x")
    assert "余额只有 2" in typed("ledger", "reverse", "1", "--reason", "x")[2]
    assert typed("ledger", "reverse", "1", "--reason", "x", "--at-most")[1] == "余额 0\n"
    assert typed("ledger", "audit")[0] == 0


def test_an_audit_tells_the_trial_balance_and_names_what_is_wrong(world: World, typed: Typed, sqlite_url: str) -> None:
    code, said, _ = typed("ledger", "audit")
    assert code == 0
    assert "账实相符：1 位粉丝，1 条流水，合计 5 积分；封条 0 个" in said
    assert [line.split() for line in said.splitlines()[1:5]] == [
        ["growth", "checkin", "1", "5"],
        ["growth", "粉丝手里", "1", "5"],
        ["points", "checkin", "1", "5"],
        ["points", "粉丝手里", "1", "5"],
    ]
    assert typed("ledger", "audit", "--anchor", "0123456789ab")[0] == 2
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as db:
        db.execute("UPDATE balance SET amount = 50 WHERE asset = 'points'")
        db.commit()
    code, said, _ = typed("ledger", "audit")
    assert code == 2
    assert "粉丝 1 的 points：余额 50，流水之和 5" in said
    assert "points：粉丝手里的总数和各来源给出的不相等" in said
    code, told, _ = typed("ledger", "audit", "--json")
    found = json.loads(told)
    assert code == 2
    assert found["differences"] == [{"follower_id": 1, "asset": "points", "balance": 50, "entries": 5}]
    assert found["unbalanced"] == ["points"]


def test_an_adjustment_expires_like_anything_that_is_gained(world: World, typed: Typed) -> None:
    Path("config.yaml").write_text(account() + BASIC.replace("points: {levels: {}}", "points: {expire: {days: 3}}"), "utf-8")
    typed("ledger", "adjust", openid("小王"), "30", "--reason", "x")
    assert world.sql("SELECT count(*) FROM ledger_entry WHERE amount = 30 AND expires_at IS NOT NULL") == [(1,)]
