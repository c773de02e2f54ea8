"""Statistics are true: they say what has happened on this platform."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

DAY = 86400
Call = Callable[..., dict[str, Any]]
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


def _range(begin: str, end: str = "") -> dict[str, str]:
    return {"begin_date": begin, "end_date": end or begin}


@pytest.fixture(scope="module")
def week(_shared_webhook: Any, running: Callable[..., Any], call: Call) -> Iterator[httpx.Client]:
    """Two days of an account: what is done on Tuesday the 3rd and on Wednesday the 4th, seen on Thursday at nine."""
    with running(_shared_webhook.url, "--followers", "20", "--start", "2026-11-03 09:00", "--deadline", "0.3") as client:
        people = call(client, "/cgi-bin/user/get")["data"]["openid"]
        for text in ("签到", "积分", "菜单", "在吗", "你好", "再见"):
            client.post("/_sim/say", json={"openid": people[0], "text": text}).raise_for_status()
        client.post("/_sim/say", json={"openid": people[1], "text": "签到"})
        client.post("/_sim/unfollow", json={"openid": people[2]})
        client.post("/_sim/unfollow", json={"openid": people[3]})
        client.post("/_sim/clock", json={"advance": DAY})
        _shared_webhook.answer = lambda push: (500, b"")
        client.post("/_sim/say", json={"openid": people[1], "text": "签到"})
        _shared_webhook.answer = lambda push: (200, b"success")
        client.post("/_sim/follow", json={"openid": people[2], "scene": "store_01"})
        client.post("/_sim/clock", json={"advance": DAY})
        yield client


def test_who_came_and_went_is_told_by_day_and_source(week: httpx.Client, call: Call) -> None:
    rows = call(week, "/datacube/getusersummary", _range("2026-11-03", "2026-11-04"))["list"]
    assert sum(row["cancel_user"] for row in rows if row["ref_date"] == "2026-11-03") == 2
    came = [(row["user_source"], row["new_user"]) for row in rows if row["ref_date"] == "2026-11-04" and row["new_user"]]
    assert came == [(30, 1)]
    totals = call(week, "/datacube/getusercumulate", _range("2026-11-02", "2026-11-04"))["list"]
    assert [row["cumulate_user"] for row in totals] == [20, 18, 19]
    years_ago = call(week, "/datacube/getusercumulate", _range("2024-01-01"))["list"]
    assert years_ago == [{"ref_date": "2024-01-01", "user_source": 0, "cumulate_user": 0}]


def test_what_was_written_is_told_by_day_hour_week_month_and_writer(week: httpx.Client, call: Call) -> None:
    tuesday = {"ref_date": "2026-11-03", "msg_type": 1, "msg_user": 2, "msg_count": 7}
    wednesday = {"ref_date": "2026-11-04", "msg_type": 1, "msg_user": 1, "msg_count": 1}
    assert call(week, "/datacube/getupstreammsg", _range("2026-11-02", "2026-11-04"))["list"] == [tuesday, wednesday]
    assert call(week, "/datacube/getupstreammsghour", _range("2026-11-03"))["list"] == [{**tuesday, "ref_hour": 900}]
    both = {"msg_type": 1, "msg_user": 2, "msg_count": 8}
    assert call(week, "/datacube/getupstreammsgweek", _range("2026-11-04"))["list"] == [{"ref_date": "2026-11-02", **both}]
    assert call(week, "/datacube/getupstreammsgmonth", _range("2026-11-04"))["list"] == [{"ref_date": "2026-11-01", **both}]
    spread = call(week, "/datacube/getupstreammsgdist", _range("2026-11-03", "2026-11-04"))["list"]
    assert [(row["ref_date"], row["count_interval"], row["msg_user"]) for row in spread] == [
        ("2026-11-03", 1, 1),
        ("2026-11-03", 2, 1),
        ("2026-11-04", 1, 1),
    ]
    by_week = call(week, "/datacube/getupstreammsgdistweek", _range("2026-11-03", "2026-11-04"))["list"]
    assert [(row["ref_date"], row["count_interval"]) for row in by_week] == [("2026-11-02", 1), ("2026-11-02", 2)]
    assert len(call(week, "/datacube/getupstreammsgdistmonth", _range("2026-11-03"))["list"]) == 2


def test_how_the_server_answered_is_told(week: httpx.Client, call: Call) -> None:
    tuesday, wednesday = call(week, "/datacube/getinterfacesummary", _range("2026-11-03", "2026-11-04"))["list"]
    assert (tuesday["callback_count"], tuesday["fail_count"]) == (9, 0)
    assert (wednesday["callback_count"], wednesday["fail_count"]) == (4, 3)  # three attempts for the one that failed
    assert 0 < wednesday["max_time_cost"] <= wednesday["total_time_cost"]
    hours = call(week, "/datacube/getinterfacesummaryhour", _range("2026-11-03"))["list"]
    assert [(row["ref_hour"], row["callback_count"]) for row in hours] == [(900, 9)]


@pytest.mark.parametrize(
    ("name", "begin", "end", "errcode"),
    [
        ("getusersummary", "2026-10-28", "2026-11-04", 61501),
        ("getusersummary", "2026-11-04", "2026-11-05", 61501),
        ("getusersummary", "2026-11-04", "2026-11-03", 61501),
        ("getusersummary", "2014-11-30", "2014-12-01", 61501),
        ("getusersummary", "03.11.2026", "2026-11-04", 61500),
        ("getusersummary", "20261103", "20261103", 61500),
        ("getusersummary", "2026-W45-1", "2026-W45-1", 61500),
        ("getupstreammsghour", "2026-11-03", "2026-11-04", 61501),
        ("getupstreammsgdist", "2026-10-20", "2026-11-04", 61501),
        ("getinterfacesummary", "2026-10-05", "2026-11-04", 61501),
        ("getarticleread", "2025-10-31", "2025-10-31", 61501),
        ("getbizsummary", "2026-10-05", "2026-11-04", 61501),
    ],
)
def test_a_range_that_is_none_or_too_long_is_refused(week: httpx.Client, call: Call, name: str, begin: str, end: str, errcode: int) -> None:
    assert call(week, f"/datacube/{name}", _range(begin, end))["errcode"] == errcode


def test_the_longest_ranges_are_answered(week: httpx.Client, call: Call) -> None:
    for name, begin in (("getusersummary", "2026-10-29"), ("getupstreammsgdist", "2026-10-21"), ("getinterfacesummary", "2026-10-06")):
        assert "list" in call(week, f"/datacube/{name}", _range(begin, "2026-11-04"))


def test_yesterdays_numbers_come_at_eight(launch: Callable[..., httpx.Client], webhook: Any, call: Call) -> None:
    client = launch(webhook.url, "--followers", "1", "--start", "2026-11-05 07:59:30")
    assert call(client, "/datacube/getusersummary", _range("2026-11-04"))["errcode"] == 61503
    assert "list" in call(client, "/datacube/getusersummary", _range("2026-11-03"))
    client.post("/_sim/clock", json={"advance": 60})
    assert "list" in call(client, "/datacube/getusersummary", _range("2026-11-04"))


def test_who_opened_an_article_is_told(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, token_of: Callable[..., str], eventually: Callable[..., Any]
) -> None:
    client = launch(webhook.url, "--followers", "2", "--start", "2026-11-03 09:00")
    query = {"access_token": token_of(client), "type": "image"}
    files = {"media": ("cover.png", PICTURE, "image/png")}
    cover = client.post("/cgi-bin/material/add_material", params=query, files=files).json()["media_id"]
    item = {"title": "秋天的书", "content": "正文", "thumb_media_id": cover}
    draft = call(client, "/cgi-bin/draft/add", {"articles": [item]})["media_id"]
    people = call(client, "/cgi-bin/user/get")["data"]["openid"]
    sent = call(client, "/cgi-bin/message/mass/send", {"touser": people, "msgtype": "mpnews", "mpnews": {"media_id": draft}})
    path = eventually(lambda: client.get(f"/_sim/followers/{people[0]}/conversation").json()["messages"])[-1]["articles"][0]["url"]
    for openid in (people[0], people[0], people[1]):
        assert client.get(path, params={"openid": openid}).status_code == 200
    client.post("/_sim/clock", json={"advance": DAY})
    client.get(path, params={"openid": people[0]})
    client.post("/_sim/clock", json={"advance": DAY})

    msgid = f"{sent['msg_data_id']}_1"
    read = call(client, "/datacube/getarticleread", _range("2026-11-03"))
    assert (read["is_delay"], [(row["msgid"], row["detail"]["read_user"]) for row in read["list"]]) == (False, [(msgid, 2)])
    total = call(client, "/datacube/getarticletotaldetail", _range("2026-11-03"))["list"][0]
    assert (total["title"], total["content_url"].endswith(path), total["publish_type"]) == ("秋天的书", True, 0)
    assert [(stat["stat_date"], stat["read_user"]) for stat in total["detail_list"]] == [("2026-11-03", 2), ("2026-11-04", 2)]
    account = call(client, "/datacube/getbizsummary", _range("2026-11-03", "2026-11-04"))["list"]
    assert [(row["detail"]["read_user"], row["detail"]["send_page_count"]) for row in account] == [(2, 1), (1, 0)]
    assert call(client, "/datacube/getarticleshare", _range("2026-11-03")) == {"list": [], "is_delay": False}

    old = call(client, "/datacube/getarticlesummary", _range("2026-11-03"))["list"][0]
    assert (old["msgid"], old["int_page_read_user"], old["int_page_read_count"]) == (msgid, 2, 3)
    details = call(client, "/datacube/getarticletotal", _range("2026-11-03"))["list"][0]["details"]
    assert [(stat["target_user"], stat["int_page_read_count"]) for stat in details] == [(2, 3), (2, 4)]
    days = call(client, "/datacube/getuserread", _range("2026-11-03", "2026-11-04"))["list"]
    assert [row["int_page_read_count"] for row in days] == [3, 1]
    hours = call(client, "/datacube/getuserreadhour", _range("2026-11-03"))["list"]
    assert [(row["ref_hour"], row["int_page_read_count"]) for row in hours] == [(900, 3)]
