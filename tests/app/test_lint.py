"""Warnings about rules, replies, surveys and broadcasts that are good and yet not meant so: each at its line, and none beside it."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import handlers
from app import live
from handlers.keyword import KeywordsSection, Rule
from handlers.lint import lints
from models.condition import Conditions
from models.config import Config
from models.implication import contradictions
from tests.people import ROOT, account

LEVELS = "points: {levels: {银卡: 100, 金卡: 500}}\n"


def warned(folder: Path, text: str) -> list[tuple[int, str]]:
    """The line of the text, from 1, and the code of each warning."""
    path = folder / "config.yaml"
    above = account() + LEVELS
    path.write_text(above + text, "utf-8")
    return [(warning.line - above.count("\n"), warning.code) for warning in live.read(path).warnings]


def rules(*whens: str) -> str:
    """A file with a rule for each `when`, or for each `when` with its reply behind a bar."""
    lines = []
    for number, when in enumerate(whens, 1):
        when, bar, reply = when.partition(" | ")
        lines.append(f"    - {{name: 第{number}条, when: {{{when}}}, reply: {reply if bar else '好'}}}")
    return "keywords:\n  rules:\n" + "\n".join(lines) + "\n"


# What is listed is what is found: which rule, and the code.
@pytest.mark.parametrize(
    ("whens", "found"),
    [
        # YZ101: everything it matches is taken before
        (["exact: [活动]", "exact: [活动]"], [(2, "YZ101")]),
        (["contains: [活动]", "exact: [活动规则], prefix: [新活动]"], [(2, "YZ101")]),
        (["contains: [Abc]", "exact: [aBC]"], [(2, "YZ101")]),
        (["prefix: [活动]", "prefix: [活动规则]"], [(2, "YZ101")]),
        (["contains_all: [活, 动]", "contains: [活动]"], [(2, "YZ101")]),
        (["contains: [订单]", "regex: ['订单\\s*[0-9]+']"], [(2, "YZ101")]),
        (["prefix: [订单]", "regex: ['^订单[0-9]+']"], [(2, "YZ101")]),
        (["regex: ['^活.$']", "exact: [活动]"], [(2, "YZ101")]),
        (["exact: [权益], level: 银卡", "exact: [权益], level: 金卡"], [(2, "YZ101")]),
        (['exact: [客服], from: "18:00", to: "09:00"', 'exact: [客服], from: "22:00", to: "06:00"'], [(2, "YZ101")]),
        (["exact: [班], days: [sat, sun]", "exact: [班], days: [mon, tue, wed, thu, fri]", "exact: [班], tags: [a]"], [(3, "YZ101")]),
        (["exact: [a], tags: [甲, 乙]", "exact: [a], tags: [甲]"], [(2, "YZ101")]),
        (["exact: [a], holiday: true", "exact: [a], holiday: [春节]"], [(2, "YZ101")]),
        (["exact: [a], dates: {from: 2099-01-01}", "exact: [a], dates: {from: 2099-02-01, to: 2099-03-01}"], [(2, "YZ101")]),
        (["contains: [营业时间], fuzzy: true", "contains: [营业时间], fuzzy: true"], [(2, "YZ101")]),
        (["type: text", "exact: [活动]"], [(2, "YZ101")]),
        (["type: image", "type: [image]"], [(2, "YZ101")]),
        (["event: click", "event: click, menu_key: 甲"], [(2, "YZ101")]),
        (["menu_key: 甲, event: click", "menu_key: 甲"], []),
        # … and not where something is left of it
        (["exact: [活动]", "contains: [活动]"], []),
        (["exact: [活动], nth: 1", "exact: [活动]"], []),
        (["exact: [活动], probability: 30%", "exact: [活动]"], []),
        (["contains: [活动], contains_none: [规则]", "exact: [活动规则]"], []),
        (["regex: ['^Abc$']", "exact: [abc]"], []),
        (["contains: [订单]", "regex: ['订?单[0-9]+']"], []),
        (["exact: [营业时间]", "exact: [营业时间], fuzzy: typo"], []),
        (["exact: [班], days: [sat, sun]", "exact: [班]"], []),
        (['exact: [客服], from: "09:00", to: "21:00"', "exact: [客服]"], []),
        (["exact: [权益], level: 金卡", "exact: [权益], level: 银卡", "exact: [权益]"], []),
        (["type: image", "exact: [图片]"], []),
        # YZ104: one word in two rules, and both may hold
        (['exact: [客服], from: "09:00", to: "18:00"', 'exact: [客服], from: "17:00", to: "22:00"'], [(2, "YZ104")]),
        (["exact: [人工]", "exact: [客服, 人工]"], [(2, "YZ104")]),
        (["contains: [人工]", "contains: [客服, 人工]"], [(2, "YZ104")]),
        (["exact: [a], tags: [甲]", "exact: [a], level: 金卡"], [(2, "YZ104")]),
        (["exact: [a], nth: [1, 3]", "exact: [a], nth: {from: 2}"], [(2, "YZ104")]),
        (["exact: [a], nth: {from: 1, to: 3}", "exact: [a], nth: {from: 3}"], [(2, "YZ104")]),
        (["exact: [a, b], nth: 1", "exact: [a], nth: {from: 2}"], [(2, "YZ104")]),
        (["exact: [a], nth: 1", "exact: [a], nth: {from: 2}"], []),
        (["exact: [a], nth: {from: 1, to: 2}", "exact: [a], nth: {from: 3, to: 4}", "exact: [a], nth: 5"], []),
        (['exact: [客服], from: "09:00", to: "18:00"', 'exact: [客服], from: "18:00", to: "22:00"'], []),
        (["exact: [a], tags: [甲]", "exact: [a], without_tags: [甲]"], []),
        (["exact: [a], days: [mon]", "exact: [a], days: [tue]"], []),
        (["exact: [a], workday: true", "exact: [a], holiday: true"], []),
        (["exact: [a], holiday: [春节]", "exact: [a], holiday: [国庆节]"], []),
        (["exact: [a], dates: 2099-01-01", "exact: [a], dates: 2099-01-02"], []),
        # YZ105: an earlier rule's word in a longer one
        (["contains: [活动]", "exact: [活动规则, 规则]"], [(2, "YZ105")]),
        (["contains: [活动], tags: [甲]", "exact: [活动规则]"], [(2, "YZ105")]),
        (["prefix: [活动]", "contains: [规则], prefix: [活动规则]"], [(2, "YZ105")]),
        (["exact: [活动规则, 规则]", "contains: [活动]"], []),
        (["prefix: [规则]", "exact: [活动规则]"], []),
        (["exact: [活动]", "exact: [活动规则]"], []),
        (["contains: [活动], days: [mon]", "exact: [活动规则], days: [tue]"], []),
        # YZ102: it excludes itself
        (["exact: [a], dates: {from: 2020-01-01, to: 2020-12-31}"], [(1, "YZ102")]),
        (["exact: [a], tags: [甲], without_tags: [甲, 乙]"], [(1, "YZ102")]),
        (["exact: [a], workday: true, holiday: [春节]"], [(1, "YZ102")]),
        (["exact: [a], dates: {from: 2099-01-01, to: 2099-01-02}, days: [mon]"], [(1, "YZ102")]),
        (["contains: [退款], contains_none: [款]"], [(1, "YZ102")]),
        (["contains_all: [退款, 快], contains_none: [款]"], [(1, "YZ102")]),
        (["exact: [a], dates: [2020-01-01, {from: 2099-01-01}]"], []),
        (["exact: [a], tags: [甲, 丙], without_tags: [甲, 乙]"], []),
        (["exact: [a], dates: {from: 2099-01-01, to: 2099-01-07}, days: [mon]"], []),
        (["contains: [退款], contains_none: [退款了]"], []),
        (["contains: [退款], fuzzy: typo, contains_none: [款]"], []),
        # YZ103: regexes that match nothing
        (["regex: ['a^b']"], [(1, "YZ103")]),
        (["regex: ['报名$谢谢', 报名]"], [(1, "YZ103")]),
        (["regex: ['^\\s+报名']"], [(1, "YZ103")]),
        (["regex: ['报\\b名']"], [(1, "YZ103")]),
        (["regex: ['[^\\s\\S]']"], [(1, "YZ103")]),
        (["regex: ['^报名$', '报名\\s*$', '(^|a)b', '\\bVIP\\b', '(?m)a$\\s^b', '[[:alpha:]]^a']"], []),
        # YZ106: hours that are hardly meant so
        (['exact: [a], from: "22:00", to: "21:59"'], [(1, "YZ106")]),
        (['exact: [a], from: "00:00", to: "23:59"'], [(1, "YZ106")]),
        (['exact: [a], from: "09:00", to: "09:01"'], [(1, "YZ106")]),
        (['exact: [a], from: "22:00", to: "02:00", days: [fri]'], [(1, "YZ106")]),
        (['exact: [a], from: "22:00", to: "02:00", dates: 2099-12-24'], [(1, "YZ106")]),
        (['exact: [a], from: "22:00", to: "02:00", dates: 9999-12-31'], []),
        (['exact: [a], from: "22:00", to: "24:00", days: [fri]', 'exact: [a], from: "00:00", to: "02:00", days: [sat]'], []),
        (['exact: [a], from: "22:00", to: "02:00"'], []),
        (['exact: [a], from: "22:00", to: "02:00", days: [mon, tue, wed, thu, fri, sat, sun]'], []),
        (['exact: [a], from: "18:00", to: "09:00", days: [mon, tue, wed, thu, fri]', "exact: [a], days: [sun]"], [(1, "YZ106")]),
        (['exact: [a], from: "18:00", to: "09:00", days: [mon, tue, wed, thu, fri]', "exact: [a], days: [sat, sun]"], []),
        (['exact: [a], from: "22:00", to: "02:00", dates: [2099-12-24, 2099-12-25, {from: 2099-12-26, to: 2099-12-31}]'], []),
        # YZ107: triggers come first
        (["exact: [td, 退]"], [(1, "YZ107")]),
        (["contains: [退订]"], []),
        # YZ202, YZ203, YZ204: replies
        (["exact: [a] | '<a href=\"http://a.cn\">看</a>'"], [(1, "YZ202")]),
        (["exact: [a] | 看 http://a.cn/b"], [(1, "YZ202")]),
        (["exact: [a] | {news: {title: a, url: www.a.cn}}"], [(1, "YZ202")]),
        (["exact: [a] | {news: {title: a, picture: 'http://a.cn/p.jpg', url: 'https://a.cn'}}"], [(1, "YZ202")]),
        (['exact: [a] | \'<a href="https://a.cn">看</a> <a href="weixin://bizmsgmenu?msgmenucontent=a&msgmenuid=1">b</a>\''], []),
        (["exact: [a] | {news: {title: a, url: 'http://127.0.0.1:8080/a'}}"], []),
        (["event: subscribe | {text: a, then: {after: 60s, reply: b}}"], [(1, "YZ203")]),
        (["event: view | {text: a, then: {after: 5s, reply: b}}"], [(1, "YZ203")]),
        (["event: location | {text: a, then: {after: 5s, reply: b}}"], [(1, "YZ203")]),
        (["exact: [a] | {text: a, then: {after: 47h, reply: b}}", "event: click | {text: a, then: {after: 5s, reply: b}}"], []),
        (["exact: [a] | {news: [{title: a, url: 'https://a'}, {title: b, url: 'https://b'}]}"], [(1, "YZ204")]),
        (["event: click | {news: [{title: a, url: 'https://a'}, {title: b, url: 'https://b'}]}"], []),
    ],
)
def test_a_warning_stands_at_the_rule_it_is_about_and_nowhere_else(tmp_path: Path, whens: list[str], found: list[tuple[int, str]]) -> None:
    assert [(line - 2, code) for line, code in warned(tmp_path, rules(*whens))] == found


def test_a_warning_names_the_word_and_says_where_the_other_rule_is(tmp_path: Path) -> None:
    warned(tmp_path, rules("contains: [活动]", "exact: [规则, 活动规则]"))
    path = tmp_path / "config.yaml"
    (warning,) = live.read(path).warnings
    lines = path.read_text("utf-8").splitlines()
    assert lines[warning.line - 1][warning.column - 1 :].startswith("活动规则")
    assert "“第1条”（活动）" in warning.zh
    assert warning.zh.endswith(f"（{path}:{warning.line - 1}）")
    assert "'第1条'" in warning.en


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("好" * 683, [(3, "YZ201")]),
        ("好" * 682, []),
        ("好" * 675 + "{name}", [(3, "YZ201")]),
        ("好" * 600 + "{name}", []),
    ],
)
def test_a_reply_over_the_platforms_bytes_is_warned_of(tmp_path: Path, text: str, found: list[tuple[int, str]]) -> None:
    assert warned(tmp_path, rules(f'exact: [a] | "{text}"')) == found


def test_lines_that_are_too_long_together_are_warned_of(tmp_path: Path) -> None:
    half = "好" * 400
    lines = f"{{lines: [{half}, {{when: {{level: 金卡}}, text: {half}, otherwise: 无}}]}}"
    assert warned(tmp_path, rules(f"exact: [a] | {lines}")) == [(3, "YZ201")]
    assert warned(tmp_path, rules(f"exact: [a] | {lines.replace(half, '好' * 300)}")) == []


def test_the_choices_of_a_question_count_with_it(tmp_path: Path) -> None:
    survey = "surveys:\n  - key: a\n    title: a\n    triggers: [问]\n    questions:\n      - {key: a, ask: 问, choices: [%s]}\n"
    assert warned(tmp_path, survey % ", ".join(f"{'好' * 60}{number}" for number in range(12))) == [(6, "YZ201")]
    assert warned(tmp_path, survey % ", ".join(f"{'好' * 40}{number}" for number in range(12))) == []


SURVEY = """surveys:
  - key: a
    title: 甲
    triggers: [问]
    questions:
      - {key: a, ask: 问, choices: [是, 否]}
      - {key: n, ask: 问, number: {min: 0, max: 10}}
      - {key: t, ask: 问, text: true, when: {a: [是]}}
"""


@pytest.mark.parametrize(
    ("questions", "found"),
    [
        (["{key: x, ask: 问, text: true, when: {a: [否], t: [好]}}"], [1]),
        (["{key: x, ask: 问, text: true, when: {n: ['11']}}", "{key: y, ask: 问, text: true, when: {x: [好]}}"], [1, 2]),
        (["{key: x, ask: 问, text: true, when: {n: ['1.5']}}"], [1]),
        (["{key: x, ask: 问, text: true, when: {a: []}}"], [1]),
        (["{key: x, ask: 问, text: true, when: {t: [' ']}}"], [1]),
        (["{key: x, ask: 问, text: true, when: {a: [是, 否], t: [好]}}"], []),
        (["{key: x, ask: 问, text: true, when: {n: ['11', '10']}}"], []),
        (["{key: x, ask: 问, choices: [A, a]}", "{key: y, ask: 问, text: true, when: {x: [a]}}"], []),
    ],
)
def test_a_question_that_nobody_reaches_is_warned_of(tmp_path: Path, questions: list[str], found: list[int]) -> None:
    text = SURVEY + "".join(f"      - {question}\n" for question in questions)
    assert warned(tmp_path, text) == [(SURVEY.count("\n") + number, "YZ301") for number in found]


@pytest.mark.parametrize(
    ("push", "broadcast", "found"),
    [
        ("limits: [{max: 2, per: week}], reserve: 2", 'cron: "0 20 * * fri"', ["YZ401"]),
        ("limits: [{max: 0, per: month}]", 'cron: "0 20 * * fri", priority: urgent', ["YZ401"]),
        ("limits: [{max: 2, per: week}]", 'cron: "0 20 * * *"', ["YZ401"]),
        ("limits: [{max: 1, per: day}]", 'cron: "0 9,20 * * fri"', ["YZ401"]),
        ("limits: [{max: 6, per: 7d}]", 'cron: "0 20 * * *"', ["YZ401"]),
        ('quiet_hours: "22:00-08:00"', 'cron: "0 23,3 * * *"', ["YZ402"]),
        ("limits: [{max: 2, per: week}], reserve: 2", 'cron: "0 20 * * fri", priority: urgent', []),
        ("limits: [{max: 2, per: week}], reserve: 1", 'cron: "0 20 * * fri"', []),
        ("limits: [{max: 7, per: week}, {max: 1, per: day}, {max: 31, per: month}]", 'cron: "0 20 * * *"', []),
        ('quiet_hours: "22:00-08:00"', 'cron: "0 23,9 * * *"', []),
        ("pace: 5", 'cron: "* * * * *"', []),
        ("gap: 24h", 'cron: "0 20 * * *"', ["YZ901"]),
        ("gap: 20h", 'cron: "0 20 * * *"', []),
        ("gap: 2d", 'cron: "0 20 * * *", wait: 1d', []),
        ("limits: [{max: 0, per: week, channel: mass}]", 'cron: "0 20 * * *"', []),
    ],
)
def test_a_broadcast_that_does_not_fit_its_limits_is_warned_of(tmp_path: Path, push: str, broadcast: str, found: list[str]) -> None:
    text = f"push: {{{push}}}\nbroadcasts:\n  - {{key: a, template: T, {broadcast}}}\n"
    assert warned(tmp_path, text) == [(3, code) for code in found]


@pytest.mark.parametrize(("quiet", "found"), [("08:00-22:00", [1]), ("00:00-23:59", [1]), ("22:00-08:00", []), ("12:00-14:00", [])])
def test_quiet_hours_by_day_are_warned_of(tmp_path: Path, quiet: str, found: list[int]) -> None:
    assert warned(tmp_path, f'push: {{quiet_hours: "{quiet}"}}\n') == [(line, "YZ106") for line in found]


def test_a_trigger_of_a_feature_hides_a_rule_and_its_place_is_told(tmp_path: Path) -> None:
    text = "checkin: {triggers: [签到], rules: {points: 1}}\n" + rules("exact: [打卡, 签到]")
    assert warned(tmp_path, text) == [(4, "YZ107")]


@pytest.mark.parametrize(
    ("beside", "when", "found"),
    [
        ("welcome: {reply: 欢迎}", "event: subscribe", True),
        ("welcome: {reply: 欢迎}", "event: [view, subscribe]", True),
        ("welcome: {reply: 欢迎}", "event: subscribe, nth: 1", False),
        ("welcome: {reply: 欢迎}", "event: scan", False),
        ("welcome: {reply: 欢迎, scenes: {a: 一号店}}", "event: scan", True),
        ("channels: [{key: a, name: 一号店, reply: 欢迎光临}]", "event: scan", True),
        ("channels: [{key: a, name: 一号店}]", "event: [scan, subscribe]", False),
        ("menu: {buttons: [{name: 地址, reply: 人民路}]}", "event: click", True),
        ("menu: {buttons: [{name: 地址, reply: 人民路}]}", "event: click, menu_key: OLD", False),
        ("menu: {buttons: [{name: 官网, url: 'https://a.cn'}]}", "event: click", False),
    ],
)
def test_a_rule_that_takes_an_event_from_everybody_hides_what_is_said_to_it(tmp_path: Path, beside: str, when: str, found: bool) -> None:
    assert warned(tmp_path, f"{beside}\n" + rules(when)) == ([(4, "YZ108")] if found else [])


def test_a_warning_can_be_silenced_where_it_stands(tmp_path: Path) -> None:
    text = rules("exact: [客服], days: [mon]", "exact: [客服], tags: [甲]")
    assert warned(tmp_path, text) == [(4, "YZ104")]
    assert warned(tmp_path, text.rstrip() + "   # 忽略 YZ104：星期一故意不同\n") == []


def test_what_is_over_is_over_in_the_accounts_days() -> None:
    ended = Conditions.model_validate_json('{"dates": {"from": "2026-11-01", "to": "2026-11-21"}}')
    assert not list(contradictions(ended, date(2026, 11, 21)))
    (found,) = contradictions(ended, date(2026, 11, 22))
    assert found.key == "dates"
    late = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)  # half past midnight in Shanghai
    rule = Rule.model_validate_json('{"name": "a", "when": {"exact": ["a"], "dates": {"to": "2026-11-21"}}, "reply": "b"}')
    for zone, codes in (("Asia/Shanghai", ["YZ102"]), ("UTC", [])):
        config = Config(ZoneInfo(zone), "", {KeywordsSection: KeywordsSection(rules=[rule])})
        (dated,) = (lint for lint in lints(handlers.FEATURES, late) if "contradictory" in str(lint))
        assert [problem.code for problem in dated(config)] == codes


@pytest.mark.parametrize("name", ["config.yaml"])
def test_the_shipped_file_is_free_of_warnings(name: str) -> None:
    assert live.read(ROOT / name).warnings == ()


def test_no_warning_is_without_its_code_page_and_both_languages(tmp_path: Path) -> None:
    warned(tmp_path, rules("exact: [a]", "exact: [a]", 'exact: [b], from: "09:00", to: "09:01"', "regex: ['a^']"))
    for warning in live.read(tmp_path / "config.yaml").warnings:
        assert re.fullmatch(r"YZ\d{3}", warning.code)
        assert re.search("[\u4e00-\u9fff]", warning.zh)
        assert warning.en


def _many(kind: str) -> list[dict[str, object]]:
    if kind == "one word":
        return [{"contains": ["活动"], "tags": [str(number)]} for number in range(20_000)]
    if kind == "nested":
        return [{"contains": ["活" * (number % 100 + 1) + "动" * (number // 100 + 1)]} for number in range(5_000)]
    return [{("exact", "contains", "prefix")[number % 3]: [f"{number * 7919 % 99_991:05d}号"]} for number in range(20_000)]


@pytest.mark.parametrize("kind", ["plain", "one word", "nested"])
def test_twenty_thousand_rules_are_looked_at_in_a_moment(kind: str) -> None:
    made = [Rule.model_validate({"name": str(number), "when": when, "reply": "好"}) for number, when in enumerate(_many(kind))]
    config = Config(ZoneInfo("Asia/Shanghai"), "", {KeywordsSection: KeywordsSection(rules=made)})
    begin = time.process_time()
    for lint in lints(handlers.FEATURES, datetime(2026, 11, 22, tzinfo=UTC)):
        list(lint(config))
    assert time.process_time() - begin < 8  # 0.6 s on an idle machine; pairs of rules would take minutes
