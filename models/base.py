"""What all tables share: names for constraints, the instant type, insert-once, ascending ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, ForeignKey, Integer, MetaData
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeDecorator

__all__ = ["Id", "Instant", "follower_id", "identity", "insert", "metadata"]

# PostgreSQL's INSERT … ON CONFLICT compiles for SQLite word for word (SQLite's own construct does not compile for PostgreSQL),
# so one constant at the top of a noun's file serves both.

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows up by itself only for a column of exactly the type INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC. A naive value is a bug and is refused before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime: {value}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def identity() -> Column[int]:
    """An ascending integer key."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def follower_id(**more: Any) -> Column[int]:
    """The one name a reference to a follower has, so that export and erase find every table that holds one."""
    return Column("follower_id", Id, ForeignKey("follower.id"), **more)
