"""Forbidden and punished words in the operator's own file, and the commands about findings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from tests.conftest import Founded
from tests.people import account

LISTS = """
sensitive:
  lists:
    - {name: 不说, words: [红包雨], allow: [红包雨伞], said: block}
    - {name: 看看, words: [内幕], said: queue}
    - {name: 留底, words: [涨价], said: log}
    - {name: 只听, words: [傻瓜], heard: block}
"""


def complaints(folder: Path, body: str) -> tuple[list[str], list[str]]:
    """Errors and warnings, as `line: text`."""
    path = folder / "config.yaml"
    path.write_text(body + account() + LISTS, "utf-8")
    try:
        found = live.read(path).warnings
    except BadConfig as bad:
        return [f"{one.line}: {one.zh}" for one in bad.complaints if not one.code], [one.code for one in bad.complaints if one.code]
    return [], [f"{one.line}: {one.code}" for one in found]


def test_a_text_of_the_file_that_could_not_be_sent_is_an_error_where_it_stands(tmp_path: Path) -> None:
    errors, _ = complaints(
        tmp_path,
        """keywords:
  rules:
    - name: 一
      when: {exact: [一]}
      reply: 今晚红包 雨
    - name: 二
      when: {exact: [傻瓜]}
      reply: 傻瓜相机和红包雨伞
    - name: 三
      when: {exact: [三]}
      reply: {news: {title: 內幕, url: "https://example.com"}}
  fallback: 没听懂
broadcasts:
  - {key: w, template: t, data: {thing1: 红包雨}}
""",
    )
    assert [error.split(":")[0] for error in errors] == ["5", "11", "14"]
    assert "“红包 雨”（“红包雨”）在敏感词表“不说”里，这句话发不出去" in errors[0]
    assert "“內幕”（“内幕”）在敏感词表“看看”里" in errors[1]


def test_a_text_that_would_only_be_logged_is_a_warning(tmp_path: Path) -> None:
    assert complaints(tmp_path, "keywords: {rules: [], fallback: 要涨价了}\n") == ([], ["1: YZ506"])


def test_a_text_that_the_platform_punishes_is_a_warning_on_its_line(tmp_path: Path) -> None:
    body = """keywords:
  rules:
    - name: 一
      when: {exact: [一]}
      reply: 转发到朋友圈领红包
    - {name: 二, when: {exact: [二]}, reply: 来抽奖}
    - {name: 三, when: {exact: [三]}, reply: 全国第一}  # 忽略 YZ505：有证书
welcome: {reply: 欢迎, returning: 关注有礼}
broadcasts:
  - {key: w, template: t, data: {thing1: 送您优惠券}}
"""
    assert complaints(tmp_path, body) == ([], ["5: YZ501", "6: YZ504", "8: YZ502", "10: YZ503"])


def test_terms_told_in_one_rule_hold_for_the_section(tmp_path: Path) -> None:
    rules = "keywords:\n  rules:\n    - {name: 一, when: {exact: [一]}, reply: 来抽奖}\n"
    told = "    - {name: 二, when: {exact: [抽奖规则]}, reply: 抽奖规则：12 月 1 日开奖，奖品 3 份}\n"
    assert complaints(tmp_path, rules)[1] == ["3: YZ504"]
    assert complaints(tmp_path, rules + told)[1] == []
    menu = "menu: {buttons: [{name: 抽奖, say: 一}]}\n"
    assert complaints(tmp_path, rules + told + menu)[1] == []
    assert complaints(tmp_path, rules + menu)[1] == ["3: YZ504", "4: YZ504"]


def test_the_shipped_file_breaks_no_rule_of_the_platform() -> None:
    shipped = Path(__file__).parents[2] / "config.yaml"
    assert [one.code for one in live.read(shipped).warnings if one.code.startswith("YZ5")] == []


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(found: Founded, monkeypatch: pytest.MonkeyPatch, types: Typed, database_url: str) -> Typed:
    """Types a command beside a world in which two messages wait."""
    world = found(
        "keywords: {rules: [], fallback: 好的}\nsensitive: {lists: [{name: 看, words: [投诉], heard: queue}, {name: 记, words: [对手], heard: log}]}\n"
    )
    for text in ("我要投诉", "你们的对手", "再投 诉一次"):
        world.person("小王").says(text)
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    monkeypatch.setenv("YIZHAN_CONFIG", str(world.path))
    return types


def test_an_operator_lists_what_waits_and_settles_it(typed: Typed) -> None:
    waiting = json.loads(typed("finding", "list", "--json")[1])
    assert [(one["word"], one["text"], one["state"]) for one in waiting] == [("投诉", "我要投诉", "open"), ("投诉", "再投 诉一次", "open")]
    assert "我要投诉" in typed("finding", "list")[1]
    first, second = (str(one["id"]) for one in waiting)
    assert typed("finding", "pass", first, "--by", "小李")[0] == 0
    assert typed("finding", "dismiss", second)[0] == 0
    assert json.loads(typed("finding", "list", "--json")[1]) == []
    states = {
        one["word"] + one["text"]: (one["state"], bool(one["settled_by"]))
        for one in json.loads(typed("finding", "list", "--all", "--json")[1])
    }
    assert states == {"投诉我要投诉": ("passed", True), "对手你们的对手": ("noted", False), "投诉再投 诉一次": ("dismissed", True)}


def test_what_was_settled_is_not_settled_again(typed: Typed) -> None:
    number = str(json.loads(typed("finding", "list", "--json")[1])[0]["id"])
    typed("finding", "pass", number, "--by", "小李")
    code, _, err = typed("finding", "dismiss", number)
    assert (code, "小李" in err) == (1, True)
    assert typed("finding", "pass", "999999")[0] == 1


def test_try_explains_what_was_found(typed: Typed) -> None:
    said = typed("try", "投、诉", "--explain")[1]
    assert "敏感词：粉丝的话里有“投、诉”（词表“看”的“投诉”）→ 等运营看" in said
    assert len(json.loads(typed("finding", "list", "--json")[1])) == 2
