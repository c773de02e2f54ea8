"""Everything that `when` can say, through the webhook; and what is said of a `when` that makes no sense."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from handlers import routing
from handlers.matching import Index, When
from tests.conftest import Founded
from tests.people import ORIGINAL_ID, World, account
from wechat.inbound import Inbound

RULES = """
keywords:
  rules:
    - {name: 全有, when: {contains_all: [退, 会员卡]}, reply: 全有}
    - {name: 除了, when: {contains: [活动], contains_none: [过期, 结束]}, reply: 除了}
    - {name: 模糊, when: {contains: [营业时间], fuzzy: true}, reply: 模糊}
    - {name: 订单, when: {regex: ['订单\\s*(?P<order>\\d{4,})(加急)?', '单号(\\d+)'], exact: [查单]}, reply: "单号{match.1|没写} {match.order|—} {match.2|不急} {match.0}"}
    - {name: 收图, when: {type: image}, reply: 收到图片}
    - {name: 收声, when: {type: [voice, video], nth: 1}, reply: 第一次收到声音}
    - {name: 关注, when: {event: subscribe, tags: [没有的标签]}, reply: 不会说}
    - {name: 扫码, when: {event: [scan], probability: 100%}, reply: 扫了码}
    - {name: 按钮, when: {menu_key: [V1, V2]}, reply: 按了按钮}
    - {name: 拍照, when: {event: pic_sysphoto, menu_key: V3}, reply: 拍了照}
    - {name: 首次, when: {exact: [你好], nth: 1}, reply: 初次见面}
    - {name: 以后, when: {exact: [你好]}, reply: 又见面了}
  fallback: 没听懂
welcome: {reply: 欢迎}
"""


@pytest.fixture
def rules(found: Founded) -> World:
    return found(RULES)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("我想退掉这张会员卡", "全有"),
        ("会员卡怎么退", "全有"),
        ("退了", "没听懂"),
        ("有什么活动", "除了"),
        ("活动结束了吗", "没听懂"),
        ("盈业时间？", "模糊"),
        ("yingye shijian", "模糊"),
        ("營業時間", "模糊"),
        ("订单 12345加急", "单号12345 12345 加急 订单 12345加急"),
        ("订单12345", "单号12345 12345 不急 订单12345"),
        ("单号7", "单号7 — 不急 单号7"),
        ("查单", "单号没写 — 不急 "),
        ("V1", "没听懂"),
    ],
)
def test_words_lead_to_the_rule_that_wants_them(rules: World, said: str, reply: str) -> None:
    answer = rules.person("小王").says(said)
    assert answer == reply.rstrip() or answer == reply


def test_a_rule_for_a_type_answers_messages_of_this_type(rules: World) -> None:
    wang = rules.person("小王")
    assert wang.sends("image", PicUrl="http://p", MediaId="m").text == "收到图片"
    assert wang.sends("voice", Format="amr", MediaId="m").text == "第一次收到声音"
    assert wang.sends("video", ThumbMediaId="t", MediaId="m").text == "没听懂"
    assert wang.sends("link", Title="t", Description="d", Url="http://u").text == "没听懂"


def test_a_rule_for_an_event_answers_before_the_features_do(rules: World) -> None:
    wang = rules.person("小王")
    assert wang.does("subscribe", EventKey="").text == "欢迎"  # its tag is not there: the welcome says it
    assert wang.does("SCAN", EventKey="x", Ticket="t").text == "扫了码"


def test_a_menu_key_is_that_of_a_button_and_no_word(rules: World) -> None:
    wang = rules.person("小王")
    assert wang.does("CLICK", EventKey="V2").text == "按了按钮"
    assert wang.does("scancode_push", EventKey="V1").text == "按了按钮"
    assert wang.does("CLICK", EventKey="V3").text == "没听懂"
    assert wang.does("pic_sysphoto", EventKey="V3").text == "拍了照"


def test_times_are_counted_for_each_follower_and_only_where_the_words_match(rules: World) -> None:
    wang, li = rules.person("小王"), rules.person("小李")
    assert wang.says("你好吗") == "没听懂"
    assert [wang.says("你好"), wang.says("你好"), wang.says("你好")] == ["初次见面", "又见面了", "又见面了"]
    assert li.says("你好", copies=3) == "初次见面"
    assert li.says("你好") == "又见面了"


WRONG = [
    ("{from: '09:00', to: '10:00'}", "when 里至少要有 exact、contains、prefix、contains_all、regex、event、menu_key、type 之一"),
    ("{contains_none: [甲]}", "when 里至少要有 exact、contains、prefix、contains_all、regex、event、menu_key、type 之一"),
    ("{event: subscribe, exact: [甲]}", "事件里没有词：event、menu_key 不能和关键词写在一起，请分成两条规则"),
    ("{menu_key: V1, type: text}", "事件不是消息：event、menu_key 不能和 type 写在一起"),
    ("{menu_key: V1, event: subscribe}", "menu_key 是菜单按钮的 key，只和这些 event 一起写：click、"),
    ("{type: image, contains: [甲]}", "只有文字消息里有词：和关键词一起写时，type 只能是 text；别的消息另写一条规则"),
    ("{regex: 甲, fuzzy: true}", "fuzzy 只对 exact、prefix、contains 起作用，这里一个也没有"),
    ("{exact: [甲], fuzzy: pinyn}", "只能写 width、script、pinyin、typo；你是不是想写 pinyin？"),
    ("{event: subscibe}", "你是不是想写 subscribe？"),
]


def complaints(folder: Path, config: str) -> list[str]:
    path = folder / "config.yaml"
    path.write_text(account() + config, "utf-8")
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    return [f"{one.line}:{one.column} {one.zh}" for one in bad.value.complaints]


@pytest.mark.parametrize(("when", "told"), WRONG)
def test_a_when_that_makes_no_sense_is_explained(tmp_path: Path, when: str, told: str) -> None:
    said = complaints(tmp_path, f"keywords:\n  rules:\n    - name: 一\n      when: {when}\n      reply: 好\n")
    assert len(said) == 1
    assert said[0].startswith("6:")
    assert told in said[0]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("when: {regex: '(甲)(?P<b>乙)'}, reply: '{match.3}'", "没有 {match.3}；这里可用：{match.0}、{match.1}、{match.2}、{match.b}"),
        ("when: {exact: 甲}, reply: '{match.1|无}'", "没有 {match.1}；这条规则没有 regex"),
        ("when: {regex: 甲}, reply: {news: {title: '{match.x}', url: 'https://a.example'}}", "没有 {match.x}；这里可用：{match.0}"),
    ],
)
def test_a_group_that_no_regex_of_the_rule_has_is_an_error_where_it_stands(tmp_path: Path, rule: str, told: str) -> None:
    said = complaints(tmp_path, f"keywords:\n  rules:\n    - {{name: 一, {rule}}}\n")
    assert len(said) == 1
    assert told in said[0]
    column = 7 + f"{{name: 一, {rule}}}".index("{match")
    assert said[0].startswith(f"5:{column} ")


def test_a_group_is_an_error_where_no_rule_is(tmp_path: Path) -> None:
    said = complaints(tmp_path, "keywords: {rules: [], fallback: '{match.1}'}\n")
    assert len(said) == 1
    assert "{match.1} 只能用在关键词规则的回复里" in said[0]


def explained(world: World, text: str, **fields: str) -> list[str]:
    """The steps on the way to the answer."""
    kind = fields.pop("kind", "text")
    person = world.person("小王")
    inbound = Inbound(
        ORIGINAL_ID, person.openid, int(world.at.timestamp()), kind, "1", fields.get("event", ""), fields.get("key", ""), text, {}
    )
    with world.service.database.rehearsal() as db:
        ctx, _ = routing.hear(db, world.service.live.current.routes, inbound, world.at, explaining=True)
    return [step.text for step in ctx.trace or ()]


def test_it_is_explained_why_each_rule_did_not_match_and_which_word_of_which_did(rules: World) -> None:
    steps = explained(rules, "请问营业时間")
    assert "关键词规则比较的文字：“请问营业时間”；简体“请问营业时间”；拼音“qing wen ying ye shi jian”" in steps
    assert "关键词规则“全有” 不匹配：句子里缺 退、会员卡" in steps
    assert "关键词规则“除了” 不匹配：句子里没有 活动" in steps
    assert steps[-1] == "关键词规则“模糊” 匹配（contains“营业时间”，繁简不计）"
    assert "关键词规则“除了” 不匹配：句子里有“结束”，contains_none 排除了它" in explained(rules, "活动结束了")
    unheard = explained(rules, "你好吗")
    assert "关键词规则“首次” 不匹配：整句不是 你好" in unheard
    assert "关键词规则“收图” 不匹配：它只回答 image 消息，这是 text 消息" in unheard
    assert "关键词规则“扫码” 不匹配：它只回答事件 scan" in unheard


def test_conditions_that_fail_and_types_and_events_are_explained(rules: World) -> None:
    assert explained(rules, "", kind="image")[-1] == "关键词规则“收图” 匹配（image 消息）"
    assert "关键词规则“关注” 的词匹配（事件 subscribe），但粉丝没有标签 没有的标签" in explained(rules, "", kind="event", event="subscribe")
    assert explained(rules, "", kind="event", event="scan")[-1] == "关键词规则“扫码” 匹配（事件 scan）"


def test_of_many_rules_the_nearest_are_told_and_the_others_counted(found: Founded) -> None:
    lines = "".join(f"    - {{name: 规则{n}, when: {{contains: [词语{n}号]}}, reply: 回复}}\n" for n in range(60))
    steps = explained(found(f"keywords:\n  rules:\n{lines}"), "词语7")
    assert "关键词规则“规则7” 不匹配：句子里没有 词语7号" in steps
    assert len(steps) < 12
    assert "另有 55 条规则的词都没出现" in steps


NTH = """
keywords:
  rules:
    - {name: 再来, when: {exact: [你好], nth: {from: 2, to: 3}}, reply: 又见面了}
    - {name: 初次, when: {exact: [你好], nth: 1}, reply: 初次见面}
    - {name: 常客, when: {contains: [你好], nth: {from: 4}}, reply: 老朋友}
    - {name: 抢先, when: {exact: [抢先]}, reply: 抢先}
    - {name: 同名, when: {exact: [同名], nth: 1}, reply: 一}
    - {name: 同名, when: {exact: [同名], nth: 2}, reply: 二}
    - {name: 同名, when: {exact: [同名], nth: 3}, reply: 三}
    - {name: 关注一, when: {event: subscribe, nth: 1}, reply: 第一次关注}
    - {name: 关注二, when: {event: subscribe, nth: {from: 2}}, reply: 又关注了}
    - {name: 菜单, when: {exact: [菜单]}, reply: {menu: {title: 菜单, choices: [{name: 甲, say: 三次}]}}}
    - {name: 三次, when: {exact: [三次], nth: 3}, reply: 第三次了}
"""


def test_each_rule_counts_its_times_whoever_answers_them(found: Founded) -> None:
    world = found(NTH)
    wang = world.person("小王")
    assert [wang.says("你好", copies=2) for _ in range(6)] == ["初次见面", "又见面了", "又见面了", "老朋友", "老朋友", "老朋友"]
    assert world.person("小李").says("你好") == "初次见面"
    counts = world.sql("SELECT subject, count FROM tally t JOIN follower f ON f.id = t.follower_id WHERE openid = :o", o=wang.openid)
    assert sorted(map(tuple, counts)) == [("nth:再来", 6), ("nth:初次", 6), ("nth:常客", 6)]


def test_rules_of_one_name_count_a_message_once(found: Founded) -> None:
    wang = found(NTH).person("小王")
    assert [wang.says("同名") for _ in range(4)] == ["一", "二", "三", None]


def test_events_are_counted_by_each_rule_for_them(found: Founded) -> None:
    wang = found(NTH).person("小王")
    said = []
    for _ in range(3):
        said.append(wang.does("subscribe", EventKey="").text)
        wang.world.moment(f"2026-11-21 1{len(said)}:00:00")
    assert said == ["第一次关注", "又关注了", "又关注了"]


def test_a_choice_that_says_words_nobody_answers_counts_them_once(found: Founded) -> None:
    wang = found(NTH).person("小王")
    assert wang.says("菜单")
    assert [wang.says("1") for _ in range(3)] == [None, None, "第三次了"]


@pytest.mark.parametrize("regex", ["(?i).{0,1000}x", "(.{0,500}){0,2}b", r"(?i)\p{L}{1,900}x"])
def test_a_regex_that_a_long_message_would_keep_busy_is_refused(tmp_path: Path, regex: str) -> None:
    (tmp_path / "config.yaml").write_text(
        account() + f"keywords: {{rules: [{{name: a, when: {{regex: '{regex}'}}, reply: b}}]}}\n", "utf-8"
    )
    with pytest.raises(BadConfig, match=r"太大|不能用"):
        live.version(tmp_path / "config.yaml")


def test_a_text_that_is_nearly_every_loose_word_everywhere_is_given_up_rather_than_searched_for_long() -> None:
    tails = "嘿呵嘻吼呼嗨哼唏咳嗯"
    index = Index([When.model_validate({"contains": ["哈哈哈" + a * 3 + b * 3], "fuzzy": "typo"}) for a in tails for b in tails if a != b])
    began = time.process_time()
    assert index.find("哈" * 660 + tails) == []
    assert time.process_time() - began < 0.3  # 0.04 s here; 0.6 s where every place is measured
    assert index.find("哈" * 30 + "嘿嘿嘿呵呵") == [0]
