"""The versions of the rules: kept as they come into force, and brought back."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from app import live
from app.complaint import BadConfig
from app.config_file import Root, Settings, at_home
from app.logs import log
from models import rule_version
from models.clock import Clock
from models.database import Database

LOOK = 0.2  # seconds between two looks for a version that came into force
SEEN_EVERY = 30  # seconds
_ONE_AT_A_TIME = threading.Lock()  # two who go back at once must not each undo half of what the other does
REPLACED = "replaced"  # the folder in which files are kept that going back took away


class Chronicle:
    """Writes down which version this process answers under."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._process = f"{socket.gethostname()}:{os.getpid()}"[:100]
        self._new: deque[tuple[Settings, datetime]] = deque()
        self._current: Settings | None = None

    def swapped(self, settings: Settings) -> None:
        """This version is in force from now on. Called from whatever thread has read it."""
        self._new.append((settings, self._clock()))

    async def keep(self) -> None:
        """Never returns: what came into force is written down as soon as the database can, and now and then that it still is."""
        unseen = 0.0
        while True:
            unseen += LOOK
            if self._new or unseen >= SEEN_EVERY:
                unseen = 0.0
                await self._write()
            await asyncio.sleep(LOOK)

    async def _write(self) -> None:
        new = list(self._new)
        try:
            await self._database.run(lambda db: self._record(db, new))
        except Exception as broken:  # the outermost frame of this job: it is tried again as long as the process lives
            log.warning("version not written down", error=type(broken).__name__)
            return
        for _ in new:
            self._current = self._new.popleft()[0]

    def _record(self, db: Connection, new: Sequence[tuple[Settings, datetime]]) -> None:
        for settings, at in new:
            texts = [(name, data.decode("utf-8", "replace")) for name, data in settings.texts]
            rule_version.remember(db, settings.config.version, texts, at)
            rule_version.under(db, settings.config.version, self._process, at)
        if not new and self._current is not None:
            rule_version.under(db, self._current.config.version, self._process, self._clock())


_DATABASE = re.compile(r"^database:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)


def database_url(path: Path) -> str:
    """The database that the file names, even where the rest of it is broken: then is when one wants to go back."""
    try:
        return live.read(path).database
    except BadConfig:
        found = _DATABASE.search(path.read_text("utf-8", "replace")) if path.is_file() else None
        return at_home(found[1] if found else Root.model_fields["database"].default, path)


def back(path: Path, texts: rule_version.Texts, now: datetime) -> tuple[Settings, Path]:
    """The files say what that version said; what they said before lies in the folder this returns, under the same names.

    Raises BadConfig, with everything as it was, where this program does not take that version any more.
    """
    folder = path.parent
    aside = folder / REPLACED / now.strftime("%Y%m%d-%H%M%S-%f")
    wanted = {(folder / name if number else path): text.encode() for number, (name, text) in enumerate(texts)}
    with _ONE_AT_A_TIME:
        moved = _set_aside([*present(path), *wanted], aside, folder)
        taken = False
        try:
            for file, data in wanted.items():
                _replace(file, data)
            for file in moved.keys() - wanted.keys():
                file.unlink()
            settings = live.version(path).settings  # its own tests must pass too, or nobody would take it
            taken = True
        finally:
            if not taken:
                for file in wanted.keys() - moved.keys():  # was not there before
                    file.unlink(missing_ok=True)
                for file, copy in moved.items():
                    _replace(file, copy.read_bytes())
    return settings, aside


def present(path: Path) -> list[Path]:
    """The YAML files that are read now, the main file first."""
    try:
        now = live.read(path)
    except BadConfig as bad:
        return [file for file in bad.files if file.suffix in (".yaml", ".yml")]
    return [path.parent / name if number else path for number, (name, _) in enumerate(now.texts)]


def _set_aside(files: Sequence[Path], aside: Path, folder: Path) -> dict[Path, Path]:
    """A copy of each file that is there: file → copy."""
    copies: dict[Path, Path] = {}
    for file in dict.fromkeys(files):
        if file.is_file():
            copies[file] = aside / os.path.relpath(file, folder).replace("..", "_")
            copies[file].parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copies[file])
    return copies


def _replace(file: Path, data: bytes) -> None:
    """Whole or not at all; whoever may read the file still may."""
    file.parent.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.realpath(file))  # a link stays a link
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        new.write_bytes(data)
        if target.exists():
            shutil.copymode(target, new)
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)
