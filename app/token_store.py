"""The access token in the database, where all processes of the account find it."""

from __future__ import annotations

from datetime import datetime

from models import access_token
from models.clock import Clock
from models.database import Database
from wechat.token import StoredToken


class DatabaseTokenStore:
    """A wechat.token.TokenStore over models.access_token."""

    def __init__(self, database: Database, app_id: str, clock: Clock) -> None:
        self._database = database
        self._app_id = app_id
        self._clock = clock

    async def read(self) -> StoredToken | None:
        row = await self._database.read(lambda db: access_token.read(db, self._app_id))
        return row and StoredToken(row.generation, row.value, row.expires_at)

    async def claim_refresh(self, generation: int, until: datetime) -> bool:
        now = self._clock()
        return await self._database.run(lambda db: access_token.claim_refresh(db, self._app_id, generation, now, until))

    async def save(self, generation: int, value: str, expires_at: datetime) -> bool:
        return await self._database.run(lambda db: access_token.save(db, self._app_id, generation, value, expires_at))
