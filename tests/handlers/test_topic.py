"""订阅X and 退订X, and permissions for subscription notices, through the webhook."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from tests.conftest import Founded
from tests.people import account, event

TOPICS = """
topics:
  - {key: weekly, name: 每周精选, about: 周五晚上}
  - {key: lessons, name: 新课提醒, subscribe: [上课叫我], leave: [别叫我了]}
segments: []
keywords: {fallback: 没听懂}
surveys: [{key: s, title: 问卷, triggers: [问卷], questions: [{key: a, ask: 好吗？, choices: [好, 不好]}]}]
"""


def test_a_topic_is_subscribed_and_left_by_its_words_with_the_evidence_kept_and_refusing_everything_stands_above_it(found: Founded) -> None:
    world = found(TOPICS)
    wang = world.person("小王")
    assert wang.says("我的订阅") == "· 每周精选：周五晚上（回复「订阅每周精选」打开）\n· 新课提醒（回复「订阅新课提醒」打开）"
    assert wang.says("订阅 每周精选", copies=4) == "好的，有「每周精选」会告诉您。回复「退订每周精选」随时取消"
    assert "已经订阅了「每周精选」" in str(wang.says("订阅每周精选"))
    assert world.sql("SELECT topic, said, until FROM topic_subscription") == [("weekly", "订阅 每周精选", None)]
    wang.says("问卷")
    assert "有「新课提醒」会告诉您" in str(wang.says("上课叫我")), "it works while a survey has the floor"
    wang.says("好")
    assert "✓ 每周精选：周五晚上（回复「退订每周精选」取消）" in str(wang.says("我的订阅"))
    assert wang.says("退订新课提醒") == "好的，不再给您发「新课提醒」。回复「订阅新课提醒」可以重新打开"
    assert "没有订阅「新课提醒」" in str(wang.says("别叫我了"))
    assert world.sql("SELECT topic FROM topic_subscription WHERE until IS NULL") == [("weekly",)]
    assert "不会再主动给您发消息" in str(wang.says("退订")), "alone it means everything"
    assert world.sql("SELECT count(*) FROM follower WHERE refused_at IS NOT NULL") == [(1,)]
    assert "退订了全部消息" in str(wang.says("订阅新课提醒"))
    world.configure(TOPICS.replace("name: 新课提醒", "name: 新课提醒, replies: {subscribed_already: 早订好啦}"))
    assert wang.says("恢复订阅")
    assert wang.says("订阅新课提醒") == "早订好啦"
    world.configure("keywords: {fallback: 没听懂}")
    assert wang.says("订阅新课提醒") == "没听懂", "off without a section"


def test_a_permission_is_counted_for_each_accepted_popup_and_a_refusal_in_the_settings_takes_all_back(found: Founded) -> None:
    world = found("keywords: {fallback: 没听懂}")
    wang = world.person("小王")
    both = "<List><TemplateId>N1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>2</PopupScene></List>"
    both += both.replace("N1", "N2").replace("accept", "reject")

    def left() -> list[tuple[str, int]]:
        return [tuple(row) for row in world.sql("SELECT template, unused FROM subscription_grant ORDER BY template")]

    def does(name: str, told: str) -> None:
        inner = event(wang.openid, world.at.timestamp(), name).replace("</xml>", f"{told}</xml>")
        assert {answer.status for answer in world.push(inner, copies=3)} == {200}

    for second in range(2):
        world.moment(f"2026-11-21 10:00:0{second}")
        does("subscribe_msg_popup_event", f"<SubscribeMsgPopupEvent>{both}</SubscribeMsgPopupEvent>")
    assert left() == [("N1", 2)], "what is refused in a popup takes nothing back and gives nothing"
    refused = "<List><TemplateId>N1</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List>"
    does("subscribe_msg_change_event", f"<SubscribeMsgChangeEvent>{refused}</SubscribeMsgChangeEvent>")
    assert left() == [("N1", 0)]


def test_a_topic_that_there_is_not_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(account() + TOPICS + "broadcasts: [{key: b, template: T, topic: weakly}]\n", "utf-8")
    with pytest.raises(BadConfig, match="没有主题 weakly；可用：weekly、lessons"):
        live.read(path)
