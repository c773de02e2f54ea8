"""Every kind of push there is, and a hundred thousand damaged ones: each is answered as the platform wants to be answered."""

from __future__ import annotations

import os
import random

import pytest

from tests.people import ORIGINAL_ID, World, openid, push
from tests.samples import SAMPLES, sample

KINDS = ("text", "image", "voice", "video", "music", "news", "transfer_customer_service")
PIECES = [
    *("<", ">", "]]>", "<![CDATA[", "<!DOCTYPE x>", "<!ENTITY a 'b'>", "&a;", "&#0;", "&#x110000;", "<?", "\x00", "\ufffe", "\ud800"),
    *("<xml>", "</xml>", "<Event>", "</Event>", "<MsgType>", "-1", "9" * 400, "1e309", "١٢", "{", "}", "%s", "'; --", "签到", "\u202e"),
]


def seed() -> int:
    """The run's seed: SEED of the environment, else a new one."""
    return int(os.environ.get("SEED") or random.randrange(2**32))


def fault(world: World, name: str) -> str | None:
    """What is wrong with the answers to two copies of this sample; None where nothing is."""
    person = openid(name)
    inner = sample(name, person, world.at.timestamp())
    first, again = world.push(inner)[0], world.push(inner)[0]
    if (first.status, again.status) != (200, 200) or first.xml != again.xml:
        return f"{first} {again}"
    if first.xml is None:
        return None if first.body in (b"success", b"") else repr(first.body)
    replied = (first.fields["ToUserName"], first.fields["FromUserName"], first.fields["MsgType"])
    return None if replied[:2] == (person, ORIGINAL_ID) and replied[2] in KINDS else str(replied)


def test_every_kind_of_push_is_answered_validly(world: World) -> None:
    assert len(SAMPLES) >= 120
    assert {name: wrong for name in SAMPLES if (wrong := fault(world, name))} == {}
    # All are kept but for those that do not even say who sent them what.
    assert world.sql("SELECT count(*) FROM inbox_entry")[0][0] >= len(SAMPLES) - 4


def damaged(text: str, chance: random.Random) -> str:
    """The text with one to six changes: pieces put in, cut, copied, moved, doubled."""
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(text) + 1), chance.randint(1, 60)
        match chance.randrange(6):
            case 0 | 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[at + length :]
            case 3:
                other = chance.randrange(len(text) + 1)
                text = text[:other] + text[at : at + length] + text[other:]
            case 4:
                text = text[:at] + chr(chance.choice([chance.randrange(32, 127), chance.randrange(0x10000)])) + text[at + 1 :]
            case _:
                text = text[:at] if chance.random() < 0.3 else text
    return text


def fuzz(world: World, number: int) -> None:
    """So many rightly signed bodies of damaged content, and as many bodies damaged on the outside: none gives a 5xx."""
    chosen = seed()
    print(f"SEED={chosen}")
    chance = random.Random(chosen)
    names = list(SAMPLES)
    for turn in range(number):
        whole = sample(chance.choice(names), openid(f"f{turn % 50}"), world.at.timestamp() - chance.randrange(3))
        if turn % 2:
            inner = damaged(whole, chance).encode("utf-8", "replace").decode()
            answer = world.push(inner)[0]
            assert answer.status == 200, f"SEED={chosen} turn {turn}: {inner!r}"
        else:
            query, body = push(whole, world.at.timestamp())
            outer = damaged(body.decode() if chance.random() < 0.7 else query, chance).encode("utf-8", "replace")
            response = world.request("POST", query, outer)
            assert response.status_code < 500, f"SEED={chosen} turn {turn}: {outer!r}"


def test_damaged_bodies_give_no_server_error(world: World) -> None:
    fuzz(world, 600)


@pytest.mark.prove
def test_a_hundred_thousand_damaged_bodies_give_no_server_error(world: World) -> None:
    fuzz(world, 100_000)
