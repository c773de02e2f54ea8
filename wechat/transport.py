"""HTTP to the platform: one request, one deadline, the bytes of the answer. The only file that knows httpx.

httpx's own connection pool collapses under many requests at once (0.2k/s at 64 in flight, measured), so requests go over aiohttp's.
They go to the transport itself, past httpx.AsyncClient: its redirects, cookies and proxies are not wanted here, they are half of the
cost (2.7k against 5.3k requests/s on one core), and it logs every URL, in which the platform demands the access token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from wechat.errcodes import NO_ANSWER, Ambiguous

JSON = "application/json"
LARGEST = 16 * 1024 * 1024  # bytes of one answer; a page of 10,000 openids has 0.3 MB
IDLE = 4  # seconds we keep an unused connection: less than servers do (uvicorn 5 s), so that none closes under a request
REMEMBERED = 64  # URLs: one per path and token is in use at a time


class Transport:
    """Requests to one host, up to `connections` at a time, `deadline` seconds for each whole exchange. Follows no redirect."""

    def __init__(self, base: str, deadline: float, connections: int) -> None:
        self._base = httpx.URL(base.rstrip("/"))
        self._deadline = deadline
        self._connections = connections
        self._http = AiohttpTransport(client=self._session, trust_env=False)
        # `identity`: an answer is read up to a limit, which a compressed one could blow up
        plain = {"host": self._base.netloc.decode(), "accept": JSON, "accept-encoding": "identity"}
        self._headers = httpx.Headers({**plain, "content-type": JSON})
        self._urls: dict[tuple[str, str], httpx.URL] = {}

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        content_type: str = JSON,
        deadline: float | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises Ambiguous for anything that keeps us from having both, named without its URL.

        `deadline`: seconds this exchange has, in place of the usual ones.
        """
        headers = self._headers if content_type == JSON else httpx.Headers({**self._headers, "content-type": content_type})
        request = httpx.Request(method, self._url(path, urlencode(query)), headers=headers, content=body)
        try:
            async with asyncio.timeout(deadline or self._deadline):
                return await self._exchange(request)
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise Ambiguous(-1, f"{NO_ANSWER}: {type(error).__name__}") from None

    async def _exchange(self, request: httpx.Request) -> tuple[int, bytes]:
        response: httpx.Response = await self._http.handle_async_request(request)
        try:
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_raw():
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST:
                    raise Ambiguous(-1, f"the answer has more than {LARGEST} bytes")
            return response.status_code, b"".join(chunks)
        finally:
            await response.aclose()

    def _url(self, path: str, query: str) -> httpx.URL:
        """Parsing a URL costs as much as the rest of the request, and in a broadcast it is always the same one."""
        url = self._urls.get((path, query))
        if url is None:
            if len(self._urls) >= REMEMBERED:
                self._urls.clear()
            url = self._urls[path, query] = httpx.URL(f"{self._base}{path}?{query}" if query else f"{self._base}{path}")
        return url

    def _session(self) -> aiohttp.ClientSession:
        """Made at the first request, inside the loop. No cookies, no environment."""
        tls = self._http.ssl_context
        connector = aiohttp.TCPConnector(limit=self._connections, ssl=tls, ttl_dns_cache=60, keepalive_timeout=IDLE)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
