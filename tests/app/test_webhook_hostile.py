"""Rightly signed pushes that no platform would make: none gives a 5xx, none is slow, and what is kept of them is bounded."""

from __future__ import annotations

import base64
import os
import random
import time

import pytest

from tests.people import ORIGINAL_ID, TOKEN, World, event, message, openid, signed

WHO = openid("王")


def shaped(fields: str, at: float, who: str = WHO) -> str:
    """A push of these fields, whatever they are."""
    return f"<xml><ToUserName>{ORIGINAL_ID}</ToUserName><FromUserName>{who}</FromUserName><CreateTime>{int(at)}</CreateTime>{fields}</xml>"


def hostile(at: float) -> dict[str, str]:
    """Inner XML by what is wrong with it."""
    text = "<MsgType>text</MsgType><MsgId>1</MsgId>"
    return {
        "siblings": shaped(text + "<a>1</a>" * 5000, at),
        "different siblings": shaped(text + "".join(f"<a{n}>1</a{n}>" for n in range(3000)), at),
        "nesting": shaped(text + "<a>" * 4000 + "</a>" * 4000, at),
        "attributes": shaped(f'{text}<a b="{"x" * 40_000}">1</a>', at),
        "many attributes": shaped(f"{text}<a {' '.join(f'b{n}={chr(34)}1{chr(34)}' for n in range(3000))}>1</a>", at),
        "laughs": '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + shaped(f"{text}<Content>&b;</Content>", at),
        "utf-16 declared": '<?xml version="1.0" encoding="UTF-16"?>' + shaped(f"{text}<Content>签到</Content>", at),
        "gbk declared": '<?xml version="1.0" encoding="GBK"?>' + shaped(f"{text}<Content>签到</Content>", at),
        "long name of an event": event(WHO, at, "x" * 64),
        "capital I with a dot": event(WHO, at, "İ" * 64),
        "type that grows in small letters": shaped(f"<MsgType>{'İ' * 64}</MsgType><MsgId>2</MsgId>", at),
        "odd name of an event": event(WHO, at, "a|b#\u202e'\";--{}%s"),
        "openid of 64": message("o" * 64, at, Content="签到"),
        "openid of 64 wide": message("😀" * 64, at, Content="签到"),
        "long ago": message(WHO, 1, Content="签到"),
        "far away": message(WHO, 9_999_999_999, Content="签到"),
        "scene that is long": event(WHO, at, "subscribe", EventKey="qrscene_" + "长" * 5000),
        "scene of emoji": event(WHO, at + 1, "subscribe", EventKey="qrscene_" + "😀" * 64),
        "scene that is empty": event(WHO, at + 2, "subscribe", EventKey="qrscene_"),
        "scan of nothing known": event(WHO, at, "SCAN", EventKey="nobody", Ticket="T" * 5000),
        "long key of a click": event(WHO, at, "CLICK", EventKey="长" * 9000),
        "long text": message(WHO, at, Content="长" * 15_000),
        "msgmenu": shaped("<MsgType>text</MsgType><Content>x</Content><bizmsgmenuid>" + "9" * 9000 + "</bizmsgmenuid><MsgId>9</MsgId>", at),
        "long id": message(WHO, at, msg_id="9" * 5000, Content="签到"),
        "template report with a long status": event("o" * 64, at, "TEMPLATESENDJOBFINISH", MsgID="9" * 300, Status="失败" * 3000),
        "other template report": event(WHO, at, "TEMPLATESENDJOBFINISH", MsgID="-1", Status=""),
    }


def test_what_no_platform_would_push_is_answered_soon_kept_short_and_no_bug(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {}
    for name, inner in hostile(world.at.timestamp()).items():
        started = time.perf_counter()
        answer = world.push(inner)[0]
        if answer.status != 200 or time.perf_counter() - started > 1:
            wrong[name] = f"{answer.status} after {time.perf_counter() - started:.2f} s"
    assert wrong == {}
    assert 'outcome="failed"' not in world.get("/metrics").text, capsys.readouterr()
    sizes = "SELECT max(length(coalesce(fields, '')) + length(coalesce(text, ''))), max(length(key)), max(length(kind)) FROM inbox_entry"
    whole, key, kind = world.sql(sizes)[0]
    assert whole <= 36_000
    assert key <= 200
    assert kind <= 64


def test_random_bytes_in_the_envelope_are_refused_quietly(world: World) -> None:
    chosen = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={chosen}")
    chance = random.Random(chosen)
    for turn in range(300):
        noise = chance.randbytes(chance.choice([0, 1, 15, 16, 17, 32, 48, 64, 1024, 40_000]))
        sealed = base64.b64encode(noise).decode() if turn % 3 else noise.decode("latin-1")
        if turn % 3 == 0:
            sealed = "".join(one for one in sealed if one.isascii() and one.isalnum())
        stamp = str(int(world.at.timestamp()))
        proof = signed(TOKEN, stamp, "n1", sealed)
        body = f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
        answer = world.request("POST", f"timestamp={stamp}&nonce=n1&msg_signature={proof}&encrypt_type=aes", body)
        assert answer.status_code in (200, 400), f"SEED={chosen} {sealed[:80]}"
        assert answer.content in (b"success", b"")


def test_a_flood_of_unknown_types_stays_small(world: World) -> None:
    at = world.at.timestamp()
    for number in range(40):
        inner = shaped(
            f"<MsgType>new{number}</MsgType>" + "".join(f"<f{n}>{'长' * 200}</f{n}>" for n in range(70)) + f"<MsgId>{number}</MsgId>", at
        )
        assert world.push(inner)[0].body == b"success"
    assert world.sql("SELECT count(*), max(length(fields)) FROM inbox_entry")[0][1] <= 16_000
