"""Pushes that were answered `success` before the database had taken them in: a file each, until it has.

The platform does not send again what was answered. So what is not on record by then is written here first, and taken in later, by this
process or, if it is killed, by the next one.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import orjson

from app.logs import log
from wechat.inbound import Inbound, Unreadable, read


class Journal:
    """One folder, private to this user. Processes that share a database on one machine may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, inbound: Inbound, now: datetime) -> None:
        """The push that came at `now` outlives this process. Where the disk refuses, that is logged: then it is in memory only."""
        path = self._path(inbound.key)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_ours():
                raise PermissionError(f"{self._folder} belongs to somebody else")
            unfinished = path.with_suffix(".new")
            file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(file, orjson.dumps({"at": now.isoformat(), "fields": dict(inbound.fields)}))
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(unfinished, path)
        except OSError as refused:
            log.error("push not journalled", reason=str(refused))

    def forget(self, key: str) -> None:
        """The push is on record: its file is gone."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def kept(self) -> Iterator[tuple[Inbound, datetime]]:
        """What waits, oldest first, and when it came."""
        with suppress(OSError):
            if not self._is_ours():
                return
            for path in sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns):
                try:
                    found = orjson.loads(path.read_bytes())
                    yield read(found["fields"]), datetime.fromisoformat(found["at"])
                except (ValueError, KeyError, TypeError, Unreadable) as damaged:
                    log.error("journalled push unreadable", file=path.name, reason=str(damaged))
                    path.rename(path.with_suffix(".damaged"))

    def _is_ours(self) -> bool:
        # In a folder that everybody may write to, another user could have made it first, to read or to forge pushes.
        found = self._folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
