"""Going back to a version of the rules: what is written, what is kept aside, and that nothing changes where it cannot be done."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import live, versions
from app.complaint import BadConfig
from models import rule_version
from models.database import Database
from models.migrations import upgrade
from tests.app.conftest import Typed
from tests.people import account

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
RULES = "keywords: {rules: [{name: a, when: {exact: [a]}, reply: %s}]}\n"


def write(folder: Path, *, include: bool = True) -> Path:
    """A configuration as Windows saves it, with a file of rules beside it."""
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "a.yaml").write_bytes((RULES % "现在").replace("\n", "\r\n").encode())
    more = "include: [rules/*.yaml]\n" if include else ""
    path = folder / "config.yaml"
    path.write_bytes((account() + more + "welcome: {reply: 欢迎}\n").replace("\n", "\r\n").encode())
    return path


def everything(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and versions.REPLACED not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_what_cannot_be_used_any_more_changes_not_a_byte(tmp_path: Path) -> None:
    path = write(tmp_path)
    before = everything(tmp_path)
    with pytest.raises(BadConfig):
        versions.back(path, [("config.yaml", "nonsense: 1\n"), ("other/new.yaml", "")], NOW)
    assert everything(tmp_path) == before


def test_going_back_takes_away_what_was_included_since_and_keeps_it_aside(tmp_path: Path) -> None:
    path = write(tmp_path)
    now = everything(tmp_path)
    text = account() + "include: [other/*.yaml]\n"
    settings, aside = versions.back(path, [("config.yaml", text), ("other/then.yaml", RULES % "那时")], NOW)
    assert everything(tmp_path) == {"config.yaml": text.encode(), "other/then.yaml": (RULES % "那时").encode()}
    assert everything(aside) | {file.relative_to(aside).as_posix(): file.read_bytes() for file in aside.rglob("*.yaml")} == now
    assert settings.config.version == live.version(path).settings.config.version


def kept(folder: Path, text: str) -> None:
    """A database beside the configuration that has one version."""
    (folder / "data").mkdir()
    database = Database(f"sqlite:///{folder}/data/yizhan.db")
    upgrade(database)
    with database.transaction() as db:
        rule_version.remember(db, "abc123", [("config.yaml", text)], NOW)
    database.close()


def test_the_difference_to_the_present_files_tells_of_a_file_that_was_included_since(typed: Typed, tmp_path: Path) -> None:
    write(tmp_path)
    kept(tmp_path, account())
    code, out, _ = typed("history", "diff", "abc")
    assert code == 0
    assert "+++ rules/a.yaml" in out
    assert "reply: 现在" in out


def test_where_nothing_can_be_written_going_back_says_so(typed: Typed, tmp_path: Path) -> None:
    write(tmp_path)
    kept(tmp_path, account())
    (tmp_path / versions.REPLACED).write_text("in the way", "utf-8")
    before = everything(tmp_path)
    code, _, err = typed("history", "back", "abc")
    assert code == 1
    assert "写不了" in err
    assert "replaced" in err
    assert everything(tmp_path) == before
