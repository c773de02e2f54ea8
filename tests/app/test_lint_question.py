"""Warnings about questions and answers: two that are the same, and those that nobody hears."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import live
from tests.people import account

CONFIG = """
keywords:
  rules:
    - name: 发票
      when: {contains: [发票]}
      reply: 关键词
    - name: 夜里
      when: {contains: [运费], from: "22:00", to: "06:00"}
      reply: 夜里
    - name: 常客
      when: {contains: [积分], nth: {from: 2}}
      reply: 又来了
checkin: {triggers: [签到], rules: {points: 1}}
faq:
  entries:
%s
"""


def warned(folder: Path, *entries: str) -> list[tuple[int, str]]:
    """Which entry is warned about, from 1, and the code."""
    path = folder / "config.yaml"
    path.write_text(account() + CONFIG % "\n".join(f"    - {{{entry}, answer: x}}" for entry in entries), "utf-8")
    begin = path.read_text("utf-8").splitlines().index("  entries:") + 1
    return [(warning.line - begin, warning.code) for warning in live.read(path).warnings]


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (["ask: 怎么退货", "ask: 怎么退货"], [(2, "YZ701")]),
        (["ask: 怎么退货", "ask: 怎么換貨, variants: [怎麼退貨！, 换]"], [(2, "YZ701")]),
        (["ask: 怎么退货, variants: [怎么退货？, 怎么退货]"], []),
        (["ask: 怎么退货", "ask: 怎么换货"], []),
        (["ask: 怎么开发票"], [(1, "YZ702")]),
        (["ask: 开票, variants: [怎么开发票]"], [(1, "YZ702")]),
        (["ask: 签到"], [(1, "YZ702")]),
        (["ask: 怎么签到"], []),
        (["ask: 运费多少"], []),
        (["ask: 积分怎么用"], []),
    ],
)
def test_questions_that_are_the_same_or_never_heard_are_warned_about(
    tmp_path: Path, entries: list[str], found: list[tuple[int, str]]
) -> None:
    assert warned(tmp_path, *entries) == found


def test_a_warning_names_the_other_place_and_can_be_silenced(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    text = account() + CONFIG % "    - {ask: 怎么开发票, answer: x}"
    path.write_text(text, "utf-8")
    [warning] = live.read(path).warnings
    assert "“怎么开发票”轮不到问答：关键词规则“发票”先接住了" in warning.zh
    assert f"config.yaml:{text.splitlines().index('    - name: 发票') + 1}" in warning.render()
    path.write_text(text.replace("answer: x}", "answer: x}   # 忽略 YZ702：留着给人工看"), "utf-8")
    assert live.read(path).warnings == ()
