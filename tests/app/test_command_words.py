"""What a command says on a bad night, and on a narrow terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.people import ROOT, free_port

LONG = "pictures/" + "很长的名字" * 8 + ".png"
CONFIG = """
account: {name: 甲, app_id: wx1234567890abcdef, original_id: gh_1234567890ab, api_base: "http://127.0.0.1:PORT"}
menu: {buttons: [{name: 官网, url: "https://example.com"}]}
"""


def yizhan(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *words, "--config", str(folder / "config.yaml")]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False)


def test_a_platform_that_is_not_there_did_not_answer_rather_than_refuse(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.replace("PORT", str(free_port())), "utf-8")
    done = yizhan(tmp_path, "menu", "diff", YIZHAN_APP_SECRET="secret")
    assert done.returncode == 2
    assert done.stderr.startswith("微信平台没有回答，连得上 api_base 吗？")
    assert "系统繁忙" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_listing_loses_nothing_on_a_narrow_terminal(tmp_path: Path) -> None:
    (tmp_path / LONG).parent.mkdir()
    (tmp_path / LONG).write_bytes((ROOT / "pictures" / "store.png").read_bytes())
    (tmp_path / "config.yaml").write_text(CONFIG.replace("PORT", "1") + f"media: {{门店: {LONG}}}\n", "utf-8")
    done = yizhan(tmp_path, "media", "list", COLUMNS="60")
    assert "…" not in done.stdout
    assert done.stdout.count("很") == 8
