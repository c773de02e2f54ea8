"""A menu in the chat, with bot and platform as real processes: by taps and by numbers, with a survey in between, and what follows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.people import BASIC, Town, wait_until

MENU = """
    - name: 帮助
      when: {exact: [帮助]}
      reply:
        menu:
          title: 想了解什么？
          choices:
            - {name: 营业时间, say: 营业时间}
            - {name: 我要签到, say: 签到}
            - name: 门店
              menu:
                title: 哪家？
                choices:
                  - {name: 一店, reply: 一店在东街}
                  - {name: 二店, reply: {text: 正在看二店…, then: {after: 1s, reply: "{name|朋友}，二店还有位子"}}}
"""
CONFIG = BASIC.replace("  fallback:", MENU.strip("\n") + "\n  fallback:", 1)


def test_a_nested_menu_by_taps_and_numbers_with_a_survey_in_between(town: Callable[..., Town]) -> None:
    here = town(CONFIG)
    who = str(here.ask("/_sim/followers?limit=1")["followers"][0]["openid"])

    def read(outcome: Any) -> Any:
        assert outcome["notice"] is None, outcome
        return outcome["reply"]

    def say(text: str) -> Any:
        return read(here.ask("/_sim/say", openid=who, text=text))

    def tap(message: Any, words: str) -> Any:
        item = re.findall(rf"msgmenucontent={words}&msgmenuid=([^\"]*)\"", message["text"])[0]
        return read(here.ask("/_sim/choose", openid=who, message=message["id"], item=item, words=words))

    def lines(message: Any) -> list[str]:
        return re.sub("<[^>]*>", "", message["text"]).split("\n")

    top = say("帮助")
    assert lines(top) == ["想了解什么？", "1. 营业时间", "2. 我要签到", "3. 门店", "回复数字或点一下"]
    assert tap(top, "营业时间")["text"] == "每天 9:00–21:00 营业"
    shops = tap(top, "门店")
    assert lines(shops) == ["哪家？", "1. 一店", "2. 二店", "返回", "回复数字或点一下"]
    assert say("１")["text"] == "一店在东街"
    assert tap(shops, "返回")["text"] == top["text"]
    assert say("2.")["text"] == "第1天 +5 共5"

    assert "总体满意吗？" in say("问卷")["text"]
    assert tap(shops, "一店")["text"] == "一店在东街"
    assert tap(top, "我要签到")["text"] == "签过了"
    assert say("1")["text"] == "愿意推荐吗？"  # the survey's: 满意
    assert say("返回")["text"].startswith("请回复一个数字")
    assert "共 25" in say("9")["text"]

    assert say("帮助")["text"] == top["text"]
    assert say("门店")["text"] == shops["text"]
    assert say("二店")["text"] == "正在看二店…"

    def followed() -> bool:
        messages = here.ask(f"/_sim/followers/{who}/conversation")["messages"]
        last: str = [one["text"] for one in messages if one["side"] == "account"][-1]
        return last == "朋友，二店还有位子"

    wait_until(followed, 15, "nothing followed")
    assert say("返回")["text"] == top["text"]
    assert say("返回")["text"] == "好的"
    assert say("3")["text"] == "没听懂"
