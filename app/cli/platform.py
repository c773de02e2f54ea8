"""The platform's client for commands. Its HTTP library is slow to import: only commands that call the platform import this, when they do."""

from __future__ import annotations

import os

from app import config_file
from app.config_file import Settings
from app.secrets import MissingSecrets
from app.token_store import DatabaseTokenStore
from models.clock import utc_now
from models.database import Database
from wechat.client import Client


def client_of(settings: Settings, database: Database) -> Client:
    """The client of this account, to be closed by whoever asked for it; all processes share its token. Raises MissingSecrets."""
    secret = config_file.secrets(os.environ).app_secret
    if not secret:
        raise MissingSecrets(["YIZHAN_APP_SECRET"])
    account = settings.account
    store = DatabaseTokenStore(database, account.app_id, utc_now)
    return Client(app_id=account.app_id, secret=secret, api_base=account.api_base, store=store, clock=utc_now)
