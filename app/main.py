"""The running program: what serves, in which roles, and how it starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from app import media_files
from app.config_file import Settings
from app.console import Console, Desk
from app.draws.pages import Draws
from app.journal import Journal
from app.links import PATH, Redirects
from app.live import Live
from app.logs import log
from app.metrics import Metrics
from app.secrets import MissingSecrets, Secrets
from app.token_store import DatabaseTokenStore
from app.versions import Chronicle
from app.webhook import Webhook
from models import broadcast
from models.clock import Clock, utc_now
from models.database import Database
from models.migrations import newest, require_newest, upgrade, version_of
from scheduler.mass import MassSender
from scheduler.media import MediaKeeper
from scheduler.messenger import Messenger
from scheduler.referral_codes import ReferralCodes
from scheduler.sender import Sender
from scheduler.timetable import Timetable
from wechat.client import Client
from wechat.envelope import Envelope, Previous

STALLED = timedelta(seconds=90)  # a job that has not come through for so long makes /readyz red; an upload may take 60


@dataclass
class Service:
    """Everything one process is made of."""

    live: Live
    database: Database
    envelope: Envelope
    client: Client
    metrics: Metrics
    roles: Collection[str]
    journal: Journal
    clock: Clock = utc_now
    timetable: Timetable = field(init=False)
    sender: Sender = field(init=False)
    mass: MassSender = field(init=False)
    media: MediaKeeper = field(init=False)
    messenger: Messenger = field(init=False)
    chronicle: Chronicle = field(init=False)

    def __post_init__(self) -> None:
        self.timetable = Timetable(self.database, lambda: self.live.config, self.clock)
        self.sender = Sender(self.database, self.client, lambda: self.live.config, self.clock, self.metrics)
        self.media = MediaKeeper(self.database, self.client, lambda: self.live.config, media_files.read, self.clock)
        self.mass = MassSender(self.database, self.client, self.media, lambda: self.live.config, self.clock, self.metrics)
        self.chronicle = Chronicle(self.database, self.clock)
        self.live.on_swap = self._swapped
        self._swapped(self.live.current.settings)
        self.messenger = Messenger(self.database, self.client, self.media, self.clock, self.metrics.message_settled)
        if "scheduler" in self.roles:
            self.timetable.plan()
        if "worker" in self.roles:
            codes = ReferralCodes(self.database, self.client, lambda: self.live.config, self.clock)
            self.timetable.work(self.sender, self.mass, self.messenger, self.media, codes)

    @contextlib.asynccontextmanager
    async def running(self, app: FastAPI) -> AsyncIterator[None]:
        """While it runs: the file is watched and the clock runs. Afterwards what was begun is settled and everything is closed."""
        tasks = [asyncio.create_task(self.live.watch()), asyncio.create_task(self.chronicle.keep())]
        self._reload_on_hangup()
        if isinstance(app, App) and app.webhook is not None:
            tasks.append(asyncio.create_task(app.webhook.catch_up()))
        self.timetable.start()
        log.info("serving", roles=sorted(self.roles), rules=self.live.config.version)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            self.timetable.stop()
            await asyncio.gather(self.sender.stop(), self.mass.stop(), self.messenger.stop())
            await self.client.aclose()
            self.database.close()

    def _swapped(self, settings: Settings) -> None:
        self.metrics.rules_in_force(settings.config.version)
        self.chronicle.swapped(settings)

    async def look_for_undecided(self) -> None:
        """The metrics say how many broadcasts wait for somebody; where the database does not answer at once, they say what they said."""
        since = self.clock() - broadcast.MISSED
        with contextlib.suppress(SQLAlchemyError, TimeoutError):
            async with asyncio.timeout(1):
                states = [run.state for run in await self.database.read(lambda db: broadcast.undecided(db, since))]
            self.metrics.undecided(states.count("asked"), states.count("missed"))

    def _reload_on_hangup(self) -> None:
        """`kill -HUP` reads the files at once, without waiting whether somebody is still writing them."""
        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, self.live.hurry))

    def wake(self) -> None:
        """A customer-service message was queued: this process sends it at once, if that is its work."""
        if "worker" in self.roles:
            self.messenger.wake()

    def unready(self) -> list[str]:
        """Why this process should not be given traffic; [] when it should."""
        now = self.clock()
        reasons = [f"{name} has not run since {at.isoformat()}" for name, at in self.timetable.alive.items() if now - at > STALLED]
        reasons += [
            f"run {run} has not been sent since {at.isoformat()}: see the log"
            for run, at in self.sender.failing.items()
            if now - at > STALLED
        ]
        if not self.timetable.skew.is_tolerable:
            reasons.append(f"the clock is {-self.timetable.skew.off.total_seconds():+.0f} s off the database's: nothing is sent")
        try:
            with self.database.snapshot() as db:
                if version_of(db) != newest():
                    reasons.append("the database is not at the newest version: yizhan migrate")
        except Exception as broken:
            reasons.append(f"database: {type(broken).__name__}")
        return reasons


def _need(secrets: Secrets, mode: str) -> tuple[str, str]:
    """The app secret and the token. Raises MissingSecrets with everything that is missing."""
    missing = [
        name
        for name, value in (
            ("YIZHAN_APP_SECRET", secrets.app_secret),
            ("YIZHAN_TOKEN", secrets.token),
            ("YIZHAN_ENCODING_AES_KEY", secrets.encoding_aes_key or mode == "plain"),
        )
        if not value
    ]
    if missing or secrets.app_secret is None or secrets.token is None:
        raise MissingSecrets(missing)
    return secrets.app_secret, secrets.token


def _previous(secrets: Secrets, now: datetime) -> Previous | None:
    """The keys that were replaced, if any; whoever runs this is reminded of those that are over."""
    if secrets.previous_until is None:
        return None
    if secrets.previous_until <= now:
        log.warning("the previous keys are over: unset YIZHAN_*_PREVIOUS", until=secrets.previous_until.isoformat())
    return Previous(secrets.token_previous, secrets.encoding_aes_key_previous, secrets.previous_until)


def journal_of(database: URL) -> Path:
    """The folder of its journal: beside the database where that is a file, else in this machine's folder for temporary ones, one for each."""
    if database.get_backend_name() == "sqlite":
        return Path(f"{database.database}.pushes")
    name = hashlib.sha256(database.render_as_string(hide_password=True).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"yizhan-{os.getuid()}-{name}.pushes"


def build(config: Path, secrets: Secrets, roles: Collection[str], clock: Clock = utc_now) -> Service:
    """The service this file describes, with its database at the newest version where that is SQLite.

    Raises BadConfig, MissingSecrets, NotMigrated, and ValueError for a key that cannot be one.
    """
    metrics = Metrics()
    live = Live(config, metrics.config_errors.set)
    settings = live.current.settings
    account = settings.account
    app_secret, token = _need(secrets, account.mode)
    envelope = Envelope(
        app_id=account.app_id, token=token, aes_key=secrets.encoding_aes_key, mode=account.mode, previous=_previous(secrets, clock())
    )
    database = Database(secrets.database_url or settings.database)
    if database.is_sqlite:
        upgrade(database)
    else:
        require_newest(database)
    store = DatabaseTokenStore(database, account.app_id, clock)
    client = Client(app_id=account.app_id, secret=app_secret, api_base=account.api_base, store=store, clock=clock)
    return Service(live, database, envelope, client, metrics, roles, Journal(journal_of(database.url)), clock)


class App(FastAPI):
    """FastAPI with the webhook mounted in front of its middleware: a route's layers cost more there than the answer itself."""

    webhook: Webhook | None = None
    console: Console | None = None
    draws: Draws | None = None
    redirects: Redirects | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.webhook is not None and scope["type"] == "http" and scope["path"] == "/wechat":
            await self.webhook(scope, receive, send)
        elif self.console is not None and scope["type"] == "http" and f"{scope['path']}/".startswith("/console/"):
            await self.console(scope, receive, send)
        elif self.draws is not None and scope["type"] == "http" and f"{scope['path']}/".startswith("/draws/"):
            await self.draws(scope, receive, send)
        elif self.redirects is not None and scope["type"] == "http" and scope["path"].startswith(PATH):
            await self.redirects(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(service: Service) -> App:
    """The HTTP face of a service: the webhook for the platform, and what whoever runs it looks at."""
    app = App(title="Yizhan", docs_url=None, redoc_url=None, openapi_url=None, lifespan=service.running)

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response("ok", media_type="text/plain")

    @app.get("/readyz")
    async def readyz() -> Response:
        reasons = await asyncio.to_thread(service.unready)
        return Response("\n".join(reasons) or "ready", status_code=503 if reasons else 200, media_type="text/plain")

    @app.get("/metrics")
    async def metrics() -> Response:
        await service.look_for_undecided()
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    if "web" in service.roles:
        app.console = Console(Desk(service.live, service.database, service.clock))
        app.draws = Draws(service.live, service.database, service.clock)
        app.redirects = Redirects(service.database, service.clock)
        app.webhook = Webhook(
            service.envelope, service.database, service.live, service.metrics, service.clock, service.wake, service.journal
        )
    return app


def serve(service: Service, host: str, port: int) -> None:
    """Serves until the process is told to stop. Raises OSError where the port cannot be had, before anything else has begun."""
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=4096)
    settings = uvicorn.Config(
        create_app(service),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=8,
        timeout_keep_alive=30,
    )
    # What was made so far stays for good: the collector need not look at it again and again while messages are answered.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    uvicorn.Server(settings).run(sockets=[listening])
