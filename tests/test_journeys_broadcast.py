"""Broadcasts with real processes: bot, command line and simulator. The judge is the simulator's log, never our own counters."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sqlite3
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

from app.cli import main
from tests.people import BASIC, Process, Town, free_port, wait_until

SEND = "/cgi-bin/message/template/send"
NOW = datetime.now(ZoneInfo("Asia/Shanghai"))
Build = Callable[..., Town]


def rules(push: str = "{pace: 500}", *keys: str, more: str = "") -> str:
    """A configuration with these broadcasts to everybody."""
    each = "".join(
        f'  - {{key: {key}, segment: all, template: TEMPLATE_ID, data: {{thing1: 本周精选, time2: "{{date}}"}}{more}}}\n'
        for key in keys or ("digest",)
    )
    return f"{BASIC}\npush: {push}\nbroadcasts:\n{each}"


def yizhan(town: Town, *words: str, expect: int = 0) -> Any:
    """A command, in this process: starting one of its own costs seconds. Returns what it printed, as JSON where it is that."""
    said, complained = io.StringIO(), io.StringIO()
    arguments = ["yizhan", *words, "--config", str(town.config)]
    with (
        patch.dict(os.environ, town.environ, clear=True),
        patch.object(sys, "argv", arguments),
        pytest.raises(SystemExit) as ended,
        redirect_stdout(said),
        redirect_stderr(complained),
    ):
        main()
    assert ended.value.code == expect, f"{words}: {said.getvalue()}{complained.getvalue()}"
    try:
        return json.loads(said.getvalue())
    except ValueError:
        return said.getvalue() + complained.getvalue()


def status_of(town: Town, run: int) -> Any:
    """What the command says about a run."""
    return yizhan(town, "broadcast", "status", str(run), "--json")


def start(town: Town, key: str = "digest") -> int:
    """Runs a broadcast by the command line."""
    number: int = yizhan(town, "broadcast", "run", key, "--json")["id"]
    return number


def calls(town: Town, path: str = SEND) -> list[dict[str, Any]]:
    """Every call of this path that the simulator saw."""
    found, since = [], 0
    while True:
        page = town.ask(f"/_sim/log?kind=api&since={since}&limit=10000")
        found += [entry for entry in page["entries"] if entry["path"] == path]
        if not page["entries"]:
            return found
        since = page["next"]


def delivered(town: Town) -> Counter[str]:
    """How many messages each follower got."""
    return Counter(call["openid"] for call in calls(town) if call["delivered"])


def fault(town: Town, **rule: object) -> None:
    """From now on this goes wrong with sending."""
    control(town, "POST", {"path": SEND} | rule)


def heal(town: Town) -> None:
    """Nothing goes wrong any more."""
    control(town, "DELETE")


def control(town: Town, method: str, rule: dict[str, object] | None = None) -> None:
    """Asks the simulator to change its faults."""
    data = json.dumps(rule).encode() if rule else None
    request = urllib.request.Request(f"{town.sim}/_sim/faults", data, {"content-type": "application/json"}, method=method)
    urllib.request.urlopen(request, timeout=10).close()


def progress(town: Town, run: int) -> dict[str, int]:
    """States and how many, looked up in the file itself: quicker than a command."""
    with sqlite3.connect(f"file:{town.folder}/town.db?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT state, count(*) FROM delivery WHERE run_id = ? GROUP BY state", (run,)).fetchall())


def state(town: Town, run: int) -> str:
    """The run's state, likewise."""
    with sqlite3.connect(f"file:{town.folder}/town.db?mode=ro", uri=True) as db:
        return str(db.execute("SELECT state FROM broadcast_run WHERE id = ?", (run,)).fetchone()[0])


def done(town: Town, run: int, seconds: float) -> None:
    """Returns when the run is done."""
    wait_until(lambda: state(town, run) == "done", seconds, f"run {run} is not done: {progress(town, run)}")


def restart(town: Town) -> None:
    """The bot runs again."""
    town.bot.start(f"http://127.0.0.1:{town.port}/healthz")


def another_bot(town: Town, name: str = "second") -> Process:
    """One more process that sends, on the same database."""
    port = free_port()
    words = ["app", "serve", "--config", str(town.config), "--port", str(port), "--role", "worker"]
    bot = Process(words, town.environ, town.folder / f"{name}.log")
    bot.start(f"http://127.0.0.1:{port}/healthz")
    return bot


def proved_once(town: Town, run: int, people: int) -> None:
    """Everybody got it exactly once, and the command says so."""
    assert Counter(delivered(town).values()) == {1: people}
    status = status_of(town, run)
    assert status["targets"] == people
    assert status["counts"].get("sent", 0) + status["counts"].get("delivered", 0) == people, status
    assert status["state"] == "done"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("people", [600, pytest.param(3000, marks=pytest.mark.prove)])
def test_six_kills_and_lost_answers_and_everybody_got_it_once(town: Build, people: int) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    made = town(rules(f"{{pace: {people // 8}}}"), followers=people)
    yizhan(made, "follower", "sync")
    fault(made, drop_response=0.03)
    run = made.yizhan("broadcast", "run", "digest", "--json")["id"]
    for _ in range(6):
        time.sleep(dice.uniform(0.2, 1.6))
        made.bot.kill()
        restart(made)
    began = time.monotonic()
    done(made, run, 100)
    print(f"{people} followers, done {time.monotonic() - began:.0f} s after the last restart, seed {seed}")
    proved_once(made, run, people)
    # Receipts that found no bot are lost as on the real platform; those that found one have been counted.
    wait_until(lambda: progress(made, run).get("delivered", 0) > people * 0.1, 20, "the receipts did not come")


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_a_sender_that_was_stopped_past_its_lease_and_continued_sends_nothing_twice(town: Build) -> None:
    made = town(rules("{pace: 100}"), followers=500)
    yizhan(made, "follower", "sync")
    run = start(made)
    wait_until(lambda: len(delivered(made)) > 100, 20, "nothing was sent")
    assert made.bot.child is not None
    made.bot.child.send_signal(signal.SIGSTOP)
    second = another_bot(made)
    try:
        done(made, run, 100)
        made.bot.child.send_signal(signal.SIGCONT)
        time.sleep(6)
        proved_once(made, run, 500)
    finally:
        second.stop()


def test_two_bots_share_overlapping_broadcasts_within_the_limits(town: Build) -> None:
    made = town(rules("{pace: 200, limits: [{max: 2, per: day}]}", "one", "two", "three"), followers=150)
    yizhan(made, "follower", "sync")
    second = another_bot(made)
    try:
        runs = [start(made, key) for key in ("one", "two", "three")]
        for run in runs:
            done(made, run, 60)
        assert Counter(delivered(made).values()) == {2: 150}
        statuses = [status_of(made, run) for run in runs]
        assert sum(one["counts"].get("skipped", 0) for one in statuses) == 150
        reasons = {reason["reason"] for one in statuses for reason in one["reasons"] if reason["state"] == "skipped"}
        assert reasons == {"上限 limit: 2 per day"}
    finally:
        second.stop()


def test_a_bot_told_to_stop_gives_back_and_the_next_one_goes_on_at_once(town: Build) -> None:
    made = town(rules("{pace: 100}"), followers=300)
    yizhan(made, "follower", "sync")
    run = start(made)
    wait_until(lambda: len(delivered(made)) > 50, 20, "nothing was sent")
    began = time.monotonic()
    made.bot.stop(signal.SIGTERM)
    assert time.monotonic() - began < 8
    assert set(progress(made, run)) <= {"pending", "sent", "delivered"}
    restart(made)
    done(made, run, 15)
    assert len(calls(made)) == 300
    proved_once(made, run, 300)


def test_the_days_quota_is_not_asked_for_again_by_the_next_process(town: Build) -> None:
    made = town(rules("{pace: 500}"), followers=100)
    yizhan(made, "follower", "sync")
    fault(made, errcode=45009)
    run = start(made)
    wait_until(lambda: status_of(made, run)["state"] == "held", 20, "the run was not held")
    asked = len(calls(made))
    assert asked <= 20
    heal(made)
    made.bot.stop()
    restart(made)
    time.sleep(4)
    assert len(calls(made)) == asked
    status = status_of(made, run)
    midnight = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert status["held_until"] == midnight.astimezone(UTC).isoformat()
    assert "配额" in status["reason"]
    assert status["counts"] == {"pending": 100}
    assert status["reasons"] == [{"state": "pending", "reason": status["reason"], "count": 100}]
    assert "等待中 held" in yizhan(made, "broadcast", "status", str(run))


def test_the_command_says_who_was_held_or_skipped_and_why(town: Build) -> None:
    begin, end = (NOW - timedelta(hours=2)).strftime("%H:%M"), (NOW + timedelta(hours=2)).strftime("%H:%M")
    made = town(rules(f'{{quiet_hours: "{begin}-{end}", limits: [{{max: 1, per: day}}]}}'), followers=20)
    yizhan(made, "follower", "sync")
    quiet = start(made)
    wait_until(lambda: status_of(made, quiet)["state"] == "held", 20, "the run was not held")
    status = status_of(made, quiet)
    assert set(status) == {
        "id",
        "broadcast",
        "state",
        "reason",
        "due_at",
        "held_until",
        "finished_at",
        "targets",
        "counts",
        "reasons",
        "by",
        "revision",
        "test",
    }
    assert (status["targets"], status["counts"], status["finished_at"]) == (20, {"pending": 20}, None)
    assert "免打扰" in status["reason"]
    said = yizhan(made, "broadcast", "status", str(quiet))
    assert "免打扰" in said
    assert "20" in said
    assert calls(made) == []
    made.config.write_text(made.config.read_text("utf-8").replace(f"{begin}-{end}", f"{end}-{begin}"), "utf-8")
    yizhan(made, "broadcast", "pause", str(quiet))
    assert status_of(made, quiet)["state"] == "paused"
    time.sleep(2)
    yizhan(made, "broadcast", "resume", str(quiet))
    done(made, quiet, 20)
    again = start(made)
    done(made, again, 20)
    status = status_of(made, again)
    assert status["counts"] == {"skipped": 20}
    assert status["reasons"] == [{"state": "skipped", "reason": "上限 limit: 1 per day", "count": 20}]
    assert "上限" in yizhan(made, "broadcast", "status", str(again))
    proved_once(made, quiet, 20)


def test_the_commands_words_and_exit_codes(town: Build) -> None:
    made = town(rules("{pace: 500}", more=', cron: "0 20 * * fri"'), followers=3)
    yizhan(made, "follower", "sync")
    preview = yizhan(made, "broadcast", "preview", "digest", "--json")
    assert (preview["targets"], preview["data"]["thing1"]) == (3, "本周精选")
    first, second = start(made), start(made)
    assert first != second
    thrice = {yizhan(made, "broadcast", "run", "digest", "--json", "--request", "r1")["id"] for _ in range(3)}
    assert len(thrice) == 1
    assert thrice.isdisjoint({first, second})
    assert str(second + 2) in yizhan(made, "broadcast", "run", "digest", "--wait")
    for words in (("run", "nobody"), ("preview", "nobody"), ("status", "99"), ("pause", "99"), ("resume", str(first)), ("cancel", "99")):
        assert "Traceback" not in yizhan(made, "broadcast", *words, expect=1)
    listed = yizhan(made, "broadcast", "list", "--json")
    assert [run["state"] for run in listed["runs"]][:1] == ["done"]
    assert listed["broadcasts"][0]["next"].endswith("T12:00:00+00:00")
    assert "digest" in yizhan(made, "broadcast", "list")


@pytest.mark.prove
def test_a_broadcast_that_is_due_begins_by_itself(town: Build) -> None:
    made = town(rules("{pace: 500}", more=', cron: "* * * * *"'), followers=10)
    yizhan(made, "follower", "sync")
    wait_until(lambda: len(delivered(made)) == 10, 85, "nothing was sent")
    first = min(call["at"] for call in calls(made))
    assert first % 60 < 20
