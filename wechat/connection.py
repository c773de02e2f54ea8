"""A connection to the platform: HTTP/1.1, one exchange at a time, read by the parser that uvicorn reads with (llhttp)."""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

LARGEST = 16 * 1024 * 1024  # bytes of one answer; a page of 10,000 openids has 0.3 MB
LARGEST_HEAD = 64 * 1024


class Broken(Exception):
    """There is no whole answer: the connection was closed in its middle, or it is no HTTP, or has no end."""


class Connection(asyncio.Protocol):
    """One connection. After each exchange `reusable` tells whether there may be another."""

    reusable = True
    idle_since = 0.0  # the loop's time at the end of the last exchange

    _has_head = _has_end = False  # of the answer: all its headers; a length

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def exchange(self, request: bytes, until: float) -> tuple[int, bytes]:
        """Status and body of the answer to the request. Raises Broken, also where there is none at this instant of the loop's.

        Whoever stops waiting for it must close the connection.
        """
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        self._begin()
        self._transport.write(request)
        # One timer: asyncio.timeout costs three times as much, and a broadcast has a million of these.
        deadline = loop.call_at(until, self._fail, "TimeoutError")
        try:
            return await self._answer
        finally:
            deadline.cancel()
            self._answer = None
            self.idle_since = loop.time()

    def close(self) -> None:
        """Nothing more is sent or read."""
        self.reusable = False
        self._transport.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked: whatever it is, it is no answer to the next request
            return
        self._head += 0 if self._has_head else len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as wrong:
            self._fail(f"no HTTP: {type(wrong).__name__}")
        if self._head > LARGEST_HEAD and not self._has_head:
            self._fail("an answer that does not begin")

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        if self._answer is None or self._answer.done():
            return
        if self._has_head and not self._has_end and exc is None:
            self.on_message_complete()  # an answer without a length ends with the connection
        else:
            self._fail("closed" if exc is None else type(exc).__name__)

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._has_end = self._has_end or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        self._body.append(body)
        if self._size > LARGEST:
            self._body.clear()
            self._fail(f"the answer has more than {LARGEST} bytes")

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and self._answer is not None:
            self._forget()  # the platform will say more in a moment (100, 103)
        elif self._answer is None or self._answer.done():
            self.close()
        else:
            self.reusable = self.reusable and self._parser.should_keep_alive()
            self._answer.set_result((status, b"".join(self._body)))

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._forget()

    def _forget(self) -> None:
        self._body: list[bytes] = []
        self._size = self._head = 0
        self._has_head = self._has_end = False

    def _fail(self, why: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Broken(why))
