"""config.yaml from outside: good files become Settings, bad ones a BadConfig that names every place."""

import os
import re
from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from app.config_file import BadConfig, Settings, read, secrets, signature
from app.config_schema import schema
from models.config import Config, Problem
from tests.app.sections import ACCOUNT, GOOD, SECTIONS, Checkin, Keywords, Surveys, write


def complaints_of(path: Path, **options: Any) -> BadConfig:
    with pytest.raises(BadConfig) as caught:
        read(path, SECTIONS, **options)
    return caught.value


def unmarked(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its « marks, and the places where they stood."""
    clean, places = "", []
    for part in marked.split("«")[:-1]:
        clean += part
        lines = clean.split("\n")
        places.append((len(lines), len(lines[-1]) + 1))
    return marked.replace("«", ""), places


def test_a_good_file_becomes_settings(tmp_path: Path) -> None:
    got = read(write(tmp_path, GOOD), SECTIONS)
    assert got.account.name == "示例服务号"
    assert got.account.mode == "safe"
    assert got.zone.key == "Asia/Shanghai"
    assert got.database == f"sqlite:///{tmp_path}/data/yizhan.db"
    assert got.config[Keywords].rules[1].when.from_ == time(9)
    assert got.config[Keywords].rules[0].when.contains == ("营业时间", "几点开门")
    assert got.config[Checkin].rules.streak_bonus == {7: 20, 30: 100}
    assert [survey.key for survey in got.config[Surveys].root] == ["satisfaction"]
    assert got.config.zone is got.zone
    assert re.fullmatch("[0-9a-f]{12}", got.config.version)
    assert got.files == (tmp_path / "config.yaml",)


def test_what_the_file_does_not_have_is_off_or_an_empty_list_or_the_default(tmp_path: Path) -> None:
    got = read(write(tmp_path, ACCOUNT), SECTIONS)
    assert got.config.get(Checkin) is None
    assert got.config[Surveys].root == []
    assert got.zone.key == "Asia/Shanghai"
    assert got.account.api_base == "https://api.weixin.qq.com"


@pytest.mark.parametrize(
    "line",
    [
        "database: sqlite:////var/lib/yizhan.db",
        "database: postgresql://user@db:5432/yizhan",
        "database: postgresql:///yizhan?host=/run/postgresql",
        "timezone: America/New_York",
    ],
)
def test_other_databases_and_zones_are_taken_as_written(tmp_path: Path, line: str) -> None:
    got = read(write(tmp_path, ACCOUNT + line), SECTIONS)
    assert line.partition(": ")[2] in (got.database, got.zone.key)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8001", "http://localhost:8001/", "http://[::1]:8001"])
def test_plain_mode_is_for_a_simulator_on_this_machine(tmp_path: Path, base: str) -> None:
    text = f"account: {{name: x, app_id: demo_app, original_id: gh_1, mode: plain, api_base: '{base}'}}"
    assert read(write(tmp_path, text), SECTIONS).account.api_base == base.rstrip("/")


BROKEN = [
    # The account and its neighbours
    ("keywords: {}\n", ["缺少 “account”"]),
    ("account: «示例\n", ["要写成“键: 值”"]),
    ("include: [«rules/*.yaml]\n", ["没有文件"]),  # the account may be in it
    ("«account: {app_id: wx1234567890abcdef, original_id: gh_1}\n", ["缺少 “name”"]),
    ("account: {name: x, app_id: «wx 12, original_id: «abcd}\n", ["wx 开头", "gh_"]),
    ("account: {name: x, app_id: «1234567890, original_id: gh_1}\n", ['"1234567890"']),
    ("account: {name: x, app_id: wx123456, original_id: gh_1, mode: «plain}\n", ["明文模式"]),
    ("account: {name: x, app_id: wx123456, original_id: gh_1, mode: «plane}\n", ["你是不是想写 plain"]),
    ("account: {name: x, app_id: wx123456, original_id: gh_1, api_base: «http://api.weixin.qq.com}\n", ["https://"]),
    ("account: {name: x, app_id: wx123456, original_id: gh_1, api_base: «'https://['}\n", ["https://"]),
    ("account: {name: x, app_id: wx123456, original_id: gh_1, «appid: x}\n", ["你是不是想写 “app_id”"]),
    (ACCOUNT + "timezone: «Asia/Beijing\n", ["Asia/Shanghai"]),
    (ACCOUNT + "timezone: «../etc/passwd\n", ["时区"]),
    (ACCOUNT + "timezone: «Asia\n", ["时区"]),
    (ACCOUNT + "timezone: «8\n", ['"8"']),
    (ACCOUNT + "database: «mysql://x/y\n", ["sqlite:///"]),
    (ACCOUNT + "database: «'sqlite:///:memory:'\n", ["sqlite:///"]),
    (ACCOUNT + "database: «postgresql://u:CANARY_1@db/x\n", ["YIZHAN_DATABASE_URL"]),
    (ACCOUNT + "include: «rules/*.yaml\n", ["放进方括号：[rules/*.yaml]"]),
    (ACCOUNT + "include: [«rules/*.yaml]\n", ["没有文件"]),
    (ACCOUNT + "include: [«'**/x.yaml', «config.yaml, «3]\n", ["**", "没有文件", '"3"']),
    # Keys at the top
    (ACCOUNT + "«keyword: {}\n«chekin: {}\n", ["“keywords”", "“checkin”"]),
    (ACCOUNT + "«完全不同: 1\n", ["这里可以写：account"]),
    ("«- a\n", ["最外层"]),
    ("«只是文字\n", ["最外层"]),
    ("«account：示例\n", ["最外层"]),
    # Sections
    (ACCOUNT + "keywords:« \n", ["这里是空的"]),
    (ACCOUNT + "surveys:« \n", ["这里是空的"]),
    (ACCOUNT + "surveys: «{key: a}\n", ["要写成列表"]),
    (ACCOUNT + "surveys:\n  - «name：x\n", ["半角"]),
    (ACCOUNT + "surveys:\n  - «key:x\n", ["半角"]),
    (ACCOUNT + "surveys: [{key: «A1}]\n", ["^[a-z_]+$"]),
    (ACCOUNT + "surveys: [{key: «all}]\n", ["all is reserved"]),
    (ACCOUNT + "surveys: [{key: a, ask: «3}]\n", ["文字 或 列表 或 “键: 值”"]),
    (ACCOUNT + "surveys: [{key: a, ask: [x, «3]}]\n", ['"3"']),
    (ACCOUNT + "surveys: [{key: a, ask: {text: «1.10}}]\n", ['"1.10"']),
    (ACCOUNT + "surveys: [{key: a, «ask: {«txt: x}}]\n", ["缺少 “text”", "你是不是想写 “text”"]),
    (ACCOUNT + "checkin: {rules: {points: «-1}}\n", ["不能小于 0"]),
    (ACCOUNT + "checkin: {rules: {points: «1001}}\n", ["不能大于 1000"]),
    (ACCOUNT + "checkin: {rules: {points: «'5'}}\n", ["不要加引号：5"]),
    (ACCOUNT + "checkin: {rules: {points: «1.5}}\n", ["要写成整数"]),
    (ACCOUNT + "checkin: {rules: {points: «true}}\n", ["要写成整数"]),
    (ACCOUNT + "checkin: {rules: {points: 5, makeup: «yes}}\n", ["true 或 false（不加引号）"]),
    (ACCOUNT + "checkin: {rules: {points: 5, streak_bonus: {«七: 20, 30: «x}}}\n", ["键要写成整数", "要写成整数"]),
    (ACCOUNT + "checkin: {rules: {points: 5, «point: 6}}\n", ["“points”"]),
    (ACCOUNT + "checkin:\n  «rules:\n    {}\n", ["缺少 “points”"]),
    (ACCOUNT + "«checkin: {triggers: [签到]}\n", ["缺少 “rules”"]),
    (ACCOUNT + "checkin: {rules: {points: 1}, triggers: «签到}\n", ["放进方括号：[签到]"]),
    (ACCOUNT + "checkin: {rules: {points: 1}, triggers: «[]}\n", ["至少要有 1 项"]),
    (ACCOUNT + "checkin: {rules: {points: 1}, replies: {done: '«{streka} 天'}}\n", ["{streka}"]),
    (ACCOUNT + "checkin: {rules: {points: 1}, replies: {done: «{streak}}}\n", ["以花括号开头"]),
    (ACCOUNT + "checkin: {rules: {points: 1}, replies: {done:\n    '«{a}'}}\n", ["{a}"]),
    (
        ACCOUNT + "keywords:\n  rules:\n    - name: a\n      when: {«contain: [x], days: [«sut]}\n      reply: b\n",
        ["“contains”", "想写 sun"],
    ),
    (ACCOUNT + "keywords:\n  rules:\n    - name: a\n      when: {from: «九点}\n      reply: b\n", ['"22:30"']),
    (ACCOUNT + "keywords:\n  rules:\n    - name: a\n      when: {from: «22:30}\n      reply: b\n", ["引号"]),
    (ACCOUNT + "keywords:\n  rules:\n    - «name: a\n      when: {}\n", ["缺少 “reply”"]),
    (ACCOUNT + "keywords:\n  rules:\n    - «name: a\n      when: {}\n      reply: ''\n", ["规则没有回复"]),
    (ACCOUNT + "keywords: {rules: [{name: a, when: {}, reply: {«txt: b}}]}\n", ["“text”"]),
    (ACCOUNT + "keywords: {rules: [{name: a, when: {}, reply: {news: {title: b, url: c, «pictur: d}}}]}\n", ["“picture”"]),
    (ACCOUNT + "keywords: {rules: [{name: a, when: {}, reply: {«news: {title: b}}}]}\n", ["缺少 “url”"]),
    (ACCOUNT + "keywords: {rules: [{name: a, when: {}, reply: «123}]}\n", ['"123"']),
    (ACCOUNT + "keywords: {rules: [«x, {name: «1, when: «y, reply: z}]}\n", ["“键: 值”", '"1"', "“键: 值”"]),
    # Everything at once: YAML, keys, account, every section
    (
        "account: {name: x, app_id: «x, original_id: gh_1}\n«foo: 1\nkeywords: {fallback: «22:30, «x: 1}\n"
        "checkin: {rules: {points: «-1}}\nsurveys: [1]\n«surveys: [«2]\n",
        ["app_id", "foo", "引号", "“x”", "小于", "写了两次", "键: 值"],
    ),
]


@pytest.mark.parametrize(("marked", "fragments"), BROKEN)
def test_a_broken_file_is_told_every_place_and_what_to_write(tmp_path: Path, marked: str, fragments: list[str]) -> None:
    text, places = unmarked(marked)
    bad = complaints_of(write(tmp_path, text))
    assert [(c.line, c.column) for c in bad.complaints] == (places or [(1, 1)])
    for complaint, fragment in zip(bad.complaints, fragments, strict=True):
        assert fragment in complaint.zh
    assert "CANARY" not in bad.render("zh", caret=True) + bad.render("en", caret=True) + str(bad) + repr(bad)


def test_the_exception_says_all_complaints_one_a_line_as_file_line_column(tmp_path: Path) -> None:
    path = write(tmp_path, ACCOUNT + "timezone: X\nfoo: 1\n")
    lines = str(complaints_of(path)).splitlines()
    assert lines[0].startswith(f"{path}:2:11: 没有这个时区")
    assert lines[1].startswith(f"{path}:3:1: ")
    assert complaints_of(path).render("en").splitlines()[0].startswith(f"{path}:2:11: no such time zone")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(complaints_of(tmp_path / "nowhere.yaml")) == f"{tmp_path}/nowhere.yaml:1:1: 找不到这个文件"
    assert "读不了" in str(complaints_of(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "«app_secret: CANARY_1\n" + ACCOUNT,
        ACCOUNT + "«token: CANARY_1\n",
        ACCOUNT + "«token: «0123456789\n",
        ACCOUNT + "«tokken: CANARY_1\n",
        ACCOUNT + "«AppSecret: {value: CANARY_1}\n",
        ACCOUNT + "«password:\n  - CANARY_1\n",
        "account:\n  name: x\n  app_id: wx123456\n  original_id: gh_1\n  «encoding_aes_key: CANARY_1\n  «secret: |\n    CANARY_2\n    CANARY_3\n",
        "account: {name: x, app_id: wx123456, original_id: gh_1, «wechat: {«aes_key: CANARY_1, «token: «22:30:15}}\n",
        "account: {name: x, app_id: wx123456, original_id: gh_1, «app_secert: CANARY_1}\n",
        ACCOUNT + "«token: «!x CANARY_1\n",
        ACCOUNT + 'token: «"CANARY_1\n',
        ACCOUNT + "token: CANARY_1«: CANARY_2\n",
        "account:\n  app_secret: CANARY_1\n   «token: CANARY_2\n",
        ACCOUNT + "token«:CANARY_1\nx: 1\n",
        ACCOUNT + "«token: {a: [«0123456789], CANARY_1: 1, «CANARY_1: 2}\n",
        ACCOUNT + "token: 1\n««token: CANARY_1\n",
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(tmp_path: Path, text: str) -> None:
    text, places = unmarked(text)
    bad = complaints_of(write(tmp_path, text))
    assert [(c.line, c.column) for c in bad.complaints] == places
    for shown in (bad.render("zh", caret=True), bad.render("en", caret=True), str(bad), repr(bad), repr(bad.complaints)):
        assert not re.search("CANARY|0123456789|22:30:15", shown)


def test_included_files_add_keys_and_append_lists_in_order(tmp_path: Path) -> None:
    rule = "keywords: {{rules: [{{name: {0}, when: {{}}, reply: {0}}}]}}\n"
    write(tmp_path, rule.format("b") + "checkin: {rules: {points: 3}}\nsurveys: [{key: b}]\n", "rules/b.yaml")
    write(tmp_path, rule.format("c") + "surveys: [{key: c}]\n", "rules/c.yaml")
    path = write(tmp_path, ACCOUNT + "include: [rules/*.yaml, rules/b.yaml]\n" + rule.format("a") + "checkin: {triggers: [早]}\n")
    got = read(path, SECTIONS)
    assert [r.name for r in got.config[Keywords].rules] == ["a", "b", "c"]
    assert [s.key for s in got.config[Surveys].root] == ["b", "c"]
    assert got.config[Checkin].triggers == ["早"]
    assert got.config[Checkin].rules.points == 3
    assert [file.name for file in got.files] == ["config.yaml", "b.yaml", "c.yaml"]


def test_every_error_is_told_in_its_own_file(tmp_path: Path) -> None:
    write(tmp_path, "keywords:\n  rules:\n    - {name: b, when: {}, reply: 1}\n  fallback: x\ninclude: [x]\n", "rules/b.yaml")
    write(tmp_path, "keywords: {rules: [{name: c, when: {}, relpy: c}]}\ntoken: CANARY\ntimezone: X\n", "rules/c.yaml")
    write(tmp_path, "a: @\n", "rules/d.yaml")
    path = write(tmp_path, ACCOUNT + "include: [rules/*.yaml]\nkeywords: {rules: [{name: 1, when: {}, reply: a}], fallback: y}\n")
    bad = complaints_of(path)
    told = {f"{Path(c.file).name}:{c.line}:{c.column}": c.zh for c in bad.complaints}
    assert list(told) == [
        "config.yaml:3:27",
        "b.yaml:3:34",
        "b.yaml:4:3",
        "b.yaml:5:1",
        "c.yaml:1:40",
        "c.yaml:2:1",
        "c.yaml:3:11",
        "d.yaml:1:4",
    ]
    assert f"{path}:3:" in told["b.yaml:4:3"]
    assert bad.complaints[-1].file == str(tmp_path / "rules/d.yaml")
    assert "CANARY" not in bad.render(caret=True)


def test_a_config_beside_its_rules_does_not_include_itself(tmp_path: Path) -> None:
    write(tmp_path, "surveys: [{key: b}]\n", "b.yaml")
    got = read(write(tmp_path, ACCOUNT + 'include: ["*.yaml"]\nsurveys: [{key: a}]\n'), SECTIONS)
    assert [survey.key for survey in got.config[Surveys].root] == ["a", "b"]


def test_the_version_depends_on_names_and_bytes_and_not_on_the_folder(tmp_path: Path) -> None:
    one = read(write(tmp_path / "one", GOOD), SECTIONS).config.version
    assert read(write(tmp_path / "two", GOOD), SECTIONS).config.version == one
    assert read(write(tmp_path / "three", GOOD + "\n"), SECTIONS).config.version != one


def test_problems_between_sections_are_told_at_their_place(tmp_path: Path) -> None:
    seen = []

    def check(config: Config) -> Iterable[Problem]:
        seen.append(config)
        yield Problem(("keywords", "rules", 1, "when", "exact", 0), "触发词重复", "doubled trigger")
        yield Problem(("checkin", "nowhere"), "缺点什么", "something lacks")

    path = write(tmp_path, GOOD)
    bad = complaints_of(path, checks=[check])
    assert [(c.line, c.column, c.zh) for c in bad.complaints] == [(18, 22, "触发词重复"), (21, 1, "缺点什么")]
    complaints_of(write(tmp_path, GOOD + "«: 1\n"), checks=[check])
    assert len(seen) == 2
    complaints_of(write(tmp_path, GOOD + "include: [none.yaml]\n"), checks=[check])
    assert len(seen) == 2  # nobody knows what is missing


def test_problems_between_sections_are_told_beside_others_as_far_as_they_are_none_of_a_broken_section(tmp_path: Path) -> None:
    def between(config: Config) -> Iterable[Problem]:
        yield Problem(("surveys", 0, "key"), "甲", "a")
        if not config[Checkin].triggers:
            yield Problem(("surveys", 0, "key"), "乙", "b")

    def nothing_to_do_with_it(config: Config) -> Iterable[Problem]:
        if config.get(Keywords) is not None:
            yield Problem(("keywords", "fallback"), "丙", "c")

    path = write(tmp_path, GOOD.replace("points: 5", "points: -5"))
    told = [c.zh for c in complaints_of(path, checks=[between, nothing_to_do_with_it]).complaints]
    assert told == ["丙", "不能小于 0", "甲"]


def test_of_a_section_whose_key_may_be_misspelt_nothing_is_said(tmp_path: Path) -> None:
    def check(config: Config) -> Iterable[Problem]:
        if config.get(Checkin) is None:
            yield Problem((), "没有 checkin", "no checkin")

    assert [c.zh for c in complaints_of(write(tmp_path, ACCOUNT), checks=[check]).complaints] == ["没有 checkin"]
    for key in ("chekin", "签到"):
        told = complaints_of(write(tmp_path, GOOD.replace("checkin:", f"{key}:")), checks=[check]).complaints
        assert [key in c.zh for c in told] == [True]


def test_secrets_come_from_the_environment_or_from_files(tmp_path: Path) -> None:
    file = write(tmp_path, "CANARY_2\n", "token")
    got = secrets({"YIZHAN_APP_SECRET": "CANARY_1", "YIZHAN_TOKEN_FILE": str(file), "YIZHAN_TOKEN": "", "YIZHAN_DATABASE_URL": "CANARY_3"})
    assert (got.app_secret, got.token, got.encoding_aes_key, got.database_url) == ("CANARY_1", "CANARY_2", None, "CANARY_3")
    assert "CANARY" not in repr(got) + str(got) + f"{got}"


def test_a_secret_given_twice_or_from_no_file_is_an_error(tmp_path: Path) -> None:
    empty = write(tmp_path, "\n", "empty")
    with pytest.raises(BadConfig) as caught:
        secrets(
            {
                "YIZHAN_TOKEN": "CANARY",
                "YIZHAN_TOKEN_FILE": "CANARY",
                "YIZHAN_APP_SECRET_FILE": str(tmp_path / "none"),
                "YIZHAN_ENCODING_AES_KEY_FILE": str(empty),
            }
        )
    assert [c.file for c in caught.value.complaints] == ["YIZHAN_APP_SECRET_FILE", "YIZHAN_ENCODING_AES_KEY_FILE", "YIZHAN_TOKEN_FILE"]
    assert "CANARY" not in str(caught.value)


def test_the_signature_changes_with_every_file_that_is_or_would_be_read(tmp_path: Path) -> None:
    rules = write(tmp_path, "surveys: [{key: b}]\n", "rules/b.yaml")
    path = write(tmp_path, ACCOUNT + "include: [rules/*.yaml]\n")
    got: Settings = read(path, SECTIONS)
    seen = [signature(got)]
    assert signature(got) == seen[0]
    os.utime(rules, ns=(1, 1))
    seen.append(signature(got))
    write(tmp_path, "surveys: []\n", "rules/c.yaml")
    seen.append(signature(got))
    os.replace(write(tmp_path, ACCOUNT, "config.yaml.new"), path)
    seen.append(signature(got))
    path.unlink()
    seen.append(signature(got))
    assert len(set(seen)) == 5


def test_what_was_read_has_the_signature_of_the_files_as_long_as_nobody_writes(tmp_path: Path) -> None:
    path = write(tmp_path, ACCOUNT + 'include: ["*.yaml"]\n')
    write(tmp_path, "surveys: []\n", "b.yaml")
    (tmp_path / "again.yaml").symlink_to(path)
    got = read(path, SECTIONS)
    assert signature(got) == got.seen
    write(tmp_path, "surveys: {}\n", "b.yaml")
    assert signature(got) != got.seen
    bad = complaints_of(path)
    assert signature(bad) == bad.seen


def test_the_signature_of_a_bad_file_sees_its_repair(tmp_path: Path) -> None:
    path = write(tmp_path, ACCOUNT + "include: [rules/*.yaml]\n")
    bad = complaints_of(path)
    before = signature(bad)
    write(tmp_path, "surveys: []\n", "rules/a.yaml")
    assert signature(bad) != before


def test_the_schema_is_valid_and_accepts_the_good_file_only(tmp_path: Path) -> None:
    made = schema(SECTIONS)
    Draft202012Validator.check_schema(made)
    assert list(made["properties"]) == ["account", "timezone", "database", "include", "keywords", "checkin", "surveys"]
    assert made == schema(SECTIONS)
    assert made["$defs"]["Rule"]["properties"]["reply"]["description"] == "回复什么"
    judge = Draft202012Validator(made)
    good = yaml.safe_load(GOOD.replace("7: 20", "'7': 20").replace("30: 100", "'30': 100"))
    assert list(judge.iter_errors(good)) == []
    assert list(judge.iter_errors({**good, "foo": 1})) != []
    assert list(judge.iter_errors({**good, "checkin": {"rules": {"points": -1}}})) != []
