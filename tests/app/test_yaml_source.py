"""The YAML reader: YAML 1.2 as plain values, and what it says of files that are not."""

import re
import time
from typing import Any

import pytest

from app.complaint import Complaint
from app.source import Source
from app.yaml_source import parse


def value_of(text: str) -> Any:
    source = parse(text.encode(), "config.yaml")
    assert source.sealed() == []
    return source.value


def read_marked(marked: str) -> tuple[Source, list[tuple[int, int]]]:
    """The text without its « marks, read, and the places where they stood."""
    places = []
    clean = ""
    for character in marked:
        if character == "«":
            before = clean.replace("\r\n", "\n").split("\n")
            places.append((len(before), len(before[-1]) + 1))
        else:
            clean += character
    return parse(clean.encode("utf-8", "surrogatepass"), "config.yaml"), places


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-12", -12),
        ("+5", 5),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("2026-11-21", "2026-11-21"),
        ("9:00–21:00", "9:00–21:00"),
        ("22:00-08:00", "22:00-08:00"),
        ("010-12345678", "010-12345678"),
        ("1.2.3", "1.2.3"),
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("=", "="),
        ("-", "-"),
        ('"22:30"', "22:30"),
        ("'0123'", "0123"),
        ('"true"', "true"),
        ('"签到😀"', "签到😀"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says_and_nothing_cleverer(text: str, value: object) -> None:
    read = value_of(f"- {text}\n") if text != "-" else ["-"]
    assert read == [value]
    assert type(read[0]) is type(value)


def test_words_that_old_yaml_takes_for_true_are_keys_like_any_other() -> None:
    assert value_of("on: no\nyes: off\n") == {"on": "no", "yes": "off"}


def test_numbers_may_be_keys_of_a_table() -> None:
    assert value_of("bonus: {7: 20, 30: 100}") == {"bonus": {7: 20, 30: 100}}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    source = parse("\ufeffa: 1\r\nb:\r\n  - 你好\r\n".encode(), "config.yaml")
    assert source.value == {"a": 1, "b": ["你好"]}
    assert source.places[("a",)] == ((1, 1), (1, 4))
    assert source.places[("b", 0)] == ((3, 5), (3, 5))


def test_every_key_and_value_has_its_place_in_characters() -> None:
    source = parse("规则:\n  - {名称: 😀😀, 回复: [好, 行]}\n".encode(), "config.yaml")
    places = {
        ("规则",): ((1, 1), (2, 3)),
        ("规则", 0): ((2, 5), (2, 5)),
        ("规则", 0, "名称"): ((2, 6), (2, 10)),
        ("规则", 0, "回复"): ((2, 14), (2, 18)),
        ("规则", 0, "回复", 0): ((2, 19), (2, 19)),
        ("规则", 0, "回复", 1): ((2, 22), (2, 22)),
    }
    assert {location: source.places.get(location) for location in places} == places
    for absent in ((), ("规",), ("规则", 1), ("规则", -1), ("规则", 0, 0), ("规则", 0, "名称", 0), ("规则", "0")):
        assert source.places.get(absent) is None, absent


def test_in_a_long_table_too_every_key_has_its_place() -> None:
    source = parse("".join(f"k{number}: [{number}]\n" for number in range(100)).encode(), "config.yaml")
    assert [source.places[f"k{number}", 0] for number in range(100)] == [((at, mark), (at, mark)) for at, mark in _marks_of_items()]


def _marks_of_items() -> list[tuple[int, int]]:
    return [(number + 1, len(f"k{number}: [") + 1) for number in range(100)]


BROKEN = [
    # What still parses: every error at once
    ("a: «22:30", ['"22:30"']),
    ("a: {from: «9:00, to: «22:30:15}", ['"9:00"', '"22:30:15"']),
    ("a: «0123", ['"0123"']),
    ("a: «-007", ['"-007"']),
    ("a: «00.5", ['"00.5"']),
    ("a: «1234567890123456789012", ["编号"]),
    ("a: 1\n«a: 2", ["第 1 行和第 2 行"]),
    ("x: {b: 1,\n  «b: 2}\n«x: 1", ["第 1 行和第 2 行", "第 1 行和第 3 行"]),
    ("t: {7: 1, «'7': 2}", ["写了两次"]),
    ("a: «&x 1\nb: «*x", ["锚点", "别名"]),
    ("a: «&x [1]\nb: «&y {c: 1}", ["锚点", "锚点"]),
    ("«<<: {a: 1}", ["合并"]),
    ("a: «!!str 1\nb: «!foo [x]\nc: «!!python/object/apply:os.system [ls]", ["标签", "标签", "标签"]),
    ("«true: 1\n«~: 2\n«1.5: 3", ['"true"', '"~"', '"1.5"']),
    ("«9:00: 1", ['"9:00"']),
    ("a: {«{name}: null}", ["整句加引号"]),
    ("a: {«[x]: 1}", ["整句加引号"]),
    ("a: 1\n«---\nb: 1", ["分隔线"]),
    ("a: x«\x07y", ["U+0007"]),
    ("a: x«\u2028y", ["U+2028"]),
    ('a: «"x\\0y"', ["控制字符"]),
    ("«# 只有注释\n", ["空的"]),
    ("«", ["空的"]),
    # What does not parse: one error, where it was made
    ("a:\n«\tb: 1", ["Tab"]),
    ("a:\n  b: 1\n«\tc: 2", ["Tab"]),
    ("a: 22:3\n«\tb: 2", ["Tab"]),
    ("a«:1\nb: 2", ["空格"]),
    ("a: 1\nb«:2\nc: 3", ["空格"]),
    ("a:\n  - b: 1\n    c«:2\n    d: 3", ["空格"]),
    ("a: 1\n名称«：示例\nc: 3", ["半角"]),
    ("名称«：示例\nc: 3", ["半角"]),
    ("a: 1\n«只有文字\nb: 2", ["没有"]),
    ("«foo\nbar: 1", ["没有"]),
    ('a: «"abc\nb: 1\n', ["引号没有成对"]),
    ("a: «'abc\nb: 1\n", ["引号没有成对"]),
    ('a: «"abc\nb: "d"\nc: 1', ["引号没有成对"]),
    ('a: {b: «"08:00, c: "22:00"}\nd: 1', ["引号没有成对"]),
    ('a: ["x", «"?, "？"]', ["引号没有成对"]),
    ('a: {b: "说"«你好"吧"}', ["括号没有成对"]),
    ('a: "说"«你好"吧"', ["引号或括号结束后"]),
    ("a: {name} «你好\nb: 1", ["整句加引号"]),
    ("a: [链接] «你好\nb: 1", ["整句加引号"]),
    ("a: «@所有人", ["@"]),
    ("a: «`x`", ["`"]),
    ("a: «%d", ["%"]),
    ("a: «*重要*", ["*"]),
    ("a: «!重要", ["!"]),
    ("a: «|文字", ["|"]),
    ("«%x\na: 1", ["%"]),
    ("a: 电话«: 123", ["冒号加空格"]),
    ("a: 1\n  «b: 2", ["第 1 行"]),
    ("a:\n  b: 1\n «c: 2", ["前面有 1 个空格"]),
    ("a:\n  - b: 1\n  «c: 2", ["“- ”"]),
    ("a: «- x", ["另起一行"]),
    ("a: «[1, 2\nb: 3", ["括号没有成对"]),
    ("a: «{x: 1\nb: 3\n", ["括号没有成对"]),
    ("a: [a, «, b]", ["多了 ,"]),
    ("a: «]", ["多了 ]"]),
    ('a: "C:«\\data"', ["双引号里的"]),
    ("a: «0123\nb: «@x", ["0123", "@"]),
    ("a: " + "[" * 29 + "«[" + "]" * 30, ["30 层"]),
]


@pytest.mark.parametrize(("marked", "fragments"), BROKEN)
def test_a_broken_file_is_told_the_place_and_what_to_write(marked: str, fragments: list[str]) -> None:
    source, places = read_marked(marked)
    complaints = source.sealed()
    assert [(c.line, c.column) for c in complaints] == places
    for complaint, fragment in zip(complaints, fragments, strict=True):
        assert fragment in complaint.zh
        assert not re.search("[一-鿿]", complaint.en)


def test_a_file_in_gbk_is_told_to_be_saved_as_utf_8_at_the_first_bad_character() -> None:
    (complaint,) = parse("name: ok\n名称: 示例\n".encode("gbk"), "config.yaml").sealed()
    assert (complaint.line, complaint.column) == (2, 1)
    assert "UTF-8" in complaint.zh


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_in_another_unicode_is_told_to_be_saved_as_utf_8(encoding: str) -> None:
    (complaint,) = parse("a: 1".encode(encoding), "config.yaml").sealed()
    assert "UTF-8" in complaint.zh


def test_a_file_over_four_megabytes_is_refused_unread() -> None:
    (complaint,) = parse(b"#" * (4 * 1024 * 1024 + 1), "config.yaml").sealed()
    assert "4 MB" in complaint.zh


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[\n", "!a ", "&a "])
def test_a_bomb_of_nesting_is_refused_at_once(opening: str) -> None:
    started = time.process_time()
    source = parse((opening * (4_000_000 // len(opening))).encode(), "config.yaml")
    assert not source.parsed
    assert time.process_time() - started < 3


def test_more_entries_than_any_configuration_has_are_refused() -> None:
    source = parse(b"[" + b"a," * 400_001 + b"]", "config.yaml")
    assert [c.zh for c in source.sealed()] == ["文件里的条目超过 400000 个"]


def test_two_thousand_rules_are_read_in_a_blink() -> None:
    rule = "    - name: 规则{0}\n      when: {{contains: [营业时间{0}, 几点{0}]}}\n      reply: 每天 9:00–21:00 营业 {0}\n"
    data = ("keywords:\n  rules:\n" + "".join(rule.format(n) for n in range(2000))).encode()
    times = []
    for _ in range(5):
        started = time.process_time()
        assert parse(data, "config.yaml").sealed() == []
        times.append(time.process_time() - started)
    assert min(times) < 0.15


def test_a_complaint_can_be_shown_in_either_language_with_a_caret_below_wide_characters() -> None:
    (complaint,) = parse("回复: 22:30".encode(), "config.yaml").sealed()
    assert complaint.render() == 'config.yaml:1:5: 时间要写在引号里："22:30"'
    assert complaint.render("en") == 'config.yaml:1:5: a time must be written in quotes: "22:30"'
    assert complaint.render("en", caret=True).splitlines()[1:] == ["  回复: 22:30", "        ^"]


def test_a_complaint_about_no_line_names_its_file_only() -> None:
    assert Complaint("YIZHAN_TOKEN_FILE", 0, 0, "坏", "bad").render(caret=True) == "YIZHAN_TOKEN_FILE: 坏"
