"""The plan as operators see it: the page, the command, and what is pasted to see what it would do."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from app import what_if
from app.cli import main
from app.complaint import Complaint
from models import plan, preflight
from models.broadcast import BroadcastsSection
from models.follower import followers
from models.journey import travels
from models.plan.advice import moved
from tests.app.browser import signed_in
from tests.conftest import Founded
from tests.people import BASIC, World

RULES = (
    BASIC
    + """
segments: [{key: store, where: "channel('store_1')"}]
push: {limits: [{max: 1, per: week}], quiet_hours: "22:00-08:00"}
broadcasts:
  - {key: early, title: 门店提醒, column: 门店, cron: "0 9 * * wed", segment: store, template: T, data: {thing1: "你好 {name}"}}
  - {key: weekly, title: 每周精选, column: 内容, cron: "0 20 * * fri", template: T, data: {thing1: 本周新鲜事}}
  - {key: party, title: 晚会, state: draft, cron: "0 12 28 11 *", template: T, data: {thing1: x}}
"""
)
MORE = "key: extra\ncron: '0 10 * * mon'\nsegment: store\ntemplate: T\ndata: {thing1: 多一条}\n"


def crowded(world: World) -> World:
    """With fifty followers: ten of a store, ten who refused, five who left."""
    at = world.at - timedelta(days=9)
    shape: dict[str, object] = {"state_at": at, "first_seen_at": at}
    with world.service.database.transaction() as db:
        db.execute(
            insert(followers),
            [
                shape
                | {
                    "openid": f"o{number:027d}",
                    "subscribed": number >= 5,
                    "refused_at": at if 5 <= number < 15 else None,
                    "channel": "store_1" if number >= 40 else None,
                }
                for number in range(50)
            ],
        )
    return world


def test_the_page_shows_who_is_starved_by_whom_what_to_move_and_what_if(found: Founded) -> None:
    world = crowded(found(RULES))
    browser = signed_in(world, "viewer")
    said = browser.text("/plan")
    assert "每周精选 四周只发得到 100 条，被这些挡在上限外： 门店提醒 40 人次" in said  # 35 who want it, 10 of them had the other
    assert "草稿，不会发" in said
    assert "11-25 09:00 10" in said
    page = browser.get("/plan").text
    assert "−10" in page
    assert 'aria-label="全部粉丝 50；正在关注 45；愿意接收 35；在人群里 35；没到上限 25；会收到 25；"' in page
    assert "style=" not in page.replace("plan_style=", "")  # the content-security-policy would not have it
    assert browser.get("/plan.css").headers["content-type"].startswith("text/css")
    assert "门店提醒" not in browser.text("/plan?column=%E5%86%85%E5%AE%B9").split("每个群发")[0].split("日历")[1]

    answer = browser.send("/plan", yaml=MORE)
    assert answer.status_code == 200
    assert 'class="chip new"' in answer.text
    assert '<td>early</td><td class="number">40</td><td class="number">0</td><td class="number down">-40</td>' in answer.text
    assert world.sql("SELECT count(*) FROM broadcast_run")[0][0] == 0
    wrong = browser.send("/plan", yaml=MORE.replace("segment: store", "segmnt: store"))
    assert wrong.status_code == 400
    assert "你是不是想写 “segment”" in wrong.text
    assert "&lt;b&gt;" in browser.send("/plan", yaml="<b>").text
    every_minute = MORE.replace("0 10 * * mon", "* * * * *")
    began = time.monotonic()
    answer = browser.send(
        "/plan", yaml="\n".join(f"- {{{','.join(line for line in every_minute.replace('extra', key).splitlines())}}}" for key in ("a", "b"))
    )
    assert "没有算进去：a、b。次数太多" in answer.text  # eighty thousand due times would have kept the webhook's process busy for minutes
    assert time.monotonic() - began < 3
    nasty = MORE.replace("title", "x") + "title: '<script>1</script>'\nowner: '\"><img src=x>'\ncolumn: '<i onclick=1>'\n"
    shown = browser.send("/plan", yaml=nasty)
    assert shown.status_code == 200
    assert not any(part in shown.text for part in ("<script", "<img", "<i onclick"))


def test_the_command_says_the_same_as_json_follower_by_follower(
    found_on_sqlite: Founded, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = crowded(found_on_sqlite(RULES))
    monkeypatch.setenv("YIZHAN_DATABASE_URL", str(world.service.database.url))
    monkeypatch.setattr("app.cli.plan.utc_now", lambda: world.at)
    monkeypatch.setattr("app.cli.broadcast.preflight.utc_now", lambda: world.at)

    def yizhan(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["yizhan", *words, "--config", str(world.path)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    told = json.loads(yizhan("plan", "--json", "--ids"))
    assert [(one["broadcast"], one["final"]) for one in told["sendings"]] == [("early", 10), ("weekly", 25)] * 4
    first, second = told["sendings"][:2]
    assert first["followers"] == list(range(41, 51))
    assert second["followers"] == list(range(16, 41))
    assert second["starved_by"] == {"early": 10}
    assert second["reasons"] == {"已退订或黑名单 refused": 10, "上限 limit: 1 per week": 10}
    (advice,) = told["advice"]
    assert advice["broadcast"] == "weekly"
    assert advice["change"] is None  # one a week each: no other day has room
    assert "没有这些就能收到" in yizhan("plan")
    assert "weekly" in yizhan("plan", "--follower", f"o{49:027d}")
    (tmp_path / "more.yaml").write_text(MORE, "utf-8")
    assert "early：40 → 0" in yizhan("plan", "--with", str(tmp_path / "more.yaml"))

    sheet = json.loads(yizhan("broadcast", "preflight", "weekly", "--json"))
    assert (sheet["final"], sheet["ways"], len(sheet["samples"])) == (35, {"template": 35}, preflight.SAMPLES)
    assert sheet["quotas"] == [{"way": "template", "before": 0, "after": 35, "most": 100000, "kept": 5000}]
    assert "愿意接收" in yizhan("broadcast", "preflight", "weekly")


def test_what_journeys_will_send_is_not_foreseen_and_that_is_said(found_on_sqlite: Founded) -> None:
    also = "  - {key: hello, template: T, data: {thing1: x}}\njourneys: [{key: newcomer, title: 新人三天, steps: [{after: 1d, broadcast: hello}]}]\n"
    world = crowded(found_on_sqlite(RULES + also))
    row = {"journey": "newcomer", "began_at": world.at, "step": 0, "broadcast": "hello"}
    days = (1, 27, 29)  # the third is after the plan's weeks
    rows = [row | {"follower_id": 20 + day, "next_at": world.at + timedelta(days=day)} for day in days]
    rows += [row | {"follower_id": 44, "journey": "gone", "next_at": world.at}, row | {"follower_id": 45, "next_at": None}]
    with world.service.database.transaction() as db:
        for one in rows:
            db.execute(insert(travels), one)
    assert "没有算进去：旅程 新人三天，2 人这期间有下一步" in signed_in(world, "viewer").text("/plan")


def test_what_is_advised_was_replayed_and_takes_from_nobody(found_on_sqlite: Founded) -> None:
    world = crowded(found_on_sqlite(RULES.replace("{max: 1, per: week}", "{max: 1, per: day}").replace("0 20 * * fri", "0 20 * * wed")))
    config = world.service.live.config
    with world.service.database.snapshot() as db:
        planner = plan.Planner(db, config, world.at)
        (advice,) = plan.advise(planner, config[BroadcastsSection].root)
        assert (advice.broadcast, advice.setting, advice.now, advice.then) == ("weekly", "cron", "0 20 * * wed", "0 20 * * tue")
        assert (advice.reaches, advice.would_reach, advice.others) == (100, 140, {})
        moved_there = [
            one.model_copy(update={"cron": advice.then}) if one.key == "weekly" else one for one in config[BroadcastsSection].root
        ]
        assert planner.forecast(moved_there).totals() == {"weekly": 140, "early": 40}
    assert list(moved("0 20 * * fri"))[:2] == ["0 20 * * thu", "0 20 * * sat"]
    assert list(moved("0 9 1,15 * *"))[:2] == ["0 9 2,16 * *", "0 9 3,17 * *"]
    assert not list(moved("0 9 * * mon-fri"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("key: [", ""),
        ("3", "一个群发要写成"),
        ("{key: a, template: T, cron: abc}", "看不懂 cron"),
        ("{key: a, template: T, segment: nobody}", "没有人群 nobody"),
        ("broadcasts:\n- {key: a}", "没有写发什么"),
        ("- {key: a, template: T, titel: x}", "你是不是想写 “title”"),
        ("- {template: T}", "少了 key"),
        ("x" * 70_000, "64 KB"),
    ],
)
def test_what_cannot_be_planned_is_said_with_its_line(found_on_sqlite: Founded, written: str, said: str) -> None:
    config = found_on_sqlite(RULES).service.live.config
    with pytest.raises(what_if.Unclear) as unclear:
        what_if.read(written.encode(), "x.yaml", config)
    assert all(isinstance(one, Complaint) and one.zh for one in unclear.value.complaints)
    assert said in str(unclear.value)
