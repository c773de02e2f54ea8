"""The configuration that is in force: swapped whole when the file changes and is good, kept when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import handlers
from app import config_file
from app.config_file import BadConfig, Settings
from app.logs import log
from handlers import routing
from handlers.routing import Routes
from models import broadcast
from models.broadcast import BroadcastsSection
from models.config import Config, Problem
from models.push import PushSection
from models.segment import SegmentsSection

SECTIONS: tuple[type, ...] = (
    *(feature.section for feature in handlers.FEATURES if feature.section),
    SegmentsSection,
    PushSection,
    BroadcastsSection,
)
POLL = 0.4  # seconds between looks at the files; a change is read once it has held still for one of them


def _check_features(config: Config) -> list[Problem]:
    return list(routing.check(config, handlers.FEATURES))


def read(path: Path) -> Settings:
    """The file's settings, with every check there is. Raises BadConfig."""
    return config_file.read(path, SECTIONS, checks=[_check_features, broadcast.check])


@dataclass(frozen=True)
class Version:
    """One good version of the file and where messages go under it."""

    settings: Settings
    routes: Routes


def version(path: Path) -> Version:
    """The file as it is now, ready to answer. Raises BadConfig."""
    settings = read(path)
    return Version(settings, routing.lay(settings.config, handlers.FEATURES))


class Live:
    """Holds the version in force. Whoever answers a message takes `current` once, and so never sees two versions."""

    def __init__(self, path: Path, on_errors: Callable[[int], None] = lambda number: None) -> None:
        self._path = path
        self._on_errors = on_errors
        self.current = version(path)
        self.errors: list[str] = []
        self._seen = config_file.signature(self.current.settings)

    @property
    def config(self) -> Config:
        """The checked sections in force."""
        return self.current.settings.config

    async def watch(self) -> None:
        """Until cancelled: a good edit is in force within two seconds of the last write, a bad one never, and its errors are logged."""
        candidate = self._seen
        subject: Settings | BadConfig = self.current.settings
        while True:
            await asyncio.sleep(POLL)
            now = config_file.signature(subject)
            if now == self._seen:
                candidate = now
            elif now != candidate:
                candidate = now  # still being written: look again
            else:
                subject = await asyncio.to_thread(self.refresh)
                candidate = self._seen = config_file.signature(subject)

    def refresh(self) -> Settings | BadConfig:
        """Reads everything anew; afterwards the new version is in force, or the last good one still is and `errors` says why."""
        try:
            new = version(self._path)
        except BadConfig as bad:
            self.errors = [complaint.render() for complaint in bad.complaints]
            self._on_errors(len(self.errors))
            for error in self.errors:
                log.error("config refused", error=error, in_force=self.config.version)
            return bad
        self.errors = []
        self._on_errors(0)
        fixed = (self.current.settings.account, self.current.settings.database)
        if (new.settings.account, new.settings.database) != fixed:
            log.warning("account and database of config.yaml take effect after a restart")
        if new.settings.config.version != self.config.version:
            self.current = new
            log.info("config in force", version=self.config.version)
        return new.settings
