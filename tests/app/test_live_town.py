"""A running `serve`, its file edited in every way there is, while people write to it all the time."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.test_live import BROKEN, delete_and_create, on_windows, rename_dance, swap, symlink_swap
from tests.people import Town, account, message, opened, openid, push, wait_until

LIVE_WITHIN = 2.0  # seconds, as promised to operators


def rules(town: Town, number: int, more: str = "") -> str:
    """A whole good file for this town whose every answer carries its number."""
    rule = f"{{name: a, when: {{exact: [a]}}, reply: a{number}}}"
    database = f"database: sqlite:///{town.folder}/town.db\n"
    return f"{account(town.sim)}{database}keywords:\n  fallback: f{number}\n  rules:\n    - {rule}\n{more}"


class Talk:
    """Two people who write without a pause; what they read is kept with the time at which they asked."""

    def __init__(self, town: Town) -> None:
        self.town, self.heard, self.failed = town, list[tuple[float, str]](), list[object]()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(said,)) for said in ("a", "anything")]

    def __enter__(self) -> Talk:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: len(self.heard) > 2, 10, f"nobody answers: {self.failed}")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, said: str) -> None:
        with httpx.Client(timeout=5) as http:
            while not self._over.is_set():
                asked = time.time()
                query, body = push(message(openid(said), asked, Content=said), asked)
                answer = http.post(f"http://127.0.0.1:{self.town.port}/wechat?{query}", content=body)
                text = opened(answer.status_code, answer.content).text or ""
                if text[:1] == ("a" if said == "a" else "f"):
                    self.heard.append((asked, text))
                else:
                    self.failed.append((asked, answer.status_code, text))
                time.sleep(0.02)

    def becomes(self, number: int) -> None:
        """Within the promised time both hear this version, and from then on no other."""
        wait_until(lambda: {text for _, text in self.heard[-4:]} == {f"a{number}", f"f{number}"}, LIVE_WITHIN, f"not live: {number}")

    def since(self, began: float) -> set[str]:
        """What was read by those who asked after this moment."""
        return {text for asked, text in self.heard if asked > began}


def log_of(town: Town) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (town.folder / "bot.log").read_text("utf-8").splitlines() if line.startswith("{")]


def refused(town: Town) -> list[str]:
    return [line["error"] for line in log_of(town) if line["event"] == "config refused"]


def errors_metric(town: Town) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{town.port}/metrics", timeout=5) as page:
        lines = page.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("yizhan_config_errors ")))


@pytest.fixture
def talk(town: Callable[..., Town]) -> Iterator[Talk]:
    made = town("keywords: {rules: [{name: a, when: {exact: [a]}, reply: a0}], fallback: f0}\n", followers=2)
    with Talk(made) as talking:
        yield talking
    assert talking.failed == []


def save_slowly(path: Path, text: str) -> None:
    """In pieces, each longer than the last look at the file, every one of them a good file but for what is missing."""
    with path.open("w") as file:
        for line in text.splitlines(keepends=True):
            file.write(line)
            file.flush()
            time.sleep(0.4)


def test_every_way_of_saving_is_live_within_two_seconds_and_never_by_halves(talk: Talk) -> None:
    town, ways = talk.town, [swap, rename_dance, symlink_swap, delete_and_create, on_windows, save_slowly]
    for number, save in enumerate(ways, 1):
        began = time.time()
        save(town.config, rules(town, number))
        talk.becomes(number)
        assert talk.since(began) <= {f"{kind}{version}" for kind in "af" for version in (number - 1, number)}
    assert refused(town) == []
    assert errors_metric(town) == 0


def test_twelve_kinds_of_broken_file_are_told_in_the_log_while_the_last_good_one_answers(talk: Talk) -> None:
    town, began = talk.town, time.time()
    for number, broken in enumerate(BROKEN, 1):
        town.config.write_text(account(town.sim) + broken, "utf-8")
        wait_until(lambda number=number: len(refused(town)) >= number, LIVE_WITHIN, f"not told: {broken}")  # type: ignore[misc]
        error = refused(town)[-1]
        assert error.startswith(f"{town.config}:"), error
        assert error.removeprefix(f"{town.config}:").split(":")[0] in ("3", "4"), error
    assert errors_metric(town) >= 1
    assert talk.since(began) == {"a0", "f0"}
    town.config.write_text(rules(town, 1), "utf-8")
    talk.becomes(1)
    assert errors_metric(town) == 0
    assert talk.since(began) == {"a0", "f0", "a1", "f1"}
    assert "CANARY" not in (town.folder / "bot.log").read_text("utf-8")


def test_a_try_beside_a_running_serve_answers(talk: Talk) -> None:
    said = talk.town.yizhan("try", "a", "--json")
    assert (said["reply"], said["place"]) == ("a0", f"{talk.town.config}:4")
