"""Carries pushes to the webhook: signed, sealed, five seconds each, three attempts in all."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from simulator import markup, reply
from simulator.clock import Clock
from simulator.envelope import Envelope
from simulator.journal import Journal
from simulator.options import Options

HEADERS = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Pragma": "no-cache"}
PAUSE = 0.2
"""Seconds before the next attempt when the last one failed at once; after a timeout there is no pause."""


@dataclass(slots=True)
class Outcome:
    """What became of a push. `answer` is the body of the attempt that succeeded, None when every attempt failed."""

    answer: bytes | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    inner: str | None = None
    abnormal: str | None = None


class Courier:
    """Delivers to one webhook. Open it once; connections are kept and shared by all pushes."""

    def __init__(self, options: Options, clock: Clock, journal: Journal) -> None:
        self._options = options
        self._clock = clock
        self._journal = journal
        self.envelope = Envelope(options.token, options.aes_key, options.app_id)
        self.failures = 0
        limits = httpx.Limits(max_connections=None, keepalive_expiry=2)  # shorter than any server's, so none is closed under a push
        # _attempt keeps the deadline for the whole exchange; httpx's own timeouts, one per phase, only have to be longer.
        self._client = httpx.AsyncClient(transport=AiohttpTransport(limits=limits, trust_env=False), timeout=2 * options.deadline)

    async def close(self) -> None:
        """No more pushes; the connections are gone."""
        await self._client.aclose()

    async def push(self, openid: str, fields: markup.Fields) -> Outcome:
        """The fields are delivered as XML, or every attempt has failed; either way the journal has it. Never raises for a bad webhook."""
        xml = markup.write(fields)
        began = self._clock.now()
        outcome = Outcome()
        for number in range(self._options.attempts):
            attempt, answer = await self._attempt(openid, xml)
            outcome.attempts.append(attempt)
            if answer is not None:
                outcome.answer = answer
                self._unseal(outcome, attempt)
                break
            if number + 1 < self._options.attempts and attempt["error"] != "timeout":
                await asyncio.sleep(PAUSE)
        self.failures += outcome.answer is None
        facts = {"event": fields.get("Event"), "body": xml, "attempts": outcome.attempts, "failed": outcome.answer is None}
        self._journal.write("push", began, openid, facts)
        return outcome

    async def _attempt(self, openid: str, xml: str) -> tuple[dict[str, Any], bytes | None]:
        """One request. The answer is None for a timeout, a failed connection, and any status but 2xx."""
        query, body = self._sign(openid, xml)
        began = self._clock.now()
        attempt: dict[str, Any] = {"at": began, "status": None, "error": None, "reply": None}
        answer: bytes | None = None
        try:
            async with asyncio.timeout(self._options.deadline):
                url = httpx.URL(self._options.webhook).copy_merge_params(query)
                response = await self._client.post(url, content=body.encode(), headers=HEADERS)
            attempt["status"] = response.status_code
            if response.is_success:
                answer = response.content
            else:
                attempt["error"] = f"HTTP {response.status_code}"
        except TimeoutError:
            attempt["error"] = "timeout"
        except (httpx.HTTPError, OSError) as error:
            attempt["error"] = f"connection: {error}"
        attempt["elapsed"] = round(self._clock.now() - began, 4)
        return attempt, answer

    def _sign(self, openid: str, xml: str) -> tuple[dict[str, str], str]:
        """Query and body of one attempt: a fresh timestamp and nonce every time, the same XML inside."""
        timestamp, nonce = str(int(self._clock.now())), str(secrets.randbelow(2**31))
        query = {"signature": self.envelope.signature(timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "openid": openid}
        if self._options.mode == "plain":
            return query, xml
        sealed = self.envelope.seal(xml)
        query |= {"encrypt_type": "aes", "msg_signature": self.envelope.signature(timestamp, nonce, sealed)}
        return query, markup.write({"ToUserName": self._options.original_id, "Encrypt": sealed})

    def _unseal(self, outcome: Outcome, attempt: dict[str, Any]) -> None:
        """The outcome knows the reply's inner XML, or why the platform would not take it."""
        assert outcome.answer is not None
        try:
            outcome.inner = reply.unseal(outcome.answer, None if self._options.mode == "plain" else self.envelope)
            attempt["reply"] = outcome.inner or outcome.answer.decode()
        except reply.Abnormal as abnormal:
            outcome.abnormal = str(abnormal)
            attempt["reply"] = outcome.answer[:2000].decode(errors="replace")
