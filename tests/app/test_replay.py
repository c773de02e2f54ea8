"""replay: real messages through an edited file, on both databases; what would change is told, and nothing does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app import live, replay
from app.cli.replay import _plain
from models.base import metadata
from models.clock import utc_now
from models.database import Database
from models.migrations import upgrade
from tests.app.conftest import Typed
from tests.app.test_live_town import LIVE_WITHIN, Talk, rules
from tests.conftest import Founded
from tests.people import BASIC, Town, World, account, openid, wait_until
from wechat.inbound import Inbound

EDITED = BASIC.replace("contains: [营业时间]", "exact: [营业时间]").replace("第{streak}天", "连着{streak}天")


def dump(world: World) -> dict[str, list[Any]]:
    """Every row of every table."""
    return {name: sorted(map(repr, world.sql(f'SELECT * FROM "{name}"'))) for name in metadata.tables}


def a_week(world: World) -> None:
    """What two followers say in a week, and what the platform reports."""
    person, other = world.person("小王"), world.person("小李")
    world.moment("2026-11-16 10:00:00")
    other.does("subscribe")
    for day in range(16, 20):
        world.moment(f"2026-11-{day} 10:00:00")
        person.says("签到")
        world.moment(f"2026-11-{day} 10:00:05")
        person.says("签到")
    for number, said in enumerate(["营业时间", "你们的营业时间？", "问卷", "满意", "9", "营业时间啊", "天书", "积分"]):
        world.moment(f"2026-11-20 11:00:{number:02d}")
        other.says(said)
    other.sends("image", PicUrl="https://example.com/1.jpg", MediaId="M")
    other.does("TEMPLATESENDJOBFINISH", MsgID="1", Status="success")
    world.moment("2026-11-21 10:00:00")


def replayed(world: World, folder: Path, edited: str, most: int = 100_000, since: str = "2026-11-14 00:00:00") -> replay.Replayed:
    """The world's messages through its file and through another."""
    path = folder / "new.yaml"
    path.write_text(account() + edited, "utf-8")
    at = world.at
    world.moment(since)
    since_at, world.at = world.at, at
    versions = live.version(world.path, tested=False), live.version(path, tested=False)
    return replay.replay(world.service.database, *versions, since_at, most, lambda done, total: None)


def groups(found: replay.Replayed) -> dict[tuple[str | None, str | None], tuple[int, int]]:
    return {key: (group.count, group.lost) for key, group in found.groups.items()}


def test_an_unchanged_file_changes_nothing_and_answers_as_it_did(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    done = replayed(world, tmp_path, BASIC)
    assert (done.messages, done.followers, done.changed, done.moved, done.others, done.bugs) == (18, 2, 0, 0, 1, 0)
    assert done.as_then == 18, "what happened before is wound back: check-ins count again, the survey can be answered again"


def test_what_an_edit_changes_is_counted_and_grouped_with_examples(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    done = replayed(world, tmp_path, EDITED)
    assert groups(done) == {
        ("checkin.triggers.0", "checkin.triggers.0"): (4, 0),
        ("keywords:营业时间", "keywords:fallback"): (2, 2),
    }
    assert (done.changed, done.lost, done.gained) == (6, 2, 0)
    lost = done.groups["keywords:营业时间", "keywords:fallback"]
    assert lost.examples[0] == ("你们的营业时间？", "每天 9:00–21:00 营业", "没听懂")
    streak = done.groups["checkin.triggers.0", "checkin.triggers.0"].examples[0]
    assert streak == ("签到", "第1天 +5 共5", "连着1天 +5 共5")


def test_an_answer_that_is_gained_and_a_rule_that_takes_over_without_a_change(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    more = BASIC.replace(
        "  rules:\n",
        "  rules:\n    - {name: 天书, when: {exact: 天书}, reply: 懂}\n    - {name: 新, when: {exact: 营业时间}, reply: 每天 9:00–21:00 营业}\n",
    )
    done = replayed(world, tmp_path, more)
    assert (done.changed, done.gained, done.lost, done.moved) == (1, 1, 0, 1)


def test_a_conversation_that_only_one_side_has_makes_no_differences_of_what_follows(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    done = replayed(world, tmp_path, BASIC.replace("triggers: [问卷]", "triggers: [调查]"))
    assert groups(done) == {("surveys.0.triggers.0", "keywords:fallback"): (1, 1)}


@pytest.mark.parametrize(
    "rule",
    [
        "{name: 抽, when: {contains: [营业], probability: 50%}, reply: 中了}",
        '{name: 时间, when: {contains: [营业]}, reply: "{date} {time} {points} {streak}"}',
        "{name: 轮, when: {contains: [营业, 天书]}, reply: {in_turn: [一, 二, 三]}}",
        "{name: 随机, when: {contains: [营业, 天书]}, reply: {any_of: [一, 二, 三]}}",
        "{name: 第二次, when: {contains: [营业, 天书], nth: 2}, reply: 又来了}",
    ],
)
def test_chance_turns_and_time_make_no_differences_of_their_own(found: Founded, tmp_path: Path, rule: str) -> None:
    config = BASIC.replace("  rules:\n", f"  rules:\n    - {rule}\n")
    world = found(config)
    a_week(world)
    assert replayed(world, tmp_path, config).changed == 0


def test_chances_come_out_as_they_did(found: Founded, tmp_path: Path) -> None:
    config = BASIC.replace("  rules:\n", "  rules:\n    - {name: 抽, when: {contains: [营业], probability: 50%}, reply: 中了}\n")
    world = found(config)
    for number in range(30):
        world.moment(f"2026-11-20 11:00:{number:02d}")
        world.person("小王").says("营业时间")
    world.moment("2026-11-21 10:00:00")
    done = replayed(world, tmp_path, config)
    assert (done.messages, done.as_then) == (30, 30)


def test_replay_changes_nothing_in_the_database(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    before = dump(world)
    assert sum(map(len, before.values())) > 30
    replayed(world, tmp_path, EDITED)
    assert dump(world) == before


def test_followers_are_answered_while_a_replay_runs(found: Founded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = found()
    a_week(world)
    copying, go_on = threading.Event(), threading.Event()
    wind_back = replay._wind_back

    def slowly(*given: Any) -> None:
        copying.set()
        assert go_on.wait(30)
        wind_back(*given)

    monkeypatch.setattr(replay, "_wind_back", slowly)  # it runs while the snapshot of the live database is still open
    done: list[replay.Replayed] = []
    at_work = threading.Thread(target=lambda: done.append(replayed(world, tmp_path, EDITED)))
    at_work.start()
    assert copying.wait(30)
    assert world.person("小张").says("签到") == "第1天 +5 共5"
    go_on.set()
    at_work.join(60)
    assert done[0].messages == 18


def test_what_was_shortened_is_skipped_and_counted(found: Founded, tmp_path: Path) -> None:
    world = found()
    world.person("小王").sends("link", Title="x", Description="长" * 6000, Url="https://example.com")
    assert [(row[0], "…" in row[1]) for row in world.sql("SELECT kind, fields FROM inbox_entry")] == [("link", True)]
    done = replayed(world, tmp_path, EDITED)
    assert (done.messages, done.shortened) == (0, 1)


def test_of_too_many_messages_the_newest_are_replayed(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    done = replayed(world, tmp_path, BASIC, most=5)
    assert done.cut
    assert done.messages + done.others == 5


def test_only_the_days_that_were_asked_for_are_replayed(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    assert replayed(world, tmp_path, BASIC, since="2026-11-20 00:00:00").messages == 9


def test_a_defect_that_an_edit_brings_to_light_is_counted(found: Founded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = found()
    a_week(world)

    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("models.checkin.check_in", broken)
    done = replayed(world, tmp_path, BASIC)
    assert (done.bugs, done.changed) == (8, 0)


def test_no_openid_is_in_what_is_told(found: Founded, tmp_path: Path) -> None:
    world = found()
    a_week(world)
    version = live.version(world.path, tested=False)
    done = replayed(world, tmp_path, EDITED)
    told = json.dumps(_plain(done, list(done.groups.values()), 7, version, version), ensure_ascii=False)
    assert "你们的营业时间？" in told
    assert all(openid(name)[:12] not in told for name in ("小王", "小李"))


# As it is typed


@pytest.fixture
def busy(typed: Typed, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """A database in which somebody said something lately, and an edited file beside the one in force."""
    (tmp_path / "world").mkdir()
    world = World(tmp_path / "world", sqlite_url)
    world.at = utc_now()
    for said in ("你们的营业时间？", "签到", "天书"):
        world.person("小王").says(said)
    world.close()
    Path("new.yaml").write_text(account() + EDITED, "utf-8")
    monkeypatch.setenv("YIZHAN_DATABASE_URL", sqlite_url)
    return typed


def test_the_command_tells_what_would_change_with_the_places_in_both_files(busy: Typed) -> None:
    code, out, err = busy("replay", "--with", "new.yaml")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "最近 7 天 3 条消息（1 位粉丝）：2 条的回复会变，其中 1 条会没有规则回答，0 条从没有回答变成有"
    assert lines[1] == "0 条换了规则、回复不变；现在的文件和当时的回答是同一条规则的有 100%"
    assert "1 条，其中 1 条没有了回答：keywords:营业时间（config.yaml:6） → keywords:fallback（new.yaml:7）" in lines
    assert lines[lines.index("  说：你们的营业时间？") + 1 :][:2] == ["  原：每天 9:00–21:00 营业", "  新：没听懂"]


def test_the_command_lists_as_many_changes_as_asked_for_and_says_how_many_more_there_are(busy: Typed) -> None:
    out = busy("replay", "--with", "new.yaml", "--limit", "1")[1]
    assert out.count("  说：") == 1
    assert "还有 1 种变化没有列出来" in out
    told = json.loads(busy("replay", "--with", "new.yaml", "--limit", "1", "--json")[1])
    assert (told["changed"], told["lost"], told["kinds_of_change"], len(told["groups"])) == (2, 1, 2, 1)


def test_a_wrong_file_is_refused_and_a_missing_database_is_none(typed: Typed) -> None:
    Path("new.yaml").write_text(account() + "keywords: {x: 1}\n", "utf-8")
    assert "new.yaml:3:12: " in typed("replay", "--with", "new.yaml")[2]
    code, out, err = typed("replay", "--with", "config.yaml")
    assert (code, out) == (1, "")
    assert "还没有数据库" in err
    assert not Path("data").exists()


def test_an_old_database_is_left_as_it_is(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    database = Database(url)
    upgrade(database)
    with database.transaction() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.close()
    monkeypatch.setenv("YIZHAN_DATABASE_URL", url)
    code, _, err = typed("replay", "--with", "config.yaml")
    assert code == 1
    assert "yizhan migrate" in err


def test_a_running_bot_answers_everybody_while_a_replay_goes_on_beside_it(town: Callable[..., Town]) -> None:
    bot = town("keywords: {fallback: f0}\n")
    bot.config.write_text(rules(bot, 1), "utf-8")
    wait_until(lambda: "a1" in bot.yizhan("try", "a"), 10, "the file was not written")
    bot.folder.joinpath("new.yaml").write_text(rules(bot, 2), "utf-8")
    time.sleep(LIVE_WITHIN)
    with Talk(bot) as talk:
        before = len(talk.heard)
        told = bot.yizhan("replay", "--with", str(bot.folder / "new.yaml"), "--json")
        during = len(talk.heard) - before
    assert told["changed"] == told["messages"] > 0
    assert told["bugs"] == 0
    assert during > 10, "nobody was answered meanwhile"
    assert talk.failed == []


def test_what_was_no_text_is_told_in_the_operators_words() -> None:
    def done(kind: str, event: str = "", key: str = "") -> str:
        return replay.said(Inbound("gh_0", "o1", 0, kind, "1", event, key, "", {}))

    assert done("event", "click", "营业时间") == "[点菜单 营业时间]"
    assert done("image") == "[图片]"
    assert done("event", "location") == "[event:location]"  # no message, whatever it is called
