"""Comments that silence a warning in place: on its line, above it, above its block; never without saying why, never for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app import live
from app.complaint import BadConfig
from tests.people import account

BLOCK = "keywords:\n  rules:\n    - name: 甲\n      when:\n        exact: [签到！]\n      reply: 好\n"
HERE = BLOCK.replace("]\n", "]   # {}\n")
ABOVE = BLOCK.replace("        exact", "        # {}\n        exact")
OVER_THE_RULE = BLOCK.replace("    - name", "    # {}\n\n    # 别的说明\n    - name")
AT_THE_RULE = BLOCK.replace("甲\n", "甲  # 说明 # {}\n")


def codes_of(folder: Path, text: str) -> list[str]:
    (folder / "config.yaml").write_text(account() + text, "utf-8")
    return [one.code for one in live.read(folder / "config.yaml").warnings]


@pytest.mark.parametrize("text", [HERE, ABOVE, OVER_THE_RULE, AT_THE_RULE])
@pytest.mark.parametrize(
    "comment", ["忽略 YZ604：就这么写", "ignore YZ604: on purpose", "忽略YZ604: 就这么写", "忽略 YZ604 就这么写", "忽略 yz604：就这么写"]
)
def test_a_comment_with_a_reason_silences_what_begins_on_its_line_or_below_it(tmp_path: Path, text: str, comment: str) -> None:
    assert codes_of(tmp_path, text.format("说明")) == ["YZ604"]
    assert codes_of(tmp_path, text.format(comment)) == []


def test_a_reason_must_be_given(tmp_path: Path) -> None:
    assert codes_of(tmp_path, HERE.format("忽略 YZ604")) == ["YZ001"]
    assert codes_of(tmp_path, HERE.format("忽略 YZ604：")) == ["YZ001"]


def test_what_silences_nothing_is_warned_about_code_by_code(tmp_path: Path) -> None:
    assert codes_of(tmp_path, HERE.format("忽略 YZ604, YZ105：就这么写")) == ["YZ002"]
    assert codes_of(tmp_path, HERE.format("忽略 YZ105、YZ604：就这么写")) == ["YZ002"]
    assert codes_of(tmp_path, BLOCK + "# 忽略 YZ604：不在这里\npoints: {levels: {}}\n") == ["YZ604", "YZ002"]


def test_a_comment_inside_of_a_text_is_text(tmp_path: Path) -> None:
    for reply in ("|-\n        # 忽略 YZ604：不是注释", '"x # 忽略 YZ604：不是注释"', "'多行\n        # 忽略 YZ604：不是注释'"):
        assert codes_of(tmp_path, BLOCK.replace("reply: 好", f"reply: {reply}")) == ["YZ604"]
    assert codes_of(tmp_path, "keywords:\n  fallback: |-  # 忽略 YZ604：是注释\n    好\n") == ["YZ002"]


def test_where_there_are_errors_nobody_knows_what_a_comment_silences(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(account() + "# 忽略 YZ104：两条故意重叠\nkeywords: {x: 1}\n", "utf-8")
    with pytest.raises(BadConfig) as bad:
        live.read(tmp_path / "config.yaml")
    assert bad.value.warnings == ()


def test_a_running_service_logs_the_warnings_of_every_version_once(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(account() + BLOCK, "utf-8")
    with capture_logs() as logs:
        watched = live.Live(tmp_path / "config.yaml")
        watched.refresh()
        (tmp_path / "config.yaml").write_text(account() + HERE.format("忽略 YZ604"), "utf-8")
        watched.refresh()
    told = [(one["warnings"], one["first"][0].partition(": ")[2][:8]) for one in logs if one["event"] == "config warnings"]
    assert told == [(1, "警告 YZ604"), (1, "警告 YZ001")]


def test_every_file_has_its_own_silences(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(BLOCK.replace("甲", "乙").replace("]\n", "]  # 忽略 YZ604：就这么写\n"), "utf-8")
    (tmp_path / "config.yaml").write_text(account() + "include: [more.yaml]\n" + BLOCK, "utf-8")
    warnings = live.read(tmp_path / "config.yaml").warnings
    assert [(one.code, Path(one.file).name) for one in warnings if one.code == "YZ604"] == [("YZ604", "config.yaml")]
