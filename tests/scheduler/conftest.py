"""A platform, and a stage on SQLite: what the sender does is the same on both databases; the verbs under it are proved on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.people import Town
from tests.scheduler.stage import Stage, staging


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A simulator, shared by a file's tests: what was called before is counted away."""
    town = Town(tmp_path_factory.mktemp("platform"))
    town.simulator.start(f"{town.sim}/_sim/clock")
    yield town
    town.stop()


@pytest.fixture
def staged(sqlite_url: str) -> Iterator[Callable[..., Stage]]:
    yield from staging(sqlite_url)


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A stage without limits."""
    return staged()
