"""The access token of one account: fetched once for all processes, never older than what another process has stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wechat.errcodes import Action, PlatformError

# The platform issues the next stable token five minutes before the end; the old one stays good until then.
EARLY = timedelta(minutes=5)
LEASE = timedelta(seconds=8)  # longer than a fetch may take (5 s), so that a claim ends only after its owner gave up or died
POLL = 0.05  # seconds between two looks at the store while another process fetches
SOONEST = timedelta(seconds=30)  # after a fetch: should the platform hand out tokens that are already due, this bounds our calls


@dataclass(frozen=True, slots=True)
class StoredToken:
    generation: int
    value: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"StoredToken(generation={self.generation})"


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    generation: int

    def __repr__(self) -> str:
        return f"Token(generation={self.generation})"


class TokenStore(Protocol):
    """Where all processes of one account share their token. The first generation is 1; 0 stands for none yet."""

    async def read(self) -> StoredToken | None: ...

    async def claim_refresh(self, generation: int, until: datetime) -> bool:
        """True for exactly one caller, across processes, until the time it named has passed; never once a newer one is stored."""

    async def save(self, generation: int, value: str, expires_at: datetime) -> bool:
        """Stores it if the stored generation is lower, else leaves all as it is and answers False."""


class MemoryTokenStore:
    """A TokenStore for one process: tests, tools, the command line."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._stored: StoredToken | None = None
        self._claims: dict[int, datetime] = {}

    async def read(self) -> StoredToken | None:
        return self._stored

    async def claim_refresh(self, generation: int, until: datetime) -> bool:
        claimed = self._claims.get(generation)
        if (claimed and claimed > self._clock()) or (self._stored and self._stored.generation > generation):
            return False
        self._claims = {generation: until}
        return True

    async def save(self, generation: int, value: str, expires_at: datetime) -> bool:
        if self._stored and self._stored.generation >= generation:
            return False
        self._stored = StoredToken(generation, value, expires_at)
        return True


class Tokens:
    """Hands out the access token. `fetch` asks the platform for (value, seconds left) and raises PlatformError.

    After a failed fetch its error is repeated, without asking again, for as long as the claim on the generation lasts: a wrong secret costs
    one call in eight seconds, not one per message.
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[str, int]]], store: TokenStore, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: StoredToken | None = None
        self._due: datetime | None = None
        self._failure: tuple[PlatformError, int, datetime] | None = None
        self._insisted_until = datetime.min.replace(tzinfo=UTC)

    async def get(self) -> Token:
        """A token with five minutes left, refreshed if need be; an older but living one if that fails. Else raises PlatformError."""
        if self._is_fresh():
            return self._token()
        async with self._lock:
            if not self._is_fresh():
                self._know(await self._store.read())
            if not self._is_fresh():
                await self._refresh_or_make_do()
            return self._token()

    async def refused(self, token: Token) -> Token:
        """A newer token than the one the platform refused: the stored one if it is newer, else the outcome of exactly one refresh.

        Where the platform names the very token again that it refused, that one, and for a while (LEASE) nobody asks for another.
        Raises PlatformError where the refresh fails. Never forces one (20 a day) and never clears a quota (10 a month).
        """
        async with self._lock:
            if self._generation() <= token.generation:
                self._know(await self._store.read())
            if self._generation() <= token.generation and self._clock() >= self._insisted_until:
                await self._refresh(token.generation)
            if self._generation() > token.generation and self._token().value == token.value:
                self._insisted_until = self._clock() + LEASE
            return self._token()

    async def _refresh_or_make_do(self) -> None:
        try:
            await self._refresh(self._generation())
        except PlatformError:
            if not self._known or self._known.expires_at <= self._clock():
                raise

    async def _refresh(self, generation: int) -> None:
        """Afterwards a token newer than `generation` is known: fetched by us, or by the process that holds the claim."""
        self._repeat_failure(generation)
        for _ in range(1 + int(2 * LEASE.total_seconds() / POLL)):
            if await self._store.claim_refresh(generation, self._clock() + LEASE):
                await self._fetch_after(generation)
            else:
                await asyncio.sleep(POLL)
            self._know(await self._store.read(), just_fetched=True)
            if self._generation() > generation:
                return
        raise PlatformError(-1, "another process claimed the token's refresh and did not finish", Action.RETRY)

    async def _fetch_after(self, generation: int) -> None:
        try:
            value, seconds = await self._fetch()
        except PlatformError as error:
            self._failure = (error, generation, self._clock() + LEASE)
            raise
        await self._store.save(generation + 1, value, self._clock() + timedelta(seconds=seconds))

    def _repeat_failure(self, generation: int) -> None:
        if self._failure and self._failure[1] == generation and self._clock() < self._failure[2]:
            raise PlatformError(self._failure[0].errcode, self._failure[0].errmsg, self._failure[0].action)

    def _know(self, stored: StoredToken | None, *, just_fetched: bool = False) -> None:
        if stored is None or stored.generation <= self._generation():
            return
        self._known, self._due = stored, stored.expires_at - EARLY
        if just_fetched:
            now = self._clock()
            self._due = max(self._due, now + min(SOONEST, (stored.expires_at - now) / 2))

    def _is_fresh(self) -> bool:
        return self._due is not None and self._clock() < self._due

    def _generation(self) -> int:
        return self._known.generation if self._known else 0

    def _token(self) -> Token:
        assert self._known  # every path here has fetched or read one, or has raised
        return Token(self._known.value, self._known.generation)
