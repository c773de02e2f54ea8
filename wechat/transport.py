"""HTTP to the platform: one request, one deadline, the bytes of the answer.

A broadcast is one small request after another to one host. On one core, 64 at a time, against a sink that does nothing (benchmarks/sink.py):
httpx over aiohttp's connections 6.8k requests/s, aiohttp itself 10.8k; in another run, on a machine with other things to do, these
connections around the parser that uvicorn uses for requests 13.3k, where a bare asyncio.Protocol got 14.3k. What is not wanted here is not there: no redirects, cookies, proxies, compression; and nothing logs a URL, in which the
platform demands the access token.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

import certifi

from wechat.connection import Broken, Connection
from wechat.errcodes import NO_ANSWER, Ambiguous, NotMade

JSON = "application/json"
IDLE = 4.0  # seconds we keep an unused connection: less than servers do (uvicorn 5 s), so that none closes under a request
ADDRESSES_KEPT = 60.0  # seconds
REMEMBERED = 64  # heads of requests: one per path and token is in use at a time


class Transport:
    """Requests to one host, up to `connections` at a time, `deadline` seconds for each whole exchange. Follows no redirect."""

    def __init__(self, base: str, deadline: float, connections: int) -> None:
        url = urlsplit(base.rstrip("/"))
        self._host, self._netloc, self._path = url.hostname or "", url.netloc.rpartition("@")[2], url.path
        self._tls = ssl.create_default_context(cafile=certifi.where()) if url.scheme == "https" else None
        self._port = url.port or (443 if self._tls else 80)
        self._deadline = deadline
        self._room = asyncio.Semaphore(connections)
        self._idle: list[Connection] = []
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._addresses: tuple[float, list[str]] = (0.0, [])
        self._looking = asyncio.Lock()
        self._sweep: asyncio.TimerHandle | None = None

    async def aclose(self) -> None:
        """Every connection is closed."""
        while self._idle:
            self._idle.pop().close()
        if self._sweep is not None:
            self._sweep.cancel()
        await asyncio.sleep(0)

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        content_type: str = JSON,
        deadline: float | None = None,
        wanted: Callable[[], bool] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises Ambiguous for anything that keeps us from having both, named without its URL.

        `deadline`: seconds this exchange has, in place of the usual ones. `wanted` is asked right before the request goes out, after
        whatever had to be waited for; where it says no, NotMade is raised.
        """
        until = asyncio.get_running_loop().time() + (deadline or self._deadline)
        try:
            return await self.exchange(method, path, query, body, content_type, until, wanted)
        except (Broken, OSError) as error:  # TimeoutError is an OSError, and so is what TLS finds wrong
            raise Ambiguous(-1, f"{NO_ANSWER}: {error if isinstance(error, Broken) else type(error).__name__}") from None

    async def exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        content_type: str,
        until: float,
        wanted: Callable[[], bool] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer, if it comes until this instant of the loop's. Raises Broken, OSError, NotMade."""
        request = b"%bContent-Length: %d\r\n\r\n%b" % (self._head(method, path, query, content_type), len(body), body)
        if self._room.locked():
            async with asyncio.timeout_at(until):
                await self._room.acquire()
        else:
            await self._room.acquire()  # at once
        try:
            connection = self._take()
            if connection is None:
                async with asyncio.timeout_at(until):
                    connection = await self._connect()
            if wanted is not None and not wanted():
                connection.idle_since = asyncio.get_running_loop().time()
                self._keep(connection)  # the next call need not wait for one
                raise NotMade
            try:
                return await connection.exchange(request, until)
            except BaseException:
                connection.close()
                raise
            finally:
                self._keep(connection)
        finally:
            self._room.release()

    def _head(self, method: str, path: str, query: Mapping[str, str], content_type: str) -> bytes:
        known = (method, path, *query.items(), content_type)
        head = self._heads.get(known)
        if head is None:
            target = f"{self._path}{path}?{urlencode(query)}" if query else f"{self._path}{path}"
            line, host = f"{method} {target} HTTP/1.1", self._netloc
            if len(line.split()) != 3 or not f"{line}{content_type}".isprintable():
                raise ValueError("a request is one line")
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            # `identity`: an answer is read up to a limit, which a compressed one could blow up
            fixed = f"Host: {host}\r\nAccept: {JSON}\r\nAccept-Encoding: identity\r\nContent-Type: {content_type}\r\n"
            head = self._heads[known] = f"{line}\r\n{fixed}".encode()
        return head

    def _take(self) -> Connection | None:
        """The connection that was used last, if it may still be used."""
        oldest = asyncio.get_running_loop().time() - IDLE
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection) -> None:
        if not connection.reusable:
            connection.close()
            return
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE, self._close_unused)

    def _close_unused(self) -> None:
        """Connections that nobody has used for a while are closed, the others are looked at again later."""
        loop = asyncio.get_running_loop()
        for connection in self._idle:
            if connection.idle_since <= loop.time() - IDLE:
                connection.close()
        self._idle = [connection for connection in self._idle if connection.reusable]
        self._sweep = loop.call_later(IDLE, self._close_unused) if self._idle else None

    async def _connect(self) -> Connection:
        """A new connection to the first of the host's addresses that takes it."""
        refused: OSError = ConnectionError("no address")
        for address in await self._resolve():
            try:
                name = self._host if self._tls else None
                loop = asyncio.get_running_loop()
                return (await loop.create_connection(Connection, address, self._port, ssl=self._tls, server_hostname=name))[1]
            except OSError as error:
                refused = error
        self._addresses = (0.0, [])
        raise refused

    async def _resolve(self) -> list[str]:
        """The host's addresses, looked up by one request for all that wait, and not again for a while."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            until, addresses = self._addresses
            if not addresses or loop.time() > until:
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
                self._addresses = (loop.time() + ADDRESSES_KEPT, addresses)
            return addresses
