"""Python's search for garbage, put off while much is made that is none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def put_off() -> Iterator[None]:
    """Nothing is looked for meanwhile: a hundred thousand rules are millions of objects, and to look at them again and again is a third
    of the time that it takes to read them. Two at once do each other no harm: whoever was first turns the search on again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
