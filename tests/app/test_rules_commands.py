"""check, try, schema and dump, as operators type them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import text

from app import cli, live
from app.config_schema import schema
from app.yaml_source import parse
from app.yaml_text import Dumper
from models.base import metadata
from models.database import Database
from tests.people import BASIC, ROOT, SHIPPED, account, openid
from tests.pictures import PNG

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types a command in a folder with a config.yaml. Returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    for name in ("YIZHAN_CONFIG", "YIZHAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    Path("config.yaml").write_text(account() + BASIC, "utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["yizhan", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(str(done.value.code)), out, err

    return run


def test_try_calls_a_picture_by_its_name_whether_the_platform_has_it_or_not(typed: Typed) -> None:
    Path("store.png").write_bytes(PNG)
    rule = "keywords: {rules: [{name: 图, when: {exact: [图]}, reply: {image: 门店照片}}]}\n"
    Path("config.yaml").write_text(account() + rule + "media: {门店照片: store.png}\n", "utf-8")
    assert typed("try", "图")[1] == "【图片】门店照片\n"


def test_check_says_that_a_good_file_is_good(typed: Typed) -> None:
    assert typed("check") == (0, typed("check")[1], "")
    assert typed("check")[1].startswith("config.yaml: 没有错误（1 个文件，版本 ")
    assert typed("check", "--lang", "en")[1].startswith("config.yaml: no errors (1 file, version ")


def test_check_prints_every_error_with_its_place_on_standard_output_and_then_how_many(typed: Typed) -> None:
    Path("rules").mkdir()
    Path("rules/b.yaml").write_text("checkin: {x: 1}\n", "utf-8")
    Path("bad.yaml").write_text(account() + "include: [rules/*.yaml]\nkeywords: {fallback: 22:30}\nfoo: 1\n", "utf-8")
    for words in (["bad.yaml"], ["--config", "bad.yaml"]):
        code, out, err = typed("check", *words)
        lines = out.splitlines()
        assert (code, err) == (1, "")
        assert [line.split(": ")[0] for line in lines] == ["bad.yaml:4:22", "bad.yaml:5:1", "rules/b.yaml:1:11", "bad.yaml"]
        assert lines[-1] == "bad.yaml: 3 处错误"
    english = typed("check", "bad.yaml", "--lang", "en")[1]
    assert english.splitlines()[0] == 'bad.yaml:4:22: a time must be written in quotes: "22:30"'
    assert english.splitlines()[-1] == "bad.yaml: 3 errors"


def test_the_places_of_included_files_begin_where_the_operator_stands(typed: Typed) -> None:
    Path("conf/rules").mkdir(parents=True)
    Path("conf/rules/b.yaml").write_text("checkin: {x: 1}\n", "utf-8")
    Path("conf/config.yaml").write_text(account() + "include: [rules/*.yaml]\n", "utf-8")
    assert typed("check", "conf/config.yaml")[1].startswith("conf/rules/b.yaml:1:11: ")


@pytest.mark.parametrize("words", [("check", "none.yaml"), ("try", "x", "--config", "none.yaml"), ("dump", "--config", "none.yaml")])
def test_a_file_that_is_not_there_is_said_to_be_missing(typed: Typed, words: tuple[str, ...]) -> None:
    code, out, err = typed(*words)
    assert code == 1
    assert "none.yaml:1:1: 找不到这个文件" in out + err


def test_another_language_than_two_is_refused(typed: Typed) -> None:
    code, _, err = typed("check", "--lang", "fr")
    assert code == 1
    assert "zh" in err


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
