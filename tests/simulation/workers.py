"""Real processes that send: a helper imports everything once, then forks a worker for each line it reads; the test kills and stops them.

Everything that takes minutes takes seconds here, the platform's memory (Memory) too: these settings are the workers' own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from app.token_store import DatabaseTokenStore
from models import broadcast, delivery, reservation
from models.broadcast import BroadcastsSection
from models.clock import utc_now
from models.config import Config
from models.database import Database
from models.push import PushSection
from models.segment import SegmentsSection
from scheduler import sender as sending
from scheduler.sender import Sender
from scheduler.timetable import Timetable
from tests.people import ROOT
from tests.simulation.mutants import MUTANTS
from wechat.client import Client

LEASE, LATEST_CALL, REPEATABLE = timedelta(seconds=1.2), timedelta(seconds=0.9), timedelta(seconds=9)
MEMORY = 10.0  # seconds for which the platform knows a client_msg_id
LOST = 0.03  # of the answers


class _Nobody:
    def delivered(self, state: str, number: int) -> None: ...


def _shorter() -> None:
    patch = pytest.MonkeyPatch()
    delivery.LEASE, delivery.LATEST_CALL, delivery.REPEATABLE = LEASE, LATEST_CALL, REPEATABLE
    imported: Any = reservation
    imported.LEASE = LEASE
    broadcast.run.CHUNK = 40
    sending.BREATH = timedelta(seconds=0.3)
    patch.setattr(Sender, "_later", lambda self, reserved: self._clock() + timedelta(seconds=0.4))


async def _work(url: str, base: str, push: dict[str, Any]) -> None:
    database = Database(url)
    sections: dict[type, Any] = {
        PushSection: PushSection.model_validate(push),
        SegmentsSection: SegmentsSection([]),
        BroadcastsSection: BroadcastsSection([]),
    }
    config = Config(ZoneInfo("Asia/Shanghai"), "1", sections)
    client = Client(app_id="a", secret="s", api_base=base, store=DatabaseTokenStore(database, "a", utc_now), clock=utc_now, deadline=0.8)
    made = Sender(database, client, lambda: config, utc_now, _Nobody())
    timetable = Timetable(database, lambda: config, utc_now)
    while True:
        await made.look()
        if random.random() < 0.1:
            await timetable._reconcile()
        await asyncio.sleep(0.1)


def nursery() -> None:
    """Forks a worker for every line, and says its number. A word on the command line is a bug to be sown into all of them."""
    _shorter()
    for bug in sys.argv[1:]:
        MUTANTS[bug][0](pytest.MonkeyPatch())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.close(0)
            try:
                asyncio.run(_work(*json.loads(line)))
            finally:
                os._exit(1)
        print(pid, flush=True)


@dataclass
class Herd:
    """So many workers at once on one database."""

    url: str
    base: str
    push: dict[str, Any]
    bug: str = ""
    pids: list[int] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        words = [sys.executable, "-c", "from tests.simulation.workers import nursery; nursery()", *filter(None, [self.bug])]
        self._log = open(os.devnull, "w")  # noqa: SIM115
        self._child = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True)

    def start(self) -> None:
        """One more."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps([self.url, self.base, self.push]) + "\n")
        self._child.stdin.flush()
        self.pids.append(int(self._child.stdout.readline()))

    def kill(self, pid: int) -> None:
        """kill -9."""
        self.pids.remove(pid)
        self.stopped = [one for one in self.stopped if one != pid]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def stop(self, pid: int) -> None:
        """It stands still."""
        self.stopped.append(pid)
        os.kill(pid, signal.SIGSTOP)

    def go_on(self, pid: int) -> None:
        """It goes on as if nothing had happened."""
        self.stopped.remove(pid)
        os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """All are gone."""
        for pid in list(self.pids):
            self.kill(pid)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(timeout=20)
        self._child.stdout.close()
        self._log.close()


class Platform:
    """A platform of its own thread: every call with its time, and whether it was taken or recognised."""

    def __init__(self, dice: random.Random) -> None:
        self.calls: list[tuple[float, str, str, bool]] = []  # when, openid, content, taken
        self._dice, self._known = dice, dict[tuple[str, str], float]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop).result(10)
        self._server = server
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
                body = json.loads(await reader.readexactly(length) or b"{}")
                answer = self._answer(urlsplit(head.split(" ")[1]).path, body)
                await asyncio.sleep(self._dice.uniform(0, 0.02))
                if "access_token" not in answer and self._dice.random() < LOST:
                    break
                raw = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(raw) + raw)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path != "/cgi-bin/message/template/send":
            return {"access_token": "token", "expires_in": 7200}
        now, openid, key = time.monotonic(), body["touser"], body["client_msg_id"]
        taken = self._known.get((openid, key), -MEMORY) <= now - MEMORY
        if taken:
            self._known[openid, key] = now
        self.calls.append((now, openid, body.get("url", ""), taken))
        return {"errcode": 0, "errmsg": "ok", "msgid": abs(hash(key)) % 10**15}

    def close(self) -> None:
        """Nobody listens any more."""

        async def end() -> None:
            self._server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
