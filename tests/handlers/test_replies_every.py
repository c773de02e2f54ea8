"""Every text that a follower may read is found, with its place, in sections of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, RootModel

from app import live
from handlers import replies
from handlers.replies import ReplyText, ReplyWith
from models.config import Config, Rules
from tests.people import account

FILE = """
keywords:
  rules:
    - name: 甲
      when: {contains: [词]}
      reply:
        lines: [一行, {when: {tags: [标签]}, text: 二行, otherwise: 三行}]
        then: [{after: 5s, reply: 后来}, {after: 6s, reply: {news: {title: 题, description: 述, picture: "https://p", url: "https://u"}}}]
    - name: 乙
      when: {exact: [乙]}
      reply: {menu: {title: 问, choices: [{name: 选, say: 词}, {name: 答, reply: {any_of: [甲, {reply: 乙, weight: 2}]}}], end: 末, back: 回, left: 走}}
    - {name: 丙, when: {exact: [丙]}, reply: {music: {title: 曲, url: "http://m", thumb_media_id: ABC}}}
  fallback: 兜底
  sorry: 抱歉
welcome: {reply: {in_turn: [迎, {text: 又迎}]}, scenes: {store_01: 店}}
consent: {replies: {refused: 好退}}
menu: {buttons: [{name: 钮, url: "http://b"}, {name: 扫, scan: {say: "词{result}"}}]}
surveys: [{key: s, title: 卷, triggers: [问卷], questions: [{key: q, ask: 问甚, choices: [是, 否], when: {}}]}]
broadcasts: [{key: b, template: TPL, data: {thing1: 精选}}]
"""


def test_every_text_is_found_with_its_place_and_kind(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(FILE + account(), "utf-8")
    spoken = list(replies.every(live.read(tmp_path / "config.yaml").config))
    by_text = {one.text: one for one in spoken}
    assert by_text["三行"] == (("keywords", "rules", 0, "reply", "lines", 1, "otherwise"), "三行", "text")
    assert by_text["后来"].where == ("keywords", "rules", 0, "reply", "then", 0, "reply")
    assert {text: one.kind for text, one in by_text.items() if text in FILE} == {
        **dict.fromkeys(("一行", "二行", "三行", "后来", "末", "走", "回", "甲", "乙", "兜底", "抱歉", "迎", "又迎", "店", "好退"), "text"),
        **dict.fromkeys(("问甚", "是", "否"), "text"),
        **dict.fromkeys(("题", "问", "曲", "卷"), "title"),
        **dict.fromkeys(("https://p", "https://u", "http://m", "http://b"), "url"),
        **dict.fromkeys(("选", "答", "钮", "扫"), "name"),
        "述": "description",
        "精选": "template",
    }


class Quiz(Rules):
    """An entry of a section nobody has thought of yet."""

    key: str
    asked: ReplyText
    right: ReplyText | ReplyWith | None = None
    hints: list[ReplyText] = Field(default_factory=list)


class QuizSection(RootModel[dict[str, Quiz]]):
    """Such a section."""

    key: ClassVar[str] = "quiz"


def test_sections_that_come_later_are_covered() -> None:
    section = QuizSection(
        {"a": Quiz(key="k", asked="题一", right=ReplyWith(text="答对"), hints=["提示"])},
    )
    assert [(one.where, one.text) for one in replies.every(Config(ZoneInfo("Asia/Shanghai"), sections={QuizSection: section}))] == [
        (("quiz", "a", "asked"), "题一"),
        (("quiz", "a", "right", "text"), "答对"),
        (("quiz", "a", "hints", 0), "提示"),
    ]
