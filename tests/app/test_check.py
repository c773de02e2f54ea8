"""The command check: what it prints of errors and warnings, and what comes with it for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.conftest import Typed
from tests.people import account

BAD = "include: [rules/*.yaml]\nkeywords: {fallback: 22:30}\nfoo: 1\n"


def lines_of(out: str) -> list[str]:
    """What is printed, without the lines of the files and the carets below them."""
    return [line for line in out.splitlines() if not line.startswith("  ")]


def test_check_says_that_a_good_file_is_good(typed: Typed) -> None:
    assert typed("check") == (0, typed("check")[1], "")
    assert typed("check")[1].startswith("config.yaml: 没有错误（1 个文件，版本 ")
    assert typed("check", "--lang", "en")[1].startswith("config.yaml: no errors (1 file, version ")


def test_check_prints_every_error_with_its_place_on_standard_output_and_then_how_many(typed: Typed) -> None:
    Path("rules").mkdir()
    Path("rules/b.yaml").write_text("checkin: {x: 1}\n", "utf-8")
    Path("bad.yaml").write_text(account() + BAD, "utf-8")
    for words in (["bad.yaml"], ["--config", "bad.yaml"]):
        code, out, err = typed("check", *words)
        lines = lines_of(out)
        assert (code, err) == (1, "")
        assert [line.split(": ")[0] for line in lines] == ["bad.yaml:4:22", "bad.yaml:5:1", "rules/b.yaml:1:11", "bad.yaml"]
        assert lines[-1] == "bad.yaml: 3 处错误"
    english = lines_of(typed("check", "bad.yaml", "--lang", "en")[1])
    assert english[0] == 'bad.yaml:4:22: a time must be written in quotes: "22:30"'
    assert english[-1] == "bad.yaml: 3 errors"


def test_the_line_and_a_caret_stand_below_each_error(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + 'keywords: {fallback: "你好", falback: 1}\n', "utf-8")
    assert typed("check")[1].splitlines()[1:3] == ['  keywords: {fallback: "你好", falback: 1}', f"  {' ' * 29}^"]


def test_of_a_long_line_the_part_around_the_caret_is_shown(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + f"keywords: {{fallback: {'好' * 3000}, falback: {'x' * 3000}}}\n", "utf-8")
    _, shown, caret = typed("check")[1].splitlines()[:3]
    assert shown.startswith("  …好")
    assert shown.endswith("x…")
    assert len(shown) < 110
    assert shown[2:].partition("falback")[0].count("好") * 2 + len("…, ") == caret.index("^") - 2


def test_a_long_line_with_a_secret_in_it_is_not_shown(typed: Typed) -> None:
    long = f"account: {{name: {'x' * 3000}, app_secret: CANARY, app_id: wx1234567890abcdef, original_id: gh_1234567890ab}}\n"
    Path("config.yaml").write_text(long, "utf-8")
    code, out, _ = typed("check")
    assert (code, "CANARY" in out) == (1, False)


def test_the_places_of_included_files_begin_where_the_operator_stands(typed: Typed) -> None:
    Path("conf/rules").mkdir(parents=True)
    Path("conf/rules/b.yaml").write_text("checkin: {x: 1}\n", "utf-8")
    Path("conf/config.yaml").write_text(account() + "include: [rules/*.yaml]\n", "utf-8")
    assert typed("check", "conf/config.yaml")[1].startswith("conf/rules/b.yaml:1:11: ")


def test_another_language_than_two_is_refused(typed: Typed) -> None:
    code, _, err = typed("check", "--lang", "fr")
    assert code == 1
    assert "zh" in err


def test_warnings_are_told_with_their_code_and_their_page_and_the_file_is_good(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + "# 忽略 YZ104\nkeywords: {}\n", "utf-8")
    code, out, _ = typed("check")
    told = lines_of(out)
    assert code == 0
    assert told[0].startswith("config.yaml:3:1: 警告 YZ001: ")
    assert told[0].endswith("（docs/handbook/lint.md#yz001）")
    assert told[-1].startswith("config.yaml: 没有错误")
    assert told[-1].endswith("，2 处警告")
    english = lines_of(typed("check", "--lang", "en")[1])
    assert english[0].startswith("config.yaml:3:1: warning YZ001: ")
    assert english[-1].endswith(", 2 warnings")


def test_json_has_errors_warnings_and_the_version(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + "# 忽略 YZ104\nkeywords: {}\n", "utf-8")
    code, out, _ = typed("check", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["errors"], len(told["version"])) == ([], 12)
    assert [(one["line"], one["column"], one["code"]) for one in told["warnings"]] == [(3, 1, "YZ001"), (3, 1, "YZ002")]
    Path("config.yaml").write_text(account() + "foo: 1\n", "utf-8")
    code, out, _ = typed("check", "--json", "--lang", "en")
    told = json.loads(out)
    assert (code, told["version"], told["warnings"]) == (1, None, [])
    assert told["errors"][0]["file"] == "config.yaml"
    assert (told["errors"][0]["line"], told["errors"][0]["column"]) == (3, 1)
    assert told["errors"][0]["message"].startswith("unknown key “foo”")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "--lnag", "zh"), "没有 --lnag 这个选项；你是不是想写 --lang？"),
        (("check", "--lang"), "--lang 后面要写一个值"),
        (("check", "--lang", "fr"), "--lang 的值不对；可以写：zh、en"),
        (("chek",), "没有 chek 这个命令；你是不是想写 check？"),
        (("broadcast", "run"), "缺少 name"),
        (("check", "a", "b"), "多写了：b"),
    ],
)
def test_a_command_typed_wrong_is_told_so_in_chinese_and_in_english(typed: Typed, words: tuple[str, ...], said: str) -> None:
    code, _, err = typed(*words)
    assert code == 1
    assert err.startswith(f"{said}\n\n")
    assert "Error: " in err
