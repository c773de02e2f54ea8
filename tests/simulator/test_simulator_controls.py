"""The controls, the log, and the phone's page."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.journal import Journal
from simulator.options import from_command_line

SEND = "/cgi-bin/message/template/send"
ROOT = Path(__file__).parents[2]
Call = Callable[..., dict[str, Any]]
Log = Callable[..., list[dict[str, Any]]]


def _digest(openid: str, key: str) -> dict[str, Any]:
    data = {"thing1": {"value": "本周精选"}, "time2": {"value": "20:00"}}
    return {"touser": openid, "template_id": "TEMPLATE_ID", "client_msg_id": key, "data": data}


@pytest.mark.usefixtures("webhook")
def test_a_fault_strikes_as_often_as_it_was_told(platform: httpx.Client, call: Call, log: Log, openid: str) -> None:
    platform.post("/_sim/faults", json={"path": SEND, "errcode": -1, "times": 2})
    try:
        answers = [call(platform, SEND, _digest(openid, "f"))["errcode"] for _ in range(3)]
        assert platform.get("/_sim/faults").json()["rules"] == [{"path": SEND, "errcode": -1, "times": 0}]
    finally:
        assert platform.delete("/_sim/faults").json() == {"rules": []}
    assert answers == [-1, -1, 0]
    assert [entry["delivered"] for entry in log(platform, openid=openid, kind="api")] == [False, False, True]


@pytest.mark.usefixtures("webhook")
def test_a_dropped_response_was_accepted_all_the_same(platform: httpx.Client, call: Call, log: Log, token_of: Any, openid: str) -> None:
    params = {"access_token": token_of(platform)}
    platform.post("/_sim/faults", json={"path": "/cgi-bin/message/*", "drop_response": 1.0, "times": 1})
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            platform.post(SEND, params=params, json=_digest(openid, "d"))
    finally:
        platform.delete("/_sim/faults")
    again = call(platform, SEND, _digest(openid, "d"))
    first, second = log(platform, openid=openid, kind="api")
    assert (first["dropped"], first["delivered"], second["delivered"]) == (True, True, False)
    assert first["msgid"] == second["msgid"] == again["msgid"]
    assert len(log(platform, openid=openid, kind="message")) == 1


@pytest.mark.usefixtures("webhook")
def test_a_broken_gateway_answers_html_and_accepts_nothing(platform: httpx.Client, log: Log, token_of: Any, openid: str) -> None:
    params = {"access_token": token_of(platform)}
    platform.post("/_sim/faults", json=[{"path": SEND, "status": 502, "times": 1}])
    try:
        response = platform.post(SEND, params=params, json=_digest(openid, "g"))
    finally:
        platform.delete("/_sim/faults")
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html")
    assert [entry["delivered"] for entry in log(platform, openid=openid, kind="api")] == [False]


def test_a_fault_that_is_misspelt_is_refused(platform: httpx.Client) -> None:
    answer = platform.post("/_sim/faults", json={"path": SEND, "error": -1})
    assert answer.status_code == 422
    assert answer.json()["error"] == "请求格式不对"


@pytest.mark.usefixtures("webhook")
def test_strange_values_in_any_field_get_an_errcode_and_never_a_crash(platform: httpx.Client, token_of: Any, openid: str) -> None:
    strange: list[Any] = [None, True, -1, 2**70, 1.5, "", "\u0000", [], [[]], {}, {"value": []}, "x" * 9000]
    good = _digest(openid, "s") | {
        "msgtype": "text",
        "text": {"content": "t"},
        "openid": openid,
        "tagid": 100,
        "user_list": [{"openid": openid}],
    }
    fields_of = {
        "message/template/send": ("touser", "template_id", "data", "client_msg_id", "url"),
        "message/custom/send": ("touser", "msgtype", "text"),
        "message/custom/typing": ("touser", "command"),
        "user/info/batchget": ("user_list",),
        "tags/getidlist": ("openid",),
        "user/tag/get": ("tagid", "next_openid"),
    }
    params = {"access_token": token_of(platform)}
    for path, fields in fields_of.items():
        for field in fields:
            for value in strange:
                assert platform.post(f"/cgi-bin/{path}", params=params, json=good | {field: value}).status_code == 200


def test_latency_delays_every_answer(platform: httpx.Client, call: Call) -> None:
    platform.post("/_sim/latency", json={"seconds": 0.2})
    try:
        call(platform, "/cgi-bin/getcallbackip")
        slow = platform.get("/cgi-bin/user/get").elapsed.total_seconds()
    finally:
        platform.post("/_sim/latency", json={"seconds": 0})
    assert 0.2 <= slow < 1


def test_the_log_is_read_page_by_page_and_keeps_no_secrets(platform: httpx.Client, token_of: Any) -> None:
    token = token_of(platform)
    first = platform.get("/_sim/log", params={"limit": 1}).json()
    second = platform.get("/_sim/log", params={"since": first["next"], "limit": 1}).json()
    assert [page["entries"][0]["seq"] for page in (first, second)] == [1, 2]
    assert token not in platform.get("/_sim/log", params={"kind": "api"}).text
    assert "demo-app-secret" not in platform.get("/_sim/log", params={"kind": "api"}).text


def test_a_journal_that_is_full_forgets_the_oldest_entries_only() -> None:
    journal = Journal(capacity=3)
    for number in range(5):
        journal.write("api", 0.0, f"o{number}", {"n": number})
    everything = json.loads(journal.page())
    assert [entry["n"] for entry in everything["entries"]] == [2, 3, 4]
    assert everything["next"] == 5
    assert [entry["n"] for entry in json.loads(journal.page(since=4))["entries"]] == [4]
    assert json.loads(journal.page(since=5)) == {"entries": [], "next": 5}
    assert [entry["n"] for entry in json.loads(journal.page(openid="o3"))["entries"]] == [3]


def test_stats_and_clock_tell_where_things_stand(platform: httpx.Client) -> None:
    stats, clock = platform.get("/_sim/stats").json(), platform.get("/_sim/clock").json()
    assert stats["followers"]["total"] == 500
    assert stats["journal"]["last"] >= 0
    assert clock["iso"].endswith("+08:00")
    assert clock["iso"].startswith(clock["day"])


@pytest.mark.usefixtures("webhook")
def test_the_stream_brings_what_is_said(platform: httpx.Client, openid: str) -> None:
    with platform.stream("GET", "/_sim/stream", params={"openid": openid}) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": hello"
        with httpx.Client(base_url=platform.base_url, trust_env=False) as other:
            other.post("/_sim/say", json={"openid": openid, "text": "签到", "ref": "r1"})
        news = [line for line in (next(lines) for _ in range(4)) if line]
    assert news[0] == "event: message"
    message = json.loads(news[1].removeprefix("data: "))
    assert (message["text"], message["side"], message["ref"]) == ("签到", "follower", "r1")


def test_the_phone_loads_nothing_but_itself(platform: httpx.Client) -> None:
    page = platform.get("/?follower=whoever")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    files = sorted((ROOT / "simulator" / "phone").iterdir())
    for file in files:
        assert platform.get(f"/{file.name}").status_code == 200
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "innerHTML" not in text
        assert 'src="http' not in text
        assert "style=" not in text
    assert platform.get("/../options.py").status_code == 404
    assert platform.get("/nothing.js").json() == {"error": "没有这个页面"}


def test_whom_nobody_knows_is_a_404_in_words(platform: httpx.Client) -> None:
    answer = platform.post("/_sim/say", json={"openid": "oSimNobody", "text": "在吗"})
    assert (answer.status_code, answer.json()) == (404, {"error": "没有这个粉丝：oSimNobody"})


def test_secrets_come_from_the_environment_or_the_files_it_names(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-a-file\n", encoding="utf-8")
    environment = {"YIZHAN_APP_ID": "wx1", "YIZHAN_TOKEN_FILE": str(file), "YIZHAN_APP_SECRET": "s"}
    options = from_command_line(["--secret", "given"], environment)
    assert (options.app_id, options.token, options.secret) == ("wx1", "from-a-file", "given")


@pytest.mark.parametrize("wrong", [["--aes-key", "short"], ["--webhook", "localhost:8000"], ["--followers", "0"], ["--mode", "loud"]])
def test_wrong_options_end_with_a_sentence(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        from_command_line(wrong, {})
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_in_one_line(platform: httpx.Client) -> None:
    command = [sys.executable, "-m", "simulator", "--port", str(platform.base_url.port)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=20, check=False, env={"PYTHONIOENCODING": "utf-8"}
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("无法监听 127.0.0.1:")
    assert ended.stderr.count("\n") == 1
