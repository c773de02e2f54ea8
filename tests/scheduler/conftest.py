"""A stage on SQLite: what the sender does is the same on both databases; the verbs under it are proved on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scheduler.stage import Stage


@pytest.fixture
def staged(sqlite_url: str) -> Iterator[Callable[..., Stage]]:
    """Makes stages with the test's own push rules; several of one test share the database, as processes do."""
    stages: list[Stage] = []

    def make(**push: Any) -> Stage:
        stages.append(Stage(sqlite_url, **push))
        return stages[-1]

    yield make
    for stage in stages:
        stage.database.close()


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A stage without limits."""
    return staged()
