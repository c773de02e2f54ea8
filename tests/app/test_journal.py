"""Pushes that were answered `success` while the database could not take them in: they have their effect later, once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from app.journal import Journal
from tests.conftest import Founded
from tests.people import Town, World, message, openid, wait_until
from wechat.inbound import parse


def catch_up(world: World) -> None:
    """What the process does while it runs, for a moment."""

    async def a_while() -> None:
        assert world.app.webhook is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(world.app.webhook.catch_up(), 0.5)

    world.run(a_while())


def away(world: World, where: str) -> None:
    """The database cannot take anything in, or can again."""
    there, here = ("inbox_entry", "elsewhere") if where == "away" else ("elsewhere", "inbox_entry")
    with world.service.database.transaction() as db:
        db.execute(text(f"ALTER TABLE {there} RENAME TO {here}"))


def test_what_the_database_refused_is_taken_in_once_it_is_back(found: Founded) -> None:
    bot = found()
    inner = message(openid("王"), bot.at.timestamp(), Content="签到")
    away(bot, "away")
    assert bot.push(inner)[0].body == b"success"
    catch_up(bot)  # too early
    away(bot, "back")
    catch_up(bot)
    catch_up(bot)
    assert bot.person("王").points == 5
    queued = [json.loads(payload) for (payload,) in bot.sql("SELECT payload FROM customer_message")]
    assert queued == [{"msgtype": "text", "text": {"content": "第1天 +5 共5"}}]
    assert bot.push(inner)[0].body == b"success"  # the platform's next attempt: the reply is under way already
    assert bot.person("王").points == 5


def test_a_push_that_another_copy_brought_in_is_not_answered_a_second_time(found: Founded) -> None:
    bot = found()
    inner = message(openid("王"), bot.at.timestamp(), Content="签到")
    away(bot, "away")
    assert bot.push(inner)[0].body == b"success"
    away(bot, "back")
    assert bot.push(inner)[0].text == "第1天 +5 共5"
    catch_up(bot)
    assert bot.sql("SELECT count(*) FROM customer_message")[0][0] == 0
    assert bot.person("王").points == 5


def test_a_reply_that_is_caught_up_with_after_ten_minutes_is_not_sent_but_its_effect_stands(found: Founded) -> None:
    bot = found()
    away(bot, "away")
    assert bot.push(message(openid("王"), bot.at.timestamp(), Content="签到"))[0].body == b"success"
    away(bot, "back")
    bot.moment("2026-11-21 11:00:00")
    catch_up(bot)
    assert bot.person("王").points == 5
    assert bot.sql("SELECT count(*) FROM customer_message WHERE expires_at > :now", now=str(bot.at)[:19])[0][0] == 0


def test_a_journal_gives_back_what_it_kept_in_order_and_sets_damaged_files_aside(tmp_path: Path) -> None:
    journal, now = Journal(tmp_path / "kept"), datetime(2026, 11, 21, 2, 0, 0, 7, tzinfo=UTC)
    first, second = (parse(message(openid(name), 1_795_226_400, Content=name).encode()) for name in ("一", "二"))
    journal.keep(first, now)
    journal.keep(second, now)
    journal.keep(first, now)  # the platform's next attempt
    (tmp_path / "kept" / "torn.json").write_bytes(b'{"at": "2026')
    assert {inbound.key for inbound, _ in journal.kept()} == {first.key, second.key}
    assert [at for _, at in journal.kept()] == [now, now]
    assert [path.name for path in (tmp_path / "kept").glob("*.damaged")] == ["torn.damaged"]
    journal.forget(first.key)
    assert [inbound.text for inbound, _ in journal.kept()] == ["二"]
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


def test_a_journal_in_a_folder_that_is_not_ours_is_neither_read_nor_written(tmp_path: Path) -> None:
    mine, inbound = Journal(tmp_path / "kept"), parse(message(openid("一"), 1_795_226_400, Content="一").encode())
    mine.keep(inbound, datetime(2026, 11, 21, tzinfo=UTC))
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    linked = Journal(tmp_path / "link")
    assert list(linked.kept()) == []
    linked.keep(parse(message(openid("二"), 1_795_226_400, Content="二").encode()), datetime(2026, 11, 21, tzinfo=UTC))
    assert len(list(mine.kept())) == 1


def test_kill_9_while_the_database_is_locked_loses_nothing(town: Callable[..., Town], tmp_path: Path) -> None:
    here = town()
    who = str(here.ask("/_sim/followers?limit=1")["followers"][0]["openid"])
    other = sqlite3.connect(tmp_path / "town.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    saying = threading.Thread(target=here.ask, args=["/_sim/say"], kwargs={"openid": who, "text": "签到"})
    saying.start()
    time.sleep(4.8)  # the platform was told `success` at 4.3 s
    here.bot.kill()
    other.execute("ROLLBACK")
    saying.join()
    here.bot.start(f"http://127.0.0.1:{here.port}/healthz")
    wait_until(lambda: other.execute("SELECT 1 FROM customer_message WHERE state = 'sent'").fetchall(), 10, "the reply did not follow")
    messages = here.ask(f"/_sim/followers/{who}/conversation")["messages"]
    assert [one["text"] for one in messages if one["side"] == "account"] == ["第1天 +5 共5"]
    assert not list((tmp_path / "town.db.pushes").iterdir())
    other.close()
