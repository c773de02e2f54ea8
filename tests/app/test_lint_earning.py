"""What is said about earnings that are not meant so, and what `yizhan try --explain` says of those that are."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app import live
from handlers.lint import earning
from models.code_word import CodeWordRules
from models.config import Config
from tests.app.conftest import Typed
from tests.people import account

TODAY = date(2026, 11, 22)
EXPLAINED = """
checkin: {rules: {points: 5}}
points:
  levels: {新人: {growth: 0, multiplier: 1.1}}
  earn: {checkin: {max_per_week: 12}, message: {points: 1}}
  multipliers:
    - {name: 周末, times: 1.5, days: [sat, sun]}
    - {name: 春节, times: 2, lunar: {from: "12-23", to: "01-15"}, for: [checkin]}
"""


@pytest.mark.parametrize(
    ("given", "over"),
    [
        ({"dates": "2026-11-21"}, True),
        ({"dates": "2026-11-22"}, False),
        ({"dates": ["2026-11-11", "2031-11-11"]}, False),
        ({"dates": {"to": "2026-11-30"}, "days": ["mon"]}, False),
        ({"dates": {"from": "2026-11-23", "to": "2026-11-27"}, "days": ["sat"]}, True),
        ({"lunar": "05-05"}, False),
        ({"lunar": "01-01", "holiday": ["国庆节"]}, True),
        ({"holiday": ["国庆节"]}, False),
    ],
)
def test_a_multiplier_that_will_never_count_again_is_warned_of(given: dict[str, object], over: bool) -> None:
    rules = CodeWordRules.model_validate({"multipliers": [{"name": "节", "times": 2, **given}]})
    found = list(earning.over(Config(ZoneInfo("Asia/Shanghai"), sections={CodeWordRules: rules}), TODAY))
    assert [one.code for one in found] == (["YZ811"] if over else [])


def test_every_kind_that_nothing_leads_to_and_every_cap_that_is_too_low_is_warned_of(tmp_path: Path) -> None:
    kinds = (
        "checkin: {}",
        "survey: {}",
        "vote: {points: 2}",
        "activity: {}",
        "birthday: {points: 9}",
        "referral: {}",
        "message: {points: 1}",
    )
    (tmp_path / "config.yaml").write_text(account() + "points:\n  earn:\n" + "".join(f"    {kind}\n" for kind in kinds), "utf-8")
    assert [warning.code for warning in live.read(tmp_path / "config.yaml").warnings] == ["YZ812"] * 6
    capped = """
polls: [{key: a, title: 选哪个, triggers: [a], choices: [甲, 乙], reward: {points: 9}}]
points:
  earn: {vote: {points: 2, max_per_day: 8}, activity: {max_per_day: 5, max_per_week: 6}, follow: {points: 3, max_per_day: 3}}
  words: [{key: a, word: 芝麻, points: 6}]
"""
    (tmp_path / "config.yaml").write_text(account() + capped, "utf-8")
    assert [warning.code for warning in live.read(tmp_path / "config.yaml").warnings] == ["YZ813"] * 2


def test_trying_explains_what_was_multiplied_and_how_far_the_caps_are(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + EXPLAINED, "utf-8")
    code, said, more = typed("try", "签到", "--explain", "--at", "2027-02-07 12:00")
    assert code == 0, said + more
    assert "checkin +11 积分；春节 ×2；等级 ×1.1；本周已得 11，最多 12" in said
    assert "message +1 积分；周末 ×1.5；等级 ×1.1" in said


def test_the_days_that_multiply_and_what_is_left_of_the_code_words_are_listed(typed: Typed) -> None:
    code_words = "  words: [{key: live, word: 芝麻开门, points: 3, total: 7, from: 2026-12-01}]\n"
    Path("config.yaml").write_text(account() + f"database: sqlite:///{Path.cwd()}/a.db\n" + EXPLAINED + code_words, "utf-8")
    assert typed("migrate")[0] == 0
    code, said, _ = typed("earn", "words", "--json")
    assert (code, json.loads(said)) == (
        0,
        [{"key": "live", "word": "芝麻开门", "points": 3, "from": "2026-12-01", "to": "", "used": 0, "left": 7}],
    )
    code, said, _ = typed("earn", "days", "--days", "400", "--json")
    festivals = [day for day in json.loads(said) if day["name"] == "春节"]
    assert (code, [day["for"] for day in festivals if day["for"] != ["checkin"]]) == (0, [])
    assert {"12-23", "01-15"} <= {day["lunar"] for day in festivals}
