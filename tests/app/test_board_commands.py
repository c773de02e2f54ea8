"""yizhan board: list, show, freeze."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models import follower, points, topic
from models.database import Database
from tests.app.conftest import Typed
from tests.people import BASIC, account, openid

BOARD = "boards:\n  - {key: contribution, title: 贡献榜, triggers: [贡献榜], formula: {checkin: 1}, awards: {1: {points: 50}}}\n"


def test_a_board_is_listed_shown_and_frozen_once_when_its_month_is_over(
    typed: Typed, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIZHAN_DATABASE_URL", sqlite_url)
    Path("config.yaml").write_text(account() + BASIC + BOARD, "utf-8")
    now = datetime.now(UTC)
    before = now.replace(day=1, hour=3) - timedelta(days=3)
    database, month = Database(sqlite_url), f"{before:%Y-%m}"
    with database.transaction() as db:
        wang = follower.seen(db, openid("小王"), before, before).id
        points.post(db, wang, 5, "checkin:2026-10-20", before)
        topic.subscribe(db, wang, "weekly", "订阅每周精选", before)
    code, out, _ = typed("board", "list", "--json")
    assert (code, json.loads(out)) == (
        0,
        [{"key": "contribution", "title": "贡献榜", "per": "month", "formula": "checkin×1", "frozen": []}],
    )
    assert typed("board", "show", "contribution", "--json")[0] == 0
    assert typed("board", "show", "contribution", "--period", month)[0] == 1, "not frozen yet"
    assert typed("board", "freeze", "contribution", "--period", f"{now:%Y-%m}")[0] == 1, "not over yet"
    assert typed("board", "freeze", "nobody", "--period", month)[0] == 1
    assert typed("board", "freeze", "contribution", "--period", "2026-W01")[0] == 1
    for first in (True, False):
        code, out, _ = typed("board", "freeze", "contribution", "--period", month, "--json")
        assert (code, json.loads(out)) == (0, {"key": "contribution", "period": month, "frozen": first, "awarded": 1})
    found = json.loads(typed("board", "show", "contribution", "--period", month, "--json")[1])
    assert [(one["place"], one["score"], one["award"], one["openid"]) for one in found["places"]] == [(1, "1", "50 积分", openid("小王"))]
    with database.snapshot() as db:
        assert points.balance(db, wang) == 55
    database.close()
    facts = json.loads(typed("follower", "show", openid("小王"), "--json")[1])
    assert (facts["level"], facts["growth"]) == ("", 0)
    assert [(one["topic"], one["said"], one["until"]) for one in facts["topics"]] == [("weekly", "订阅每周精选", None)]
    assert "“订阅每周精选”" in typed("follower", "show", openid("小王"))[1], "the evidence of their consent"
