"""The configuration that is in force: swapped whole when the file changes and is good, kept when it is not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import handlers
from app import config_file, file_tests
from app.collecting import put_off
from app.config_file import BadConfig, Complaint, Settings
from app.file_tests import FileTestsSection
from app.logs import log
from handlers import claims, replies, routing
from handlers.channel import ChannelsSection
from handlers.lint import compliance, lints
from handlers.routing import Routes
from handlers.welcome import WelcomeSection
from models import broadcast, journey
from models.broadcast import BroadcastsSection
from models.clock import utc_now
from models.config import Config, Problem
from models.journey import JourneysSection
from models.media import MediaSection
from models.push import PushSection
from models.segment import SegmentsSection

SECTIONS: tuple[type, ...] = (
    *(feature.section for feature in handlers.FEATURES if feature.section),
    MediaSection,
    SegmentsSection,
    PushSection,
    BroadcastsSection,
    JourneysSection,
    FileTestsSection,
)
POLL = 0.2  # seconds between looks at the files
REST = 0.001  # seconds that whoever answers messages has for himself after each test of a file that is being read
QUIET = 0.8  # seconds that they must have held still before they are read: a pause in the middle of a save is shorter


def _check_codes(config: Config) -> Iterator[Problem]:
    """A code says one thing: what its channel says, or what the welcome says of it."""
    channels, welcome = config.get(ChannelsSection), config.get(WelcomeSection)
    for number, channel in enumerate(channels.root if channels else ()):
        if welcome is not None and channel.key in welcome.scenes:
            where = ("channels", number, "key")
            yield Problem(
                where,
                f"welcome.scenes 里已经有 {channel.key}；把那里的删掉，回复写在这里",
                f"welcome.scenes has {channel.key} already; delete it there and write its reply here",
            )


def read(path: Path) -> Settings:
    """The file's settings, with every check there is. Raises BadConfig."""
    own = [
        *claims.checks(handlers.FEATURES),
        _check_codes,
        replies.check,
        compliance.risky,
        broadcast.check,
        journey.check,
        file_tests.check,
    ]
    with put_off():
        return config_file.read(path, SECTIONS, checks=[*own, *lints(handlers.FEATURES, utc_now())])


@dataclass(frozen=True)
class Version:
    """One good version of the file and where messages go under it."""

    settings: Settings
    routes: Routes


def version(path: Path, *, tested: bool = True) -> Version:
    """The file as it is now, ready to answer; its own tests have passed where it is to be `tested`. Raises BadConfig."""
    with put_off():
        settings = read(path)
        made = Version(settings, routing.lay(settings.config, handlers.FEATURES))
    if tested:
        beside = threading.current_thread() is not threading.main_thread()  # the main thread answers messages meanwhile
        settings.refuse(file_tests.run(made, rest=REST if beside else 0.0))
    return made


class Live:
    """Holds the version in force. Whoever answers a message takes `current` once, and so never sees two versions."""

    def __init__(self, path: Path, on_errors: Callable[[int], None] = lambda number: None) -> None:
        self._path = path
        self._on_errors = on_errors
        self.on_swap: Callable[[Settings], None] = lambda settings: None  # told of every version that comes into force
        self._reading = threading.Lock()
        self.current = version(path)
        _tell_warnings(self.current.settings)
        self.errors: list[str] = []  # of the newest file; [] when it is in force
        self._at_start = _fixed(self.current.settings)
        self._newest: Settings | BadConfig = self.current.settings
        self._noticed = self._newest.seen  # the files at the last look, and since when they are like that
        self._since = 0.0
        self._bug = ""

    @property
    def config(self) -> Config:
        """The checked sections in force."""
        return self.current.settings.config

    @property
    def path(self) -> Path:
        """The main file."""
        return self._path

    @property
    def refused(self) -> Sequence[Complaint]:
        """What is wrong with the newest file, each with its line; empty where that is in force, or where a bug kept it from being read."""
        return self._newest.complaints if isinstance(self._newest, BadConfig) else ()

    async def watch(self) -> None:
        """Until cancelled: a good edit is in force within two seconds of the last write, a bad one never, and its errors are logged."""
        while True:
            await asyncio.sleep(POLL)
            await asyncio.to_thread(self._look, time.monotonic())

    def refresh(self) -> None:
        """Reads everything anew; afterwards the new version is in force, or the last good one still is and `errors` says why."""
        with self._reading:
            self._take(self._read())

    def hurry(self) -> None:
        """Reads the files at once if they were changed, without waiting whether somebody is still writing them."""
        self._look(time.monotonic(), 0.0)

    def _look(self, at: float, quiet: float = QUIET) -> None:
        """One look at the files, at this second: what has held still since its change is taken."""
        with self._reading:
            self._look_at(at, quiet)

    def _look_at(self, at: float, quiet: float) -> None:
        try:
            now = config_file.signature(self._newest)
            if now != self._noticed:
                self._noticed, self._since = now, at
            if now != self._newest.seen and at - self._since >= quiet:
                self._since = at  # should it fail, the next try is not at once
                new = self._read()
                read = new if isinstance(new, BadConfig) else new.settings
                if config_file.signature(read) == read.seen:  # nobody wrote while it was read
                    self._take(new)
                self._bug = ""
        except Exception as bug:  # the outermost frame of the watch: it outlives whatever bug there is in reading
            self._stumbled(bug)

    def _read(self) -> Version | BadConfig:
        try:
            return version(self._path)
        except BadConfig as bad:
            return bad

    def _take(self, new: Version | BadConfig) -> None:
        if isinstance(new, BadConfig):
            self._newest = new
            return self._refused([complaint.render() for complaint in new.complaints])
        self._newest = new.settings
        if _fixed(new.settings) != self._at_start:
            log.warning("account and database of config.yaml take effect after a restart")
        swapped = new.settings.config.version != self.config.version
        if self.errors or swapped:
            log.info("config in force", version=new.settings.config.version)
        self.current = new
        if swapped:
            _tell_warnings(new.settings)
            self.on_swap(new.settings)
        self._tell([])
        return None

    def _refused(self, errors: list[str]) -> None:
        if errors == self.errors:
            log.error("config still refused", errors=len(errors), in_force=self.config.version)
        else:
            for error in errors:
                log.error("config refused", error=error, in_force=self.config.version)
        self._tell(errors)

    def _tell(self, errors: list[str]) -> None:
        self.errors = errors
        self._on_errors(len(errors))

    def _stumbled(self, bug: Exception) -> None:
        if repr(bug) != self._bug:
            self._bug = repr(bug)
            log.exception("config not read", file=str(self._path), in_force=self.config.version)
            self._tell([f"{self._path}: {type(bug).__name__}"])


def _tell_warnings(settings: Settings) -> None:
    if settings.warnings:
        first = [warning.render() for warning in settings.warnings[:3]]
        log.warning("config warnings", warnings=len(settings.warnings), first=first, version=settings.config.version)


def _fixed(settings: Settings) -> tuple[object, ...]:
    """What a running program cannot change."""
    return settings.account, settings.database
