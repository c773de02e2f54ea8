"""yizhan demo as a stranger meets it: on data of an earlier one, and with a file that was broken meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.people import ROOT, free_port, wait_until


def demo(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "app", "demo", "--followers", "3", "--data", str(folder), *words]


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Where the simulator of a demonstration is, once it has greeted."""
    port, sim_port, log = free_port(), free_port(), folder.parent / "demo.out"
    with log.open("wb") as out:
        one = subprocess.Popen(demo(folder, "--port", str(port), "--sim-port", str(sim_port)), cwd=ROOT, stdout=out, stderr=out)
    try:
        wait_until(lambda: "Ctrl+C" in log.read_text("utf-8") or one.poll() is not None, 40, "no greeting")
        assert one.poll() is None, log.read_text("utf-8")
        yield f"http://127.0.0.1:{sim_port}"
    finally:
        one.terminate()
        one.wait(20)


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def kept_from_last_time(folder: Path) -> None:
    """The data of a demonstration whose simulator is gone, and with it the code that the database has."""
    folder.mkdir()
    shutil.copy(ROOT / "config.yaml", folder)
    subprocess.run([sys.executable, "-m", "app", "migrate", "--config", folder / "config.yaml"], cwd=ROOT, check=True, capture_output=True)
    with sqlite3.connect(folder / "data" / "yizhan.db") as db:
        db.execute(
            "INSERT INTO channel_code (scene, permanent, ticket, url) VALUES ('store_01', 1, 'gQgone', 'http://weixin.qq.com/q/gone')"
        )
    db.close()


def test_what_an_earlier_simulator_gave_out_is_made_anew(tmp_path: Path) -> None:
    kept_from_last_time(tmp_path / "demo")
    with running(tmp_path / "demo") as simulator:
        openid = ask(f"{simulator}/_sim/followers")["followers"][0]["openid"]
        assert [button["name"] for button in ask(f"{simulator}/_sim/menu?openid={openid}")["buttons"]] == ["会员", "门店", "联系我们"]
        assert [code["scene"] for code in ask(f"{simulator}/_sim/codes")["codes"]] == ["store_01"]


def test_a_broken_file_is_named_with_its_place_and_nothing_is_started(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("account: {name: 甲, app_id: wx1234567890abcdef, original_id: gh_1\nkeywords: [", "utf-8")
    done = subprocess.run(demo(tmp_path), cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path}/config.yaml:")
    assert "Traceback" not in done.stderr


def test_a_file_without_an_address_for_the_platform_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("account: {name: 甲, app_id: wx1234567890abcdef, original_id: gh_1234567890ab}\n", "utf-8")
    words = demo(tmp_path, "--port", str(free_port()), "--sim-port", str(free_port()))
    done = subprocess.run(words, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "api_base: http://127.0.0.1:" in done.stderr
