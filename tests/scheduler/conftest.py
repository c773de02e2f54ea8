"""A stage on SQLite: what the sender does is the same on both databases; the verbs under it are proved on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.scheduler.stage import Stage, staging


@pytest.fixture
def staged(sqlite_url: str) -> Iterator[Callable[..., Stage]]:
    yield from staging(sqlite_url)


@pytest.fixture
def stage(staged: Callable[..., Stage]) -> Stage:
    """A stage without limits."""
    return staged()
