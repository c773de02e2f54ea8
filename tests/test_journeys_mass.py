"""23,000 followers in lists of 10,000 with real processes, the bot killed and stopped on the way. The judge is the simulator's log."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.people import BASIC, Town, wait_until

SEND = "/cgi-bin/message/mass/send"
CONFIG = BASIC + "\nbroadcasts: [{key: news, segment: all, mass: {text: 各位好}}]\n"


@pytest.mark.prove
def test_23000_followers_get_it_once_though_the_bot_is_killed_and_stopped(town: Callable[..., Town]) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    here = town(CONFIG, followers=23_000)
    here.yizhan("follower", "sync")
    run = here.yizhan("broadcast", "run", "news", "--json")["id"]
    here.ask("/_sim/latency", seconds=0.5)
    with sqlite3.connect(here.folder / "town.db") as db:
        for _ in range(6):
            time.sleep(chance.uniform(0.2, 3))
            if chance.random() < 0.5:
                here.bot.kill()
            else:
                assert here.bot.child is not None
                here.bot.child.send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0.5, 2))
                here.bot.child.send_signal(signal.SIGCONT)
                continue
            here.bot.start(f"http://127.0.0.1:{here.port}/healthz")
            # What the killed process held is given up by its lease: forty seconds that nobody needs to wait.
            db.execute("UPDATE mass_list SET lease_until = '2000-01-01 00:00:00.000000' WHERE state = 'sending'")
            db.commit()
        here.ask("/_sim/latency", seconds=0.0)
        done = "SELECT count(*) FROM delivery WHERE run_id = ? AND state = 'delivered'"
        wait_until(lambda: db.execute(done, (run,)).fetchone() == (23_000,), 200, f"not delivered, SEED={seed}")
        assert [row[0] for row in db.execute("SELECT size FROM mass_list WHERE state = 'finished' ORDER BY size")] == [3000, 10_000, 10_000]
    received = Counter(one["openid"] for one in here.ask("/_sim/log?kind=message&limit=50000")["entries"] if one.get("via") == "mass")
    assert len(received) == 23_000
    assert set(received.values()) == {1}
    assert here.status(run)["state"] == "done"
    assert here.bot.child is not None
    told = Path(f"/proc/{here.bot.child.pid}/status").read_text("utf-8")
    memory = int(re.search(r"VmHWM:\s+(\d+)", told)[1])  # type: ignore[index]
    print(f"the bot's memory: {memory // 1024} MB")
    assert memory < 200 * 1024
