"""Fixtures of the tests of the third door: commands as they are typed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import cli
from tests.people import BASIC, account

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types a command. Returns exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["yizhan", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(str(done.value.code)), out, err

    return run


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, types: Typed) -> Typed:
    """Types a command in a folder with a config.yaml."""
    monkeypatch.chdir(tmp_path)
    for name in ("YIZHAN_CONFIG", "YIZHAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    Path("config.yaml").write_text(account() + BASIC, "utf-8")
    return types
