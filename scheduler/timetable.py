"""The timetable: what happens by the clock, and how often. The only file that knows APScheduler.

APScheduler wakes; the database decides. Every job may run in any number of processes at once and be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from models import broadcast, delivery, mass, push
from models.broadcast import Broadcast, BroadcastsSection
from models.clock import Clock
from models.config import Config
from models.database import Database
from models.segment import SegmentsSection
from scheduler import upkeep
from scheduler.mass import MassSender
from scheduler.media import MediaKeeper
from scheduler.messenger import Messenger
from scheduler.referral_codes import ReferralCodes
from scheduler.sender import Sender
from scheduler.skew import Skew
from scheduler.upkeep import CHORES, Chore

DUE_EVERY = 2  # seconds; a run begins well within the 20 s that are promised
LOOK_EVERY = 1
KEEP_EVERY = 10
RECONCILE_EVERY = 30
UPKEEP_EVERY = 20


class Timetable:
    """The jobs of this process. `alive` tells when each last came through."""

    def __init__(self, database: Database, config: Callable[[], Config], clock: Clock) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._scheduler = AsyncIOScheduler(
            executors={"default": AsyncIOExecutor()}, job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        self.alive: dict[str, datetime] = {}
        self.skew = Skew(database, clock)

    def plan(self) -> None:
        """This process looks after the schedules: due broadcasts become runs."""
        self._every(DUE_EVERY, "due", self._due)
        for name, chore in CHORES.items():
            self._every(UPKEEP_EVERY, name, partial(self._do, chore))

    def work(self, sender: Sender, mass_sender: MassSender, messenger: Messenger, media: MediaKeeper, codes: ReferralCodes) -> None:
        """This process sends: runs and customer-service messages are looked for, files kept uploaded, receipts matched, leftovers settled."""
        self._every(LOOK_EVERY, "look", partial(self._look, sender))
        self._every(LOOK_EVERY, "mass", partial(self._look_at_mass, mass_sender))
        self._every(LOOK_EVERY, "messages", messenger.look)
        self._every(KEEP_EVERY, "media", media.keep)
        self._every(LOOK_EVERY, "referral codes", codes.look)
        self._every(RECONCILE_EVERY, "reconcile", self._reconcile)

    def start(self) -> None:
        """The clock runs."""
        self._scheduler.start()

    def stop(self) -> None:
        """Nothing more is woken."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _every(self, seconds: int, name: str, job: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await job()
            self.alive[name] = self._clock()

        self.alive[name] = self._clock()
        self._scheduler.add_job(run, IntervalTrigger(seconds=seconds), id=name, next_run_time=self._clock())

    async def _do(self, chore: Chore) -> None:
        await upkeep.do(chore, self._database, self._config(), self._clock)

    async def _look(self, sender: Sender) -> None:
        await self.skew.look()
        if self.skew.is_tolerable:
            sender.timeline.off = self.skew.off
            await sender.look()
        else:
            sender.rest()

    async def _look_at_mass(self, sender: MassSender) -> None:
        if self.skew.is_tolerable:
            await sender.look()

    async def _due(self) -> None:
        config, now = self._config(), self._clock()
        for planned in config[BroadcastsSection].root:
            segment = config[SegmentsSection].named(planned.segment)
            if segment is not None:
                await self._claim(planned, segment.where, config.zone, now)

    async def _claim(self, planned: Broadcast, where: str, zone: ZoneInfo, now: datetime) -> None:
        rules = push.rules_of(self._config()).approval
        if await self._database.read(lambda db: broadcast.wants_claim(db, planned, zone, now)):
            await self._database.run(lambda db: broadcast.claim_due(db, planned, where, zone, now, rules))

    async def _reconcile(self) -> None:
        now = self._clock()
        await self._database.run(lambda db: delivery.reconcile(db, now))
        await self._database.run(lambda db: mass.reconcile(db, now))
        await self._database.run(lambda db: mass.give_up(db, now))
        await self._database.run(lambda db: broadcast.tidy(db, now))
