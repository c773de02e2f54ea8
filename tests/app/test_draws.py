"""The public page of a lottery, the script that anybody can run, and the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy import text as text_of

from app.draws import verify
from app.draws.pages import SCRIPT
from models import lottery
from tests.app.browser import Page
from tests.app.conftest import Typed
from tests.conftest import Founded
from tests.handlers.test_lottery import ALWAYS, SPRING, reveal
from tests.people import BASIC, openid

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAMES = [f"p{number}" for number in range(30)]


def verified(folder: Path, doc: object, *options: str) -> tuple[int, str]:
    """A third party runs the downloaded script, with an interpreter that knows nothing of ours."""
    (folder / "verify.py").write_bytes(SCRIPT)
    (folder / "spring.json").write_text(json.dumps(doc), "utf-8")
    command = [sys.executable, "-I", "verify.py", "spring.json", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "utf-8"})
    assert not done.stderr
    return done.returncode, done.stdout


def test_a_third_party_recomputes_every_draw_and_sees_the_first_that_was_altered(found: Founded, tmp_path: Path) -> None:
    world = found(BASIC + SPRING)
    said = [str(world.person(name).says("抽奖")) for name in NAMES]
    promised = str(world.person("p0").says("抽奖规则"))
    before = world.get("/draws/spring.json").json()
    assert before["seed"] is None
    assert before["commitment"] in promised
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    assert verified(folder, before)[0] == 2
    reveal(world)

    page = world.get("/draws/spring.json")
    doc: dict[str, Any] = page.json()
    assert before["list"] == doc["list"]
    assert len(doc["list"]) == doc["draws"] == 30
    for name in NAMES:
        assert openid(name) not in page.text
    ticket = doc["list"][6][2]
    assert ticket in said[6]
    assert verified(folder, doc) == (0, "OK：30 次抽奖全部重算无误 / all 30 draws are right\n")
    assert "第 7 次" in verified(folder, doc, "--commitment", before["commitment"], "--ticket", ticket)[1]
    assert verified(folder, doc, "--commitment", "0" * 64)[0] == 1

    won = next(place for place, one in enumerate(doc["list"]) if one[4])
    lost = next(place for place, one in enumerate(doc["list"]) if not one[3])

    def altered(change: Any) -> tuple[int, str]:
        other = json.loads(page.text)
        change(other)
        return verified(folder, other)

    code, told = altered(lambda other: other["list"][won].__setitem__(4, None))
    assert (code, f"第 {won + 1} 次" in told) == (1, True)
    code, told = altered(lambda other: other["list"][lost].__setitem__(slice(3, 5), ["umbrella", "umbrella"]))
    assert (code, f"第 {lost + 1} 次" in told) == (1, True)
    code, told = altered(lambda other: other["list"].pop(3))
    assert (code, "公布了 29 次" in told) == (1, True)
    code, told = altered(lambda other: (other["list"].pop(3), other.update(draws=29)))
    assert (code, "第 4 次" in told) == (1, True)
    for change in (
        lambda other: other["rules"]["prizes"][0].update(odds="0.3"),
        lambda other: other["rules"]["prizes"][0].update(stock=5),
        lambda other: other.update(seed="00" * 32),
    ):
        code, told = altered(change)
        assert (code, "承诺不符" in told) == (1, True)


def test_the_script_says_what_it_cannot_read_and_never_a_traceback(
    found: Founded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = found(BASIC + SPRING)
    world.person("p0").says("抽奖")
    reveal(world)
    whole = world.get("/draws/spring.json").text
    path = tmp_path / "spring.json"

    def judged(text: str, *options: str) -> tuple[int, str]:
        path.write_text(text, "utf-8")
        return verify.main(str(path), *options), capsys.readouterr().out

    def with_(change: Any) -> str:
        other = json.loads(whole)
        change(other)
        return json.dumps(other)

    prize: Any = lambda other: other["rules"]["prizes"][0]  # noqa: E731
    for text in (
        *("", "[]", "7", "null", "{}", "[" * 100_000, '{"a":' * 100_000, "9" * 5000),
        with_(lambda other: prize(other).update(odds="1e999999999")),
        with_(lambda other: prize(other).update(odds="1/0")),
        with_(lambda other: other.update(seed=7)),
        with_(lambda other: other.update(seed="zz")),
        with_(lambda other: other.update(list={"a": 1})),
        with_(lambda other: other.update(list=[[1]])),
        with_(lambda other: other["list"][0].__setitem__(1, "yesterday")),
        with_(lambda other: other["list"][0].__setitem__(2, ["a"])),
        with_(lambda other: other.update(ends_at=None)),
        with_(lambda other: other.update(rules={"prizes": None})),
    ):
        code, said = judged(text)
        assert (code, said.count("\n")) in ((1, 1), (3, 1)), (text[:60], said)
    code, said = judged(with_(lambda other: other["list"][0].__setitem__(3, "\x1b[2J\x1b[31mOK")))
    assert (code, "\x1b" in said) == (1, False)  # a published list moves nobody's cursor
    assert judged(with_(lambda other: other.update(seed=None)), "--commitment", "0" * 64)[0] == 1  # also before the end
    assert judged(whole, "--commitment", f" {json.loads(whole)['commitment'].upper()}")[0] == 0
    for options in (("--commitmnt", "0" * 64), ("--commitment",)):  # what is not understood is not passed over
        with pytest.raises(SystemExit):
            judged(whole, *options)
    assert verify.main(str(tmp_path / "nothing")) == 3
    assert verify.main("http://127.0.0.1:1/draws/spring") == 3


def test_the_page_tells_rules_promise_and_draws_to_everybody_and_who_they_are_to_nobody(found: Founded) -> None:
    world = found(ALWAYS.replace("title: 新春", "title: <b>新春</b>"))
    assert world.get("/draws/spring").status_code == 404  # not published yet
    for name in NAMES[:5]:
        world.person(name).says("抽奖")
    answer = world.get("/draws/spring")
    page = Page(answer.text)
    for told in (
        "<b>新春</b>",
        "雨伞",
        "价值 30 元",
        "99.9999999998%",
        "到店出示领奖码",
        "某公司",
        "结束后公开",
        "进行中",
        "雨伞（已发完）",
        "共 5 次",
    ):
        assert told in page.text, told
    assert not [name for name, _ in page.elements if name in ("script", "b") and name == "script"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not any(openid(name) in answer.text for name in NAMES)
    with world.service.database.snapshot() as db:
        seed = db.execute(lottery.lotteries.select()).one().seed.hex()
        ticket = lottery.listed(db, "spring", 0, 1)[0].ticket
        proofs = [proof for (proof,) in db.execute(select(lottery.lottery_draws.c.proof))]
    everything = [world.get(path) for path in ("/draws", "/draws/spring", "/draws/spring.json", "/draws/spring.csv", "/metrics")]
    assert all(one.status_code == 200 and seed not in one.text for one in everything)
    assert not [proof for proof in proofs for one in everything if proof in one.text]
    assert len(Page(world.get(f"/draws/spring?ticket={ticket}").text).text) < len(page.text)
    assert "没有这个凭证" in world.get("/draws/spring?ticket=<script>").text
    assert "抽奖记录" in world.get("/draws/spring?after=99999999999999999999").text
    assert world.get("/draws/style.css").headers["content-type"].startswith("text/css")
    assert world.get("/draws/verify.py").content == SCRIPT
    assert world.get("/draws/../config.yaml").status_code == 404
    assert world.get("/draws/nothing").status_code == 404
    reveal(world)
    assert seed in world.get("/draws/spring").text
    assert world.get("/draws/spring.csv").text.count("\n") == 6


def test_the_page_says_that_rules_were_changed_before_the_first_draw_and_how_many_prizes_were_handed_over(found: Founded) -> None:
    two = ALWAYS.replace("odds: 30%", "odds: 0.000000000001").replace("title: 新春", "title: 新春抽奖")
    world = found(ALWAYS.replace("value: 30}", "value: 800}"))
    world.person("p0").says("抽奖规则")
    before = world.get("/draws/spring.json").json()
    assert (before["changed_at"], "规则改过" in world.get("/draws/spring").text) == (None, False)
    world.at += timedelta(days=2)
    world.configure(two.replace("value: 30}", "value: 900, ship: true}") + "shop: {}\n")
    world.person("p0").says("抽奖规则")
    after = world.get("/draws/spring.json").json()
    assert (after["announced_at"], after["changed_at"]) == (before["announced_at"], world.at.isoformat())
    text = Page(world.get("/draws/spring").text).text
    assert "规则改过" in text
    assert "2026-11-23 10:00:00" in text
    for name in NAMES[:3]:
        world.person(name).says("抽奖")
    assert "已领 0" in Page(world.get("/draws/spring").text).text
    with world.service.database.transaction() as db:  # two are on their way, one of them is there
        db.execute(text_of("UPDATE shop_order SET state = 'delivered' WHERE id = 1"))
        db.execute(text_of("UPDATE shop_order SET state = 'shipped' WHERE id = 2"))
    assert "已领 2" in Page(world.get("/draws/spring").text).text


def test_the_commands_tell_how_it_stands_end_it_with_a_reason_and_name_the_winners(
    found: Founded, types: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = found(ALWAYS)
    for name in NAMES[:4]:
        world.person(name).says("抽奖")
    monkeypatch.setenv("YIZHAN_DATABASE_URL", str(world.service.database.url))
    world.path.write_text(world.path.read_text("utf-8").replace("stock: 3", "stock: 4"), "utf-8")
    at = ("--config", str(world.path))
    assert "4" in types("lottery", "list", *at)[1]
    code, out, _ = types("lottery", "status", "spring", *at)
    assert (code, "不一样" in out, "还没有公开" in out) == (0, True, True)
    status = json.loads(types("lottery", "status", "spring", "--json", *at)[1])
    assert (status["file"], status["prizes"][0]["won"], status["seed"]) == ("differs", 3, None)
    assert types("lottery", "status", "nothing", *at)[0] == 1
    assert types("lottery", "verify", "spring", *at)[0] == 1
    assert types("lottery", "reveal", "spring", *at)[0] == 1
    assert types("lottery", "reveal", "spring", "--early", *at)[0] == 1
    code, out, _ = types("lottery", "reveal", "spring", "--early", "--reason", "场地停电", *at)
    assert (code, "种子公开了" in out) == (0, True)
    assert world.sql("SELECT action, subject, detail FROM audit_entry") == [("lottery_revealed", "spring", "场地停电")]
    assert "已经结束" in str(world.person("late").says("抽奖"))
    assert types("lottery", "verify", "spring", *at)[1].startswith("OK")
    code, out, _ = types("lottery", "winners", "spring", *at)
    assert (code, openid("p0") in out, out.count("还没领")) == (0, False, 3)
    rows = types("lottery", "winners", "spring", "--csv", *at)[1].splitlines()
    assert (len(rows), openid("p0") in rows[1]) == (4, True)
    ticket = rows[1].split(",")[2]
    code, _, err = types("lottery", "claimed", "spring", ticket, *at)  # everybody can read it on the page
    assert (code, "谁都看得到" in err) == (1, True)
    ((proof,),) = world.sql("SELECT proof FROM lottery_draw WHERE ticket = :ticket", ticket=ticket)
    assert proof not in "".join(rows)
    assert "已领 0" in Page(world.get("/draws/spring").text).text
    assert types("lottery", "claimed", "spring", f" {proof.upper()}", "--note", "前台", *at)[1] == "记下了\n"
    assert world.sql("SELECT subject FROM audit_entry WHERE action = 'prize_claimed'") == [(f"spring:{ticket}",)]
    assert types("lottery", "winners", "spring", *at)[1].count("还没领") == 2
    assert "已领 1" in Page(world.get("/draws/spring").text).text
