"""What all tables share: names for constraints, the instant type, insert-once, ascending ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, DateTime, Dialect, Executable, ForeignKey, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["Hot", "Id", "Instant", "follower_id", "identity", "insert", "metadata"]

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
    """An aware instant, kept in UTC. A naive value is a bug and is refused before it reaches the database.

    On SQLite it is text that sorts by time, `2026-11-21 02:00:00.000000`.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return String(26) if dialect.name == "sqlite" else self.impl_instance

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return self.bind_processor(dialect)(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """How a value is written, without the calls that SQLAlchemy puts around `process_bind_param`: a message has a dozen instants."""
        return _text if dialect.name == "sqlite" else _aware

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"a naive datetime: {value}")
    return value


def _text(value: datetime | None) -> str | None:
    aware = _aware(value)
    return None if aware is None else aware.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def identity() -> Column[int]:
    """An ascending integer key."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def follower_id(**more: Any) -> Column[int]:
    """The one name a reference to a follower has, so that export and erase find every table that holds one."""
    return Column("follower_id", Id, ForeignKey("follower.id"), **more)


class Hot:
    """A statement of the hot path: built once, compiled once per database, then sent straight to the driver.

    SQLAlchemy's own execute costs about five times as much as the statement itself on SQLite (benchmarks/webhook.py). The values go
    through the same type conversions; `expanding` parameters are not for this.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def row(self, db: Connection, **values: object) -> tuple[Any, ...] | None:
        """The first row, or None."""
        compiled = self._compiled.get(db.dialect.name) or self._compile(db)
        cursor = compiled.execute(db, values)
        row = cursor.fetchone()
        cursor.close()
        return row if row is None else compiled.read(row)

    def value(self, db: Connection, **values: object) -> Any:
        """The first column of the first row, or None."""
        row = self.row(db, **values)
        return row[0] if row else None

    def count(self, db: Connection, **values: object) -> int:
        """How many rows it changed."""
        cursor = (self._compiled.get(db.dialect.name) or self._compile(db)).execute(db, values)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def each(self, db: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Once for every row of values, in one go of the driver."""
        (self._compiled.get(db.dialect.name) or self._compile(db)).execute_each(db, rows)

    def _compile(self, db: Connection) -> _Compiled:
        return self._compiled.setdefault(db.dialect.name, _Compiled(self._statement, db.dialect))


class _Compiled:
    """The SQL for one driver, how each parameter is written for it, and how each column is read."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        made: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._sql: str = str(made)
        self._constants: dict[str, Any] = {name: value for name, value in made.params.items() if value is not None}
        writers = made._bind_processors
        self._by_name = made.positiontup is None
        self._parameters = [(name, writers.get(name)) for name in made.positiontup or made.params]
        columns: Any = getattr(statement, "exported_columns", ())
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._readers = [(place, reader) for place, reader in enumerate(readers) if reader is not None]

    def execute(self, db: Connection, values: Mapping[str, object]) -> Any:
        cursor = db.connection.cursor()
        cursor.execute(self._sql, self._written(values))
        return cursor

    def execute_each(self, db: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        cursor = db.connection.cursor()
        cursor.executemany(self._sql, [self._written(values) for values in rows])
        cursor.close()

    def _written(self, values: Mapping[str, object]) -> Any:
        if self._constants:
            values = {**self._constants, **values}
        if self._by_name:
            return {name: writer(values[name]) if writer else values[name] for name, writer in self._parameters}
        return [writer(values[name]) if writer else values[name] for name, writer in self._parameters]

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._readers:
            return row
        changed = list(row)
        for place, reader in self._readers:
            changed[place] = reader(changed[place])
        return tuple(changed)
