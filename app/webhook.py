"""The first door: what the platform pushes, answered. A raw ASGI endpoint, because this is the path everything hot goes through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection
from starlette.types import Receive, Scope, Send

from app.live import Live, Version
from app.logs import log, mask, note
from app.metrics import Metrics
from handlers import keyword, routing
from models import follower, inbox
from models.clock import Clock, from_seconds
from models.database import Database
from wechat.envelope import BadEnvelope, BadSignature, Envelope, Opened
from wechat.inbound import Inbound, Unreadable, fields_of
from wechat.reply import Text

MOST_BYTES = 64 * 1024
ANSWER_WITHIN = 4.3  # seconds; the platform hangs up after 5 (Receiving_standard_messages), and the wire takes its share
BODY_WITHIN = 3.0
OK = b"success"

SendLater = Callable[[str, str], Awaitable[None]]


class Effect(NamedTuple):
    """What a message led to: the reply in clear XML, and which rule gave it."""

    xml: str | None
    answered_by: str | None


class Webhook:
    """Answers the platform. Every copy of a push gets the one reply that its first copy led to."""

    def __init__(self, envelope: Envelope, database: Database, live: Live, metrics: Metrics, clock: Clock, send_later: SendLater) -> None:
        self._envelope = envelope
        self._database = database
        self._live = live
        self._metrics = metrics
        self._clock = clock
        self._send_later = send_later
        self._later: set[asyncio.Future[None]] = set()
        self._running: dict[str, asyncio.Future[Effect]] = {}

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
        inbound, key = opened.inbound, opened.inbound.key
        running = self._running.get(key)
        joined = running is not None
        if running is None:
            version = self._live.current
            running = self._running[key] = self._database.begin(lambda db: self._take_in(db, version, inbound, key, now))
        await _done_or_late(running, ANSWER_WITHIN - (time.perf_counter() - started))
        if not running.done():
            if not joined:
                running.add_done_callback(lambda late: self._late(inbound, key, now, late))
            self._note(inbound, "late", None, now, started)
            return OK
        if not joined:
            del self._running[key]
        bug = running.exception()
        effect = running.result() if bug is None else await self._after_bug(bug, inbound, now)
        self._note(inbound, "joined" if joined else "answered" if effect.xml else "silent", effect, now, started)
        return self._envelope.seal(effect.xml, opened, now) if effect.xml else OK

    async def _after_bug(self, bug: BaseException, inbound: Inbound, now: datetime) -> Effect:
        """A neutral sentence, stored like any reply, for every copy of the message; nothing where even that cannot be stored."""
        version = self._live.current
        rules = version.settings.config.version
        log.error("inbound failed", kind=inbound.event or inbound.type, openid=mask(inbound.openid), rules=rules, exc_info=bug)
        self._metrics.inbound("failed").inc()
        try:
            return await self._database.run(lambda db: self._apologise(db, version, inbound, now))
        except Exception:
            log.exception("inbound not stored", openid=mask(inbound.openid))
            return Effect(None, "error")

    def _take_in(self, db: Connection, version: Version, inbound: Inbound, key: str, now: datetime) -> Effect:
        """One transaction: admitted first, then the effects, then the reply on the entry."""
        kind = inbound.event or inbound.type
        admitted = inbox.admit(db, key, kind[:64], inbound.text or None, from_seconds(inbound.created_at), now)
        if isinstance(admitted, inbox.Repeated):
            return Effect(admitted.reply, "repeated")
        ctx, reply = routing.hear(db, version.routes, inbound, now)
        xml = self._envelope.render(reply, inbound, now) if reply else None
        inbox.answered(db, admitted.id, ctx.follower.id, ctx.answered_by, version.settings.config.version, xml or None)
        return Effect(xml or None, ctx.answered_by)

    def _apologise(self, db: Connection, version: Version, inbound: Inbound, now: datetime) -> Effect:
        """A bug stood in the way: the entry is kept with a neutral sentence, so that no copy is tried again and all say the same."""
        admitted = inbox.admit(
            db, inbound.key, (inbound.event or inbound.type)[:64], inbound.text or None, from_seconds(inbound.created_at), now
        )
        if isinstance(admitted, inbox.Repeated):
            return Effect(admitted.reply, "repeated")
        person = follower.seen(db, inbound.openid, from_seconds(inbound.created_at), now, subscribed=inbound.event not in routing.LEAVES)
        spoken = inbound.type in routing.SPOKEN or inbound.event == "click"
        xml = self._envelope.render(Text(keyword.sorry(version.settings.config)), inbound, now) if spoken else None
        inbox.answered(db, admitted.id, person.id, "error", version.settings.config.version, xml)
        return Effect(xml, "error")

    def _late(self, inbound: Inbound, key: str, now: datetime, late: asyncio.Future[Effect]) -> None:
        del self._running[key]
        self._keep(asyncio.ensure_future(self._answer_late(inbound, now, late)))

    async def _answer_late(self, inbound: Inbound, now: datetime, late: asyncio.Future[Effect]) -> None:
        """The effect came too late for a passive reply: a text is sent after it as a customer-service message, once."""
        bug = late.exception()
        xml = late.result().xml if bug is None else (await self._after_bug(bug, inbound, now)).xml
        text = fields_of(xml.encode()).get("Content") if xml else None
        if isinstance(text, str):
            await self._send_later(inbound.openid, text)

    def _keep(self, task: asyncio.Future[None]) -> None:
        """Holds on to a task until it is done: the loop alone would let it be collected."""
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _note(self, inbound: Inbound, outcome: str, effect: Effect | None, now: datetime, started: float) -> None:
        self._metrics.inbound(outcome).inc()
        note(
            "inbound",
            now,
            kind=inbound.event or inbound.type,
            openid=mask(inbound.openid),
            outcome=outcome,
            rule=effect and effect.answered_by,
            rules=self._live.config.version,
            ms=round((time.perf_counter() - started) * 1000, 1),
        )


async def _done_or_late(running: asyncio.Future[Effect], seconds: float) -> None:
    """Returns when it is done, or the seconds are over; asyncio.wait for one future, at a third of the cost."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(*_: object) -> None:
        if not waiter.done():
            waiter.set_result(None)

    running.add_done_callback(wake)
    timer = loop.call_later(max(0.0, seconds), wake)
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
