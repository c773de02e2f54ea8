"""Structured logs: one JSON object a line; openids masked, secrets never."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_OPENID = re.compile(r"\bo[A-Za-z0-9_-]{27}\b")
_TOKEN = re.compile(r"(access_token|secret|signature|echostr)=[^&\s\"']+")


def mask(openid: str) -> str:
    """Enough of an openid to follow one person through a log, too little to know who it is or to write to them."""
    return f"{openid[:3]}…{openid[-4:]}" if len(openid) > 12 else "…"


def scrub(text: str) -> str:
    """The text without whole openids and without what a URL of the platform's may carry."""
    return _TOKEN.sub(r"\1=…", _OPENID.sub(lambda found: mask(found[0]), text))


def _scrub_traceback(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = scrub(event["exception"])
    return event


def _straight(descriptor: int) -> BinaryIO:
    """A file without a buffer: a line is one system call, and none is lost when the process is killed."""
    return cast(BinaryIO, io.FileIO(descriptor, "wb", closefd=False))


def _dumps(event: Any, default: Any) -> bytes:
    return orjson.dumps(event, default=default)


class _Lines:
    """Writes all the lines of one turn of the event loop with one system call."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def add(self, line: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(line)

    def _write(self) -> None:
        lines, self._waiting = b"".join(self._waiting), []
        with suppress(OSError):  # whoever read our log is gone: that is no reason to stop answering
            os.write(sys.stderr.fileno(), lines)


_lines = _Lines()


def note(event: str, at: datetime, **fields: object) -> None:
    """A line as log.info writes it, for the hot path, where structlog's steps would cost as much as opening the envelope."""
    _lines.add(
        orjson.dumps({**fields, "event": event, "level": "info", "timestamp": at}, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    )


class _Bridge(logging.Handler):
    """Warnings of libraries come out like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("library", name=record.name, level_=record.levelname, message=scrub(self.format(record)))


def configure() -> None:
    """Logs go to standard error, from here on, in this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _scrub_traceback,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(_straight(sys.stderr.fileno())),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


log: FilteringBoundLogger = structlog.get_logger()
