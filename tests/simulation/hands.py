"""What people do to a simulated world: operators, followers, and the platform's own moods."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, text

from models import broadcast, delivery, follower
from models.push import PushSection
from models.refusal import Refusal
from tests.simulation.drawn import DAY, RULES, Focus, Planned
from tests.simulation.inline import InlineDatabase
from tests.simulation.loop import VirtualLoop
from tests.simulation.tencent import OUTSIDE, Tencent, Weather, edition_of


class Hands(ABC):
    """A world's people; each act is written down, and what must not happen any more after it."""

    loop: VirtualLoop
    dice: random.Random
    database: InlineDatabase
    tencent: Tencent
    people: list[str]
    manual: Planned
    rules: list[tuple[float, PushSection]]  # from when on they are in force
    acts: list[tuple[float, str]]  # what people did, for the judge and the log
    noes: list[tuple[float, float, str, str, str]]  # from, until, whom or which content nobody may be called for, why
    moved: list[tuple[float, str]]  # who followed or left
    doubtful: set[str]  # whose leaving the service only found out about by errors
    focus: Focus | None

    @abstractmethod
    def now(self) -> datetime:
        """The true time."""

    @abstractmethod
    def turn(self, at: float) -> None:
        """Then it pays to look."""

    def _did(self, what: str) -> None:
        self.acts.append((self.loop.time(), what))

    def _later(self, seconds: float, act: Callable[..., None], *given: object, turn: bool = True) -> None:
        if turn:
            self.turn(self.loop.time() + seconds)
        self.loop.call_later(seconds, act, *given, context=OUTSIDE)

    def _storm(self, weather: Weather) -> None:
        self._did(f"weather {weather}")
        self.tencent.weather = weather

    def _edit_rules(self) -> None:
        limits = self.focus.rules if self.focus else self.dice.choice(RULES)
        rules = PushSection.model_validate({**limits, "pace": self.dice.choice((1, 5, 1000))})
        self.rules.append((self.loop.time(), rules))
        self._did(f"rules {rules!r}")

    def _run_by_hand(self, request: int) -> None:
        self._did(f"run by hand {request}")
        planned = self.manual.at(self.loop.time(), request)
        with self.database.transaction() as db:
            if broadcast.requested(db, f"hand-{request}") is None:
                broadcast.start(db, planned, "all", self.now(), self.now(), request=f"hand-{request}")

    def _of_a_run(self, what: str, verb: Callable[..., None], *given: object) -> None:
        with self.database.snapshot() as db:
            runs = list(db.execute(text("SELECT id FROM broadcast_run WHERE state IN ('planning', 'sending')")).scalars())
        if not runs:
            return
        run = self.dice.choice(runs)
        self._did(f"{what} {run}")
        try:
            with self.database.transaction() as db:
                verb(db, run, *given)
                content = edition_of(broadcast.load(db, run).plan.url or "")
        except Refusal:
            self._did("refused")
            return
        if what == "edit":
            return
        lasts = self.dice.choice((5.0, 100.0, 700.0, 20000.0)) if what == "pause" else 1e9
        self.noes.append((self.loop.time(), self.loop.time() + lasts, "", content, what))
        if what == "pause":
            self._later(lasts, self._resume_all)

    def _pause(self) -> None:
        self._of_a_run("pause", broadcast.pause, "an operator")

    def _edit(self) -> None:
        def edit(db: Connection, run: int) -> None:
            plan = broadcast.load(db, run).plan
            url = f"{edition_of(plan.url or '')}?edition={len(self.acts)}"
            broadcast.edit(db, run, plan.model_copy(update={"url": url}), "an operator", self.now())

        self._of_a_run("edit", edit)

    def _cancel(self) -> None:
        self._of_a_run("cancel", broadcast.cancel, self.now())

    def _resume_all(self) -> None:
        with self.database.transaction() as db:
            for run in list(db.execute(text("SELECT id FROM broadcast_run WHERE state IN ('paused', 'asked')")).scalars()):
                self._did(f"resume {run}")
                broadcast.resume(db, run)
                self._lifted("", edition_of(broadcast.load(db, run).plan.url or ""), "pause")

    def _lifted(self, who: str, content: str, why: str) -> None:
        now = self.loop.time()
        self.noes = [(one[0], min(one[1], now), *one[2:]) if one[2:] == (who, content, why) else one for one in self.noes]

    def _leave(self) -> None:
        who = self.dice.choice(self.people)
        self._did(f"leave {who}")
        self.tencent.gone.add(who)
        lasts = self.dice.choice((30.0, 3000.0, 5 * DAY))
        if self.dice.random() < 0.7:  # else the event was lost
            self.moved.append((self.loop.time(), who))
            self.noes.append((self.loop.time(), self.loop.time() + lasts, who, "", "left"))
            with self.database.transaction() as db:
                follower.seen(db, who, self.now(), self.now(), subscribed=False)
        else:
            self.doubtful.add(who)
        self._later(lasts, self._back, who)

    def _back(self, who: str) -> None:
        self._did(f"back {who}")
        self._lifted(who, "", "left")
        self.moved.append((self.loop.time(), who))
        self.tencent.gone.discard(who)
        with self.database.transaction() as db:
            follower.seen(db, who, self.now(), self.now())

    def _come(self) -> None:
        who = f"o{len(self.people)}"
        self._did(f"come {who}")
        self.people.append(who)
        with self.database.transaction() as db:
            follower.seen(db, who, self.now(), self.now())

    def _refuse(self) -> None:
        who = self.dice.choice(self.people)
        self._did(f"refuse {who}")
        with self.database.transaction() as db:
            found = follower.find(db, who)
            assert found is not None
            follower.refuse_pushes(db, found.id, self.now())
        lasts = self.dice.choice((60.0, DAY, 9 * DAY))
        self.noes.append((self.loop.time(), self.loop.time() + lasts, who, "", "refused"))
        self._later(lasts, self._allow, who)

    def _allow(self, who: str) -> None:
        self._did(f"allow {who}")
        self._lifted(who, "", "refused")
        with self.database.transaction() as db:
            found = follower.find(db, who)
            assert found is not None
            follower.allow_pushes(db, found.id)

    def _receipt(self, openid: str, number: int, status: str) -> None:
        with self.database.transaction() as db:
            delivery.receive(db, str(number), openid, status, self.now())
