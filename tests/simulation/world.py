"""Four virtual weeks: followers, operators, broadcasts, a platform, and processes that run the real planner and sender and die of it.

Everything is drawn from one seed and happens in virtual time, so the same seed is the same four weeks.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim
from sqlalchemy import insert, text

from app.token_store import DatabaseTokenStore
from models.broadcast import BroadcastsSection
from models.config import Config
from models.follower import followers
from models.push import PushSection
from models.segment import SegmentsSection
from scheduler.sender import Sender
from scheduler.timetable import Timetable
from tests.simulation.drawn import CALM, CRONS, DAY, MONDAYS, STORMS, WEEK, WEEKS, ZONE, Focus, Planned
from tests.simulation.hands import Hands
from tests.simulation.inline import InlineDatabase
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.tencent import OUTSIDE, Tencent, Weather, Wire
from wechat.client import Client

# Of a run: it may be planned, or finished; it waits; a delivery of it may be taken, or taken over.
_NEXT_WORK = """
SELECT min(CASE WHEN state = 'planning' THEN coalesce(held_until, '') ELSE max(coalesce(held_until, ''), coalesce((
    SELECT min(coalesce(lease_until, '')) FROM delivery WHERE run_id = broadcast_run.id AND delivery.state IN ('pending', 'sending')), '')) END)
FROM broadcast_run WHERE state IN ('planning', 'sending')
"""


@dataclass
class Bot:
    """One process of the service: its clock, its client, its sender."""

    world: World
    name: str
    process: Process
    skew: float

    def clock(self) -> datetime:
        """The time as this machine has it."""
        return self.world.instant(self.world.loop.time() + self.skew)

    def config(self) -> Config:
        """What its copy of config.yaml says."""
        return self.world.config(self.skew)

    async def live(self) -> None:
        """What `serve` does by the timetable, until it is killed."""
        world, loop = self.world, self.world.loop
        store, wire = DatabaseTokenStore(world.database, "a", self.clock), Wire(world.tencent, self.name)
        client = Client(app_id="a", secret="s", api_base="", store=store, clock=self.clock, transport=wire)
        sender = Sender(world.database, client, self.config, self.clock, world)
        timetable = Timetable(world.database, self.config, self.clock)
        dued, reconciled = -100.0, loop.time()
        while True:
            if world.is_due_since(dued, loop.time() + self.skew):
                dued = loop.time() + self.skew
                await timetable._due()
            await sender.look()
            if loop.time() - reconciled >= (30 if world.dice.random() < 0.08 else 3 * DAY):
                reconciled = loop.time()
                await timetable._reconcile()
            await asyncio.sleep(world.pause())


class World(Hands):
    """The four weeks of one seed. `play` them; then `calls`, the acts and the database are there to be judged."""

    def __init__(self, seed: int, weeks: int = WEEKS, focus: Focus | None = None) -> None:
        self.seed = seed
        self.length = weeks * WEEK
        self.focus = focus
        self._is_same = focus is not None and focus.what == "same"
        self.dice = dice = random.Random(seed)
        self.loop = VirtualLoop()
        self.monday = datetime.fromisoformat(dice.choice(MONDAYS)).replace(tzinfo=ZONE).astimezone(UTC)
        self.database = InlineDatabase(dice)
        self.tencent = Tencent(self.loop, dice, self._receipt)
        self.people = [f"o{number}" for number in range(dice.randint(2, 6))]
        self.rules = []
        self.bots: list[Bot] = []
        self._processes: list[Process] = []  # all there ever were
        self.acts = []
        self.noes = []
        self.moved = []
        self.doubtful = set()
        self.turns: list[float] = []  # when something is to be expected, so that it pays to look
        self.last_turn = 0.0
        self.wild = focus is not None or dice.random() < 0.93
        self._incarnations = 0
        self._configs: dict[tuple[int, ...], Config] = {}
        self._draw_broadcasts()

    # Time and configuration

    def instant(self, seconds: float) -> datetime:
        """The instant of a second of the loop."""
        return self.monday + timedelta(seconds=seconds)

    def now(self) -> datetime:
        """The true time."""
        return self.instant(self.loop.time())

    def config(self, skew: float = 0.0) -> Config:
        """config.yaml as it is now, by a clock that is so far off."""
        now = self.loop.time() + skew
        which = (len(self.rules), now < self.length, *(bisect_right(planned.dues, now) for planned in self.planned))
        if which not in self._configs:
            section = BroadcastsSection([planned.at(now) for planned in self.planned if now < self.length])
            sections: dict[type, Any] = {
                PushSection: self.rules[-1][1],
                SegmentsSection: SegmentsSection([]),
                BroadcastsSection: section,
            }
            self._configs[which] = Config(ZONE, str(which), sections)
        return self._configs[which]

    def table(self, query: str) -> list[Any]:
        """Rows of the database."""
        with self.database.snapshot() as db:
            return list(db.execute(text(query)).all())

    def priority(self, content: str) -> str:
        """Of the broadcast with this content."""
        return next(planned.priority for planned in self.planned if f"/{planned.key}/" in content)

    def somebody_ran(self, begin: float, end: float) -> bool:
        """Whether one process lived all that time."""
        return any(process.ran_throughout(begin, end) for process in self._processes)

    def followed_throughout(self, run: Any) -> list[tuple[int, str]]:
        """Who followed from before the run was made until it was done, as far as the service could know."""
        begin, end = (datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (run.created_at, run.finished_at))
        moved = {who for at, who in self.moved if begin - timedelta(minutes=1) <= self.instant(at) <= end}
        rows = self.table("SELECT id, openid, subscribed, state_at FROM follower ORDER BY id")
        return [
            (row.id, row.openid)
            for row in rows
            if row.subscribed
            and row.openid not in moved
            and row.openid not in self.doubtful
            and datetime.fromisoformat(row.state_at).replace(tzinfo=UTC) < begin
        ]

    def delivered(self, state: str, number: int) -> None:
        """The sender's counts: nobody here believes them."""

    def _draw_broadcasts(self) -> None:
        dice = self.dice
        crons = self.focus.crons if self.focus else dice.choices(CRONS, k=dice.choice((1, 2, 2, 3)))
        self.planned = [
            Planned(
                f"b{number}", cron, dice.choice(("normal", "normal", "urgent", "low")), dice.choice(("skip", "skip", "2h", "12h", "ask"))
            )
            for number, cron in enumerate(crons)
        ]
        for planned in self.planned:
            assert planned.cron is not None
            for due in CronSim(planned.cron, self.monday.astimezone(ZONE)):
                seconds = (due - self.monday).total_seconds()
                if seconds >= self.length:
                    break
                planned.dues.append(seconds)
        self.manual = Planned("manual", None, dice.choice(("normal", "urgent")), "skip")
        self.planned.append(self.manual)

    # The play

    def play(self) -> None:
        """Four weeks pass, and what was begun comes to its end."""
        self._edit_rules()
        with self.database.transaction() as db:
            rows = [{"openid": one, "subscribed": True, "state_at": self.monday, "first_seen_at": self.monday} for one in self.people]
            db.execute(insert(followers), rows)
        for number in range(4 if self._is_same else self.dice.choice((2, 2, 3, 4))):
            self._boot(f"p{number}")
        self._draw_acts()
        self.turns.sort()
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._pass(self.length))
            self._calm()
            self.loop.run_until_complete(self._pass(CALM))
            for _ in range(2):
                self._resume_all()
                self.loop.run_until_complete(self._pass(CALM))
        finally:
            self._end()

    async def _pass(self, seconds: float) -> None:
        done = self.loop.create_future()
        self.loop.call_later(seconds, done.set_result, None, context=OUTSIDE)
        await done

    def is_due_since(self, then: float, now: float) -> bool:
        """Whether a look at the schedules pays: it is the simulation that saves the time, the service looks every two seconds."""
        return then < 0 or now - then > 9 * DAY or any(bisect_right(one.dues, now) > bisect_right(one.dues, then) for one in self.planned)

    def pause(self) -> float:
        """Until a process looks again: every second after something happened, then less often, and not where it would find nothing."""
        now, dice = self.loop.time(), self.dice
        at = bisect_right(self.turns, now)
        next_turn = self.turns[at] if at < len(self.turns) else now + DAY
        since = now - (self.turns[at - 1] if at else 0.0)
        pays = max(self._next_work() - now, 0.0)
        often = dice.uniform(0.9, 1.1) if since < 4 else since / 3
        late = 0.2 if self._is_same else 2.0
        return min(max(pays + dice.uniform(0, late), often), next_turn - now + dice.uniform(0, late))

    def _next_work(self) -> float:
        """When a look into the database finds something to be done next."""
        found = self._raw().execute(_NEXT_WORK).fetchone()[0]
        if found is None:
            return self.loop.time() + DAY
        return (datetime.fromisoformat(found).replace(tzinfo=UTC) - self.monday).total_seconds() if found else 0.0

    def turn(self, at: float) -> None:
        """Then it pays to look."""
        where = bisect_right(self.turns, at)
        if not where or self.turns[where - 1] != at:
            self.turns.insert(where, at)

    def _raw(self) -> Any:
        raw = self.database._engine.raw_connection()
        return raw.driver_connection

    # Processes

    def _boot(self, name: str) -> None:
        self._incarnations += 1
        process = Process(self.loop, f"{name}.{self._incarnations}")
        skew = self.dice.uniform(-4, 4) if self.wild and not self._is_same else 0.0
        bot = Bot(self, process.name, process, skew)
        self.bots = [one for one in self.bots if not one.process.dead] + [bot]
        self._processes.append(process)
        process.start(bot.live())

    def _trouble(self, what: str = "") -> None:
        """One process is going to be killed or stopped at one of its next awaits, and to come back."""
        alive = [bot for bot in self.bots if not bot.process.dead and not bot.process.stopped]
        if not alive:
            return
        bot = self.dice.choice(alive)
        bot.process.fuse = self.dice.randint(0, self.dice.choice((20, 60, 200)))
        if (what or self.dice.choice(("kill", "stop"))) == "kill":
            bot.process.blown = self._killed(bot, self.dice.choice((2.0, 5.0, 20.0, 45.0, 100.0, 900.0, DAY)) * self.dice.uniform(0.8, 1.2))
        else:
            bot.process.blown = self._stopped(bot, self.dice.choice((5.0, 45.0, 700.0, 900.0, 2000.0)) * self.dice.uniform(0.8, 1.2))

    def _killed(self, bot: Bot, lasts: float) -> Callable[[], None]:
        def kill() -> None:
            self._did(f"kill {bot.name} for {lasts:.0f}")
            bot.process.kill()
            self._later(lasts, self._boot, bot.name.split(".")[0])

        return kill

    def _stopped(self, bot: Bot, lasts: float) -> Callable[[], None]:
        def stop() -> None:
            self._did(f"stop {bot.name} for {lasts:.0f}")
            bot.process.stop()
            self._later(lasts, self._continue, bot)

        return stop

    def _outage(self) -> None:
        """All of them die at one of their next awaits, and are back when the platform has forgotten what it was told before."""
        for bot in [bot for bot in self.bots if not bot.process.dead and not bot.process.stopped]:
            bot.process.fuse = self.dice.randint(20, 150)
            bot.process.blown = self._killed(bot, 900.0)

    def _deploy(self) -> None:
        """A new version: every process ends and begins anew, on another machine."""
        self._did("deploy")
        for bot in [bot for bot in self.bots if not bot.process.dead and not bot.process.stopped]:
            bot.process.kill()
            self._boot(bot.name.split(".")[0])

    def _continue(self, bot: Bot) -> None:
        self._did(f"continue {bot.name}")
        bot.process.go_on()

    def _draw_acts(self) -> None:
        """Most of it happens around the due times, where it hurts."""
        dice = self.dice
        dues = sorted({due for planned in self.planned for due in planned.dues})
        self.turns += [due + late for due in dues for late in (0.0, 4.5)]  # the second one for clocks that are slow
        busy = [dice.choice(dues) for _ in range(dice.randint(1, 4))] if dues else []
        for number in range(dice.randint(1, 4)):
            at = (
                dice.choice(busy) + dice.choice((0.0, 0.5, 5.0)) - dice.random()
                if busy and dice.random() < 0.6
                else dice.uniform(0, self.length - DAY)
            )
            for _ in range(dice.choice((1, 1, 2))):
                self._later(max(0.0, at + dice.uniform(0, 2)), self._run_by_hand, number + 1)
        if not self.wild:
            return
        for _ in range(dice.randint(0, 2)):
            self._later(dice.uniform(0, self.length), self._deploy)
        if self.focus:
            for due in dues:
                self._hurt(due, self.focus)
            return
        for moment in (*dues, *(dice.uniform(0, self.length) for _ in range(3))):
            if dice.random() < 0.8:
                self._later(max(0.0, moment - dice.uniform(0, 2)), self._trouble, turn=False)
            if dice.random() < 0.5:
                self._later(max(0.0, moment + dice.choice((0.0, 5.0, 60.0))), self._trouble, turn=False)
            if dice.random() < 0.6:
                self._later(max(0.0, moment - 1.0), self._storm, dice.choice(STORMS), turn=False)
                self._later(moment + dice.choice((10.0, 60.0, 300.0, 900.0)), self._storm, Weather(), turn=False)
            if dice.random() < 0.5:
                act = dice.choice((self._leave, self._refuse, self._pause, self._cancel, self._edit, self._edit_rules, self._come))
                self._later(max(0.0, moment + dice.choice((-60.0, 0.5, 1.5, 3.0, 30.0, 600.0)) * dice.uniform(0.5, 1)), act, turn=False)

    def _hurt(self, due: float, focus: Focus) -> None:
        """The one thing that this world is about goes wrong at a due time."""
        dice = self.dice
        for _ in range(2 if focus.what in ("kill", "stop") else 0):
            self._later(max(0.0, due - dice.uniform(0, 1)), self._trouble, focus.what, turn=False)
        if focus.what == "deploy":
            self._later(max(0.0, due - dice.uniform(5, 3600)), self._deploy)
        if focus.what == "outage":
            self._later(max(0.0, due - 0.5), self._outage, turn=False)
        if focus.what == "deaf":
            self._later(max(0.0, due - 5), self._storm, Weather(answer_lost=1.0), turn=False)
            self._later(due + 720, self._storm, Weather(), turn=False)

    def _calm(self) -> None:
        """From here on nothing goes wrong, and whoever was killed is back."""
        self._did("calm")
        self.tencent.weather = Weather()
        for bot in list(self.bots):
            bot.process.fuse = -1
            bot.process.blown = lambda: None
            if bot.process.stopped:
                bot.process.go_on()
        self._boot("last")
        self.turns += [self.loop.time() + seconds for seconds in (1.0, 60.0, 700.0, 3600.0, DAY, 2 * DAY)]
        self.turns.sort()

    def _end(self) -> None:
        """Whatever was killed is let go of without running any of its cleanup."""
        self.database.closed = True
        for process in self._processes:
            if not process.dead:
                process.kill()
        while any(not task.done() for process in self._processes for task in process.tasks):
            for process in self._processes:
                process.bury()
            self.loop.run_until_complete(self._pass(1.0))
        asyncio.set_event_loop(None)
        self.loop.close()

    def log(self) -> str:
        """A digest of everything that happened, by the keys' order of appearance, since they are made by chance."""
        names: dict[str, int] = {}
        lines = [
            (
                call.begun,
                call.process,
                call.openid,
                names.setdefault(call.key, len(names)),
                call.content,
                call.arrived,
                call.verdict,
                call.number,
            )
            for call in self.tencent.calls
        ]
        return hashlib.sha256(repr((self.acts, lines)).encode()).hexdigest()
