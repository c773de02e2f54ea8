"""The world the tests share: an account with a running webhook on a real database, and people who write to it.

What goes in is signed, encrypted XML, and what comes out is opened with wechatpy: nothing of ours is called on the way.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import xmltodict
from sqlalchemy import text
from wechatpy.crypto import WeChatCrypto

from app.config_file import Secrets
from app.main import Service, build, create_app
from scheduler.upkeep import CHORES, MOST

APP_ID, ORIGINAL_ID = "wx1234567890abcdef", "gh_1234567890ab"
TOKEN, AES_KEY, APP_SECRET = "test-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "test-secret"
ROOT = Path(__file__).parent.parent
SHIPPED = (ROOT / "config.yaml").read_text("utf-8")

ACCOUNT = f"""
account: {{name: 测试号, app_id: {APP_ID}, original_id: {ORIGINAL_ID}, api_base: "%s"}}
"""
BASIC = """
keywords:
  rules:
    - {name: 营业时间, when: {contains: [营业时间]}, reply: 每天 9:00–21:00 营业}
  fallback: 没听懂
welcome: {reply: 欢迎, returning: 欢迎回来}
checkin: {rules: {points: 5, streak_bonus: {3: 10}}, replies: {done: "第{streak}天 +{earned} 共{balance}", already_checked_in: 签过了}}
points: {levels: {}}
surveys:
  - key: satisfaction
    title: 满意度调查
    triggers: [问卷]
    reward: {points: 20}
    questions:
      - {key: overall, ask: 总体满意吗？, choices: [满意, 一般, 不满意]}
      - {key: why, ask: 哪里让你不满意？, text: true, when: {overall: [不满意]}}
      - {key: score, ask: 愿意推荐吗？, number: {min: 0, max: 10}}
"""

_numbers = itertools.count(1)


def openid(name: str) -> str:
    """An openid for a name, of the real length."""
    return "o" + hashlib.sha256(name.encode()).hexdigest()[:27]


def account(api_base: str = "http://127.0.0.1:1") -> str:
    """The account's part of a config.yaml."""
    return ACCOUNT % api_base


@dataclass
class Answer:
    """What came back for one push."""

    status: int
    body: bytes
    xml: str | None = None  # the passive reply in clear
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        """The text the follower reads; None for no message."""
        return self.fields.get("Content")


def signed(token: str, timestamp: str, nonce: str, *more: str) -> str:
    """The platform's signature."""
    return hashlib.sha1("".join(sorted([token, timestamp, nonce, *more])).encode()).hexdigest()


def push(inner: str, at: float, token: str = TOKEN, aes_key: str = AES_KEY) -> tuple[str, bytes]:
    """Query and body of a safe-mode push of this XML."""
    timestamp, nonce = str(int(at)), f"n{next(_numbers)}"
    sealed = xmltodict.parse(WeChatCrypto(token, aes_key, APP_ID).encrypt_message(inner, nonce, timestamp))["xml"]
    query = (
        f"signature={signed(token, timestamp, nonce)}&timestamp={timestamp}&nonce={nonce}&openid=x"
        f"&encrypt_type=aes&msg_signature={sealed['MsgSignature']}"
    )
    body = f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><Encrypt><![CDATA[{sealed['Encrypt']}]]></Encrypt></xml>"
    return query, body.encode()


def opened(status: int, body: bytes) -> Answer:
    """The answer, its reply decrypted and its signature checked by wechatpy."""
    if status != 200 or not body or body == b"success":
        return Answer(status, body)
    sealed = xmltodict.parse(body)["xml"]
    xml = WeChatCrypto(TOKEN, AES_KEY, APP_ID).decrypt_message(body.decode(), sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"])
    return Answer(status, body, xml, xmltodict.parse(xml)["xml"])


def message(person: str, created_at: float, kind: str = "text", msg_id: str | None = None, **fields: str) -> str:
    """The inner XML of a message."""
    parts = "".join(f"<{name}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>" for name, value in fields.items())
    number = msg_id or str(7_000_000_000_000_000_000 + next(_numbers))
    return (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[{person}]]></FromUserName>"
        f"<CreateTime>{int(created_at)}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{parts}<MsgId>{number}</MsgId></xml>"
    )


def event(person: str, created_at: float, name: str, **fields: str) -> str:
    """The inner XML of an event."""
    parts = "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in fields.items())
    return (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[{person}]]></FromUserName>"
        f"<CreateTime>{int(created_at)}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>{parts}</xml>"
    )


class World:
    """A webhook in this process on a real database, with a clock that stands where the test puts it."""

    def __init__(self, folder: Path, database_url: str, config: str = BASIC, whole: bool = False) -> None:
        self.at = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # a Saturday, 10:00 in Shanghai
        self.path = folder / "config.yaml"
        self.path.write_text(config if whole else account() + config, "utf-8")
        secrets = Secrets(APP_SECRET, TOKEN, AES_KEY, database_url)
        self.service: Service = build(self.path, secrets, {"web"}, clock=lambda: self.at)
        self._runner = asyncio.Runner()
        self.app = create_app(self.service)
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://bot")

    def close(self) -> None:
        """Everything is let go of."""
        self._runner.run(self._http.aclose())
        self._runner.run(self.service.client.aclose())
        self.service.database.close()
        self._runner.close()

    def configure(self, config: str) -> None:
        """The operator saves another file, and it is in force."""
        self.path.write_text(account() + config, "utf-8")
        self.service.live.refresh()

    def moment(self, day: str) -> None:
        """The clock stands at this instant, in Shanghai: '2026-11-21 23:59:59'."""
        self.at = datetime.fromisoformat(day + "+08:00").astimezone(UTC)

    def person(self, name: str) -> Person:
        """Somebody who writes."""
        return Person(self, openid(name))

    def push(self, inner: str, copies: int = 1) -> list[Answer]:
        """So many copies of one push at once, each signed on its own."""
        answers: list[Answer] = self.run(self._push_all([push(inner, self.at.timestamp()) for _ in range(copies)]))
        return answers

    def request(self, method: str, query: str, body: bytes = b"") -> httpx.Response:
        """A bare request to the webhook."""
        answer: httpx.Response = self.run(self._http.request(method, f"/wechat?{query}", content=body))
        return answer

    async def _push_all(self, pushes: list[tuple[str, bytes]]) -> list[Answer]:
        sent = [self._http.post(f"/wechat?{query}", content=body) for query, body in pushes]
        return [opened(answer.status_code, answer.content) for answer in await asyncio.gather(*sent)]

    def get(self, path: str) -> httpx.Response:
        """A page of the program."""
        answer: httpx.Response = self.run(self._http.get(path))
        return answer

    def run(self, work: Any) -> Any:
        """Runs a coroutine in the world's loop."""
        return self._runner.run(work)

    def chore(self, name: str, processes: int = 1) -> int:
        """The clock does a chore until nothing is left, in so many processes at once; how much was done."""
        database, done = self.service.database, 0

        async def at_once() -> list[int]:
            return await asyncio.gather(
                *(database.run(lambda db: CHORES[name](db, self.service.live.config, self.at)) for _ in range(processes))
            )

        for _ in range(MOST):
            did = sum(self.run(at_once()))
            if not did:
                return done
            done += did
        raise AssertionError(f"the chore {name} never ends")

    def sql(self, query: str, **values: object) -> list[Any]:
        """Looks into the database with a statement of our own."""
        with self.service.database.snapshot() as db:
            return list(db.execute(text(query), values).all())


@dataclass
class Person:
    """Somebody who writes to the account."""

    world: World
    openid: str

    def says(self, text: str, copies: int = 1) -> str | None:
        """They write a text (the platform delivers so many copies at once). Returns what they read."""
        answers = self.world.push(message(self.openid, self.world.at.timestamp(), Content=text), copies)
        assert all(answer.status == 200 for answer in answers)
        assert len({answer.xml for answer in answers}) == 1, "the copies got different replies"
        return answers[0].text

    def sends(self, kind: str, **fields: str) -> Answer:
        """They send a message of another kind."""
        return self.world.push(message(self.openid, self.world.at.timestamp(), kind, **fields))[0]

    def does(self, name: str, **fields: str) -> Answer:
        """An event: subscribe, CLICK …"""
        return self.world.push(event(self.openid, self.world.at.timestamp(), name, **fields))[0]

    @property
    def points(self) -> int:
        """Their balance in the database."""
        found = self.world.sql(
            "SELECT b.amount FROM balance b JOIN follower f ON f.id = b.follower_id WHERE f.openid = :o AND b.asset = 'points'",
            o=self.openid,
        )
        return int(found[0][0]) if found else 0


# Real processes


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One of our programs, started as users start it."""

    def __init__(self, words: list[str], environ: Mapping[str, str], log: Path) -> None:
        self._words, self._environ, self._log = words, environ, log
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, ready: str) -> None:
        """Returns when the URL answers."""
        with self._log.open("ab") as log:
            self.child = subprocess.Popen([sys.executable, "-m", *self._words], env=self._environ, cwd=ROOT, stdout=log, stderr=log)
        wait_until(lambda: _answers(ready) or self._ended(), 30, f"{self._words} did not start: {self._log}")
        assert not self._ended(), self._log.read_text("utf-8", "replace")[-3000:]

    def _ended(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def kill(self) -> None:
        """kill -9: nothing is flushed, nobody says goodbye."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """The process is gone. Returns its exit code."""
        if self.child is None:
            return None
        with suppress(ProcessLookupError):
            self.child.send_signal(how)
        return self.child.wait(timeout=20)


class Town:
    """A bot and the simulator as real processes, on one SQLite file."""

    def __init__(self, folder: Path, config: str = BASIC, followers: int = 5, simulator: tuple[str, ...] = (), database: str = "") -> None:
        self.folder = folder
        self.port, self.sim_port = free_port(), free_port()
        self.config = folder / "config.yaml"
        self.config.write_text(account(self.sim) + f"database: sqlite:///{folder}/town.db\n" + config, "utf-8")
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")},
            "YIZHAN_APP_ID": APP_ID,
            "YIZHAN_APP_SECRET": APP_SECRET,
            "YIZHAN_TOKEN": TOKEN,
            "YIZHAN_ENCODING_AES_KEY": AES_KEY,
            **({"YIZHAN_DATABASE_URL": database} if database else {}),
        }
        webhook = f"http://127.0.0.1:{self.port}/wechat"
        words = ["simulator", "--port", str(self.sim_port), "--webhook", webhook, "--followers", str(followers), *simulator]
        self.simulator = Process(words, self.environ, folder / "simulator.log")
        self.bot = Process(["app", "serve", "--config", str(self.config), "--port", str(self.port)], self.environ, folder / "bot.log")

    @property
    def sim(self) -> str:
        """Where the simulator is."""
        return f"http://127.0.0.1:{self.sim_port}"

    def start(self) -> None:
        """Both run."""
        self.simulator.start(f"{self.sim}/_sim/clock")
        self.bot.start(f"http://127.0.0.1:{self.port}/healthz")

    def stop(self) -> None:
        """Both are gone."""
        self.bot.stop()
        self.simulator.stop()

    def yizhan(self, *words: str, expect: int = 0) -> Any:
        """Runs a command beside the bot. Returns what it printed, as JSON where it is that."""
        command = [sys.executable, "-m", "app", *words, "--config", str(self.config)]
        done = subprocess.run(command, env=self.environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == expect, f"{words} exited {done.returncode}: {done.stdout}{done.stderr}"
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout + done.stderr

    def ask(self, path: str, /, **body: object) -> Any:
        """Asks the simulator; a POST where there is a body."""
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.sim + path, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def status(self, run: int) -> Any:
        """How far a broadcast run is."""
        return self.yizhan("broadcast", "status", str(run), "--json")


def wait_until(true: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Returns as soon as it is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def first_number(text: str | None) -> int | None:
    """The first number in a text."""
    found = re.search(r"\d+", text or "")
    return int(found[0]) if found else None
