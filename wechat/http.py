"""HTTP to the platform for everything that is not sent to one follower after another: httpx's own connections. The only file that knows httpx.

Requests go to httpx's transport, past its client: redirects, cookies and proxies are not wanted, and the client logs every URL, in which
the platform demands the access token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from wechat.errcodes import NO_ANSWER, Ambiguous

JSON = "application/json"
LARGEST = 16 * 1024 * 1024  # bytes of one answer; a page of 10,000 openids has 0.3 MB
IDLE = 4  # seconds we keep an unused connection: less than servers do (uvicorn 5 s), so that none closes under a request
CONNECTIONS = 16


class Http:
    """Requests to one host, `deadline` seconds for each whole exchange. Follows no redirect."""

    def __init__(self, base: str, deadline: float) -> None:
        self._base = base.rstrip("/")
        self._deadline = deadline
        limits = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE)
        self._http = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def aclose(self) -> None:
        """Every connection is closed."""
        await self._http.aclose()

    async def ask(
        self, method: str, path: str, query: Mapping[str, str], body: bytes, content_type: str = JSON, deadline: float | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises Ambiguous for anything that keeps us from having both, named without its URL.

        `deadline`: seconds this exchange has, in place of the usual ones.
        """
        url = httpx.URL(f"{self._base}{path}?{urlencode(query)}" if query else f"{self._base}{path}")
        # `identity`: an answer is read up to a limit, which a compressed one could blow up
        headers = {"host": url.netloc.decode(), "accept": JSON, "accept-encoding": "identity", "content-type": content_type}
        request = httpx.Request(method, url, headers=headers, content=body)
        try:
            async with asyncio.timeout(deadline or self._deadline):
                return await self._exchange(request)
        except (httpx.HTTPError, OSError) as error:  # TimeoutError is an OSError
            raise Ambiguous(-1, f"{NO_ANSWER}: {type(error).__name__}") from None

    async def _exchange(self, request: httpx.Request) -> tuple[int, bytes]:
        response = await self._http.handle_async_request(request)
        try:
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_raw():
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST:
                    raise Ambiguous(-1, f"the answer has more than {LARGEST} bytes")
        finally:
            await response.aclose()
        return response.status_code, b"".join(chunks)
