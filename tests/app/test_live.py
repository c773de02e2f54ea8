"""The configuration in force: whatever happens to the file, the last good version answers, and the next good one takes over."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app import config_file
from app import live as live_module
from app.live import Live, Version
from handlers.keyword import KeywordsSection
from tests.people import account

BROKEN = [
    "keywords:\n\trules: []\n",
    "keywords: {fallback: 22:30}\n",
    "keywords: {fallback: a, fallback: b}\n",
    "keywords: {fallbak: a}\n",
    "keywords: {fallback: &a x}\n",
    "keywords: {fallback: [1, 2}\n",
    'keywords: {fallback: "x}\n',
    "keywords：{fallback: x}\n",
    "keywords: {fallback: '{nobody}'}\n",
    "keywords: {rules: [{name: a, when: {regex: '(?=a)'}, reply: x}]}\n",
    "app_secret: CANARY\n",
    "keywords: {rules: [{name: a, when: {}, reply: x}]}\n",
]


def rules(number: int, more: str = "") -> str:
    """A whole good file whose every answer carries its number."""
    rule = f"[{{name: a, when: {{exact: [a]}}, reply: a{number}}}]"
    return f"{account()}keywords: {{rules: {rule}, fallback: f{number}}}\n{more}"


def number(live: Live) -> str:
    return str(live.config[KeywordsSection].fallback)


def soon(true: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def swap(path: Path, text: str) -> None:
    """Puts the text there by renaming, so that no half of it can be seen."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, path)


@contextmanager
def watched(path: Path, on_errors: Callable[[int], None] = lambda number: None) -> Iterator[Live]:
    """A configuration that is watched in a thread, by the program's own loop."""
    live = Live(path, on_errors)
    loop = asyncio.new_event_loop()
    watching = loop.create_task(live.watch())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([watching])))
    thread.start()
    try:
        yield live
        assert not watching.done(), watching
    finally:
        loop.call_soon_threadsafe(watching.cancel)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "POLL", 0.01)
    monkeypatch.setattr(live_module, "QUIET", 0.1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "config.yaml"
    made.write_text(rules(0), "utf-8")
    return made


def in_place(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def rename_dance(path: Path, text: str) -> None:
    backup = path.rename(path.with_name("config.yaml~"))
    path.write_text(text, "utf-8")
    backup.unlink()


def symlink_swap(path: Path, text: str) -> None:
    folder = path.with_name(f"version-{time.monotonic_ns()}")
    folder.mkdir()
    (folder / "config.yaml").write_text(text, "utf-8")
    link = path.with_name("link")
    link.symlink_to(folder / "config.yaml")
    os.replace(link, path)


def delete_and_create(path: Path, text: str) -> None:
    path.unlink()
    time.sleep(0.3)  # long enough to be noticed
    path.write_text(text, "utf-8")


def on_windows(path: Path, text: str) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())


def with_the_old_time_and_size(path: Path, text: str) -> None:
    before = path.stat()
    path.write_text(text, "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "save",
    [in_place, swap, rename_dance, symlink_swap, delete_and_create, on_windows, with_the_old_time_and_size],
    ids=lambda save: save.__name__,
)
def test_however_it_is_saved_a_good_edit_is_in_force_and_a_bad_one_is_not(path: Path, save: Callable[[Path, str], None]) -> None:
    with watched(path) as live:
        save(path, rules(1))
        soon(lambda: number(live) == "f1" and live.errors == [])
        save(path, rules(2, "nonsense: 1\n"))
        soon(lambda: len(live.errors) == 1 and "没有 “nonsense” 这个键" in live.errors[0])
        assert live.errors[0].startswith(f"{path}:4:1: ")
        assert number(live) == "f1"
        save(path, rules(3))
        soon(lambda: number(live) == "f3" and live.errors == [])


def test_half_a_file_that_happens_to_be_good_is_not_taken_while_it_grows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "QUIET", 0.5)
    seen = set()
    with watched(path) as live, path.open("w") as file:
        for line in [
            account(),
            "keywords:\n",
            "  fallback: f1\n",
            "  rules:\n",
            *("    - {name: a, when: {exact: [a]}, reply: b}\n",) * 12,
        ]:
            file.write(line)
            file.flush()
            time.sleep(0.05)
            seen.add((number(live), *live.errors))
        soon(lambda: number(live) == "f1")
        assert len(live.config[KeywordsSection].rules) == 12
    assert seen == {("f0",)}


def test_what_is_written_while_the_file_is_read_is_read_again_and_the_torn_reading_is_not_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, taken = live_module.version, []

    def interrupted(file: Path) -> Version:
        found = read(file)
        if found.settings.config[KeywordsSection].fallback == "f1":
            swap(path, rules(2))
        return found

    with watched(path, lambda errors: taken.append(number(live))) as live:
        monkeypatch.setattr(live_module, "version", interrupted)
        swap(path, rules(1))
        soon(lambda: number(live) == "f2")
    assert taken == ["f2"]


def test_included_files_are_watched_those_that_are_new_too(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    extra = "keywords: {{rules: [{{name: b, when: {{exact: [b]}}, reply: {0}}}]}}\n"
    (folder / "a.yaml").write_text(extra.format("b1"))
    path.write_text(rules(0, "include: [rules/*.yaml]\n"))
    with watched(path) as live:
        (folder / "b.yaml").write_text(extra.format("b2"))
        soon(lambda: [rule.reply for rule in live.config[KeywordsSection].rules] == ["a0", "b1", "b2"])
        (folder / "b.yaml").write_text(extra.format("22:30"))
        soon(lambda: live.errors)
        assert live.errors[0].startswith(f"{folder / 'b.yaml'}:1:57: 时间")
        (folder / "b.yaml").write_text(extra.format("b3"))
        soon(lambda: [rule.reply for rule in live.config[KeywordsSection].rules] == ["a0", "b1", "b3"] and not live.errors)
        (folder / "a.yaml").unlink()
        soon(lambda: [rule.reply for rule in live.config[KeywordsSection].rules] == ["a0", "b3"])
        (folder / "b.yaml").unlink()
        soon(lambda: live.errors and "没有文件" in live.errors[0])


@contextmanager
def nobody() -> Iterator[None]:
    """This process has no more rights than the file's modes give it."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_any_more_changes_nothing_and_is_told(path: Path) -> None:
    with watched(path) as live:
        with nobody():
            try:
                if os.geteuid() != 65534:
                    path.chmod(0)
                soon(lambda: live.errors)
            finally:
                if os.geteuid() != 65534:
                    path.chmod(0o644)
        assert number(live) == "f0"
        swap(path, rules(1))
        soon(lambda: number(live) == "f1" and not live.errors)


def test_a_repair_of_the_rights_alone_is_seen(path: Path) -> None:
    with watched(path) as live:
        path.unlink()
        path.mkdir()  # as unreadable as it gets for root
        soon(lambda: live.errors and "读不了" in live.errors[0])
        path.rmdir()
        path.write_text(rules(1))
        soon(lambda: number(live) == "f1" and not live.errors)
        before = config_file.signature(live.current.settings)
        path.chmod(0o600)
        assert config_file.signature(live.current.settings) != before


def test_each_error_is_logged_once_and_not_at_every_look(path: Path) -> None:
    told: list[int] = []
    with capture_logs() as logs, watched(path, told.append) as live:
        path.write_text(rules(1, "nonsense: 1\nfoo: 2\n"))
        soon(lambda: live.errors)
        time.sleep(0.3)
        os.utime(path)
        soon(lambda: len(told) == 2)
        path.write_text(rules(0))
        soon(lambda: not live.errors)
        os.utime(path)
        soon(lambda: len(told) == 4)
    assert told == [2, 2, 0, 0]
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("config refused", "error"),
        ("config refused", "error"),
        ("config still refused", "error"),
        ("config in force", "info"),
    ]
    assert [line["error"].split(": ")[0] for line in logs[:2]] == [f"{path}:4:1", f"{path}:5:1"]


def test_a_bug_in_reading_is_logged_once_and_the_watch_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def buggy(file: Path) -> Version:
        tries.append(file)
        raise RuntimeError("a bug")

    with capture_logs() as logs, watched(path) as live:
        with monkeypatch.context() as broken:
            broken.setattr(live_module, "version", buggy)
            path.write_text(rules(1))
            soon(lambda: len(tries) > 2)
            assert live.errors == [f"{path}: RuntimeError"]
            assert number(live) == "f0"
        soon(lambda: number(live) == "f1" and not live.errors)
    assert [line["event"] for line in logs] == ["config not read", "config in force"]
    assert logs[0]["exc_info"]


def test_reading_does_not_hold_up_the_event_loop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = live_module.version

    def slow(file: Path) -> Version:
        time.sleep(0.5)
        return read(file)

    async def ticks() -> int:
        live, count = Live(path), 0
        monkeypatch.setattr(live_module, "version", slow)
        watching = asyncio.create_task(live.watch())
        path.write_text(rules(1))
        while number(live) != "f1":
            await asyncio.sleep(0.01)
            count += 1
        watching.cancel()
        return count

    assert asyncio.run(ticks()) > 20


def test_a_change_of_account_or_database_is_told_to_need_a_restart(path: Path) -> None:
    with capture_logs() as logs, watched(path) as live:
        path.write_text(rules(1, "database: sqlite:///other.db\n"))
        soon(lambda: number(live) == "f1")
    assert logs[0]["event"] == "account and database of config.yaml take effect after a restart"


@pytest.mark.parametrize("broken", BROKEN)
def test_every_kind_of_broken_file_is_refused_with_its_place(path: Path, broken: str) -> None:
    live = Live(path)
    path.write_text(account() + broken)
    live.refresh()
    assert live.errors
    assert all(error.startswith(f"{path}:") and error[len(str(path)) + 1].isdigit() for error in live.errors)
    assert number(live) == "f0"
