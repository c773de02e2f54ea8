"""The database's versions, and how it gets to the newest one (Alembic)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from models.database import Database

_LOCK = 0x79697A68616E  # "yizhan": the advisory lock under which one process migrates while the others wait


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@cache
def newest() -> str | None:
    """The newest version this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def version_of(db: Connection) -> str | None:
    """The version the database is at; None where it is empty."""
    return MigrationContext.configure(db).get_current_revision()


def upgrade(database: Database) -> None:
    """Afterwards the database is at the newest version, whoever else is starting at the same time."""
    with database.transaction() as db:
        if not database.is_sqlite:  # SQLite's BEGIN IMMEDIATE is the lock already
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if version_of(db) != newest():
            config = _config()
            config.attributes["connection"] = db
            command.upgrade(config, "head")
