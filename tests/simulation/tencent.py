"""The platform of a simulation, in the place of the real client's HTTP. It writes down whatever it is asked and whatever it takes."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from wechat.connection import Connection
from wechat.transport import Transport

REMEMBERS = 600.0  # seconds for which a client_msg_id is known (template/send)
DEADLINE = 5.0  # the client's
OUTSIDE = Context()  # nobody's process


@dataclass
class Weather:
    """How probably what goes wrong with a call."""

    request_lost: float = 0.0
    request_late: float = 0.0  # taken up to a minute after it was sent: the client has long given up
    answer_lost: float = 0.0
    busy: float = 0.0  # -1, the message taken or not
    broken: float = 0.0  # HTTP 502, the message taken or not
    garbled: float = 0.0
    refused: float = 0.0  # an errcode that proves that nothing was taken
    receipt_lost: float = 0.0
    receipt_late: float = 0.0
    codes: tuple[int, ...] = (45011, 45009, 47003, 40001, 40037)
    slow: float = 0.1  # seconds that a call takes at most, usually


@dataclass
class Call:
    """One call as the platform's log has it. Times are seconds of the loop."""

    begun: float
    process: str
    openid: str
    key: str
    content: str
    arrived: float | None = None
    verdict: str = "lost"  # taken, known (recognised by its key), an errcode, or lost on its way
    answered: bool = False
    number: int = 0  # msgid


@dataclass
class Tencent:
    """The platform. `report` is called with openid, msgid and status of every receipt it pushes."""

    loop: asyncio.AbstractEventLoop
    dice: random.Random
    report: Callable[[str, int, str], None]
    weather: Weather = field(default_factory=Weather)
    calls: list[Call] = field(default_factory=list)
    reported: dict[int, str] = field(default_factory=dict)  # msgid: the status of its receipt
    gone: set[str] = field(default_factory=set)  # they unfollowed
    daily: int = 10**9  # calls of template/send in a day
    _known: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    _asked: dict[int, int] = field(default_factory=dict)
    _tokens: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1_000_000))

    def later(self, seconds: float, act: Callable[..., None], *given: object) -> None:
        """It happens then, whoever lives."""
        self.loop.call_later(seconds, act, *given, context=OUTSIDE)

    def arrive(self, call: Call, answer: Callable[[int, Any], None]) -> None:
        """The request is here."""
        call.arrived = self.loop.time()
        weather, chance = self.weather, self.dice.random
        if chance() < weather.refused:
            call.verdict = str(self.dice.choice(weather.codes))
        elif call.openid in self.gone:
            call.verdict = "43004"
        elif self._full(call.arrived):
            call.verdict = "45009"
        if call.verdict != "lost":
            return answer(200, {"errcode": int(call.verdict), "errmsg": "no"})
        broken, busy = chance() < weather.broken, chance() < weather.busy
        if (broken or busy) and chance() < 0.5:
            return answer(502, None) if broken else answer(200, {"errcode": -1, "errmsg": "system error"})
        self._take(call)
        if broken:
            return answer(502, None)
        if busy:
            return answer(200, {"errcode": -1, "errmsg": "system error"})
        if chance() < weather.garbled:
            return answer(200, "garbled")
        return answer(200, {"errcode": 0, "errmsg": "ok", "msgid": call.number})

    def _full(self, now: float) -> bool:
        day = int((now + 8 * 3600) // 86400) if self.daily < 10**9 else 0
        self._asked[day] = self._asked.get(day, 0) + 1
        return self._asked[day] > self.daily

    def _take(self, call: Call) -> None:
        assert call.arrived is not None
        known = self._known.get((call.openid, call.key))
        if known is not None and known[0] > call.arrived - REMEMBERS:
            call.verdict, call.number = "known", known[1]
            return
        call.verdict, call.number = "taken", next(self._numbers)
        self._known[call.openid, call.key] = (call.arrived, call.number)
        self._receipts(call)

    def _receipts(self, call: Call) -> None:
        dice, weather = self.dice, self.weather
        if dice.random() < weather.receipt_lost:
            return
        status = "success" if dice.random() < 0.9 else dice.choice(("failed:user block", "failed: system failed"))
        self.reported[call.number] = status
        delay = dice.uniform(0, 3) if dice.random() > weather.receipt_late else dice.uniform(0, 4000)
        for _ in range(2 if dice.random() < 0.1 else 1):  # sometimes before the answer to the call, sometimes twice
            self.later(delay * dice.random(), self.report, call.openid, call.number, status)

    def token(self) -> dict[str, Any]:
        """Another one every time."""
        self._tokens += 1
        return {"access_token": f"token-{self._tokens}", "expires_in": 7200}


def edition_of(url: str) -> str:
    """The content that a URL stands for: nobody may get two editions of one."""
    return url.partition("?")[0]


class Wire(Transport):
    """What one process's client sends by: the real transport over connections of ours."""

    def __init__(self, tencent: Tencent, process: str) -> None:
        super().__init__("http://platform", DEADLINE, 256)
        self._tencent, self._process = tencent, process

    async def _connect(self) -> Connection:
        await asyncio.sleep(self._tencent.dice.uniform(0, 0.01))
        return Line(self._tencent, self._process)


class Line(Connection):
    """A connection to the platform: what was sent arrives, whatever becomes of the process."""

    def __init__(self, tencent: Tencent, process: str) -> None:
        super().__init__()
        self._tencent, self._process = tencent, process

    async def exchange(self, request: bytes, until: float) -> tuple[int, bytes]:
        answered = self._sent(request)
        async with asyncio.timeout_at(until):
            return await answered

    def close(self) -> None:
        self.reusable = False

    def _sent(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Nothing can come between the call and its being on its way."""
        tencent, dice, loop = self._tencent, self._tencent.dice, self._tencent.loop
        weather = tencent.weather
        answered: asyncio.Future[tuple[int, bytes]] = loop.create_future()
        there, back = dice.uniform(0.001, weather.slow), dice.uniform(0.001, weather.slow)

        def deliver(status: int, said: Any) -> None:
            if not answered.done():
                answered.set_result((status, json.dumps(said).encode() if isinstance(said, dict) else b"<html>"))

        head, _, body = request.partition(b"\r\n\r\n")
        is_token = b"/cgi-bin/stable_token" in head

        def answer(status: int, said: Any) -> None:
            if dice.random() >= weather.answer_lost * (0.5 if is_token else 1):
                tencent.later(back, deliver, status, said)

        if is_token:
            tencent.later(there, lambda: answer(200, tencent.token()))
            return answered
        what = json.loads(body)
        call = Call(loop.time(), self._process, what["touser"], what["client_msg_id"], edition_of(what.get("url", "")))
        tencent.calls.append(call)
        if dice.random() < weather.request_late:
            there = dice.uniform(1, 60)
        if dice.random() >= weather.request_lost:
            tencent.later(there, tencent.arrive, call, answer)
        return answered
