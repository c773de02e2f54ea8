"""More than fifty broken files: every error of each on its exact line and column, in both languages, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import live
from app.complaint import BadConfig

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yaml"))
_EXPECTED = re.compile(r"^# (?:(\S+\.yaml):)?(\d+):(\d+) (.+) \| (.+)$", re.MULTILINE)


def expected(path: Path) -> list[tuple[str, int, int, str, str]]:
    """The errors that a file says it has, at its top: file, line, column, a piece of the message in Chinese and in English."""
    found = _EXPECTED.findall(path.read_text("utf-8"))
    return [(file or path.name, int(line), int(column), zh, en) for file, line, column, zh, en in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_error_of_a_broken_file_is_told_at_its_place_and_no_other(path: Path) -> None:
    wanted = expected(path)
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    told = bad.value.complaints
    assert [(Path(one.file).name, one.line, one.column) for one in told] == [(file, line, column) for file, line, column, _, _ in wanted]
    for one, (_, _, _, zh, en) in zip(told, wanted, strict=True):
        assert zh in one.zh
        assert en in one.en


@pytest.mark.parametrize(("encoding", "place"), [("gbk", (8, 9)), ("utf-16", (1, 1)), ("big5", (8, 9)), ("latin-1", None)])
def test_a_file_in_another_encoding_is_told_to_be_saved_as_utf_8(tmp_path: Path, encoding: str, place: tuple[int, int] | None) -> None:
    text = "# made elsewhere\n\naccount:\n  app_id: wx1234567890abcdef\n  original_id: gh_1\n  mode: safe\n\n  name: 名店\n"
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode(encoding, "replace"))
    if place is None:  # there is nothing left in it that no UTF-8 could be
        assert live.read(path).account.name == "??"
        return
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    (told,) = bad.value.complaints
    assert (told.line, told.column) == place
    assert "UTF-8" in told.zh
    assert "UTF-8" in told.en


def test_there_are_fifty_broken_files_and_more() -> None:
    assert len(FILES) >= 50
    assert sum(len(expected(path)) for path in FILES) >= 80
