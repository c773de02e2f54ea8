"""Each message by the lawful way that costs least, with bot, commands and simulator as real processes: the platform judges."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from tests.people import BASIC, Town, wait_until
from tests.test_journeys_broadcast import calls, done, progress, start, status_of, yizhan

CUSTOM, NOTICE, TEMPLATE = "/cgi-bin/message/custom/send", "/cgi-bin/message/subscribe/bizsend", "/cgi-bin/message/template/send"
RULES = f"""{BASIC}
topics: [{{key: weekly, name: 每周精选}}]
broadcasts:
  - key: mixed
    segment: all
    text: 本周精选来啦，{{name}}
    subscription: {{template: NOTICE_CHECKIN, data: {{thing1: 本周精选, number2: "7"}}}}
    template: TEMPLATE_ID
    data: {{thing1: 本周精选, time2: "{{date}}"}}
  - {{key: patient, segment: all, topic: weekly, passive: 2h, text: "悄悄告诉您：{{name}}"}}
  - {{key: ads, segment: all, template: TEMPLATE_ID, data: {{thing1: 优惠券到了, time2: "{{date}}"}}}}
"""


def write(town: Town, statement: str, *values: object) -> None:
    """Changes the bot's database behind its back."""
    with sqlite3.connect(f"{town.folder}/town.db", timeout=10) as db:
        db.execute(statement, values)


def read(town: Town, query: str) -> list[tuple[Any, ...]]:
    """Looks into the bot's database."""
    with sqlite3.connect(f"file:{town.folder}/town.db?mode=ro", uri=True) as db:
        return db.execute(query).fetchall()


def test_everybody_gets_it_once_by_the_cheapest_way_that_the_platform_takes_and_is_told_why(town: Callable[..., Town]) -> None:
    here = town(RULES, followers=7)
    yizhan(here, "follower", "sync")
    spoke, agreed, neither, believed, withdrew, gone, late = people = [
        one["openid"] for one in here.ask("/_sim/followers?limit=7")["followers"]
    ]
    here.ask("/_sim/say", openid=spoke, text="营业时间")
    here.ask("/_sim/popup", openid=agreed, template_ids=["NOTICE_CHECKIN"], accept=True)
    wait_until(lambda: read(here, "SELECT unused FROM subscription_grant") == [(1,)], 10, "the permission was not counted")
    # We count what the platform does not: a message that never was, a permission that it knows nothing of.
    mine = "(SELECT id FROM follower WHERE openid = ?)"
    for who in (believed, late):
        stamp = "strftime('%Y-%m-%d %H:%M:%f000')"
        columns = "INSERT INTO inbox_entry (key, follower_id, kind, said_at, received_at)"
        write(here, f"{columns} VALUES ('{who}', {mine}, 'text', {stamp}, {stamp})", who)
    for who in (withdrew, late):
        write(here, f"INSERT INTO subscription_grant (follower_id, template, unused) VALUES ({mine}, 'NOTICE_CHECKIN', 2)", who)
    write(here, "UPDATE follower SET muted_at = strftime('%Y-%m-%d %H:%M:%f000') WHERE openid = ?", gone)

    why = yizhan(here, "broadcast", "why", "mixed", spoke)
    assert "mixed → 客服消息" in why
    assert "订阅通知：粉丝没有授权" in why
    assert yizhan(here, "broadcast", "why", "mixed", gone, "--json")["way"] is None
    run = start(here, "mixed")
    done(here, run, 20)
    got = {path: {one["openid"] for one in calls(here, path) if one["delivered"]} for path in (CUSTOM, NOTICE, TEMPLATE)}
    assert got == {CUSTOM: {spoke}, NOTICE: {agreed}, TEMPLATE: {neither, believed, withdrew, late}}
    assert [len([one for one in calls(here, path) if one["openid"] == late]) for path in got] == [1, 1, 1], (
        "one refusal each, then the next"
    )
    assert read(here, "SELECT count(*), sum(unused) FROM subscription_grant") == [(3, 0)], "43101 means none"
    wait_until(lambda: progress(here, run).get("delivered") == 5, 20, "a report did not come")
    said = {(one["state"], str(one["reason"])[:4]): one["count"] for one in status_of(here, run)["reasons"]}
    assert said == {("sent", "客服消息"): 1, ("delivered", "订阅通知"): 1, ("delivered", "模板消息"): 4, ("skipped", "粉丝关闭"): 1}
    assert yizhan(here, "broadcast", "why", "mixed", late, "--json")["last"]["way"] == "template"

    here.ask("/_sim/say", openid=spoke, text="订阅每周精选")
    here.ask("/_sim/say", openid=agreed, text="订阅 每周精选")
    patient = start(here, "patient")
    held = f"SELECT count(*) FROM broadcast_run WHERE id = {patient} AND held_until IS NOT NULL"
    wait_until(lambda: read(here, held) == [(1,)], 10, "nobody waits for what they say")
    assert progress(here, patient) == {"pending": 2}, "for its subscribers only"
    answer = here.ask("/_sim/say", openid=spoke, text="营业时间")["reply"]["text"]
    assert answer.startswith("每天 9:00–21:00 营业\n\n悄悄告诉您：会员"), answer
    assert here.ask("/_sim/say", openid=spoke, text="营业时间")["reply"]["text"] == "每天 9:00–21:00 营业", "once"
    assert "悄悄" not in here.ask("/_sim/say", openid=agreed, text="退订")["reply"]["text"]
    states = read(here, f"SELECT state, channel, charged_at FROM delivery WHERE run_id = {patient} ORDER BY state")
    assert states == [("pending", "passive", None), ("sent", "passive", None)]
    assert len(people) == 7

    refused = yizhan(here, "broadcast", "run", "ads", expect=1)
    assert "营销内容 marketing “优惠券”：《微信公众平台运营规范》3.9.2" in refused
    assert "--override-as" in refused
    ads = yizhan(here, "broadcast", "run", "ads", "--override-as", "王店长", "--because", "券是他们买的", "--json")["id"]
    done(here, ads, 20)
    assert read(here, f"SELECT by, because FROM run_override WHERE run_id = {ads}") == [("王店长", "券是他们买的")]
    noted = read(here, "SELECT detail FROM audit_entry WHERE action = 'run_overridden'")
    assert "王店长：券是他们买的；营销内容" in noted[0][0]
