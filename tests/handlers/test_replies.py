"""What can be replied, through the webhook: variables with defaults, lines with conditions, replies in turn and by weight."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from app import live
from app.config_file import BadConfig
from handlers import FEATURES
from handlers.routing import Context, Feature, Trigger, hear, lay
from models.points import NotEnoughPoints
from tests.conftest import Founded
from tests.people import ORIGINAL_ID, World, account, message, openid
from wechat.inbound import Inbound
from wechat.reply import Reply, Text

RULES = """
points: {levels: {银卡: 5}}
checkin: {rules: {points: 5}}
keywords:
  rules:
    - {name: 称呼, when: {exact: [我是谁]}, reply: "{name|朋友}，你有 {points} 分，等级 {level|还没有}"}
    - {name: 两种, when: {exact: [名字]}, reply: "{name|朋友} {name} {{name}}"}
    - name: 几行
      when: {exact: [行]}
      reply:
        lines:
          - 你好
          - {when: {level: 银卡}, text: 银卡请走专属通道, otherwise: 攒到 5 分就是银卡}
          - {when: {days: [mon]}, text: 周一休息}
          - {when: {nth: 1}, text: "第一次来，{weekday}好"}
    - {name: 没有行, when: {exact: [空]}, reply: {lines: [{when: {days: [mon]}, text: 周一休息}]}}
    - {name: 轮流, when: {exact: [轮]}, reply: {in_turn: [一, {text: 二}, {any_of: [三, 三]}]}}
    - {name: 随机, when: {exact: [随]}, reply: {any_of: [一, {reply: 二, weight: 2}, {reply: {text: 三}}]}}
    - {name: 视频, when: {exact: [片]}, reply: {video: {media_id: ABC, title: "给{name|你}", description: "{points}"}}}
    - {name: 音乐, when: {exact: [歌]}, reply: {music: {title: "给{name|你}", description: "{date}", url: "https://m", thumb_media_id: ABC}}}
  fallback: {any_of: [没听懂, 没听懂]}
welcome: {reply: {in_turn: [欢迎, 又来啦]}}
"""


@pytest.fixture
def shop(found: Founded) -> World:
    return found(RULES)


def named(world: World, name: str, remark: str) -> None:
    """The operator's remark about somebody is known."""
    world.person(name).says("你好")
    with world.service.database.transaction() as db:
        db.exec_driver_sql(f"UPDATE follower SET remark = '{remark}' WHERE openid = '{openid(name)}'")


def test_a_default_stands_in_for_what_is_not_known(shop: World) -> None:
    assert shop.person("小王").says("我是谁") == "朋友，你有 0 分，等级 还没有"
    named(shop, "小李", "李姐")
    shop.person("小李").says("签到")
    assert shop.person("小李").says("我是谁") == "李姐，你有 5 分，等级 银卡"


def test_a_name_without_a_default_is_never_empty(shop: World) -> None:
    first, second, literal = (shop.person("小王").says("名字") or "").split(" ")
    assert first == second
    assert first.startswith("会员")
    assert literal == "{name}"


def test_a_line_is_there_only_while_its_condition_holds(shop: World) -> None:
    person = shop.person("小王")
    assert person.says("行") == "你好\n攒到 5 分就是银卡\n第一次来，星期六好"
    person.says("签到")
    assert person.says("行") == "你好\n银卡请走专属通道"
    shop.moment("2026-11-23 10:00:00")
    assert person.says("行") == "你好\n银卡请走专属通道\n周一休息"


def test_without_any_line_nothing_is_said_and_nobody_else_is_asked(shop: World) -> None:
    answer = shop.person("小王").sends("text", Content="空")
    assert (answer.status, answer.xml) == (200, None)
    assert shop.sql("SELECT answered_by, reply FROM inbox_entry") == [("keywords:没有行", None)]
    assert shop.sql("SELECT 1 FROM customer_message") == []


def test_replies_in_turn_go_round_for_each_follower(shop: World) -> None:
    person, other = shop.person("小王"), shop.person("小李")
    assert [person.says("轮") for _ in range(4)] == ["一", "二", "三", "一"]
    assert other.says("轮") == "一"
    assert person.says("轮") == "二"


def test_a_copy_of_a_message_takes_no_turn_and_hears_the_same(shop: World) -> None:
    person = shop.person("小王")
    assert person.says("轮", copies=3) == "一"
    assert person.says("轮") == "二"
    for _ in range(20):
        person.says("随", copies=2)  # fails where two copies hear different things


def test_a_turn_that_was_edited_begins_anew(shop: World) -> None:
    person = shop.person("小王")
    assert person.says("轮") == "一"
    shop.configure(RULES.replace("[一, {text: 二}", "[甲, 乙, {text: 二}"))
    assert person.says("轮") == "甲"


def test_a_reply_is_drawn_as_often_as_its_weight_says(shop: World) -> None:
    person = shop.person("小王")
    drawn = Counter(person.says("随") for _ in range(200))
    assert set(drawn) == {"一", "二", "三"}
    assert 70 <= drawn["二"] <= 130  # half of them: five standard deviations are 35


def test_they_stand_wherever_a_reply_does(shop: World) -> None:
    person = shop.person("小王")
    assert person.says("什么") == "没听懂"
    assert person.does("subscribe").text == "欢迎"
    shop.at += timedelta(seconds=1)
    assert person.does("subscribe").text == "又来啦"


def test_titles_of_videos_and_music_have_variables(shop: World) -> None:
    person = shop.person("小王")
    assert person.sends("text", Content="片").fields["Video"] == {"MediaId": "ABC", "Title": "给你", "Description": "0"}
    music = person.sends("text", Content="歌").fields["Music"]
    assert (music["Title"], music["Description"]) == ("给你", "11月21日")


def complaint(folder: Path, config: str) -> str:
    """What the check says of it, without the path."""
    path = folder / "config.yaml"
    path.write_text(config + account(), "utf-8")
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    return bad.value.render().replace(str(path), "")


def rule(reply: str) -> str:
    return f"keywords:\n  rules:\n    - name: a\n      when: {{exact: [x]}}\n      reply: {reply}\n"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("{lines: []}", "至少要有 1 项"),
        ("{lines: [a], text: b}", "回复要有且只有一种：text、lines"),
        ("{lines: [{when: {level: 钻石}, text: a}]}", ":5:38: 没有等级 钻石"),
        ("{lines: [{when: {segment: vip}, text: a}]}", ":5:40: 没有人群 vip"),
        ("{lines: [{when: {}, text: a, otherwse: b}]}", "你是不是想写 “otherwise”"),
        ("{in_turn: [a]}", "至少要有 2 项"),
        ("{any_of: [a, {reply: b, weight: 0}]}", "不能小于 1"),
        ("{any_of: [a, {reply: b, wieght: 2}]}", "weight"),
        ("{any_of: [a, {image: 没有}]}", ":5:35: media 里没有“没有”"),
        ("{text: a, then: []}", "至少要有 1 项"),
        ("{text: a, then: {after: 5s, reply: {handoff: true}}}", "转人工只能作为第一条回复"),
        ("{text: a, then: {after: 5s, reply: {any_of: [a, {handoff: true}]}}}", "转人工只能作为第一条回复"),
        ("{text: a, then: {after: 5s, reply: {text: a, then: {after: 5s, reply: b}}}}", "then 里面不能再写 then"),
        ("{text: a, then: {after: 0s, reply: b}}", "after 要写成 5s"),
        ("{text: a, then: {after: 48h, reply: b}}", "最长 47h"),
        ("{text: a, then: {after: 5s, reply: '{match.1}{what}'}}", "没有变量 {what}"),
        ("{then: {after: 5s, reply: b}}", "回复要有且只有一种"),
        ("'{result}'", "没有变量 {result}"),
        ("{menu: {title: '{match.1}', choices: [{name: a, reply: b}]}}", "没有变量 {match.1}"),
        ("{menu: {title: a, choices: [{name: a, reply: '{match.1}'}]}}", "{match.1} 只能用在关键词规则的回复里"),
    ],
)
def test_what_is_wrong_with_a_reply_is_said_once_at_its_place(tmp_path: Path, reply: str, said: str) -> None:
    complained = complaint(tmp_path, rule(reply))
    assert said in complained
    assert len(complained.splitlines()) == 1


def test_the_groups_of_a_regex_are_known_in_keyword_rules_only(tmp_path: Path) -> None:
    assert ":1:25: 没有变量 {match.1}" in complaint(tmp_path, 'welcome: {reply: {text: "{match.1}"}}\n')
    (tmp_path / "config.yaml").write_text(
        rule("{in_turn: ['{match.1|x}', b]}").replace("exact: [x]", "regex: ['(x)']") + account(), "utf-8"
    )
    live.read(tmp_path / "config.yaml")


def test_a_push_that_is_taken_in_twice_counts_once(shop: World) -> None:
    inner = message(openid("小王"), shop.at.timestamp(), Content="轮")
    assert [shop.push(inner)[0].text for _ in range(3)] == ["一"] * 3
    assert shop.person("小王").says("轮") == "二"


def test_nothing_a_follower_brings_along_becomes_a_link_or_a_variable(found: Founded) -> None:
    world = found(
        "keywords: {rules: [{name: 回声, when: {regex: ['(?s)^说(?P<what>.*)']}, reply: '“{match.what}” <a href=\"https://ours\">我们</a>'}]}"
    )
    wang = world.person("小王")
    evil = '<a href="weixin://bizmsgmenu?msgmenucontent=x&msgmenuid=1">{points}</a>]]><b>'
    told = wang.says("说" + evil)
    assert told is not None
    assert told.startswith('“＜a href="weixin://bizmsgmenu?msgmenucontent=x&msgmenuid=1">{points}＜/a>]]>＜b>” <a href="https://ours">')


def test_a_refusal_takes_back_what_was_to_follow_the_reply_that_it_stopped(found: Founded) -> None:
    world = found("keywords: {rules: [{name: 甲, when: {exact: [甲]}, reply: {text: 甲, then: {after: 5s, reply: 跟着}}}]}")

    class Words(BaseModel):
        not_enough_points: str = "不够"

    def answer(ctx: Context) -> Reply | None:
        ctx.lead("甲")
        assert len(ctx.follow_ups) == 1
        raise NotEnoughPoints(balance=0)

    refuses = Feature("refuses", default=lambda config: 1, triggers=lambda one: [Trigger(("x",), "乙", answer, Words())])
    routes = lay(world.service.live.config, [*FEATURES, refuses])
    inbound = Inbound(ORIGINAL_ID, openid("小王"), int(world.at.timestamp()), "text", "1", "", "", "乙", {})
    with world.service.database.transaction() as db:
        ctx, reply = hear(db, routes, inbound, world.at)
    assert (reply, ctx.follow_ups) == (Text("不够"), [])
