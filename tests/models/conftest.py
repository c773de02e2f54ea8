"""A stage on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.scheduler.stage import Stage, staging


@pytest.fixture
def staged(database_url: str) -> Iterator[Callable[..., Stage]]:
    yield from staging(database_url)


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A stage without limits."""
    return staged()
