"""What strangers send may be large: what the simulator keeps of it is bounded."""

import json
from collections.abc import Callable

import httpx
import pytest

from simulator import journal as journals
from simulator import media as shelves
from simulator.journal import Journal
from simulator.media import MediaStore


def test_a_body_that_is_too_large_is_45001_and_not_kept(platform: httpx.Client, token_of: Callable[[httpx.Client], str]) -> None:
    before = platform.get("/_sim/stats").json()["journal"]["last"]
    large = b'{"touser":"' + b"a" * (13 << 20) + b'"}'
    answer = platform.post("/cgi-bin/message/custom/send", params={"access_token": token_of(platform)}, content=large)
    assert answer.json()["errcode"] == 45001
    assert len(platform.get("/_sim/log", params={"since": before}).content) < 10_000


def test_the_journal_holds_so_many_bytes_and_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST_BYTES", 10_000)
    journal = Journal()
    for number in range(30):
        journal.write("api", 0.0, None, {"n": number, "body": "a" * 1000})
    kept = [entry["n"] for entry in json.loads(journal.page())["entries"]]
    assert kept == list(range(30 - len(kept), 30))
    assert 5 <= len(kept) < 10
    journal.write("api", 0.0, None, {"n": 30, "body": "a" * 20_000})
    assert [entry["n"] for entry in json.loads(journal.page())["entries"]] == [30]


def test_the_oldest_media_are_gone_before_their_time_where_there_are_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "MOST_BYTES", 5000)
    store = MediaStore()
    ids = [store.store("image", "image/png", "a", bytes(1000), 0.0) for _ in range(8)]
    assert [store.find(one, 0.0) is not None for one in ids] == [False] * 3 + [True] * 5


def test_a_file_of_a_kind_the_platform_does_not_know_can_be_fetched(
    platform: httpx.Client, token_of: Callable[[httpx.Client], str]
) -> None:
    uploaded = platform.post("/_sim/upload", params={"kind": "image"}, content=b"<html>", headers={"content-type": "text/html"}).json()
    answer = platform.get("/cgi-bin/media/get", params={"access_token": token_of(platform), "media_id": uploaded["media_id"]})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"<html>", "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment")
