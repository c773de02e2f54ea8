"""How many template messages a second one core sends, next to a raw ASGI hello in the same run.

    python -m benchmarks.send [--followers 15000] [--latency 0.08] [--rounds 2]

The bot (role worker: reserve, call, settle, on SQLite with synchronous=FULL) is pinned to one core; a platform that answers every call
after 80 ms is a process of its own on the other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.webhook import HELLO, free_port, measure, pin, server
from models import broadcast, follower
from models.broadcast import Broadcast
from models.database import Database
from models.migrations import upgrade

CONFIG = """
account: {name: benchmark, app_id: wx1234567890abcdef, original_id: gh_1234567890ab, api_base: "http://127.0.0.1:%d"}
database: sqlite:///benchmark.db
push: {limits: [{max: 4, per: week}, {max: 1, per: day}], pace: 100000}
"""


def prepare(folder: Path, number: int) -> None:
    """A database with so many followers and one run that wants to be sent to all of them."""
    database = Database(f"sqlite:///{folder}/benchmark.db")
    upgrade(database)
    now = datetime.now(UTC)
    with database.transaction() as db:
        follower.listed(db, (f"o{index:027d}" for index in range(number)), now)
        planned = Broadcast(key="all", template="T", data={"thing1": "本周精选", "time2": "{date}"}, url="https://example.com")
        broadcast.start(db, planned, "all", now, now)
    database.close()


def count(port: int) -> dict[str, float]:
    """What the sink has taken so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=5) as answer:
        found: dict[str, float] = json.load(answer)
    return found


def settled(folder: Path) -> bool:
    """Whether the run is done in the database."""
    database = Database(f"sqlite:///{folder}/benchmark.db")
    try:
        with database.snapshot() as db:
            return broadcast.newest(db, 1)[0].state == "done"
    finally:
        database.close()


def round_of(folder: Path, number: int, latency: float) -> tuple[float, float]:
    """Sends a second, from the first call to the last; and the seconds of CPU the bot took for each thousand."""
    prepare(folder, number)
    sink_port, port = free_port(), free_port()
    (folder / "config.yaml").write_text(CONFIG % sink_port, "utf-8")
    sink = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(sink_port), str(latency)])
    pin(sink.pid, 1)
    environ = {
        **os.environ,
        "YIZHAN_TOKEN": "benchmark",
        "YIZHAN_ENCODING_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "YIZHAN_APP_SECRET": "x",
    }
    try:
        words = ["app", "serve", "--config", str(folder / "config.yaml"), "--port", str(port), "--role", "worker"]
        with server(words, port, environ, "/healthz"):
            deadline = time.monotonic() + 120
            while count(sink_port)["taken"] < number or not settled(folder):
                if time.monotonic() > deadline:
                    raise SystemExit(f"only {count(sink_port)['taken']:.0f} of {number} were sent")
                time.sleep(0.2)
            found = count(sink_port)
    finally:
        sink.kill()
        sink.wait()
    if found["taken"] != number:
        raise SystemExit(f"{found['taken']:.0f} calls for {number} followers")
    return number / (found["last"] - found["first"]), found["last"] - found["first"]


def main() -> None:
    """Prints each round and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--followers", type=int, default=15_000)
    parser.add_argument("--latency", type=float, default=0.08)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    rates, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            port, home = free_port(), Path(folder) / str(number)
            home.mkdir()
            uvicorn = ["uvicorn", HELLO, "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
            with server([*uvicorn, "--log-level", "error"], port, dict(os.environ)):
                hello = measure(port, [b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n"] * 100_000, 64, 2, home)["rate"]
            rate, seconds = round_of(home, given.followers, given.latency)
            rates.append(rate)
            ratios.append(rate / hello)
            print(f"round {number + 1}: {rate:.0f} sends/s ({given.followers} in {seconds:.1f} s), raw hello {hello:.0f}/s", flush=True)
    print(f"\nmedians of {given.rounds} rounds, one core, platform answers after {given.latency * 1000:.0f} ms, SQLite synchronous=FULL")
    print(f"sends {statistics.median(rates):8.0f}/s   {statistics.median(ratios):5.3f} of the raw hello")


if __name__ == "__main__":
    main()
