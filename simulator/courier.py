"""Carries pushes to the webhook: signed, sealed, five seconds each, three attempts in all. What the facts leave open is a setting."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from simulator import markup, reply
from simulator.alarms import Alarms
from simulator.clock import Clock
from simulator.envelope import Envelope
from simulator.faults import Faults, PushVerdict
from simulator.journal import Journal
from simulator.options import Options
from simulator.settings import Settings

HEADERS = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Pragma": "no-cache"}
PAUSE = 0.2
"""Seconds before the next attempt when the last one failed at once; after a timeout there is no pause."""
MARKED = 60.0
"""Seconds within which failures are counted, and for which nothing is pushed once there are too many (official alarm page)."""
OVERTAKEN = 10.0
"""Seconds a push that shall arrive out of order waits for the one after it, at most."""

Request = tuple[str, bytes]


@dataclass(slots=True)
class Outcome:
    """What became of a push. `answer` is the body of the attempt that succeeded; `withheld` says why the platform did not push at all."""

    answer: bytes | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    inner: str | None = None
    abnormal: str | None = None
    withheld: str | None = None


class Courier:
    """Delivers to one webhook. Open it once; connections are kept and shared by all pushes."""

    def __init__(self, options: Options, settings: Settings, clock: Clock, journal: Journal, faults: Faults, alarms: Alarms) -> None:
        self._options = options
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._alarms = alarms
        self._random = Random(f"nonces:{options.seed}")
        self.envelope = Envelope(options.token, options.aes_key, options.app_id)
        self.failures = 0
        self._failed_at: deque[float] = deque()
        self._silent_until = 0.0
        self._overtaking: dict[str, asyncio.Event] = {}
        self.observers: list[Callable[[str, markup.Fields, Outcome], None]] = []
        """Told of every push when it is over."""
        # Connections are let go of sooner than any server does it, so that none is closed under a push.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
        # _attempt keeps the deadline for the whole exchange.
        self._client = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None), headers=HEADERS
        )

    async def close(self) -> None:
        """No more pushes; the connections are gone."""
        await self._client.close()

    async def push(self, openid: str, fields: markup.Fields) -> Outcome:
        """The fields are delivered as XML, or every attempt has failed; either way the journal has it. Never raises for a bad webhook."""
        kind = str(fields.get("Event") or fields["MsgType"])
        verdict = self._faults.draw_push(kind)
        if verdict.swap:
            await self._be_overtaken(openid)
        if verdict.delay:
            await asyncio.sleep(verdict.delay)
        xml = markup.write(fields)
        copies = [self._deliver(openid, xml, verdict) for _ in range(verdict.copies)]
        first, *others = await asyncio.gather(*copies)
        for observe in self.observers:
            observe(openid, fields, first)
        for outcome in [first, *others]:
            self._note(openid, fields, xml, outcome)
        if not verdict.swap and (waiting := self._overtaking.pop(openid, None)):
            waiting.set()
        return first

    async def verify(self) -> str | None:
        """What is wrong with the webhook's answer to the URL verification (a signed GET that wants its echostr back); None when it is right."""
        timestamp, nonce = str(int(self._clock.outside())), str(self._random.randrange(2**31))
        echo = str(self._random.randrange(10**18, 10**19))
        query = {"signature": self.envelope.signature(timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "echostr": echo}
        try:
            async with asyncio.timeout(self._settings.deadline):
                status, content = await self._exchange("GET", self._address(query))
        except TimeoutError:
            return f"{self._settings.deadline:g} 秒内没有应答"
        except (aiohttp.ClientError, OSError) as error:
            return f"连不上（{error}）"
        if not 200 <= status < 300:
            return f"应答了 HTTP {status}（Token 是否一致？）"
        return None if content == echo.encode() else "没有原样返回 echostr"

    async def _deliver(self, openid: str, xml: str, verdict: PushVerdict) -> Outcome:
        outcome = Outcome()
        if verdict.lost:
            outcome.withheld = "fault"
        elif self._clock.now() < self._silent_until:
            outcome.withheld = "MarkFail"
        else:
            await self._try(openid, xml, outcome)
        return outcome

    async def _try(self, openid: str, xml: str, outcome: Outcome) -> None:
        """Attempt after attempt, until one is answered or there are none left."""
        request = self._sign(openid, xml)
        for number in range(self._settings.attempts):
            if number and not self._settings.same_query:
                request = self._sign(openid, xml)
            attempt, answer = await self._attempt(request)
            outcome.attempts.append(attempt)
            if answer is not None:
                outcome.answer = answer
                self._unseal(outcome, attempt)
                return
            if attempt["error"] != "timeout":
                if not self._settings.retry_on_error:
                    break
                if number + 1 < self._settings.attempts:
                    await asyncio.sleep(PAUSE)
        self._mark(outcome.attempts[-1]["error"])

    async def _attempt(self, request: Request) -> tuple[dict[str, Any], bytes | None]:
        """One request. The answer is None for a timeout, a failed connection, and any status but 2xx."""
        url, body = request
        began = time.perf_counter()
        attempt: dict[str, Any] = {"at": self._clock.now(), "status": None, "error": None, "reply": None}
        answer: bytes | None = None
        try:
            async with asyncio.timeout(self._settings.deadline):
                status, content = await self._exchange("POST", url, body)
            attempt["status"] = status
            if 200 <= status < 300:
                answer = content
            else:
                attempt["error"] = f"HTTP {status}"
        except TimeoutError:
            attempt["error"] = "timeout"
        except (aiohttp.ClientError, OSError) as error:
            attempt["error"] = f"connection: {error}"
        attempt["elapsed"] = round(time.perf_counter() - began, 4)
        return attempt, answer

    async def _exchange(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        async with self._client.request(method, URL(url, encoded=True), data=body, allow_redirects=False) as response:
            return response.status, await response.read()

    def _sign(self, openid: str, xml: str) -> Request:
        """URL and body of one attempt, with a timestamp and a nonce of its own around the same XML."""
        now = self._clock.outside() if self._settings.sign_with == "real" else self._clock.now()
        timestamp, nonce = str(int(now)), str(self._random.randrange(2**31))
        query = {"signature": self.envelope.signature(timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        if self._settings.openid_in_query:
            query["openid"] = openid
        if self._options.mode == "plain":
            return self._address(query), xml.encode()
        sealed = self.envelope.seal(xml)
        query |= {"encrypt_type": "aes", "msg_signature": self.envelope.signature(timestamp, nonce, sealed)}
        if self._options.mode == "compatible":
            both = xml.removesuffix("</xml>") + f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
            return self._address(query), both.encode()
        return self._address(query), markup.write({"ToUserName": self._options.original_id, "Encrypt": sealed}).encode()

    def _address(self, query: dict[str, str]) -> str:
        parts = urlsplit(self._options.webhook)
        return parts._replace(query="&".join(filter(None, (parts.query, urlencode(query)))), fragment="").geturl()

    def _unseal(self, outcome: Outcome, attempt: dict[str, Any]) -> None:
        """The outcome knows the reply's inner XML, or why the platform would not take it."""
        assert outcome.answer is not None
        mode = self._options.mode
        trimmed = outcome.answer.lstrip() if self._settings.space_before else outcome.answer
        answer = trimmed if trimmed.startswith(b"<") else outcome.answer
        clear = mode == "plain" or (mode == "compatible" and b"<Encrypt>" not in answer)
        try:
            outcome.inner = reply.unseal(answer, None if clear else self.envelope)
            attempt["reply"] = outcome.inner or outcome.answer.decode()
        except reply.Abnormal as abnormal:
            outcome.abnormal = str(abnormal)
            attempt["reply"] = outcome.answer[:2000].decode(errors="replace")

    def _mark(self, error: str) -> None:
        """One more failure; when there were too many within a minute, the server is left in peace for a minute."""
        now = self._clock.now()
        self.failures += 1
        self._alarms.raise_for(error)
        self._failed_at.append(now)
        while self._failed_at[0] <= now - MARKED:
            self._failed_at.popleft()
        if self._settings.mark_fail and len(self._failed_at) >= self._settings.mark_fail:
            self._failed_at.clear()
            self._silent_until = now + MARKED
            self._alarms.raise_for("MarkFail")

    def _note(self, openid: str, fields: markup.Fields, xml: str, outcome: Outcome) -> None:
        facts = {"event": fields.get("Event"), "body": xml, "attempts": outcome.attempts, "failed": outcome.answer is None}
        at = outcome.attempts[0]["at"] if outcome.attempts else self._clock.now()
        self._journal.write("push", at, openid, facts if outcome.withheld is None else {**facts, "withheld": outcome.withheld})

    async def _be_overtaken(self, openid: str) -> None:
        """Returns when the follower's next push has been delivered, or none came for a while."""
        passed = self._overtaking.setdefault(openid, asyncio.Event())
        try:
            await asyncio.wait_for(passed.wait(), OVERTAKEN)
        except TimeoutError:
            self._overtaking.pop(openid, None)
