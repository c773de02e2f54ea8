"""What the facts leave open: attempts, the query of a repeated one, MarkFail, receipts that go astray, pushes that do. All are settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

Call = Callable[..., dict[str, Any]]
Pushed = Callable[[str], list[dict[str, Any]]]
Log = Callable[..., list[dict[str, Any]]]
Eventually = Callable[[Callable[[], Any]], Any]
SEND = "/cgi-bin/message/template/send"
FAILURE = "该公众号提供的服务出现故障，请稍后再试"


@contextmanager
def _settings(client: httpx.Client, **wanted: object) -> Iterator[None]:
    before = client.get("/_sim/settings").json()
    answer = client.post("/_sim/settings", json=wanted)
    assert answer.status_code == 200, answer.text
    try:
        yield
    finally:
        client.post("/_sim/settings", json=before)


@contextmanager
def _faults(client: httpx.Client, *rules: dict[str, Any]) -> Iterator[None]:
    client.post("/_sim/faults", json=list(rules))
    try:
        yield
    finally:
        client.delete("/_sim/faults")


def _say(client: httpx.Client, openid: str, text: str = "签到") -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/_sim/say", json={"openid": openid, "text": text}).json()
    return answer


def _too_late(push: Any) -> tuple[int, bytes]:
    time.sleep(0.2)
    return 200, b"success"


def _digest(openid: str) -> dict[str, Any]:
    return {"touser": openid, "template_id": "TEMPLATE_ID", "data": {"thing1": {"value": "本周精选"}, "time2": {"value": "20:00"}}}


@pytest.mark.parametrize("attempts", [1, 4])
def test_as_many_attempts_are_made_as_the_setting_says(plain: httpx.Client, webhook: Any, person: str, attempts: int) -> None:
    webhook.answer = lambda push: (500, b"")
    with _settings(plain, attempts=attempts):
        assert len(_say(plain, person)["attempts"]) == attempts


def test_a_fast_failure_is_final_where_the_setting_says_so_and_a_timeout_is_not(plain: httpx.Client, webhook: Any, person: str) -> None:
    webhook.answer = lambda push: (502, b"")
    with _settings(plain, retry_on_error=False, deadline=0.1):
        assert len(_say(plain, person)["attempts"]) == 1
        webhook.answer = _too_late
        assert [attempt["error"] for attempt in _say(plain, person)["attempts"]] == ["timeout"] * 3


@pytest.mark.parametrize("same", [True, False])
def test_a_repeated_attempt_may_carry_the_query_of_the_first(plain: httpx.Client, webhook: Any, person: str, same: bool) -> None:
    webhook.answer = lambda push: (500, b"")
    with _settings(plain, same_query=same):
        _say(plain, person)
    queries = [push.query for push in webhook.pushes if push.query.get("openid") == person]
    assert len({query["nonce"] for query in queries}) == (1 if same else 3)
    assert len({query["signature"] for query in queries}) == (1 if same else 3)


def test_pushes_are_signed_with_the_time_outside_unless_the_bot_shares_the_clock(plain: httpx.Client, webhook: Any, person: str) -> None:
    _say(plain, person)
    with _settings(plain, sign_with="simulated"):
        _say(plain, person)
    real, simulated = (int(push.query["timestamp"]) for push in webhook.pushes if push.query.get("openid") == person)
    assert abs(real - time.time()) < 5
    assert simulated == int(plain.get("/_sim/clock").json()["now"])


@pytest.mark.parametrize(("accepted", "shown"), [(True, "好"), (False, None)])
def test_white_space_before_a_reply_is_accepted_or_not(
    plain: httpx.Client, webhook: Any, person: str, accepted: bool, shown: str | None
) -> None:
    """WeRoBot's clear replies begin with a line break."""
    head = f"<ToUserName>{person}</ToUserName><FromUserName>gh_1234567890ab</FromUserName><MsgType>text</MsgType>"
    webhook.answer = lambda push: (200, f"\n    <xml>{head}<Content>好</Content></xml>\n".encode())
    with _settings(plain, space_before=accepted):
        outcome = _say(plain, person)
    assert (outcome["reply"] or {}).get("text") == shown
    assert outcome["failed"] is not accepted


def test_too_many_failures_silence_the_platform_for_a_minute_and_nothing_is_made_up_for(
    plain: httpx.Client, webhook: Any, person: str, pushed: Pushed, log: Log
) -> None:
    plain.post("/_sim/clock", json={"advance": 61})  # the failures of other tests are forgotten
    webhook.answer = lambda push: (500, b"")
    with _settings(plain, mark_fail=2, attempts=1):
        failed = [_say(plain, person) for _ in range(2)]
        webhook.answer = lambda push: (200, b"success")
        withheld = _say(plain, person)
        plain.post("/_sim/clock", json={"advance": 61})
        again = _say(plain, person)
    assert [outcome["notice"]["text"] for outcome in failed] == [FAILURE] * 2
    assert (withheld["withheld"], withheld["attempts"], withheld["notice"]) == ("MarkFail", [], None)
    assert (again["withheld"], len(again["attempts"])) == (None, 1)
    assert len(pushed(person)) == 3
    assert "MarkFail" in [entry["alarm"] for entry in log(plain, kind="alarm")]


def test_an_alarm_comes_once_a_minute_and_kind_and_counts_what_it_stands_for(
    plain: httpx.Client, webhook: Any, person: str, log: Log
) -> None:
    webhook.answer = lambda push: (404, b"")
    plain.post("/_sim/clock", json={"advance": 61})
    before = len(log(plain, kind="alarm"))
    with _settings(plain, attempts=1):
        for _ in range(3):
            _say(plain, person)
        plain.post("/_sim/clock", json={"advance": 61})
        _say(plain, person)
    alarms = log(plain, kind="alarm")[before:]
    assert [(alarm["alarm"], alarm["error"]) for alarm in alarms] == [("回应失败", "HTTP 404")] * 2
    assert alarms[1]["count"] == 3


@pytest.mark.usefixtures("webhook")
def test_receipts_follow_the_clock_of_the_simulator(
    plain: httpx.Client, call: Call, person: str, pushed: Pushed, eventually: Eventually
) -> None:
    with _settings(plain, receipts={"earliest": 3600, "latest": 3600}):
        call(plain, SEND, _digest(person))
        plain.post("/_sim/clock", json={"advance": 3590})
        time.sleep(0.2)
        assert pushed(person) == []
        plain.post("/_sim/clock", json={"advance": 20})
        eventually(lambda: pushed(person))
    assert (pushed(person)[0]["Event"], pushed(person)[0]["Status"]) == ("TEMPLATESENDJOBFINISH", "success")


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize(
    ("setting", "statuses"), [("missing", []), ("doubled", ["success"] * 2), ("system_failed", ["failed: system failed"])]
)
def test_receipts_get_lost_come_twice_or_report_a_failure(
    plain: httpx.Client, call: Call, person: str, pushed: Pushed, eventually: Eventually, setting: str, statuses: list[str]
) -> None:
    with _settings(plain, receipts={setting: 1.0}):
        call(plain, SEND, _digest(person))
        plain.post("/_sim/clock", json={"advance": 10})
        if statuses:
            eventually(lambda: len(pushed(person)) == len(statuses))
        else:
            time.sleep(0.2)
    assert [push["Status"] for push in pushed(person)] == statuses
    messages = plain.get(f"/_sim/followers/{person}/conversation").json()["messages"]
    assert [message["type"] for message in messages] == ([] if setting == "system_failed" else ["template"])


@pytest.mark.usefixtures("webhook")
def test_a_push_can_be_lost_doubled_or_late_and_rules_for_pushes_leave_calls_alone(
    plain: httpx.Client, call: Call, person: str, pushed: Pushed
) -> None:
    with _faults(plain, {"push": "text", "lost": True, "times": 1}):
        assert _say(plain, person, "一")["withheld"] == "fault"
        assert _say(plain, person, "二")["withheld"] is None
    with _faults(plain, {"push": "text", "copies": 3}, {"push": "subscribe", "lost": True}):
        _say(plain, person, "三")
    with _faults(plain, {"push": "*", "delay": 0.3}):
        began = time.monotonic()
        _say(plain, person, "四")
        assert 0.3 < time.monotonic() - began < 3
        began = time.monotonic()
        assert call(plain, "/cgi-bin/tags/get")["tags"]
        assert time.monotonic() - began < 0.3
    assert [push["Content"] for push in pushed(person)] == ["二", "三", "三", "三", "四"]
    assert len({push["MsgId"] for push in pushed(person)}) == 3


@pytest.mark.usefixtures("webhook")
def test_a_receipt_can_be_lost_on_demand(plain: httpx.Client, call: Call, person: str, pushed: Pushed, eventually: Eventually) -> None:
    with _faults(plain, {"push": "TEMPLATESENDJOBFINISH", "lost": True, "times": 1}):
        ids = [call(plain, SEND, _digest(person))["msgid"] for _ in range(2)]
        plain.post("/_sim/clock", json={"advance": 10})
        eventually(lambda: pushed(person))
    assert [int(push["MsgID"]) in ids for push in pushed(person)] == [True]


@pytest.mark.usefixtures("webhook")
def test_pushes_can_arrive_out_of_order(plain: httpx.Client, person: str, pushed: Pushed, eventually: Eventually) -> None:
    with _faults(plain, {"push": "CLICK", "swap": True, "times": 1}), httpx.Client(base_url=plain.base_url, trust_env=False) as other:
        first = threading.Thread(target=lambda: other.post("/_sim/event", json={"openid": person, "event": "CLICK", "event_key": "k"}))
        first.start()
        time.sleep(0.2)
        _say(plain, person)
        first.join(timeout=5)
    eventually(lambda: len(pushed(person)) == 2)
    assert [push["MsgType"] for push in pushed(person)] == ["text", "event"]


@pytest.mark.parametrize(
    "rule", [{"push": "*", "errcode": -1}, {"lost": True}, {"path": "*", "copies": 2}, {"push": "text", "status": 502}]
)
def test_a_fault_for_the_wrong_thing_is_refused(plain: httpx.Client, rule: dict[str, Any]) -> None:
    assert plain.post("/_sim/faults", json=rule).status_code == 422


def test_settings_that_do_not_exist_or_make_no_sense_are_refused_and_change_nothing(plain: httpx.Client) -> None:
    before = plain.get("/_sim/settings").json()
    for wrong in ({"attemps": 3}, {"attempts": 0}, {"receipts": {"missing": 2}}, {"receipts": 1}, {"sign_with": "sundial"}):
        answer = plain.post("/_sim/settings", json=wrong)
        assert answer.status_code == 422, wrong
        assert next(iter(wrong)) in answer.json()["error"]
    assert plain.get("/_sim/settings").json() == before


def test_the_address_is_verified_as_when_it_is_saved(plain: httpx.Client, launch: Callable[..., httpx.Client]) -> None:
    assert plain.post("/_sim/verify").json() == {"verified": False, "problem": "应答了 HTTP 501（Token 是否一致？）"}
    nobody = launch("http://127.0.0.1:9/wechat", "--followers", "1")
    assert nobody.post("/_sim/verify").json()["problem"].startswith("连不上")
