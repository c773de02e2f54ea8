"""The allowance of customer-service messages: counted before the call, never more than the platform lets through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from models import allowance, customer_message, follower, inbox
from models.allowance import NoAllowance
from models.database import Database
from simulator.allowance import Allowances
from tests.people import Person, World, message

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def spends(person: Person, times: int = 1) -> list[str]:
    """Which windows so many messages are counted in, until there is none."""
    found = []
    with person.world.service.database.transaction() as db:
        somebody = follower.find(db, person.openid)
        assert somebody is not None
        for _ in range(times):
            try:
                found.append(allowance.spend(db, somebody.id, person.world.at).trigger)
            except NoAllowance:
                break
    return found


@pytest.fixture
def wang(world: World) -> Person:
    return world.person("王")


def test_a_message_allows_five_for_two_days(wang: Person) -> None:
    wang.says("你好")
    wang.world.at += timedelta(hours=47)
    assert spends(wang, 9) == ["message"] * 5
    wang.says("还在吗")
    wang.world.at += timedelta(hours=48)
    assert spends(wang) == []


@pytest.mark.parametrize(
    ("name", "fields", "trigger"),
    [
        ("CLICK", {"EventKey": "K"}, "click"),
        ("scancode_push", {"EventKey": "K"}, "click"),
        ("scancode_waitmsg", {"EventKey": "K"}, "click"),
        ("subscribe", {}, "subscribe"),
        ("SCAN", {"EventKey": "store_01", "Ticket": "T"}, "scan"),
    ],
)
def test_an_act_allows_three_for_less_than_a_minute(wang: Person, name: str, fields: dict[str, str], trigger: str) -> None:
    wang.does(name, **fields)
    assert spends(wang, 2) == [trigger] * 2
    wang.world.at += timedelta(seconds=49)
    assert spends(wang, 2) == [trigger]
    wang.does(name, **fields)
    wang.world.at += timedelta(seconds=51)
    assert spends(wang) == []


def test_a_tap_on_a_menu_message_opens_a_minute_and_not_two_days(wang: Person) -> None:
    wang.sends("text", Content="满意", bizmsgmenuid="101")
    assert spends(wang, 9) == ["click"] * 3
    wang.world.at += timedelta(minutes=2)
    assert spends(wang) == []


@pytest.mark.parametrize("name", ["VIEW", "LOCATION", "view_miniprogram", "pic_weixin", "location_select", "TEMPLATESENDJOBFINISH", "new"])
def test_other_events_allow_nothing(wang: Person, name: str) -> None:
    wang.does("subscribe")
    wang.world.at += timedelta(minutes=2)
    wang.does(name, EventKey="K")
    assert spends(wang) == []


def test_the_window_that_ends_first_is_used_first_and_each_is_counted_on_its_own(wang: Person) -> None:
    wang.does("subscribe")
    wang.says("你好")
    wang.world.at += timedelta(seconds=10)
    wang.does("CLICK", EventKey="K")
    assert spends(wang, 99) == ["subscribe"] * 3 + ["click"] * 3 + ["message"] * 5


def test_a_new_act_opens_its_window_anew(wang: Person) -> None:
    wang.says("你好")
    assert spends(wang, 9) == ["message"] * 5
    wang.world.at += timedelta(seconds=1)
    wang.says("你好")
    assert spends(wang, 9) == ["message"] * 5


def test_leaving_closes_every_window_and_following_opens_its_own(wang: Person) -> None:
    wang.says("你好")
    wang.does("CLICK", EventKey="K")
    wang.world.at += timedelta(seconds=1)
    wang.does("unsubscribe")
    assert spends(wang) == []
    wang.world.at += timedelta(seconds=1)
    wang.does("subscribe")
    assert spends(wang, 9) == ["subscribe"] * 3


def test_a_clock_of_the_platform_ahead_of_ours_does_not_lengthen_a_window(wang: Person) -> None:
    from tests.people import event

    wang.world.push(event(wang.openid, wang.world.at.timestamp() + 120, "CLICK", EventKey="K"))
    wang.world.at += timedelta(seconds=51)
    assert spends(wang) == []


def test_what_was_given_back_can_be_used_again_but_not_in_another_window(wang: Person) -> None:
    wang.says("你好")
    database = wang.world.service.database
    with database.transaction() as db:
        somebody = follower.find(db, wang.openid)
        assert somebody is not None
        spent = [allowance.spend(db, somebody.id, wang.world.at) for _ in range(5)]
        allowance.give_back(db, somebody.id, spent[0])
    assert spends(wang, 9) == ["message"]
    wang.world.at += timedelta(seconds=1)
    wang.says("又来了")
    assert spends(wang, 3) == ["message"] * 3
    with database.transaction() as db:
        allowance.give_back(db, somebody.id, spent[1])  # of the window before
    assert spends(wang, 9) == ["message"] * 2


def test_where_the_platform_says_that_it_is_over_it_is_until_the_next_act(wang: Person) -> None:
    wang.says("你好")
    wang.does("CLICK", EventKey="K")
    with wang.world.service.database.transaction() as db:
        somebody = follower.find(db, wang.openid)
        assert somebody is not None
        allowance.close(db, somebody.id, wang.world.at)
    assert spends(wang) == []
    wang.world.at += timedelta(seconds=1)
    wang.does("CLICK", EventKey="K")
    assert spends(wang, 9) == ["click"] * 3


def test_of_many_who_spend_at_once_no_more_than_five_get_through(wang: Person) -> None:
    wang.says("你好")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: spends(wang), range(24)))
    assert sorted(found) == [[]] * 19 + [["message"]] * 5


def test_the_database_itself_counts_no_further_than_five(wang: Person) -> None:
    wang.says("你好")
    spends(wang)
    from sqlalchemy import text

    for used in (6, -1):
        with pytest.raises(DBAPIError), wang.world.service.database.transaction() as db:
            db.execute(text("UPDATE allowance SET used = :used"), {"used": used})


ACTS = {"text": "message", "image": "message", "click": "click", "msgmenu": "click", "subscribe": "subscribe", "scan": "scan"}
DAYS = st.lists(
    st.tuples(
        st.sampled_from([*ACTS, "unsubscribe", "view", "send", "send", "send"]), st.sampled_from([0, 1, 7, 30, 55, 90, 3600, 90_000])
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=DAYS)
def test_whatever_they_do_nothing_is_sent_that_the_platform_would_refuse(sqlite_template: Path, days: list[tuple[str, int]]) -> None:
    database, platform, at = Database(f"sqlite:///{sqlite_template}"), Allowances(), NOW
    with database.rehearsal() as db:
        person = follower.seen(db, "p", NOW, NOW).id
        for number, (act, pause) in enumerate(days):
            at += timedelta(seconds=pause)
            if act == "send":
                try:
                    allowance.spend(db, person, at)
                except NoAllowance:
                    continue
                platform.spend("p", at.timestamp())  # raises where it would refuse
                continue
            at += timedelta(seconds=1)
            entry = inbox.admit(db, str(number), act, None, at, at)
            assert isinstance(entry, inbox.Admitted)
            inbox.answered(db, entry.id, person, None, "", None)
            if act in ACTS:
                platform.grant("p", ACTS[act], at.timestamp())
            elif act == "unsubscribe":
                platform.forget("p")
    database.close()


def test_what_was_sent_since_a_window_opened_anew_is_counted_in_it(wang: Person) -> None:
    """The platform knew of their second message before we did, and counted there what we sent meanwhile."""
    wang.says("你好")
    wang.world.at += timedelta(minutes=1)
    said_at = wang.world.at
    wang.world.at += timedelta(seconds=2)
    queued = [f"m{number}" for number in range(9)]
    with wang.world.service.database.transaction() as db:
        somebody = follower.find(db, wang.openid)
        assert somebody is not None
        for key in queued:
            customer_message.queue(db, key, somebody.id, {"msgtype": "text", "text": {"content": key}}, wang.world.at + DAY, wang.world.at)

    def send(most: int) -> int:
        for number in range(most):
            with wang.world.service.database.transaction() as db:
                claimed = customer_message.claim(db, wang.world.at, 1)
            if not claimed:
                return number
            with wang.world.service.database.transaction() as db:
                customer_message.settle(db, claimed[0], "sent", None, wang.world.at)
        return most

    assert send(2) == 2
    wang.world.push(message(wang.openid, said_at.timestamp(), Content="还在吗"))
    assert send(9) == 3
