"""Journeys of the rules file: reloaded ten times a second under load, on every process, kept as history and brought back."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.people import Process, Town, account, free_port, message, opened, openid, push, wait_until

RELOADS, PER_SECOND = 60, 10


def rules(town: Town, number: int, more: str = "") -> str:
    """A good file whose every answer, by the rule and by the fallback, carries its number."""
    return (
        f"{account(town.sim)}database: sqlite:///{town.folder}/town.db\n"
        f"keywords:\n  fallback: f{number}\n  rules:\n    - {{name: a, when: {{exact: [a]}}, reply: a{number}}}\n{more}"
    )


def replace(path: Path, text: str) -> None:
    """As careful tools save: another file, renamed into place."""
    new = path.with_name("new.tmp")
    new.write_text(text, "utf-8")
    os.replace(new, path)


def ask(port: int, said: str, person: str = "wang") -> str | None:
    now = time.time()
    query, body = push(message(openid(person), now, Content=said), now)
    answer = httpx.post(f"http://127.0.0.1:{port}/wechat?{query}", content=body, timeout=5)
    return opened(answer.status_code, answer.content).text


def rows(town: Town, query: str) -> list[Any]:
    db = sqlite3.connect(town.folder / "town.db")
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


@pytest.fixture
def town(tmp_path: Path) -> Any:
    found = Town(tmp_path)
    replace(found.config, rules(found, 0))
    found.simulator.start(f"{found.sim}/_sim/clock")
    found.bot.start(f"http://127.0.0.1:{found.port}/healthz")
    yield found
    found.stop()


class Crowd:
    """Several people who write without a pause; what they read, in the order of their asking."""

    def __init__(self, town: Town, size: int = 4) -> None:
        self.town, self.read, self.failed = town, list[tuple[float, str]](), list[object]()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(f"p{number}", "a" if number % 2 else "b")) for number in range(size)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, person: str, said: str) -> None:
        with httpx.Client(timeout=6) as http:
            while not self._over.is_set():
                asked = time.time()
                query, body = push(message(openid(person), asked, Content=said), asked)
                answer = http.post(f"http://127.0.0.1:{self.town.port}/wechat?{query}", content=body)
                text = opened(answer.status_code, answer.content).text
                if text and text[0] == ("a" if said == "a" else "f"):
                    self.read.append((asked, text))
                else:
                    self.failed.append((answer.status_code, text))


def test_ten_reloads_a_second_under_load_drop_nothing_and_mix_nothing(town: Town) -> None:
    child = town.bot.child
    assert child is not None
    with Crowd(town) as crowd:
        for number in range(1, RELOADS + 1):
            replace(town.config, rules(town, number))
            child.send_signal(signal.SIGHUP)
            time.sleep(1 / PER_SECOND)
        wait_until(lambda: {text for _, text in crowd.read[-20:]} == {f"a{RELOADS}", f"f{RELOADS}"}, 5, "the last version is not in force")
    assert crowd.failed == []
    of_version: dict[str, set[int]] = defaultdict(set)
    answered = rows(town, "SELECT rules_version, reply, answered_by FROM inbox_entry")
    for version, reply, _ in answered:
        of_version[version].add(int(reply.partition("<Content><![CDATA[")[2].partition("]]")[0][1:]))
    assert len(answered) == len(crowd.read), "a message was lost, or stored twice"
    assert all(len(numbers) == 1 for numbers in of_version.values()), "a version answered with the texts of two files"
    assert len(of_version) >= RELOADS // 2, f"only {len(of_version)} of {RELOADS} versions were ever in force"
    newest = -1
    for number in (int(text[1:]) for _, text in sorted(crowd.read)):
        assert number >= newest - 1, "an old version came back"
        newest = max(newest, number)


def test_every_process_has_an_edit_within_two_seconds(town: Town) -> None:
    port = free_port()
    other = Process(["app", "serve", "--config", str(town.config), "--port", str(port)], town.environ, town.folder / "other.log")
    other.start(f"http://127.0.0.1:{port}/healthz")
    try:
        for number in range(1, 4):
            town.config.write_text(rules(town, number), "utf-8")
            wait_until(lambda n=number: {ask(town.port, "a"), ask(port, "a", "li")} == {f"a{n}"}, 2, "not on every process")  # type: ignore[misc]
        wait_until(lambda: len(town.yizhan("history", "--json")[0]["processes"]) == 2, 5, "the history does not know both processes")
    finally:
        other.stop()


def test_one_goes_back_to_a_version_and_the_files_say_so(town: Town) -> None:
    first = town.config.read_text("utf-8")
    (town.folder / "rules").mkdir()
    more = "  # the rest\n"
    (town.folder / "rules" / "more.yaml").write_text("keywords: {rules: [{name: b, when: {exact: [b]}, reply: b}]}\n", "utf-8")
    town.config.write_text(rules(town, 1, more) + "include: [rules/*.yaml]\n", "utf-8")
    wait_until(lambda: (ask(town.port, "a"), ask(town.port, "b")) == ("a1", "b"), 3, "not live")
    wait_until(lambda: len(town.yizhan("history", "--json")) == 2, 5, "not written down")
    newest, oldest = (one["version"] for one in town.yizhan("history", "--json"))
    assert "-    - {name: a, when: {exact: [a]}, reply: a0}" in town.yizhan("history", "diff", oldest, newest)

    broken = first.partition("keywords:")[0] + "keywords: [nonsense"
    town.config.write_text(broken, "utf-8")  # just then one wants to go back
    town.yizhan("history", "back", oldest[:6])
    assert town.config.read_text("utf-8") == first
    wait_until(lambda: (ask(town.port, "a"), ask(town.port, "b")) == ("a0", "f0"), 3, "not live")
    assert [file.read_text("utf-8") for file in (town.folder / "replaced").rglob("config.yaml")] == [broken]

    town.yizhan("history", "back", newest)
    wait_until(lambda: (ask(town.port, "a"), ask(town.port, "b")) == ("a1", "b"), 3, "not live")
    listed = town.yizhan("history", "--json")
    assert [one["version"] for one in listed] == [newest, oldest]
    assert [len(one["processes"]) for one in listed] == [1, 0]


def test_a_version_that_cannot_be_used_any_more_changes_nothing(town: Town) -> None:
    picture = town.folder / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    town.config.write_text(rules(town, 1, "media: {图: a.png}\n"), "utf-8")
    wait_until(lambda: ask(town.port, "a") == "a1", 3, "not live")
    wait_until(lambda: len(town.yizhan("history", "--json")) == 2, 5, "not written down")
    with_picture = town.yizhan("history", "--json")[0]["version"]
    picture.unlink()
    now = rules(town, 2)
    town.config.write_text(now, "utf-8")
    assert "a.png" in town.yizhan("history", "back", with_picture, expect=1)
    assert town.config.read_text("utf-8") == now
    assert "没有版本" in town.yizhan("history", "back", "feed", expect=1)
