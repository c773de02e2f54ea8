"""Commands about broadcasts: list, preview, why, run, test, status, pause, resume, cancel, approve."""

from __future__ import annotations

# isort: off
from app.cli.broadcast import look, preflight, why, start, decide  # the commands, in the order of `--help`

# isort: on
from app.cli.broadcast.told import cli

__all__ = ["cli", "decide", "look", "preflight", "start", "why"]
