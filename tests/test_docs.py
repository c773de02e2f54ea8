"""What the documents say is so: their YAML is good, their errors are the real ones, their links lead somewhere, their commands exist."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

from app import live
from app.cli import cli
from app.config_file import BadConfig
from models.base import metadata
from models.migrations import tables  # noqa: F401 (all of them)
from scheduler.upkeep import CHORES

ROOT = Path(__file__).parent.parent
HANDBOOK = sorted((ROOT / "docs" / "handbook").glob("*.md"))
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
ALL = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})

# Put after a snippet that has none, so that the lines of the snippet keep their numbers.
ACCOUNT = "\naccount: {name: 示例, app_id: wx1234567890abcdef, original_id: gh_1234567890ab}\n"

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|<img[^>]*\ssrc=\"([^\"]+)\"")
_COMMAND = re.compile(r"^\| `\./yizhan ([^`]+)`", re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _blocks(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, language and text of every fenced block."""
    text = path.read_text("utf-8")
    for found in _FENCE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[1].strip(), found[2]


def _good() -> list[Any]:
    """Every block of YAML that a reader may copy."""
    return [
        pytest.param(body, id=f"{_name(path)}:{line}")
        for path in [*READMES, *HANDBOOK]
        for line, language, body in _blocks(path)
        if language == "yaml"
    ]


def _wrong(kind: str = "yaml wrong") -> list[Any]:
    """Every block of `yaml wrong` (or `yaml warned`), with the `text` block after it that says what is printed."""
    pairs = []
    for path in HANDBOOK:
        blocks = list(_blocks(path))
        for (line, language, body), (_, after, said) in pairwise(blocks):
            if language == kind:
                assert after == "text", f"{_name(path)}:{line}: the error must follow"
                pairs.append(pytest.param(body, said.strip(), id=f"{_name(path)}:{line}"))
    return pairs


def _write(folder: Path, body: str) -> Path:
    shutil.copytree(ROOT / "pictures", folder / "pictures")  # a snippet may name what is shipped
    path = folder / "config.yaml"
    path.write_text(body if re.search(r"^account:", body, re.MULTILINE) else body + ACCOUNT, "utf-8")
    return path


@pytest.mark.parametrize("body", _good())
def test_a_snippet_of_the_documents_passes_the_check_without_a_warning(body: str, tmp_path: Path) -> None:
    assert [warning.render() for warning in live.version(_write(tmp_path, body)).settings.warnings] == []


@pytest.mark.parametrize(("body", "said"), _wrong())
def test_an_error_in_the_handbook_is_the_one_that_is_printed(body: str, said: str, tmp_path: Path) -> None:
    path = _write(tmp_path, body)
    with pytest.raises(BadConfig) as bad:
        live.version(path)
    assert bad.value.render().replace(str(path), "config.yaml") == said


@pytest.mark.parametrize(("body", "said"), _wrong("yaml warned"))
def test_a_warning_in_the_handbook_is_the_one_that_is_printed(body: str, said: str, tmp_path: Path) -> None:
    path = _write(tmp_path, body)
    warnings = live.read(path).warnings
    assert "\n".join(warning.render() for warning in warnings).replace(str(path), "config.yaml") == said


def test_every_code_of_a_warning_has_its_heading_and_every_heading_its_code() -> None:
    sources = [path.read_text("utf-8") for folder in ("app", "handlers", "models") for path in (ROOT / folder).rglob("*.py")]
    raised = {code for source in sources for code in re.findall(r'"(YZ\d{3})"', source)}
    page = (ROOT / "docs" / "handbook" / "lint.md").read_text("utf-8")
    headings = re.findall(r"^## (YZ\d{3}) \S", page, re.MULTILINE)
    assert sorted(raised) == headings
    for code in raised:  # what a warning's address leads to
        assert f'<a id="{code.lower()}"></a>\n\n## {code} ' in page


@pytest.mark.parametrize("path", ALL, ids=_name)
def test_links_and_pictures_lead_to_files_that_exist(path: Path) -> None:
    text = _FENCE.sub("", path.read_text("utf-8"))
    targets = [first or second for first, second in _LINK.findall(text)]
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    missing = [target for target in local if target and not (path.parent / target).exists()]
    assert missing == []


def _commands() -> set[str]:
    """Every command the program has, as it is typed: `broadcast run`."""
    found: set[str] = set()

    def walk(group: Any, before: str) -> None:
        for name, command in group.commands.items():
            found.add(before + name)
            if hasattr(command, "commands"):
                walk(command, f"{before}{name} ")

    walk(typer.main.get_command(cli), "")
    return found


@pytest.mark.parametrize("path", READMES, ids=_name)
def test_the_commands_of_a_readme_exist(path: Path) -> None:
    known = _commands() | {"test"}  # `test` is the bootstrap script's own
    written = [re.match(r"[a-z ]+", line) for line in _COMMAND.findall(path.read_text("utf-8"))]
    named = {found[0].strip() for found in written if found}
    assert len(named) > 10
    assert named - known == set()


def test_both_readmes_name_the_same_commands() -> None:
    first, second = (_COMMAND.findall(path.read_text("utf-8")) for path in READMES)
    assert first == second


def test_the_reference_names_every_table_and_every_chore() -> None:
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert set(metadata.tables) - named == set()
    assert set(CHORES) - named == set()


def test_the_handbook_has_examples_of_both_kinds() -> None:
    assert len(_good()) >= 15
    assert len(_wrong()) >= 8
