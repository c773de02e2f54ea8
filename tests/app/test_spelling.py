"""Warnings about how a file is spelt (YZ6xx): at the sign itself, and none about what is meant as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import live
from app.complaint import BadConfig
from tests.people import SHIPPED, account

RULE = "keywords:\n  rules:\n    - name: 甲\n      "

WARNED = [
    ("YZ601", RULE + "when: {exact: [签到«，打卡]}\n      reply: 好\n"),
    ("YZ601", RULE + "when:\n        exact: 签到«, 打卡\n      reply: 好\n"),
    ("YZ601", RULE + "when:\n        contains:\n          - 早«、晚\n      reply: 好\n"),
    ("YZ601", "points: {levels: {}, triggers: [积分«，余额]}\n"),
    ("YZ601", "sensitive: {lists: [{name: 甲, words: [刷单«，加微信], heard: log}]}\n"),
    ("YZ601", "surveys: [{key: s, title: 甲, triggers: [问], questions: [{key: a, ask: 好吗, choices: [好«，不好]}]}]\n"),
    ("YZ602", RULE + "when: {exact: [甲]}\n      reply: 你好\n        tags«：[上海]\n"),
    ("YZ602", RULE + "when: {exact: [甲]}\n      reply: text«：你好\n"),
    ("YZ603", RULE + "when: {exact: [甲]}\n      reply: 编号 «#12\n"),
    ("YZ603", RULE + "when: {exact: [甲]}\n      reply: 每天 «#好店# 营业\n"),
    ("YZ604", RULE + "when: {exact: [«签到！]}\n      reply: 好\n"),
    ("YZ604", RULE + "when:\n        exact: «几点开门？\n      reply: 好\n"),
    ("YZ604", "points: {levels: {}, triggers: [积分, «余额。]}\n"),
    ("YZ605", RULE + "when: {exact: [甲]}\n      reply: «“你好”\n"),
    ("YZ605", RULE + "when: {exact: [«“甲”]}\n      reply: 好\n"),
    ("YZ606", RULE + 'when: {exact: [甲], contains: [«"活动 "]}\n      reply: 好\n'),
    ("YZ606", RULE + "when: {contains: [«　活动]}\n      reply: 好\n"),
    ("YZ606", RULE + "when: {contains: [活«\u200b动]}\n      reply: 好\n"),
    ("YZ607", RULE + "when: {exact: [甲]}\n      reply: {handoff: «yes}\n"),
]

MEANT = [
    "sensitive:\n  lists:\n    - name: 甲\n      heard: log\n      words: |\n        刷单\n        加微信\n",
    RULE + 'when: {exact: ["签到，打卡", "?", "？", "…"]}\n      reply: 你好，{name}！编号#12，见 https://example.com/a#b\n',
    RULE + "when: {exact: [yes, on, 几点？, 几点]}   #说明\n      reply: |-\n        text：你好 #12 #好店#\n",
    RULE + 'when: {regex: ["a，b"]}\n      reply: "编号 #12"   # 说明\n',
    RULE + "when: {exact: [甲]}\n      reply: 他说“你好”，又说“再见”\n",
    RULE + "when: {exact: [甲]}\n      reply: 电话：400-000-0000，营业时间：9:00–21:00\n",
    RULE + "when: {exact: [甲]}\n      reply: 你好 #说明 一句\n",
    SHIPPED.partition("\nkeywords:")[2].join(["keywords:", ""]),
]


def warnings_of(folder: Path, text: str) -> list[tuple[str, int, int]]:
    (folder / "config.yaml").write_text(account() + text, "utf-8")
    return [(one.code, one.line, one.column) for one in live.read(folder / "config.yaml").warnings if one.code.startswith("YZ6")]


@pytest.mark.parametrize(("code", "marked"), WARNED)
def test_a_spelling_that_says_something_else_is_warned_about_at_its_sign(tmp_path: Path, code: str, marked: str) -> None:
    before = (account() + marked).partition("«")[0].split("\n")
    assert warnings_of(tmp_path, marked.replace("«", "")) == [(code, len(before), len(before[-1]) + 1)]


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_as_it_is_written_is_not_warned_about(tmp_path: Path, text: str) -> None:
    assert warnings_of(tmp_path, text) == []


def test_where_there_is_an_error_no_warning_repeats_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(account() + "checkin: {rules: {points: 1, makeup_cost: “5”}}\n", "utf-8")
    with pytest.raises(BadConfig) as bad:
        live.read(tmp_path / "config.yaml")
    assert (len(bad.value.complaints), bad.value.warnings) == (1, ())
