"""What an operator types about check-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.conftest import Typed
from tests.app.test_replay import replayed
from tests.people import World, openid

CONFIG = "checkin: {rules: {points: 1}, reminder: {at: '20:00'}}\ndatabase: %s\n"


def test_the_evidence_that_somebody_asked_to_be_reminded_is_shown(
    tmp_path: Path, sqlite_url: str, types: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YIZHAN_DATABASE_URL", raising=False)
    world = World(tmp_path, sqlite_url, CONFIG % sqlite_url)
    world.person("小李").says("签到")
    wang = world.person("小王")
    for words in ("签到提醒", "取消签到提醒", "开启签到提醒"):
        wang.says(words)
    command = ("checkin", "reminders", wang.openid, "--config", str(world.path))
    code, out, _ = types(*command)
    assert code == 0
    first, second = out.replace("\n", "").split("2026-11-21 10:00 说")[1:]
    assert first.startswith("“签到提醒”（message|")
    assert "，2026-11-21 10:00 取消（message|" in first
    assert second.startswith("“开启签到提醒”")
    assert "取消（" not in second
    assert types(*command, "--json")[1].count('"asked_by"') == 2
    assert "没有要过" in types("checkin", "reminders", openid("小李"), "--config", str(world.path))[1]
    assert types("checkin", "reminders", openid("谁"), "--config", str(world.path))[0] == 1
    world.close()


def test_a_replay_from_the_middle_of_a_day_gives_ranks_anew(tmp_path: Path, sqlite_url: str) -> None:
    config = "checkin: {replies: {done: '第 {rank} 个'}}\n"
    world = World(tmp_path, sqlite_url, config)
    world.moment("2026-11-21 08:00:00")
    assert world.person("小王").says("签到") == "第 1 个"
    world.moment("2026-11-21 11:00:00")
    assert world.person("小李").says("签到") == "第 2 个"
    world.person("小王").says("积分")
    world.moment("2026-11-21 12:00:00")
    done = replayed(world, tmp_path, config, since="2026-11-21 10:00:00")
    assert (done.messages, done.changed, done.bugs) == (2, 0, 0)
    world.close()
