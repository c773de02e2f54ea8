"""A stage on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scheduler.stage import Stage


@pytest.fixture
def staged(database_url: str) -> Iterator[Callable[..., Stage]]:
    """Makes stages with the test's own push rules; several of one test share the database, as processes do."""
    stages: list[Stage] = []

    def make(**push: Any) -> Stage:
        stages.append(Stage(database_url, **push))
        return stages[-1]

    yield make
    for stage in stages:
        stage.database.close()


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A stage without limits."""
    return staged()
