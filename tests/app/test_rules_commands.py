"""check, try, schema and dump, as operators type them."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.cells import cell_len
from rich.console import Console
from sqlalchemy import text

from app import live
from app.config_schema import schema
from app.yaml_source import parse
from app.yaml_text import Dumper
from models.base import metadata
from models.database import Database
from tests.app.conftest import Typed
from tests.people import BASIC, ROOT, SHIPPED, account, openid
from tests.pictures import PNG


def test_try_calls_a_picture_by_its_name_whether_the_platform_has_it_or_not(typed: Typed) -> None:
    Path("store.png").write_bytes(PNG)
    rule = "keywords: {rules: [{name: 图, when: {exact: [图]}, reply: {image: 门店照片}}]}\n"
    Path("config.yaml").write_text(account() + rule + "media: {门店照片: store.png}\n", "utf-8")
    assert typed("try", "图")[1] == "【图片】门店照片\n"


@pytest.mark.parametrize("words", [("check", "none.yaml"), ("try", "x", "--config", "none.yaml"), ("dump", "--config", "none.yaml")])
def test_a_file_that_is_not_there_is_said_to_be_missing(typed: Typed, words: tuple[str, ...]) -> None:
    code, out, err = typed(*words)
    assert code == 1
    assert "none.yaml:1:1: 找不到这个文件" in out + err


# try


def rows(url: str) -> dict[str, int]:
    """How many rows every table has."""
    database = Database(url)
    with database.snapshot() as db:
        found = {table: db.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() for table in metadata.tables}
    database.close()
    return found


def test_try_changes_nothing_in_the_database(typed: Typed, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    before = rows(database_url)
    assert len(before) > 10
    for said, reply in [
        ("签到", "第1天 +5 共5"),
        ("签到", "第1天 +5 共5"),
        ("问卷", "满意度调查\n总体满意吗"),
        ("退订", "好的"),
        ("x", "没听懂"),
    ]:
        code, out, err = typed("try", said, "--as", openid("someone"))
        assert (code, err) == (0, "")
        assert out.startswith(reply)
    assert rows(database_url) == before


def test_try_makes_no_database_where_there_is_none(typed: Typed) -> None:
    assert typed("try", "积分")[1] == "积分：0\n"
    assert sorted(path.name for path in Path().iterdir()) == ["config.yaml"]


@pytest.mark.parametrize(
    ("said", "rule", "line"),
    [
        ("现在的营业时间？", "keywords:营业时间", 6),
        ("签到", "checkin.triggers.0", 9),
        ("听不懂的", "keywords:fallback", 7),
        ("退订", "consent.refuse.0", None),
    ],
)
def test_try_says_which_rule_answers_and_where_it_stands(typed: Typed, said: str, rule: str, line: int | None) -> None:
    place = f"config.yaml:{line}" if line else None
    _, out, _ = typed("try", said, "--explain")
    assert f"规则：{rule}  {place}\n" in out if place else f"规则：{rule}\n" in out
    told = json.loads(typed("try", said, "--json")[1])
    assert (told["rule"], told["place"]) == (rule, place)


def test_try_names_the_included_file_a_rule_stands_in(typed: Typed) -> None:
    Path("b.yaml").write_text("# more\nkeywords:\n  rules:\n    - {name: b, when: {exact: [b]}, reply: b}\n", "utf-8")
    with Path("config.yaml").open("a", encoding="utf-8") as file:
        file.write("include: [b.yaml]\n")
    assert "（b.yaml:4）" in typed("try", "b", "--explain")[1]


@pytest.mark.parametrize("said", ["", " ", "长" * 30_000, "\udcff\udcfe", "\ud83d", "[red]:heart:[/red]", "\x1b[31m", "{name}"])
def test_try_takes_whatever_is_typed(typed: Typed, said: str) -> None:
    code, out, err = typed("try", said, "--explain", "--as", "某人\udcff")
    assert (code, err) == (0, "")
    assert out.endswith("没听懂\n")


def test_try_takes_what_begins_with_a_dash_after_two_dashes(typed: Typed) -> None:
    assert typed("try", "--explain", "--", "-5")[0] == 0
    assert typed("try", "-5")[0] in (0, 1)


def test_try_shows_a_reply_as_it_is_written(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + 'keywords: {fallback: "[b]:heart:[/b] <a>"}\n', "utf-8")
    assert typed("try", "x")[1] == "[b]:heart:[/b] <a>\n"


def test_try_leaves_an_old_database_as_it_is(typed: Typed, tmp_path: Path) -> None:
    old = tmp_path / "data" / "yizhan.db"
    old.parent.mkdir()
    old.touch()
    code, _, err = typed("try", "签到")
    assert code == 1
    assert "yizhan migrate" in err


PATHS = """
keywords:
  rules:
    - {name: 夜里, when: {exact: [人工], from: "21:00", to: "09:00"}, reply: "睡了，{name}"}
    - {name: 人工, when: {exact: [人工]}, reply: {handoff: true}}
    - {name: 权益, when: {exact: [权益], level: 金卡, tags: [上海]}, reply: "金卡 {points} 分"}
    - {name: 图, when: {type: image}, reply: 收到图片}
  fallback: 没听懂
points: {levels: {银卡: 100, 金卡: 500}}
welcome: {reply: 欢迎}
channels: [{key: store_01, name: 一号店, reply: 一号店欢迎你}]
menu: {buttons: [{name: 联系我们, reply: 电话 400}]}
"""


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["人工", "--at", "2026-11-21 22:00"], "睡了，会员"),
        (["人工", "--at", "10:00"], "【转人工客服】"),
        (["权益", "--level", "金卡", "--tag", "上海", "--tag", "老客"], "金卡 500 分"),
        (["权益", "--points", "812", "--tag", "上海"], "金卡 812 分"),
        (["权益", "--points", "499", "--tag", "上海"], "没听懂"),
        (["--type", "image"], "收到图片"),
        (["--event", "subscribe"], "欢迎"),
        (["--event", "subscribe", "--scene", "store_01"], "一号店欢迎你"),
        (["--scene", "store_01"], "一号店欢迎你"),
        (["联系我们", "--click"], "电话 400"),
        (["--event", "LOCATION"], "（不回复）"),
    ],
)
def test_try_takes_any_message_at_any_time_from_anybody(
    typed: Typed, database_url: str, monkeypatch: pytest.MonkeyPatch, words: list[str], reply: str
) -> None:
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    Path("config.yaml").write_text(account() + PATHS, "utf-8")
    before = rows(database_url)
    code, out, err = typed("try", *words)
    assert (code, err) == (0, "")
    assert out.startswith(reply)
    assert rows(database_url) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "--type", "smoke"], "没有消息类型 smoke"),
        (["x", "--at", "昨天"], "--at 要写成"),
        (["x", "--level", "金咔"], "没有等级 金咔"),
        (["x", "--as", ""], "平台不会推送这样的消息"),
    ],
)
def test_try_says_what_it_cannot_try(typed: Typed, words: list[str], said: str) -> None:
    Path("config.yaml").write_text(account() + PATHS, "utf-8")
    code, out, err = typed("try", *words)
    assert (code, out) == (1, "")
    assert said in err


def test_explain_shows_the_whole_path_with_the_places_in_the_file(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + PATHS, "utf-8")
    lines = typed("try", " 权益 ", "--explain", "--at", "2026-11-21 22:00", "--tag", "上海", "--level", "金卡")[1].splitlines()
    assert [line.partition(". ")[0] for line in lines[:-3]] == [str(number) for number in range(1, len(lines) - 2)]
    steps = [line.partition(". ")[2] for line in lines[:-3]]
    assert steps[:3] == ["收到文字“权益”", "没有进行中的会话", "没有功能的触发词正好是这句话"]
    considered = [step for step in steps if step.startswith("关键词规则“")]
    assert [step.partition("”")[0] for step in considered] == ["关键词规则“夜里", "关键词规则“人工", "关键词规则“权益"]
    assert [step.rpartition("（")[2] for step in considered] == ["config.yaml:6）", "config.yaml:7）", "config.yaml:8）"]
    assert steps[-1] == "变量：{points} = 500"
    assert lines[-3:] == ["规则：keywords:权益  config.yaml:8", lines[-2], "金卡 500 分"]
    assert lines[-2].startswith("版本：")


def test_explain_names_who_has_the_floor_and_what_upper_case_is_compared_as(typed: Typed) -> None:
    steps = json.loads(typed("try", "ＴＤ X", "--json")[1])["steps"]
    assert steps[0] == {"text": "收到文字“ＴＤ X”，比较时是“ｔｄ x”", "place": None}
    assert steps[1]["text"] == "没有进行中的会话"


def test_the_json_of_try_has_everything_a_program_may_ask_for(typed: Typed) -> None:
    told = json.loads(typed("try", "现在的营业时间？", "--json")[1])
    assert {name: told[name] for name in ("reply", "kind", "rule", "place", "follow_ups")} == {
        "reply": "每天 9:00–21:00 营业",
        "kind": "text",
        "rule": "keywords:营业时间",
        "place": "config.yaml:6",
        "follow_ups": [],
    }
    assert {"text", "place"} == set(told["steps"][0])


def test_on_a_terminal_the_path_is_drawn(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("app.cli.trial.out", Console(file=screen, force_terminal=True, width=90))
    Path("config.yaml").write_text(account() + 'keywords: {fallback: "[b]:heart:[/b] <a>"}\n', "utf-8")
    typed("try", "[red]x", "--explain")
    drawn = re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue())
    assert "收到文字“[red]x”" in drawn
    assert "│ [b]:heart:[/b] <a>" in drawn
    assert "config.yaml:3" in drawn
    assert max(map(cell_len, drawn.splitlines())) <= 90


def test_a_defect_of_the_program_is_told_in_one_line(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("models.checkin.check_in", broken)
    assert typed("try", "签到") == (2, "（不回复）\n", "程序出错：RuntimeError: broken on purpose\n")


# schema


def properties_of(node: Any, where: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property in a JSON Schema, with its place."""
    if isinstance(node, list):
        return [found for number, child in enumerate(node) for found in properties_of(child, f"{where}.{number}")]
    if not isinstance(node, dict):
        return []
    own = [(f"{where}.{name}", child) for name, child in node.get("properties", {}).items()]
    return own + [found for name, child in node.items() for found in properties_of(child, f"{where}.{name}")]


def test_the_schema_at_the_top_is_what_the_command_prints(typed: Typed) -> None:
    assert typed("schema")[1] == (ROOT / "config.schema.json").read_text("utf-8"), "refresh it: ./yizhan schema > config.schema.json"


def test_the_schema_accepts_the_shipped_file_and_refuses_what_check_refuses() -> None:
    judge = Draft202012Validator(schema(live.SECTIONS))
    shipped = json.loads(json.dumps(parse(SHIPPED.encode(), "config.yaml").value))
    assert list(judge.iter_errors(shipped)) == []
    assert list(judge.iter_errors(shipped | {"keyword": {}})) != []


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {"exact": "x"}, "reply": "x"},
        {"when": {"exact": ["x"], "contains": "y"}, "reply": {"image": "MEDIA"}},
        {"when": {"exact": "x"}, "reply": {"video": {"media_id": "MEDIA", "title": "x"}}},
        {"when": {"exact": "x"}, "reply": {"news": [{"title": "x", "url": "https://example.com"}]}},
    ],
)
def test_the_short_forms_that_are_accepted_are_in_the_schema(typed: Typed, rule: dict[str, Any]) -> None:
    keywords = {"keywords": {"rules": [{"name": "x"} | rule]}}
    Path("config.yaml").write_text(account() + f"keywords: {json.dumps(keywords['keywords'])}\n", "utf-8")
    assert typed("check")[0] == 0
    whole = parse(account().encode(), "config.yaml").value | keywords
    assert list(Draft202012Validator(schema(live.SECTIONS)).iter_errors(whole)) == []


def test_every_key_is_described_in_chinese() -> None:
    found = properties_of(schema(live.SECTIONS))
    assert len(found) > 50
    silent = [where for where, node in found if not any("一" <= letter <= "鿿" for letter in node.get("description", ""))]
    assert silent == []


# dump


@pytest.mark.parametrize("config", [SHIPPED, account() + BASIC], ids=["shipped", "basic"])
def test_what_dump_prints_loads_to_the_same_configuration(typed: Typed, config: str) -> None:
    Path("config.yaml").write_text(config, "utf-8")
    code, out, _ = typed("dump")
    Path("again.yaml").write_text(out, "utf-8")
    one, two = live.read(Path("config.yaml")), live.read(Path("again.yaml"))
    assert code == 0
    assert two.config.sections == one.config.sections
    assert (two.account, two.zone, two.database) == (one.account, one.zone, one.database)


def test_dump_shows_included_files_merged(typed: Typed) -> None:
    Path("b.yaml").write_text("keywords: {rules: [{name: b, when: {exact: [b]}, reply: b}]}\n", "utf-8")
    Path("config.yaml").write_text(account() + "include: [b.yaml]\n", "utf-8")
    assert "reply: b\n" in typed("dump")[1]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:CANARY@db:5432/x", "postgresql://u@db:5432/x"),
        ("postgresql+psycopg://u:CANARY@db/x?password=CANARY&sslmode=require", "postgresql+psycopg://u@db/x?sslmode=require"),
        ("sqlite:////var/lib/yizhan.db", "sqlite:////var/lib/yizhan.db"),
    ],
)
def test_dump_shows_the_database_of_the_environment_without_its_password(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    monkeypatch.setenv("YIZHAN_DATABASE_URL", url)
    monkeypatch.setenv("YIZHAN_APP_SECRET", "CANARY")
    code, out, err = typed("dump")
    assert (code, err) == (0, "")
    assert "CANARY" not in out
    assert yaml.safe_load(out)["database"] == shown
    Path("again.yaml").write_text(out, "utf-8")
    assert typed("check", "again.yaml")[0] == 0


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=40),
    st.sampled_from(
        ["09:00", "22:30", "1e5", "08", "0x1F", "-", "~", "null", "yes", "1.10", "=", "<<", "- a", "a: b", "#", "\n", " a\n b ", "a\n"]
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, max_size=4))
def test_whatever_text_dump_writes_is_read_as_the_same_text(texts: list[str]) -> None:
    printable = parse(json.dumps(texts, ensure_ascii=False).encode(), "x").sealed() == []
    source = parse(yaml.dump({"a": texts}, Dumper=Dumper, allow_unicode=True, width=100).encode(), "config.yaml")
    assert not printable or source.value == {"a": texts}
