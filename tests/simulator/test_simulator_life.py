"""The crowd's life: days that go by in seconds, by everybody's habits, and the same ones for the same seed."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import xmltodict

from simulator import habits, survey_answers, words
from simulator.conversation import KEPT_IN_ALL, Conversations
from simulator.crowd import Crowd
from simulator.ids import Ids
from simulator.journal import Journal
from simulator.moods import Moods

Launch = Callable[..., httpx.Client]
Call = Callable[..., dict[str, Any]]
START = ("--mode", "plain", "--seed", "41", "--start", "2026-11-21T00:00", "--speed", "0", "--url", "http://sim.example")
WORDS = """
checkin: [报到]
survey: [测一测]
answers: [随便]
nonsense: []
known: []
unknown: []
"""


def _live(client: httpx.Client, days: int, at_once: int = 32) -> dict[str, Any]:
    """So many days are over; what GET life says then."""
    assert client.post("/_sim/life", json={"days": days, "at_once": at_once}).status_code == 200
    until = time.monotonic() + 60
    while (life := client.get("/_sim/life").json())["running"]:
        assert time.monotonic() < until, life
        time.sleep(0.05)
    told: dict[str, Any] = life
    return told


def _log(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    """The whole log but for what was measured."""
    entries: list[dict[str, Any]] = client.get("/_sim/log", params={"limit": "50000", **query}).json()["entries"]
    for entry in entries:
        for attempt in entry.get("attempts", ()):
            del attempt["elapsed"]
    return entries


def _acts(client: httpx.Client) -> list[tuple[object, ...]]:
    """Who did what when, whatever the order in which it was delivered."""
    pushes = [(entry["openid"], re.sub(r"<(MsgId|MediaId16K|Ticket)>.*?</\1>", "", entry["body"])) for entry in _log(client, kind="push")]
    return sorted(pushes)


@pytest.mark.usefixtures("webhook")
def test_a_week_goes_by_in_seconds_and_the_clock_with_it(launch: Launch, webhook: Any) -> None:
    client = launch(webhook.url, *START, "--followers", "200")
    life = _live(client, 7)
    assert (life["progress"], life["day"], life["failed"], life["problem"]) == (1.0, 7, 0, None)
    assert client.get("/_sim/clock").json()["iso"] == "2026-11-28T00:00:00+08:00"
    assert life["counts"]["checked_in"] > 60
    assert sum(life["counts"].values()) == life["acts"]
    assert life["seconds"] < 30
    days = Counter(entry["body"].partition("<CreateTime>")[2][:10] for entry in _log(client, kind="push"))
    assert len({(int(moment) + 8 * 3600) // 86400 for moment in days}) == 7
    newcomers = client.get("/_sim/stats").json()["followers"]["total"] - 200
    assert 0 < newcomers <= life["counts"]["followed"]


@pytest.mark.usefixtures("webhook")
def test_people_use_the_menu_and_come_through_the_accounts_codes(launch: Launch, webhook: Any, call: Call) -> None:
    client = launch(webhook.url, *START, "--followers", "250", "--unsubscribed", "0.3")
    call(
        client,
        "/cgi-bin/menu/create",
        {"button": [{"type": "click", "name": "签到", "key": "k"}, {"type": "pic_weixin", "name": "图", "key": "p"}]},
    )
    call(client, "/cgi-bin/qrcode/create", {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "store_01"}}})
    life = _live(client, 6)
    pushes = _log(client, kind="push")
    assert {"CLICK", "pic_weixin", "subscribe", "SCAN"} <= {entry["event"] for entry in pushes}
    assert life["counts"]["tapped_menu"] > 5
    subscribed = [xmltodict.parse(entry["body"])["xml"]["EventKey"] for entry in pushes if entry["event"] == "subscribe"]
    assert {"qrscene_store_01", None} == set(subscribed)


@pytest.mark.usefixtures("webhook")
def test_the_same_seed_gives_the_same_acts_however_many_are_under_way(launch: Launch, webhook: Any) -> None:
    lives = [launch(webhook.url, *START, "--followers", "80", "--seed", seed) for seed in ("5", "5", "6")]
    for client, at_once in zip(lives, (1, 40, 40), strict=True):
        _live(client, 3, at_once)
    one, other, different = (_acts(client) for client in lives)
    assert one == other
    assert one != different


@pytest.mark.usefixtures("webhook")
def test_two_runs_of_one_script_give_the_same_log(
    launch: Launch, webhook: Any, call: Call, token_of: Callable[[httpx.Client], str]
) -> None:
    """Crowd, ids, tokens, nonces, rids, faults, receipts, habits: everything that is drawn is drawn from the seed."""

    def play(client: httpx.Client) -> list[dict[str, Any]]:
        webhook.answer = lambda push: (500, b"") if "<Content><![CDATA[失败]]>" in push.body else (200, b"success")
        people = [person["openid"] for person in client.get("/_sim/followers").json()["followers"]]
        client.post(
            "/_sim/faults", json=[{"path": "*send", "errcode": -1, "probability": 0.5}, {"push": "*", "copies": 2, "probability": 0.2}]
        )
        client.post("/_sim/settings", json={"receipts": {"system_failed": 0.3, "missing": 0.2, "doubled": 0.2}})
        data = {"thing1": {"value": "本周精选"}, "time2": {"value": "20:00"}}
        for openid in people[:8]:
            call(client, "/cgi-bin/message/template/send", {"touser": openid, "template_id": "TEMPLATE_ID", "data": data})
            for _ in range(4):  # one receipt at a time: two that are due at once are pushed at once
                client.post("/_sim/clock", json={"advance": 1})
                time.sleep(0.02)
            client.post("/_sim/say", json={"openid": openid, "text": "签到"})
        client.post("/_sim/say", json={"openid": people[0], "text": "失败"})
        client.post("/_sim/send", json={"openid": people[0], "msgtype": "image"})
        call(client, "/cgi-bin/qrcode/create", {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "a"}}})
        client.post("/_sim/scan", json={"openid": people[1], "scene": "a"})
        call(client, "/cgi-bin/message/custom/send", {"touser": "nobody", "msgtype": "text", "text": {"content": "x"}})
        _live(client, 2, at_once=1)
        return [{"token": token_of(client)}, *_log(client)]

    first, second = (play(launch(webhook.url, *START, "--followers", "60", "--seed", "3")) for _ in range(2))
    assert len(first) > 80
    for one, other in zip(first, second, strict=True):
        assert one == other


def test_the_words_file_speaks_to_any_bot_and_surveys_are_answered_to_the_end(launch: Launch, webhook: Any, tmp_path: Path) -> None:
    questions = ["第一题？\n1. 好\n2. 不好", "几分？（0–10）", "还想说什么？"]
    asked: Counter[str] = Counter()
    texts: list[str] = []

    def answer(push: Any) -> tuple[int, bytes]:
        message = xmltodict.parse(push.body)["xml"]
        who, text = message["FromUserName"], message.get("Content", "")
        texts.append(text)
        if text == "测一测":
            asked[who] = 0
        elif who not in asked:
            return 200, b"success"
        reply = questions[asked[who]] if asked[who] < len(questions) else "谢谢"
        asked[who] += 1
        if reply == "谢谢" or text == "退出":
            del asked[who]
        head = f"<ToUserName>{who}</ToUserName><FromUserName>{message['ToUserName']}</FromUserName><MsgType>text</MsgType>"
        return 200, f"<xml>{head}<Content>{reply}</Content></xml>".encode()

    webhook.answer = answer
    file = tmp_path / "words.yaml"
    file.write_text(WORDS, "utf-8")
    client = launch(webhook.url, *START, "--followers", "250", "--words", str(file))
    life = _live(client, 3)
    said = set(texts)
    assert {"报到", "测一测"} <= said
    assert not {"签到", "问卷", "营业时间"} & said
    assert said & {"1", "2", "好", "不好"}
    assert "随便" in said
    assert 1 < life["counts"]["answered"] / life["counts"]["began_survey"] <= 3


@pytest.mark.usefixtures("webhook")
def test_too_many_messages_drive_people_away(launch: Launch, webhook: Any, call: Call) -> None:
    client = launch(webhook.url, *START, "--followers", "40")
    people = [person["openid"] for person in client.get("/_sim/followers").json()["followers"]]
    data = {"thing1": {"value": "本周精选"}, "time2": {"value": "20:00"}}
    for openid in people[:20]:
        for _ in range(16):
            call(client, "/cgi-bin/message/template/send", {"touser": openid, "template_id": "TEMPLATE_ID", "data": data})
    life = _live(client, 1)
    states = [(person["subscribed"], person["muted"]) for person in client.get("/_sim/followers", params={"limit": 40}).json()["followers"]]
    gone, muted = sum(not subscribed for subscribed, _ in states), sum(muted for _, muted in states)
    assert gone + muted >= 20
    assert gone > 5
    assert life["counts"]["unfollowed"] >= gone
    assert {"unsubscribe"} <= {entry["event"] for entry in _log(client, kind="push")}


def test_patience_comes_back_with_quiet_days() -> None:
    crowd = Crowd(1, 1, 0.0)
    person = next(iter(crowd))
    patience = habits.of(0, 1).patience
    moods = Moods(crowd, 1)
    for day in range(60):
        moods.notice(person.openid, {"at": day * 7 * 86400.0, "via": "template"})
        moods.notice(person.openid, {"at": day * 7 * 86400.0, "via": "reply"})
    assert not moods.fed_up
    for _ in range(int(patience) + 1):
        moods.notice(person.openid, {"at": 60 * 7 * 86400.0, "via": "mass"})
    assert [fed_up.follower for fed_up in moods.fed_up] == [person]


def test_life_stops_when_told_and_is_lived_once_at_a_time(launch: Launch, webhook: Any) -> None:
    def slowly(push: Any) -> tuple[int, bytes]:
        time.sleep(0.05)
        return 200, b"success"

    webhook.answer = slowly
    client = launch(webhook.url, *START, "--followers", "300")
    assert client.get("/_sim/life").json()["progress"] == 0
    client.post("/_sim/clock", json={"speed": 2})
    client.post("/_sim/life", json={"days": 30})
    assert client.get("/_sim/clock").json()["speed"] == 0
    assert client.post("/_sim/life", json={"days": 1}).status_code == 409
    stopped = client.delete("/_sim/life").json()
    assert (stopped["running"], stopped["progress"] < 1) == (False, True)
    assert client.get("/_sim/clock").json()["speed"] == 2
    assert _live(client, 1)["progress"] == 1.0


def test_a_webhook_that_is_gone_ends_the_days_with_a_sentence(launch: Launch) -> None:
    client = launch("http://127.0.0.1:9/wechat", *START, "--followers", "600", "--attempts", "1")
    life = _live(client, 7)
    assert "连续失败" in life["problem"]
    assert life["progress"] < 1


def test_memory_is_bounded_however_much_is_said() -> None:
    class Now:
        def now(self) -> float:
            return 0.0

    conversations = Conversations(Now(), Ids(0.0), Journal(10))  # type: ignore[arg-type]
    for number in range(KEPT_IN_ALL + 500):
        conversations.add(f"o{number // 2}", "follower", {"type": "text", "text": "在吗"})
    kept = conversations.recent()
    assert kept[0] == f"o{(KEPT_IN_ALL + 499) // 2}"
    assert sum(len(conversations.of(openid)) for openid in kept) <= KEPT_IN_ALL
    assert conversations.of("o0") == []


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("满意度调查\n总体满意吗？\n1. 满意\n2. 一般", {"1", "2", "满意", "一般"}),
        ("喜欢哪个？\nA、红\nB、蓝", {"A", "B", "红", "蓝"}),
        ("愿意推荐吗？（0–3 分）", {"0", "1", "2", "3"}),
        ("还有什么想说的？", {"没有"}),
        ("谢谢，问卷已完成！+20 积分，共 25", {None}),
        ("签到成功，连续 3 天，+5 积分，共 15", {None}),
        ("", {None}),
    ],
)
def test_a_question_is_understood_and_a_thank_you_is_none(question: str, answers: set[str | None]) -> None:
    random = Random(1)
    assert {survey_answers.to(question, False, ("没有",), random) for _ in range(60)} == answers


@pytest.mark.parametrize("wrong", ["checkin: {a: b}", "chekin: [x]", "- x", "a: [", "checkin: 签到"])
def test_a_words_file_that_is_wrong_is_said_so(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        words.read(wrong)
