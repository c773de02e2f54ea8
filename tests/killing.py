"""kill -9 between every pair of steps: whatever dies in the middle, the platform's repeat brings it to the same end.

A Scenario is a configuration, what happened `before`, and one `act`: what people write, events, chores of the clock, commands. The act is
done once undisturbed, for reference. Then for n = 1, 2, 3 … it is done by a process that is killed with SIGKILL right before its n-th SQL
statement that writes (BEGIN and COMMIT count; mere reads do not), and a fresh process on the same file is given the same act again, under the
same MsgIds, as the platform repeats what was not answered. Every time

* what the ledger, the balances, the stock, the notices and the scenario's own queries (`ends`) tell must be what the reference tells,
* every reply must read as in the reference (not where `replies=False`: codes made by chance),
* the books must balance.

It goes on until the act survives; that last time the repeat finds everything done, and must change nothing.

    killed_everywhere(Scenario("check-in", BASIC, act=[says("小王", "签到")]), tmp_path)

Steps: `says(person, text)`, `does(person, event, **fields)`, `moment("2026-11-22 08:00:00")` (Shanghai), `chore("expiry")` (by its name in
scheduler.upkeep.CHORES), `command("ledger", "adjust", …)` (as typed, without --config), `saves(config)` (the operator saves another file).
`{openid:小王}` in a command becomes that person's openid; a command must be one that may be typed twice (`--request ID`), and not come
after `saves`. One helper process imports everything once and forks for each kill: one costs about 0.1 s.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import io
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event as listening
from sqlalchemy.pool import Pool

from app import cli, live
from app.logs import configure
from models import points
from scheduler import upkeep
from tests.people import AES_KEY, APP_SECRET, ROOT, TOKEN, World, event, message, openid

Step = tuple[str, tuple[Any, ...]]

BOOKS = (
    "SELECT f.openid, b.asset, b.amount, b.expires_at FROM balance b JOIN follower f ON f.id = b.follower_id ORDER BY 1, 2",
    "SELECT f.openid, e.asset, e.account, e.amount, e.cause, e.expires_at, e.reverses_id IS NOT NULL "
    "FROM ledger_entry e JOIN follower f ON f.id = e.follower_id ORDER BY 1, 2, e.id",
    "SELECT subject, taken FROM stock ORDER BY 1",
    "SELECT f.openid, n.key, n.text, n.told_at IS NOT NULL FROM notice n JOIN follower f ON f.id = n.follower_id ORDER BY 1, 2",
    "SELECT key, payload FROM customer_message ORDER BY 1",
)
MOST = 400  # statements in one act
# Whoever is killed before one of these leaves behind what whoever is killed before the next statement of the transaction does.
_CHANGES_NOTHING = ("SELECT", "SAVEPOINT", "RELEASE")


def says(person: str, text: str) -> Step:
    """They write a text."""
    return "says", (person, text)


def does(person: str, name: str, **fields: str) -> Step:
    """An event of theirs: subscribe, CLICK …"""
    return "does", (person, name, fields)


def moment(when: str) -> Step:
    """The clock stands at this instant from here on: '2026-11-22 08:00:00', in Shanghai."""
    return "moment", (when,)


def chore(name: str) -> Step:
    """The clock does this chore, until it has nothing left to do."""
    return "chore", (name,)


def command(*words: str, exits: int = 0) -> Step:
    """An operator types a command."""
    return "command", (words, exits)


def saves(config: str) -> Step:
    """The operator saves another file."""
    return "saves", (config,)


@dataclass(frozen=True)
class Scenario:
    """What is done, and what must be the same in the end whoever was killed on the way."""

    name: str
    config: str
    act: Sequence[Step]
    before: Sequence[Step] = ()
    ends: Sequence[str] = ()  # queries, beyond the books
    at: str = "2026-11-21 10:00:00"
    replies: bool = True  # whether replies must read the same too


@dataclass
class Ran:
    """What the whole of it came to: how many kills, at which statements, and what went wrong."""

    statements: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def killed_everywhere(scenario: Scenario, folder: Path) -> Ran:
    """The act of the scenario was killed at every statement and always ended well; fails where it did not."""
    ran = killed(scenario, folder)
    assert not ran.wrong, f"{scenario.name}: " + "\n".join(ran.wrong[:3])
    assert ran.statements, f"{scenario.name}: the act writes nothing"
    return ran


def killed(scenario: Scenario, folder: Path) -> Ran:
    """What came of killing the act of the scenario at every statement."""
    return _zygote()(scenario, folder)


# In the helper process


class Actor:
    """Does steps in a world, in a process of its own each time."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario, self.folder = scenario, folder
        self.file, self.start = folder / "world.db", folder / "start.db"
        os.environ.update(YIZHAN_APP_SECRET=APP_SECRET, YIZHAN_TOKEN=TOKEN, YIZHAN_ENCODING_AES_KEY=AES_KEY)
        os.environ["YIZHAN_DATABASE_URL"] = self.url = f"sqlite:///{self.file}"
        listening.listen(Pool, "checkout", _unsynced)
        self.world = World(folder, self.url, scenario.config)  # its database is migrated now
        self.let_go()
        if any(kind == "command" for kind, _ in (*scenario.before, *scenario.act)):
            # A command reads the file as it starts; that takes longer than all the rest, and is the same each time.
            live.read = functools.cache(live.read)
            live.read(self.world.path)

    def let_go(self) -> None:
        """No connection is carried over a fork."""
        self.world.service.database._engine.dispose()
        self.world.service.database._reader.dispose()

    def before(self) -> None:
        """The database to begin with is kept."""
        self.apart(lambda: self.steps(self.scenario.before, "b"))
        shutil.copy(self.file, self.start)

    def again(self) -> None:
        """The database is as it was in the beginning."""
        for path in (*self.folder.glob("world.db-*"), *self.folder.glob("world.db.pushes/*")):
            path.unlink()
        shutil.copy(self.start, self.file)

    def apart(self, work: Callable[[], object]) -> tuple[int, Any]:
        """Does the work in a forked process. Returns how that ended and what the work returned or, where it was killed, wrote."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self.writing = writing
            try:
                os.write(writing, pickle.dumps(work()))
                self.world.close()
            except BaseException:
                os.write(writing, pickle.dumps(traceback.format_exc()[-4000:]))
                os._exit(1)
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as pipe:
            said = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, pickle.loads(said) if said else None

    def doomed(self, number: int) -> Any:
        """Does the act and is killed before its so manieth statement."""
        count, open_ = 0, False

        def step(statement: str) -> None:
            nonlocal count, open_
            if statement.startswith("--"):
                return  # what a trigger does belongs to its statement
            open_ = open_ or statement == "BEGIN IMMEDIATE"
            if not open_:
                return
            if statement.startswith(_CHANGES_NOTHING):
                return
            count += 1
            if count == number:
                os.write(self.writing, pickle.dumps(statement))
                os.kill(os.getpid(), signal.SIGKILL)
            open_ = statement not in ("COMMIT", "ROLLBACK")

        @listening.listens_for(Pool, "checkout")
        def watched(connection: Any, *_: object) -> None:
            connection.set_trace_callback(step)

        return self.steps(self.scenario.act, "a")

    def ends(self) -> dict[str, Any]:
        """What is true in the end, by the question."""
        with self.world.service.database.snapshot() as db:
            found = points.audit(db)
        told: dict[str, Any] = {"audit": found.differences}
        for query in (*BOOKS, *self.scenario.ends):
            told[query] = [tuple(row) for row in self.world.sql(query)]
        return told

    def acted(self) -> dict[str, Any]:
        """Does the act undisturbed, and tells what is true in the end."""
        replies = self.steps(self.scenario.act, "a")
        return self.ends() | ({"replies": replies} if self.scenario.replies else {})

    def steps(self, steps: Sequence[Step], which: str) -> list[str | None]:
        """Does the steps; their MsgIds are the same each time. Returns the replies."""
        self.world.moment(self.scenario.at)
        replies: list[str | None] = []
        for number, (kind, given) in enumerate(steps):
            match kind:
                case "says":
                    key = str(10**18 + number + (10**6 if which == "a" else 0))
                    replies.append(self.push(message(openid(given[0]), self.world.at.timestamp(), msg_id=key, Content=given[1])))
                case "does":
                    fields = {name: self.filled(value) for name, value in given[2].items()}
                    replies.append(self.push(event(openid(given[0]), self.world.at.timestamp(), given[1], **fields)))
                case "moment":
                    self.world.moment(given[0])
                case "chore":
                    self.chore(given[0])
                case "command":
                    self.command(*given)
                case "saves":
                    self.world.configure(given[0])
        return replies

    def filled(self, value: str) -> str:
        """`qrscene_{scene:甲}` becomes that of this person's own code, which nobody could know before."""
        found = re.fullmatch(r"qrscene_\{scene:(.+)\}", value)
        if found is None:
            return value
        own = "SELECT c.scene FROM referral_code c JOIN follower f ON f.id = c.follower_id WHERE f.openid = :who"
        return f"qrscene_{self.world.sql(own, who=openid(found[1]))[0][0]}"

    def push(self, inner: str) -> str | None:
        """The platform delivers it."""
        answer = self.world.push(inner)[0]
        assert answer.status == 200
        return answer.text

    def chore(self, name: str) -> None:
        """As the timetable does it."""
        service = self.world.service
        self.world.run(upkeep.do(upkeep.CHORES[name], service.database, service.live.config, service.clock))

    def command(self, words: Sequence[str], exits: int) -> None:
        """As it is typed; it happens now, and not at the world's time."""
        typed = [re.sub(r"\{openid:(.+?)\}", lambda found: openid(found[1]), word) for word in words]
        sys.argv = ["yizhan", *typed, "--config", str(self.world.path)]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                cli.main()
            except SystemExit as done:
                assert done.code == exits, f"{words} exited {done.code}: {out.getvalue()}"


def _unsynced(connection: Any, *_: object) -> None:
    connection.execute("PRAGMA synchronous=OFF").close()  # a killed process loses nothing the system has; only a power cut would


def run(scenario: Scenario, folder: Path) -> Ran:
    """The whole of it, in a process of its own."""
    actor, ran = Actor(scenario, folder), Ran()
    actor.before()
    status, expected = actor.apart(actor.acted)
    if status:
        return Ran([], [f"undisturbed: {expected}"])
    if expected["audit"]:
        ran.wrong.append(f"undisturbed, the books do not balance: {expected['audit']}")
    for number in range(1, MOST):
        actor.again()
        status, last = actor.apart(functools.partial(actor.doomed, number))
        killed = status == -signal.SIGKILL
        where = f"killed before statement {number}, {last!r}" if killed else "repeated after it had come through"
        if not killed and status:
            ran.wrong.append(f"{where}: {last}")
            return ran
        if killed:
            ran.statements.append(last)
        status, told = actor.apart(actor.acted)
        if status:
            ran.wrong.append(f"{where}: {told}")
            continue
        for question, answer in expected.items():
            if told[question] != answer:
                ran.wrong.append(f"{where}: {question}\n  expected {answer}\n  found    {told[question]}")
        if not killed:
            return ran
    ran.wrong.append(f"the act has more than {MOST} statements")
    return ran


def zygote() -> None:
    """Imports everything once, then does each scenario that comes on standard input in a forked process, until there are no more."""
    configure()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed is no answer
    gc.freeze()
    with contextlib.suppress(EOFError):
        while True:
            scenario, folder = pickle.load(sys.stdin.buffer)
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                log = os.open(folder / "killing.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                try:
                    ran = run(scenario, folder)
                except BaseException:
                    ran = Ran([], [traceback.format_exc()[-4000:]])
                with open(writing, "wb") as pipe:
                    pickle.dump(ran, pipe)
                os._exit(0)
            os.close(writing)
            with open(reading, "rb") as pipe:
                answers.write(pipe.read())
            os.waitpid(pid, 0)
            answers.flush()


# In the process of the tests


@functools.cache
def _zygote() -> Callable[[Scenario, Path], Ran]:
    """Starts the helper process; it ends with this one."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")}
    words = [sys.executable, "-c", "from tests.killing import zygote; zygote()"]
    child = subprocess.Popen(words, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    asked, answers = child.stdin, child.stdout

    def end() -> None:
        asked.close()
        child.wait(timeout=20)
        answers.close()

    atexit.register(end)

    def ask(scenario: Scenario, folder: Path) -> Ran:
        asked.write(pickle.dumps((scenario, folder)))
        asked.flush()
        ran: Ran = pickle.load(answers)
        return ran

    return ask
