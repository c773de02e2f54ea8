"""Referral codes against the simulator as a process: made once, pictured, sent, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.token_store import DatabaseTokenStore
from handlers.referral import ReferralSection
from models import follower, referral_code
from models.config import Config
from models.database import Database
from scheduler import referral_codes
from scheduler.referral_codes import ReferralCodes
from tests.people import APP_ID, APP_SECRET, Town, openid
from tests.scheduler.stage import ZONE, shanghai
from wechat.client import Client

CREATE, UPLOAD = "/cgi-bin/qrcode/create", "/cgi-bin/media/upload"


@dataclass
class Office:
    """A database, a platform, and a clock that stands where the test puts it."""

    platform: Town
    url: str
    stack: ExitStack
    at: datetime = field(default_factory=lambda: shanghai("2026-11-21 10:00:00"))

    def __post_init__(self) -> None:
        self.database = self._database()
        self.before = dict.fromkeys((CREATE, UPLOAD), 0)
        self.before = {path: self.calls(path) for path in (CREATE, UPLOAD)}

    def _database(self) -> Database:
        database = Database(self.url)
        self.stack.callback(database.close)
        return database

    def calls(self, path: str) -> int:
        return int(sum(self.platform.ask("/_sim/stats")["api"].get(path, {}).values())) - self.before[path]

    def asks(self, name: str) -> None:
        """Somebody asks for a code."""
        with self.database.transaction() as db:
            person = follower.seen(db, openid(name), self.at, self.at)
            assert referral_code.ask(db, person.id, 30, self.at) is None

    def look(self, processes: int = 1) -> None:
        """One round in so many processes' place at once."""
        config = Config(ZONE, "1", {ReferralSection: ReferralSection()})

        async def one() -> None:
            database = self._database()
            store = DatabaseTokenStore(database, APP_ID, lambda: self.at)
            async with Client(app_id=APP_ID, secret=APP_SECRET, api_base=self.platform.sim, store=store, clock=lambda: self.at) as client:
                await ReferralCodes(database, client, lambda: config, lambda: self.at).look()

        async def all_at_once() -> None:
            await asyncio.gather(*(one() for _ in range(processes)))

        asyncio.run(all_at_once())

    def sql(self, query: str) -> list[Any]:
        with self.database.snapshot() as db:
            return [tuple(row) for row in db.execute(text(query)).all()]

    def fault(self, path: str, errcode: int) -> None:
        self.platform.ask("/_sim/faults", path=path, errcode=errcode)

    def heal(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.platform.sim}/_sim/faults", method="DELETE")).close()


@pytest.fixture
def office(platform: Town, database_url: str) -> Iterator[Office]:
    with ExitStack() as stack:
        made = Office(platform, database_url, stack)
        yield made
        made.heal()


def test_whoever_asks_gets_one_picture_whatever_fails_and_however_many_look(office: Office) -> None:
    for name in ("甲", "乙", "丙"):
        office.asks(name)
        office.asks(name)
    office.fault(UPLOAD, 45009)
    office.look()
    assert office.sql("SELECT count(*) FROM referral_code WHERE ticket IS NOT NULL") == [(3,)]
    assert office.sql("SELECT count(*) FROM customer_message") == [(0,)]
    office.heal()
    office.look()
    assert office.calls(UPLOAD) == 3, "a refusal is not repeated at once"
    office.at += timedelta(seconds=11)
    office.look(processes=3)
    assert (office.calls(CREATE), office.calls(UPLOAD)) == (3, 6), "what was made is not made again"
    payloads = [row[0] for row in office.sql("SELECT payload FROM customer_message ORDER BY follower_id, id")]
    assert ["image" in one.split(",")[0] for one in payloads] == [True, False] * 3
    assert office.sql("SELECT count(*) FROM referral_code WHERE wanted_at IS NOT NULL") == [(0,)]


def test_whoever_waited_for_an_hour_in_vain_is_told_so_and_may_ask_again(office: Office) -> None:
    office.asks("甲")
    office.fault(CREATE, 45009)
    for _ in range(12):
        office.look()
        office.at += timedelta(minutes=10)
    assert office.calls(CREATE) < 14
    assert office.sql("SELECT text FROM notice") == [("二维码还没有做好，请过一会儿再回复「我的邀请码」",)]
    assert office.sql("SELECT count(*) FROM referral_code WHERE wanted_at IS NOT NULL") == [(0,)]
    office.heal()
    office.asks("甲")
    office.look()
    assert office.sql("SELECT count(*) FROM customer_message") == [(2,)]


def test_a_process_that_died_in_the_middle_leaves_the_picture_to_the_next(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.asks("甲")

    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(referral_code, "made", dies)
    with pytest.raises(Killed):
        office.look()
    monkeypatch.undo()
    office.look()
    assert office.calls(CREATE) == 1, "the lease of the one that died still runs"
    office.at += referral_code.LEASE
    office.look(processes=2)
    assert office.calls(CREATE) == 2
    assert office.sql("SELECT count(*) FROM customer_message") == [(2,)]


def test_the_picture_is_a_png_with_the_codes_words_in_it() -> None:
    drawn = referral_codes.draw("http://weixin.qq.com/q/02ABCDEFGHIJKLMNOPQRSTUV")
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    width = int.from_bytes(drawn[16:20], "big")
    assert 400 <= width <= 560
