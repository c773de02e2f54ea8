"""An event loop whose time jumps to the next timer, and processes in it that can be killed, stopped and continued at any await."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class Process:
    """What runs in this process runs only while it lives; while it is stopped, its callbacks wait, and its timers are late."""

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.name = name
        self.dead = False
        self.stopped = False
        self.ran: list[tuple[float, float]] = []  # from, until
        self._since = loop.time()
        self.fuse = -1  # callbacks until `blown` is called; negative: it never burns down
        self.blown: Callable[[], None] = lambda: None
        self.tasks: list[asyncio.Task[Any]] = []  # kept, so that what was killed is never cleaned up by the garbage collector
        self._loop = loop
        self._waiting: list[asyncio.Handle] = []

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begins the work inside this process."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        return self._loop.create_task(work, context=context)

    def kill(self) -> None:
        """As kill -9: nothing of it is run again, not even what was to clean up."""
        if not self.stopped:
            self.ran.append((self._since, self._loop.time()))
        self.dead = True

    def bury(self) -> None:
        """When all is judged: its tasks are cancelled, so that none is left for the garbage collector to complain of."""
        for task in self.tasks:
            task.cancel()
        self.dead = False
        self.go_on()

    def stop(self) -> None:
        """As SIGSTOP."""
        self.ran.append((self._since, self._loop.time()))
        self.stopped = True

    def go_on(self) -> None:
        """As SIGCONT: everything that became due meanwhile runs now, in its order."""
        self.stopped = False
        self._since = self._loop.time()
        waiting, self._waiting = self._waiting, []
        self._loop.again(waiting)

    def ran_throughout(self, begin: float, end: float) -> bool:
        """Whether it lived all that time, and was never stopped: asked when all is over."""
        return any(since <= begin and end <= until for since, until in self.ran)

    def may_run(self, handle: asyncio.Handle) -> bool:
        """Asked right before every callback."""
        if self.dead or self.stopped:
            self._waiting.append(handle)
            return False
        if self.fuse > 0:
            self.fuse -= 1
        elif self.fuse == 0:
            self.fuse = -1
            self.blown()
            return self.may_run(handle)
        return True


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class _Handle(asyncio.Handle):
    __slots__ = ()

    def _run(self) -> None:
        process = self._context.get(_PROCESS)  # type: ignore[attr-defined]
        if process is None or process.may_run(self):
            super()._run()


class _Timer(asyncio.TimerHandle):
    __slots__ = ()

    def _run(self) -> None:
        process = self._context.get(_PROCESS)  # type: ignore[attr-defined]
        if process is None or process.may_run(self):
            super()._run()


class _Task(asyncio.Task[T]):
    """Hashed by its number: sets of tasks are walked in the same order in every run of a seed."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class Stuck(Exception):
    """The play does not come to its end."""


class _Timers:
    """In the place of a selector: waiting is a jump."""

    MOST = 500_000  # rounds of the loop, many times what four weeks take

    def __init__(self) -> None:
        self.now = 0.0
        self.rounds = 0

    def select(self, timeout: float | None) -> list[Any]:
        self.rounds += 1
        if timeout is None:
            raise Stuck("nothing will ever happen any more")
        if self.rounds > self.MOST:
            raise Stuck("it goes round and round")
        if timeout > 0:
            self.now += timeout
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """No sockets, no threads, no real time: what runs in it depends on nothing but what it is given."""

    _ready: Any
    _scheduled: Any

    def __init__(self) -> None:
        super().__init__()
        self._selector = self._timers = _Timers()
        self._numbers = 0
        self.errors: list[BaseException] = []
        self.set_task_factory(self._made)  # type: ignore[arg-type]
        self.set_exception_handler(self._failed)

    def time(self) -> float:
        return self._timers.now

    def again(self, handles: list[asyncio.Handle]) -> None:
        """These run next."""
        self._ready.extend(handles)

    def _made(self, loop: Any, work: Coroutine[Any, Any, T], context: Context | None = None) -> asyncio.Task[T]:
        context = context or copy_context()
        task = _Task(work, loop=loop, context=context)
        self._numbers += 1
        task.number = self._numbers
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        process = context.get(_PROCESS)
        if process is not None:
            process.tasks.append(task)
        return task

    def _failed(self, _: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
        self.errors.append(what.get("exception") or RuntimeError(what["message"]))

    def _call_soon(self, callback: Any, args: Any, context: Any) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def _process_events(self, _: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
