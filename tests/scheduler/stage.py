"""A stage for broadcasts: a database, a clock that stands where the test puts it, a crowd, and a platform that answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, text

from models import broadcast, delivery, reservation
from models.broadcast import Broadcast, BroadcastsSection
from models.config import Config
from models.database import Database
from models.delivery import Outcome, Reserved
from models.follower import followers
from models.push import PushSection
from models.segment import SegmentsSection
from scheduler.sender import Sender
from wechat.client import Client
from wechat.token import MemoryTokenStore

ZONE = ZoneInfo("Asia/Shanghai")
SEND = "/cgi-bin/message/template/send"


def shanghai(moment: str) -> datetime:
    """'2026-11-21 23:59:59' in Shanghai."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZONE).astimezone(UTC)


class Stage:
    """Broadcasts on a database."""

    def __init__(self, url: str, **push: Any) -> None:
        self.url = url
        self.database = Database(url)
        self.at = shanghai("2026-11-21 10:00:00")  # a Saturday
        self.push = PushSection.model_validate(push)
        self.counts: Counter[str] = Counter()

    def clock(self) -> datetime:
        """The time it is on this stage."""
        return self.at

    def config(self) -> Config:
        """What config.yaml says on this stage."""
        sections: dict[type, Any] = {PushSection: self.push, SegmentsSection: SegmentsSection([]), BroadcastsSection: BroadcastsSection([])}
        return Config(ZONE, self.push.model_dump_json(), sections)

    def delivered(self, state: str, number: int) -> None:
        """The sender's counts."""
        self.counts[state] += number

    def later(self, **span: float) -> None:
        """Time passes."""
        self.at += timedelta(**span)

    def sql(self, query: str, **values: object) -> list[Any]:
        """Looks into the database with a statement of our own."""
        with self.database.snapshot() as db:
            return list(db.execute(text(query), values).all())

    def do(self, statement: str, **values: object) -> None:
        """Changes the database with a statement of our own."""
        with self.database.transaction() as db:
            db.execute(text(statement), values)

    def crowd(self, size: int, first: int = 0) -> None:
        """So many followers more."""
        rows = [
            {"openid": f"o{number:027d}", "subscribed": True, "state_at": self.at - timedelta(days=9), "first_seen_at": self.at}
            for number in range(first, first + size)
        ]
        with self.database.transaction() as db:
            db.execute(insert(followers), rows)

    def run(self, key: str = "digest", planned: bool = True, **more: Any) -> int:
        """A run of a broadcast to all, its deliveries planned."""
        plan = Broadcast.model_validate({"key": key, "template": "T", "data": {"thing1": "hi {name}"}} | more)
        self.later(microseconds=1)
        with self.database.transaction() as db:
            number = broadcast.start(db, plan, "all", self.at, self.at)
        assert number is not None
        if planned:
            self.plan(number)
        return number

    def plan(self, run: int) -> None:
        """Every target of the run has its row."""
        with self.database.snapshot() as db:
            loaded = broadcast.load(db, run)
        more = True
        while more:
            with self.database.transaction() as db:
                more = broadcast.plan_chunk(db, loaded)

    def take(self, run: int, size: int = 256) -> list[Reserved] | None:
        """One batch, reserved now; None where there is nothing to look at."""
        with self.database.transaction() as db:
            return reservation.reserve_batch(db, broadcast.load(db, run), self.push, ZONE, self.at, size)

    def reserve(self, run: int, size: int = 256) -> list[Reserved]:
        """One batch, reserved now."""
        return self.take(run, size) or []

    def settle(self, *outcomes: Outcome) -> None:
        """These became of it."""
        with self.database.transaction() as db:
            delivery.settle_batch(db, outcomes, self.at)

    def send(self, run: int, size: int = 256) -> int:
        """Reserves a batch and settles all of it as sent. Returns how many."""
        batch = self.reserve(run, size)
        self.settle(*(Outcome(one.id, one.fence, "sent", msgid=str(900_000 + one.id)) for one in batch))
        return len(batch)

    def receipt(self, msgid: str, number: int = 0, status: str = "success") -> None:
        """The platform reports."""
        with self.database.transaction() as db:
            delivery.receive(db, msgid, f"o{number:027d}", status, self.at)

    def reconcile(self) -> None:
        """What the timetable does every half minute."""
        with self.database.transaction() as db:
            delivery.reconcile(db, self.at)
            broadcast.tidy(db, self.at)

    def states(self, run: int) -> dict[str, int]:
        """How many deliveries are in which state."""
        return dict(self.sql("SELECT state, count(*) FROM delivery WHERE run_id = :run GROUP BY state", run=run))

    def reasons(self, run: int) -> set[str | None]:
        """Why they are."""
        return {row[0] for row in self.sql("SELECT DISTINCT reason FROM delivery WHERE run_id = :run", run=run)}

    def of(self, run: int) -> Any:
        """The run's row."""
        with self.database.snapshot() as db:
            return db.execute(select(broadcast.runs).where(broadcast.runs.c.id == run)).one()

    def verb(self, work: Callable[..., Any], *args: Any) -> Any:
        """A verb in a transaction of its own."""
        with self.database.transaction() as db:
            return work(db, *args)


DROP = object()
Answers = Callable[["Platform", str, str], object]


class Platform:
    """The other end: counts what it is asked, and remembers for ten minutes of the stage's time whom it has taken which message for."""

    def __init__(self, stage: Stage, answers: Answers | None = None, remembers: bool = True, seconds: float = 0) -> None:
        self._stage, self._answers, self._remembers, self._seconds = stage, answers, remembers, seconds
        self.base = ""
        self.tokens = 0
        self.asked: list[tuple[str, str]] = []  # openid, client_msg_id of every call
        self.times: list[float] = []
        self.delivered: Counter[str] = Counter()
        self.texts: dict[str, Any] = {}
        self._known: dict[tuple[str, str], tuple[int, datetime]] = {}
        self._tries: defaultdict[str, int] = defaultdict(int)

    def tries(self, openid: str) -> int:
        """How often it was asked to send to this follower."""
        return self._tries[openid]

    def take(self, openid: str, key: str) -> dict[str, Any]:
        """The message is taken, once per client_msg_id."""
        known = self._known.get((openid, key)) if self._remembers else None
        if known is None or known[1] <= self._stage.at - timedelta(minutes=10):
            self.delivered[openid] += 1
            known = self._known[openid, key] = (len(self.asked) + 1_000_000, self._stage.at)
        return {"errcode": 0, "errmsg": "ok", "msgid": known[0]}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
                body = json.loads(await reader.readexactly(length) or b"{}")
                answer = await self._answer(urlsplit(head.split(" ")[1]).path, body)
                if answer is DROP:
                    break
                raw = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(raw) + raw)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, body: dict[str, Any]) -> object:
        if path != SEND:
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 7200}
        openid, key = body["touser"], body["client_msg_id"]
        self.asked.append((openid, key))
        self.times.append(asyncio.get_running_loop().time())
        self._tries[openid] += 1
        self.texts[openid] = body
        if self._seconds:
            await asyncio.sleep(self._seconds)
        answer = self._answers(self, openid, key) if self._answers else None
        if isinstance(answer, int):
            return {"errcode": answer, "errmsg": "no"}
        return answer or self.take(openid, key)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Platform]:
        """It listens."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self


@asynccontextmanager
async def sender(stage: Stage, platform: Platform, deadline: float = 5.0) -> AsyncIterator[Sender]:
    """A sender of the stage's database to the platform."""
    store = MemoryTokenStore(stage.clock)
    client = Client(app_id="a", secret="s", api_base=platform.base, store=store, clock=stage.clock, deadline=deadline)
    async with client:
        made = Sender(stage.database, client, stage.config, stage.clock, stage)
        yield made
        await made.stop()


def under_way() -> Sequence[asyncio.Task[Any]]:
    """The runs that are being sent in this loop."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("run-")]


async def looks(stage: Stage, made: Sender, times: int, seconds: float = 1) -> None:
    """The clock ticks so often; what each look began is done before the next."""
    for _ in range(times):
        await made.look()
        while begun := under_way():
            await asyncio.wait(begun)
            await asyncio.sleep(0)
        stage.later(seconds=seconds)


def play(stage: Stage, platform: Platform, times: int = 1, seconds: float = 1, deadline: float = 5.0) -> None:
    """A sender looks so often at the stage, against this platform."""

    async def scene() -> None:
        async with platform.open(), sender(stage, platform, deadline) as made:
            await looks(stage, made, times, seconds)

    asyncio.run(scene())


def staging(url: str) -> Iterator[Callable[..., Stage]]:
    """Makes stages with the test's own push rules; several of one test share the database, as processes do."""
    stages: list[Stage] = []

    def make(**push: Any) -> Stage:
        stages.append(Stage(url, **push))
        return stages[-1]

    yield make
    for stage in stages:
        stage.database.close()
