"""The database's versions, and how it gets to the newest one (Alembic)."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from models.database import Database

_HERE = Path(__file__).parent
_LOCK = 0x79697A68616E  # "yizhan": the advisory lock under which one process migrates while the others wait


def newest() -> str:
    """The newest version this program knows: versions are numbered in their files' names."""
    return max(path.name for path in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


def version_of(db: Connection) -> str | None:
    """The version the database is at; None where it is empty."""
    if not inspect(db).has_table("alembic_version"):
        return None
    return db.execute(text("SELECT version_num FROM alembic_version")).scalar()


class NotMigrated(Exception):
    """The database is not at the newest version, and nobody asked for it to be changed."""

    def __init__(self) -> None:
        super().__init__("数据库不是最新版本，先运行 yizhan migrate / run yizhan migrate first")


def require_newest(database: Database) -> None:
    """Raises NotMigrated where the database is not at the newest version: on a server that is for whoever runs it to decide."""
    with database.snapshot() as db:
        if version_of(db) != newest():
            raise NotMigrated


def upgrade(database: Database) -> None:
    """Afterwards the database is at the newest version, whoever else is starting at the same time."""
    with database.snapshot() as db:
        if version_of(db) == newest():
            return
    # Here and not above: Alembic takes a third of a second to import, and most commands find nothing to migrate.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    with database.transaction() as db:
        if not database.is_sqlite:  # SQLite's BEGIN IMMEDIATE is the lock already
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if version_of(db) != newest():
            config.attributes["connection"] = db
            command.upgrade(config, "head")
