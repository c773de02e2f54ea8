"""The first door: what the platform pushes, answered. A raw ASGI endpoint, because this is the path everything hot goes through.

The platform hears us for five seconds. What takes longer is answered `success`, and the reply follows as a customer-service message, so
that exactly one of the two reaches the follower:

* A transaction that notices that it is late queues the message itself: whatever happens to this process afterwards, it will be sent.
  One that was in time, but not its commit, has it queued afterwards, under the same key.
* Once a message is queued, every further copy of the push is answered `success`. The message wins, because it may be on its way already.
* Until then the newest copy wins. The platform sends another one only when it has not heard our `success` to the one before, and listens
  to that one alone: it gets the stored reply, and from then on the copy before it may queue nothing any more (inbox.follow_up).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection
from starlette.types import Receive, Scope, Send

from app import follow_ups
from app.journal import Journal
from app.live import Live, Version
from app.logs import log, mask, note
from app.metrics import Metrics
from handlers import keyword, routing
from models import customer_message, inbox
from models.clock import Clock, from_seconds
from models.database import Database
from wechat.client.custom import payload
from wechat.envelope import BadEnvelope, BadSignature, Envelope, Opened
from wechat.inbound import Inbound, Unreadable
from wechat.rendered import reply_in
from wechat.reply import Text

MOST_BYTES = 64 * 1024
ANSWER_WITHIN = 4.3  # seconds; the platform hangs up after 5 (Receiving_standard_messages), and the wire takes its share
BODY_WITHIN = 3.0
CATCH_UP = 2.0  # seconds between two looks into the journal
OK = b"success"
_NOTHING = Text("")


class Effect(NamedTuple):
    """What a message led to: the reply in clear XML, and which rule gave it."""

    xml: str | None
    answered_by: str | None
    copy: int = 0  # which copy of the push this is for, 0 for the first
    queued: bool = False  # a customer-service message waits to be sent
    late: bool = False  # it is the reply itself
    stored: bool = True  # on record in the database


class Webhook:
    """Answers the platform. Every copy of a push gets the one reply that its first copy led to."""

    def __init__(
        self,
        envelope: Envelope,
        database: Database,
        live: Live,
        metrics: Metrics,
        clock: Clock,
        wake: Callable[[], None],
        journal: Journal,
    ) -> None:
        self._envelope = envelope
        self._database = database
        self._live = live
        self._metrics = metrics
        self._clock = clock
        self._wake = wake  # somebody who sends customer-service messages
        self._journal = journal
        self._later: set[asyncio.Future[None]] = set()
        self._running: dict[str, asyncio.Future[Effect]] = {}
        self._owed: set[str] = set()  # answered `success` and journalled, and this process is still at it
        self._told: set[str] = set()  # of those that run: whose first copy was answered `success` already

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["method"]:
            case "POST":
                status, body, kind = await self._guarded(scope["query_string"], receive)
            case "GET" | "HEAD":
                status, body, kind = self._verify(scope["query_string"])
            case _:
                status, body, kind = 405, b"", b"text/plain"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _verify(self, query: bytes) -> tuple[int, bytes, bytes]:
        try:
            return 200, self._envelope.verify_url(query, self._clock()).encode(), b"text/plain; charset=utf-8"
        except BadSignature:
            return self._refused(403, "bad_signature")

    async def _guarded(self, query: bytes, receive: Receive) -> tuple[int, bytes, bytes]:
        """The outermost frame: whatever bug is left, the platform is told that the push arrived, and never sees an error."""
        try:
            return await self._push(query, receive)
        except Exception:
            log.exception("webhook failed")
            self._metrics.inbound("failed").inc()
            return 200, OK, b"text/plain"

    async def _push(self, query: bytes, receive: Receive) -> tuple[int, bytes, bytes]:
        started, now = time.perf_counter(), self._clock()
        try:
            body = await _body(receive)
        except TimeoutError:
            return self._refused(408, "slow_body")
        if body is None:
            return self._refused(413, "too_large")
        try:
            opened = self._envelope.open(query, body, now)
        except BadSignature:
            return self._refused(403, "bad_signature")
        except BadEnvelope:
            return self._refused(400, "bad_envelope")
        except Unreadable as unreadable:
            # Rightly signed: the platform must not see an error, but there is nothing in it that we could act on.
            log.warning("inbound unreadable", reason=str(unreadable))
            self._metrics.inbound("unreadable").inc()
            return 200, OK, b"text/plain"
        answer = await self._answer(opened, now, started)
        self._metrics.inbound_seconds.observe(time.perf_counter() - started)
        return 200, answer, b"text/xml; charset=utf-8"

    def _refused(self, status: int, outcome: str) -> tuple[int, bytes, bytes]:
        self._metrics.inbound(outcome).inc()
        return status, b"", b"text/plain"

    async def _answer(self, opened: Opened, now: datetime, started: float) -> bytes:
        """The sealed reply, or `success` where there is none, where it is late, or where a bug stood in its way."""
        inbound, key, deadline = opened.inbound, opened.inbound.key, started + ANSWER_WITHIN
        running = self._running.get(key)
        joined = running is not None
        if running is None:
            version = self._live.current
            running = self._running[key] = self._database.begin(lambda db: self._take_in(db, version, inbound, key, now, deadline))
        await _done_or_late(running, deadline)
        if not running.done():
            if not joined:
                self._told.add(key)
                self._owed.add(key)
                self._journal.keep(inbound, now)
                running.add_done_callback(lambda late: self._late(inbound, key, now, deadline, late))
            return self._silent(inbound, "late", None, now, started)
        if not joined:
            del self._running[key]
        if (bug := running.exception()) is not None:
            running = asyncio.ensure_future(self._after_bug(bug, inbound, now, deadline))
            await _done_or_late(running, deadline)
            if not running.done():
                self._owed.add(key)
                self._journal.keep(inbound, now)
                self._keep(asyncio.ensure_future(self._finish(running, key, now)))
                return self._silent(inbound, "late", None, now, started)
        effect = running.result()
        if effect.queued:
            self._wake()
        # Who joined the first copy shares its late reply. A copy that came after it asked the database itself: it is the newest, and what
        # it was given there the first one can no longer queue.
        if effect.late or (joined and key in self._told):
            return self._silent(inbound, "late", effect, now, started)
        if not effect.xml:
            return self._silent(inbound, "silent" if inbound.known else "unknown", effect, now, started)
        self._note(inbound, "joined" if joined else "answered", effect, now, started)
        return self._envelope.seal(effect.xml, opened, now)

    def _silent(self, inbound: Inbound, outcome: str, effect: Effect | None, now: datetime, started: float) -> bytes:
        self._note(inbound, outcome, effect, now, started)
        return OK

    async def _after_bug(self, bug: BaseException, inbound: Inbound, now: datetime, deadline: float) -> Effect:
        """A neutral sentence, stored like any reply, for every copy of the message; where even that cannot be stored, it is journalled."""
        version = self._live.current
        rules = version.settings.config.version
        log.error("inbound failed", kind=inbound.kind, openid=mask(inbound.openid), rules=rules, exc_info=bug)
        self._metrics.inbound("failed").inc()
        try:
            return await self._database.run(lambda db: self._apologise(db, version, inbound, now, deadline))
        except Exception:
            log.exception("inbound not stored", openid=mask(inbound.openid))
            self._journal.keep(inbound, now)
            return Effect(None, "error", stored=False)

    async def catch_up(self) -> None:
        """Never returns: what is journalled is taken in as soon as the database can, once each, and its reply follows."""
        while True:
            for inbound, now in self._journal.kept():
                if inbound.key in self._running or inbound.key in self._owed:
                    continue  # this process is still at it
                if not await self._taken_up(inbound, now):
                    break
            await asyncio.sleep(CATCH_UP)

    async def _taken_up(self, inbound: Inbound, now: datetime) -> bool:
        version, key = self._live.current, inbound.key
        try:
            effect = await self._database.run(lambda db: self._take_in(db, version, inbound, key, now, 0.0, journalled=True))
        except Exception as bug:
            effect = await self._after_bug(bug, inbound, now, 0.0)
        if effect.stored:
            self._journal.forget(key)
        if effect.queued:
            self._wake()
        return effect.stored

    def _take_in(
        self, db: Connection, version: Version, inbound: Inbound, key: str, now: datetime, deadline: float, *, journalled: bool = False
    ) -> Effect:
        """One transaction: admitted first, then the effects, then the reply on the entry."""
        admitted = self._admit(db, inbound, key, now)
        if isinstance(admitted, inbox.Repeated) and journalled:
            return Effect(None, "repeated")  # whoever took it in saw to the reply
        if isinstance(admitted, inbox.Repeated):
            return self._in_time(db, Effect(admitted.reply, "repeated", admitted.copy), key, deadline, now)
        ctx, reply = routing.hear(db, version.routes, inbound, now)
        xml = self._envelope.render(reply, inbound, now) if reply else None
        inbox.answered(db, admitted.id, ctx.follower.id or None, ctx.answered_by, version.settings.config.version, xml or None)
        queued = follow_ups.queue(db, ctx, self._clock())
        return self._in_time(db, Effect(xml or None, ctx.answered_by, queued=queued), key, deadline, now)

    def _apologise(self, db: Connection, version: Version, inbound: Inbound, now: datetime, deadline: float) -> Effect:
        """A bug stood in the way: the entry is kept with a neutral sentence, so that no copy is tried again and all say the same."""
        admitted = self._admit(db, inbound, inbound.key, now)
        if isinstance(admitted, inbox.Repeated):
            return self._in_time(db, Effect(admitted.reply, "repeated", admitted.copy), inbound.key, deadline, now)
        person = routing.meet(db, inbound, now)
        spoken = inbound.type in routing.SPOKEN or inbound.event == "click"
        xml = self._envelope.render(Text(keyword.sorry(version.settings.config)), inbound, now) if spoken else None
        inbox.answered(db, admitted.id, person.id or None, "error", version.settings.config.version, xml)
        return self._in_time(db, Effect(xml, "error"), inbound.key, deadline, now)

    def _admit(self, db: Connection, inbound: Inbound, key: str, now: datetime) -> inbox.Admitted | inbox.Repeated:
        said_at = from_seconds(inbound.created_at)
        return inbox.admit(db, key, inbound.kind, inbound.text or None, said_at, now, fields=inbound.kept)

    def _in_time(self, db: Connection, effect: Effect, key: str, deadline: float, came_at: datetime) -> Effect:
        """The effect; where it is too late for a passive reply, the reply is queued in this same transaction."""
        if effect.xml and time.perf_counter() > deadline and self._follow_up(db, key, effect, came_at):
            return effect._replace(queued=True, late=True)
        return effect

    def _follow_up(self, db: Connection, key: str, effect: Effect, came_at: datetime) -> bool:
        """Afterwards the reply waits as a customer-service message, if it can be one and no newer copy of the push answers for itself."""
        message = payload(reply_in(effect.xml) or _NOTHING) if effect.xml else None
        now = self._clock()
        entry = inbox.follow_up(db, key, effect.copy, now) if message else None
        if entry is None or message is None:
            return False
        # As of the push: what was to follow the reply still does.
        return customer_message.queue(
            db, f"reply:{entry.id}", entry.follower_id, message, came_at + follow_ups.FOLLOWS_WITHIN, now, not_before=came_at
        )

    def _late(self, inbound: Inbound, key: str, now: datetime, deadline: float, late: asyncio.Future[Effect]) -> None:
        del self._running[key]
        if (bug := late.exception()) is not None:
            late = asyncio.ensure_future(self._after_bug(bug, inbound, now, deadline))
        self._keep(asyncio.ensure_future(self._finish(late, key, now)))

    async def _finish(self, late: asyncio.Future[Effect], key: str, came_at: datetime) -> None:
        """The platform was told `success` before this was done: where the transaction itself was in time, the reply is queued now."""
        try:
            effect = await late
            if effect.xml and not effect.late:
                followed = await self._database.run(lambda db: self._follow_up(db, key, effect, came_at))
                effect = effect._replace(queued=followed or effect.queued)
            if effect.stored:
                self._journal.forget(key)
            if effect.queued:
                self._wake()
        except Exception:
            log.exception("late reply not queued")
        finally:
            self._told.discard(key)
            self._owed.discard(key)

    def _keep(self, task: asyncio.Future[None]) -> None:
        """Holds on to a task until it is done: the loop alone would let it be collected."""
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _note(self, inbound: Inbound, outcome: str, effect: Effect | None, now: datetime, started: float) -> None:
        self._metrics.inbound(outcome).inc()
        note(
            "inbound",
            now,
            kind=inbound.kind,
            openid=mask(inbound.openid),
            outcome=outcome,
            rule=effect and effect.answered_by,
            rules=self._live.config.version,
            ms=round((time.perf_counter() - started) * 1000, 1),
        )


async def _done_or_late(running: asyncio.Future[Effect], deadline: float) -> None:
    """Returns when it is done, or it is too late; asyncio.wait for one future, at a third of the cost."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(*_: object) -> None:
        if not waiter.done():
            waiter.set_result(None)

    running.add_done_callback(wake)
    timer = loop.call_later(max(0.0, deadline - time.perf_counter()), wake)
    await waiter
    timer.cancel()


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None as soon as it is longer than any push of the platform's. TimeoutError where it drips in too slowly."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        async with asyncio.timeout(BODY_WITHIN):
            while message.get("more_body") and len(body) <= MOST_BYTES:
                message = await receive()
                body += message.get("body", b"")
    return body if len(body) <= MOST_BYTES else None
