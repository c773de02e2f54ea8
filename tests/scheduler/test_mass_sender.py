"""The mass sender against the simulator: 23 followers in lists of ten. The judge is what the simulator's followers received."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from models import broadcast, mass, media
from models.broadcast import Broadcast
from models.config import Config
from models.delivery import Outcome
from models.follower import followers
from models.media import MediaSection
from scheduler.mass import MassSender
from scheduler.media import MediaKeeper
from tests.people import APP_ID, APP_SECRET, Town
from tests.pictures import PNG
from tests.scheduler.stage import Stage, shanghai
from wechat.client import Client
from wechat.token import MemoryTokenStore

SEND, PREVIEW = "/cgi-bin/message/mass/send", "/cgi-bin/message/mass/preview"
MONTH = 31 * 86400


class Theatre:
    """A stage whose followers are the simulator's, and what they and the platform saw since this test began."""

    def __init__(self, stage: Stage, town: Town) -> None:
        self.stage, self.town, self.media = stage, town, MediaSection({})
        town.ask("/_sim/clock", advance=MONTH)  # a new month, day and minute for every test
        self.fault(None)
        self.since = town.ask("/_sim/log?since=0&limit=1")["next"]
        while page := town.ask(f"/_sim/log?since={self.since}")["entries"]:
            self.since = page[-1]["seq"]
        self.people = sorted(person["openid"] for person in town.ask("/_sim/followers?limit=1000")["followers"])
        rows = [{"openid": one, "subscribed": True, "state_at": stage.at, "first_seen_at": stage.at} for one in self.people]
        with stage.database.transaction() as db:
            db.execute(insert(followers), rows)

    def run(self, key: str = "news", **more: Any) -> int:
        """A mass message to all, planned."""
        content: dict[str, Any] = {"mass": {"text": "各位好"}, "template": None, "data": {}} | more
        return self.stage.run(key, **content)

    def fault(self, rule: dict[str, Any] | None) -> None:
        """From now on this goes wrong with mass/send; None: nothing."""
        data = json.dumps({"path": SEND} | rule).encode() if rule else None
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.town.sim}/_sim/faults", data, headers, method="POST" if rule else "DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What happened on the platform since this test began."""
        found: list[dict[str, Any]] = self.town.ask(f"/_sim/log?kind={kind}&since={self.since}&limit=50000")["entries"]
        return found

    def calls(self, path: str = SEND) -> list[dict[str, Any]]:
        """The calls of mass/send."""
        return [call for call in self.log("api") if call["path"] == path]

    def received(self) -> Counter[str]:
        """How many mass messages each follower has on the phone."""
        return Counter(one["openid"] for one in self.log("message") if one.get("via") in ("mass", "preview"))

    def lists(self) -> list[Any]:
        """State and size of every list."""
        return [tuple(row) for row in self.stage.sql("SELECT state, size FROM mass_list ORDER BY id")]

    def config(self) -> Config:
        """The stage's, with these media."""
        of = self.stage.config()
        return Config(of.zone, of.version, {**of.sections, MediaSection: self.media})

    def client(self) -> Client:
        """The simulator's API."""
        stage = self.stage
        return Client(app_id=APP_ID, secret=APP_SECRET, api_base=self.town.sim, store=MemoryTokenStore(stage.clock), clock=stage.clock)

    @asynccontextmanager
    async def sender(self, most: int = 10) -> AsyncIterator[MassSender]:
        """A mass sender of the stage's database to the simulator."""
        stage = self.stage
        async with self.client() as client:
            keeper = MediaKeeper(stage.database, client, self.config, lambda path: PNG, stage.clock)
            lists = MassSender(stage.database, client, keeper, stage.config, stage.clock, stage, most)
            yield lists
            await lists.stop()

    def play(self, looks: int = 1, seconds: float = 1, most: int = 10) -> None:
        """The clock ticks so often."""

        async def scene() -> None:
            async with self.sender(most) as lists:
                for _ in range(looks):
                    await look(lists)
                    self.stage.later(seconds=seconds)

        asyncio.run(scene())

    def close(self, run: int) -> str:
        """What the sender does when nothing is left."""
        self.stage.verb(broadcast.finish, run, self.stage.at)
        return str(self.stage.of(run).state)


async def look(lists: MassSender) -> None:
    """One look, and all it leads to."""
    await lists.look()
    assert lists._task is not None
    await asyncio.wait([lists._task])
    assert lists._task.exception() is None


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A simulator with 23 followers."""
    made = Town(tmp_path_factory.mktemp("mass"), followers=23)
    made.simulator.start(f"{made.sim}/_sim/clock")
    yield made
    made.stop()


@pytest.fixture
def theatre(staged: Callable[..., Stage], town: Town) -> Theatre:
    return Theatre(staged(), town)


def test_a_run_goes_in_lists_at_the_pace_of_one_a_second_and_reaches_everybody_once(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run()
    theatre.play(2, seconds=0.4)
    assert len(theatre.calls()) == 1  # 0.4 s later it is too early for the second
    theatre.play(8, seconds=0.5)
    assert theatre.lists() == [("sent", 10), ("sent", 10), ("sent", 3)]
    assert theatre.received() == Counter(theatre.people)
    assert [call["audience"] for call in theatre.calls()] == [10, 10, 3]
    assert stage.states(run) == {"sent": 23}
    assert stage.counts == {"sent": 23}
    assert theatre.close(run) == "done"
    keys = stage.sql("SELECT clientmsgid FROM mass_list")
    assert len(set(keys)) == 3
    assert all(len(key.encode()) <= 32 for (key,) in keys)


def test_a_rest_of_one_joins_a_list_and_somebody_alone_is_skipped_with_the_reason(theatre: Theatre) -> None:
    run = theatre.run()
    theatre.play(4, most=11)
    assert theatre.lists() == [("sent", 11), ("sent", 10), ("sent", 2)]
    theatre.stage.do("UPDATE follower SET refused_at = first_seen_at WHERE id > 1")
    alone = theatre.run("alone")
    theatre.play(3)
    assert theatre.stage.states(run) == {"sent": 23}
    assert theatre.stage.states(alone) == {"skipped": 23}
    assert theatre.stage.reasons(alone) == {"已退订 refused", "群发接口至少要两位粉丝 mass/send takes two or more"}
    assert theatre.stage.sql("SELECT count(*) FROM delivery WHERE run_id = :r AND charged_at IS NOT NULL", r=alone) == [(0,)]
    assert theatre.close(alone) == "done"


def test_an_answer_that_is_lost_is_repeated_under_the_same_key_and_45065_is_a_yes(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run()
    theatre.fault({"drop_response": 1.0, "times": 1})
    theatre.play(3)
    assert theatre.lists() == [("sending", 10)]  # the run waits for its list, and not a minute has passed
    assert [call["errcode"] for call in theatre.calls()] == [0]
    stage.later(seconds=65)
    theatre.play(4)
    assert theatre.lists() == [("sent", 10), ("sent", 10), ("sent", 3)]
    assert theatre.received() == Counter(theatre.people)
    assert [call["errcode"] for call in theatre.calls()] == [0, 45065, 0, 0]
    numbers = [row[0] for row in stage.sql("SELECT msg_id FROM mass_list ORDER BY id")]
    assert numbers[0] == str(theatre.calls()[0]["msgid"])
    assert stage.states(run) == {"sent": 23}


def test_whoever_dies_or_is_stopped_with_a_list_does_not_send_it_twice_nor_overwrite_who_took_it_over(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run()
    rules, zone = stage.push, stage.config().zone

    def formed(now: Any) -> Any:
        return stage.verb(lambda db: mass.form(db, broadcast.load(db, run), rules, zone, now, 10))

    dead = formed(stage.at)  # and its process dies before the call
    assert stage.states(run) == {"pending": 13, "sending": 10}
    theatre.play(1)
    assert theatre.lists()[0] == ("sending", 10)  # its lease is another's
    stage.later(seconds=45)
    theatre.play(3)
    assert theatre.received() == Counter(theatre.people)
    # The stopped process goes on: its fence is old.
    assert stage.verb(mass.again, dead, "late", stage.at) is False
    assert stage.verb(mass.give_back, dead, "late", stage.at, stage.at) is False
    assert stage.states(run) == {"sent": 23}
    # One that was stopped between forming and calling does not call: its lease is over.
    second = theatre.run("second")

    async def stopped() -> None:
        async with theatre.sender() as lists:
            asked = lists._may_call

            async def late(*given: Any) -> bool:
                stage.later(seconds=60)
                return await asked(*given)

            lists._may_call = late  # type: ignore[assignment]
            await look(lists)

    before = len(theatre.calls())
    asyncio.run(stopped())
    assert len(theatre.calls()) == before
    assert stage.states(second) == {"pending": 23}


def test_without_an_answer_for_23_hours_a_list_is_unknown_and_its_charges_stay(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run()
    theatre.fault({"drop_response": 1.0})
    theatre.play(1)
    stage.later(hours=22)
    theatre.play(1)
    assert len(theatre.calls()) == 2
    stage.later(hours=2)
    theatre.play(1)
    assert len(theatre.calls()) == 2  # after 23 hours nobody repeats it: the platform may have forgotten it
    stage.verb(mass.give_up, stage.at)
    assert stage.states(run) == {"unknown": 10, "pending": 13}
    assert stage.sql("SELECT count(*) FROM delivery WHERE charged_at IS NOT NULL") == [(10,)]
    theatre.fault(None)
    theatre.play(2)
    assert stage.states(run) == {"unknown": 10, "sent": 13}
    assert max(theatre.received().values()) == 1


def test_whoever_left_or_is_over_a_limit_when_a_list_is_repeated_is_unknown(staged: Callable[..., Stage], town: Town) -> None:
    theatre = Theatre(staged(limits=[{"max": 1, "per": "day"}]), town)
    stage, run = theatre.stage, theatre.run()
    stage.at = shanghai("2026-11-21 23:59:00")
    theatre.fault({"errcode": -1, "times": 1})
    theatre.play(1)
    stage.later(minutes=2)  # a new day
    stage.do("UPDATE follower SET refused_at = first_seen_at WHERE id = 1")
    other = stage.run("urgent")
    stage.do("DELETE FROM delivery WHERE run_id = :r AND follower_id <> 2", r=other)
    assert stage.send(other) == 1
    theatre.play(3)
    assert stage.states(run) == {"unknown": 2, "sent": 21}
    assert theatre.received() == Counter(theatre.people[2:])
    assert len(set(stage.sql("SELECT follower_id FROM delivery WHERE charged_at >= :day", day="2026-11-21 16:00:00"))) == 22


def test_four_a_month_by_our_own_count_whatever_the_limits(staged: Callable[..., Stage], town: Town) -> None:
    theatre = Theatre(staged(), town)
    stage = theatre.stage
    runs = [theatre.run(f"n{number}") for number in range(5)]
    theatre.play(6, most=100)
    assert [stage.states(run) for run in runs] == [{"sent": 23}] * 4 + [{"skipped": 23}]
    assert stage.reasons(runs[4]) == {"平台配额 quota: 4 per month (mass)"}
    assert set(theatre.received().values()) == {4}
    stage.at = shanghai("2026-12-01 00:00:05")
    december = theatre.run("december")
    theatre.play(1, most=100)
    assert stage.states(december) == {"sent": 23}


@pytest.mark.parametrize(
    ("errcode", "until"),
    [(45028, "2026-12-01 00:00:00"), (45009, "2026-11-22 00:00:00"), (45011, "2026-11-21 10:01:00")],
)
def test_a_quota_stops_mass_until_the_platform_counts_anew(theatre: Theatre, errcode: int, until: str) -> None:
    stage, run = theatre.stage, theatre.run()
    stage.at = shanghai("2026-11-21 10:00:00")
    theatre.fault({"errcode": errcode, "times": 1})
    theatre.play(3)
    assert len(theatre.calls()) == 1
    assert stage.states(run) == {"pending": 23}
    assert stage.sql("SELECT count(*) FROM delivery WHERE charged_at IS NOT NULL OR mass_list_id IS NOT NULL") == [(0,)]
    of = stage.of(run)
    assert of.held_until == shanghai(until)
    assert str(errcode) in of.reason
    stage.at = shanghai(until)
    theatre.play(4)
    assert theatre.lists() == [("refused", 10), ("sent", 10), ("sent", 10), ("sent", 3)]
    assert theatre.received() == Counter(theatre.people)


def test_45066_waits_a_minute_and_keeps_the_key(theatre: Theatre) -> None:
    run = theatre.run()
    theatre.fault({"errcode": 45066, "times": 1})
    theatre.play(2)
    assert len(theatre.calls()) == 1
    theatre.stage.later(seconds=64)
    theatre.play(4)
    assert theatre.lists() == [("sent", 10), ("sent", 10), ("sent", 3)]
    assert theatre.stage.states(run) == {"sent": 23}


def test_one_stranger_in_a_list_is_found_by_halves_and_the_others_get_it(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run()
    stage.do("UPDATE follower SET openid = 'stranger' WHERE id = 7")
    theatre.play(20)
    assert theatre.received() == Counter(one for number, one in enumerate(theatre.people, 1) if number not in (6, 7))
    assert stage.states(run) == {"sent": 21, "failed": 2}
    assert len(theatre.calls()) <= 9


def test_content_that_cannot_be_sent_pauses_the_run_and_an_edit_sends_it(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run(mass={"draft": "no-such-draft"})
    theatre.play(2)
    assert stage.of(run).state == "paused"
    assert "40007" in stage.of(run).reason
    assert theatre.calls() == []
    told = {"key": "news", "mass": {"text": "改好了"}}
    stage.verb(broadcast.edit, run, Broadcast.model_validate(told), "wang", stage.at)
    stage.verb(broadcast.resume, run)
    stage.plan(run)
    theatre.play(3)
    assert {one["text"] for one in theatre.log("message") if one.get("via") == "mass"} == {"改好了"}
    assert theatre.received() == Counter(theatre.people)


def drafted(town: Town) -> str:
    """The media_id of a draft on the platform."""
    account = {"grant_type": "client_credential", "appid": APP_ID, "secret": APP_SECRET}
    with httpx.Client(base_url=town.sim) as http:
        http.params = {"access_token": http.post("/cgi-bin/stable_token", json=account).json()["access_token"]}
        file = {"media": ("a.png", PNG, "image/png")}
        cover = http.post("/cgi-bin/material/add_material", params={"type": "image"}, files=file).json()["media_id"]
        article = {"title": "本周", "content": "<p>内容</p>", "thumb_media_id": cover}
        return str(http.post("/cgi-bin/draft/add", json={"articles": [article]}).json()["media_id"])


def test_every_list_gets_its_own_copy_of_the_draft_which_stays(theatre: Theatre) -> None:
    draft = drafted(theatre.town)
    run = theatre.run(mass={"draft": draft})
    theatre.play(4)
    assert theatre.stage.states(run) == {"sent": 23}
    assert theatre.received() == Counter(theatre.people)
    assert len(set(theatre.stage.sql("SELECT draft FROM mass_list"))) == 3

    async def still_there() -> list[dict[str, Any]]:
        async with theatre.client() as client:
            return await client.draft.get(draft)

    assert [article["title"] for article in asyncio.run(still_there())] == ["本周"]


def test_a_test_goes_to_staff_as_previews_that_count_for_nobody(theatre: Theatre) -> None:
    stage = theatre.stage
    run = theatre.run()
    stage.do("UPDATE broadcast_run SET test = true WHERE id = :r", r=run)
    stage.do("DELETE FROM delivery WHERE follower_id > 1")
    theatre.play(1)
    assert stage.states(run) == {"sent": 1}
    assert theatre.calls() == []
    assert theatre.received() == Counter(theatre.people[:1])
    assert theatre.close(run) == "done"
    for number in range(4):  # and all four of the month are still to come
        theatre.run(f"n{number}")
    theatre.play(4, most=100)
    assert theatre.received()[theatre.people[0]] == 5


def test_a_picture_that_the_platform_has_forgotten_is_uploaded_anew(theatre: Theatre) -> None:
    stage = theatre.stage
    theatre.media = MediaSection({"store": media.understand("store.png", PNG)})
    run = theatre.run(mass={"image": "store"})
    store = theatre.media.root["store"]
    assert stage.verb(media.claim, store, "image", stage.at)
    stage.verb(media.store, store, "image", "forgotten", stage.at)
    theatre.play(6)
    assert [call["errcode"] for call in theatre.calls()] == [40007, 0, 0, 0]
    assert stage.states(run) == {"sent": 23}
    assert theatre.received() == Counter(theatre.people)


def test_whom_no_cheaper_way_reaches_goes_by_mass(theatre: Theatre) -> None:
    stage = theatre.stage
    run = theatre.run(text="您好")
    stage.do(
        "INSERT INTO inbox_entry (key, follower_id, kind, said_at, received_at) SELECT 'said', 3, 'text', first_seen_at, first_seen_at"
        " FROM follower WHERE id = 3"
    )
    (called,) = stage.reserve(run)
    assert (called.follower.id, called.channel) == (3, "customer_message")
    stage.settle(Outcome(called.id, called.fence, "sent"))
    theatre.play(4)
    assert theatre.received() == Counter(one for number, one in enumerate(theatre.people, 1) if number != 3)
    assert stage.sql("SELECT channel, count(*) FROM delivery GROUP BY channel ORDER BY 1") == [("customer_message", 1), ("mass", 22)]
    assert theatre.close(run) == "done"


def test_a_run_of_several_ways_waits_as_a_whole_when_only_its_mass_messages_are_left(theatre: Theatre) -> None:
    stage = theatre.stage
    run, low = theatre.run(text="您好"), theatre.run("low", template="T", priority="low")
    theatre.fault({"errcode": 45028, "times": 1})
    stage.reserve(run)  # nobody has written: all go by mass
    theatre.play(2)
    assert stage.of(run).held_until == shanghai("2026-12-01 00:00:00")
    assert stage.verb(broadcast.is_sending, low, stage.at)


def test_a_draft_whose_list_got_no_answer_is_not_sent_again_from_another_copy(theatre: Theatre) -> None:
    stage, run = theatre.stage, theatre.run(mass={"draft": drafted(theatre.town)})
    theatre.fault({"drop_response": 1.0, "times": 1})
    theatre.play(1)
    stage.later(seconds=65)
    theatre.play(4)
    assert [call["errcode"] for call in theatre.calls()] == [0, 40007, 0, 0]  # the copy ended when it was sent
    assert stage.states(run) == {"unknown": 10, "sent": 13}
    assert theatre.received() == Counter(theatre.people)
    (taken,) = stage.sql("SELECT id FROM mass_list WHERE state = 'unknown'")[0]
    stage.verb(mass.receive, str(theatre.calls()[0]["msgid"]), "send success", (10, 10, 10, 0), stage.at)
    stage.later(minutes=2)
    stage.verb(mass.reconcile, stage.at)
    assert stage.sql("SELECT state FROM mass_list WHERE id = :id", id=taken) == [("finished",)]
    assert stage.states(run) == {"delivered": 10, "sent": 13}
